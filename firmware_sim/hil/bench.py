"""What a check works with: the device's links, hands, and a sheet for what was measured."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from enum import IntEnum
from typing import Final

from firmware_sim import wire
from firmware_sim.hil.client import Client
from firmware_sim.hil.hands import Hands
from firmware_sim.hil.model import Finding
from firmware_sim.states import Cause, Result, State

DEAD_MAN_S: Final = {"memory": 0.5, "serial": 0.5, "tcp": 1.0, "ble": 1.0}
"""T by the kind of link (docs/protocol.md 2)."""
CONFIRM_S: Final = {"memory": 0.15, "serial": 0.15, "tcp": 0.15, "ble": 0.4}
"""Within this a stop is confirmed (docs/protocol.md 2)."""
TICK_S: Final = 0.02
"""The device's own step (R24): what its clock can be read to."""

Connect = Callable[[], Awaitable[Client]]


class Bench:
    """One device on the bench. `rule` is what the present check charges its findings to."""

    def __init__(
        self,
        client: Client,
        info: wire.Info,
        *,
        kind: str,
        hands: Hands,
        slack_s: float,
        connect: Connect | None,
        reconnect: Connect,
    ) -> None:
        self.client = client
        self.info = info
        self.kind = kind
        self.hands = hands
        self.slack_s = slack_s
        """What this computer and the link may add to a time on its own clock; 0 under simulated time."""
        self.dead_man_s = DEAD_MAN_S[kind]
        self.findings: list[Finding] = []
        self.rule = ""
        self._connect = connect
        self._reconnect = reconnect
        self._others: list[Client] = []

    # --- links

    @property
    def has_second_link(self) -> bool:
        """Another link to the same device can be opened."""
        return self._connect is not None

    async def another(self) -> Client:
        """A second link to the same device, with TELEMETRY on it."""
        if self._connect is None:
            raise RuntimeError("a check that asks for a second link must name the need")
        client = await self._connect()
        client.owner = self.client.owner ^ 0xFFFF
        self._others.append(client)
        await client.next()
        return client

    async def reopen(self) -> Client:
        """Close the link and open it again: a new client, and the old one's waveform."""
        old = self.client
        old.close()
        client = await self._reconnect()
        client.heard[:0] = old.heard
        client.marks[:0] = old.marks
        client.token = old.token + 100
        client.mark("connected again")
        self.client = client
        return client

    def close_others(self) -> None:
        """Drop every link but the first."""
        for client in self._others:
            client.close()
        self._others.clear()

    def close(self) -> None:
        """Drop every link."""
        self.close_others()
        self.client.close()

    # --- measuring

    def note(self, what: str, measured: str, bound: str, *, ok: bool, rule: str = "") -> None:
        """One finding."""
        self.findings.append(Finding(rule or self.rule, what, measured, bound, ok))

    def at_most(
        self, what: str, value: float, bound: float, unit: str = "", rule: str = ""
    ) -> None:
        """`value` is not above `bound`."""
        self._number(what, value, f"≤ {_n(bound, unit)}", unit, value <= bound + 1e-9, rule)

    def at_least(
        self, what: str, value: float, bound: float, unit: str = "", rule: str = ""
    ) -> None:
        """`value` is not below `bound`."""
        self._number(what, value, f"≥ {_n(bound, unit)}", unit, value >= bound - 1e-9, rule)

    def within(
        self, what: str, value: float, low: float, high: float, unit: str = "", rule: str = ""
    ) -> None:
        """`value` lies between the two bounds."""
        ok = low - 1e-9 <= value <= high + 1e-9
        self._number(what, value, f"{_n(low)} to {_n(high, unit)}", unit, ok, rule)

    def same(self, what: str, value: object, expected: object, rule: str = "") -> None:
        """`value` is what it has to be."""
        self.note(what, _word(value), _word(expected), ok=value == expected, rule=rule)

    def true(self, what: str, holds: bool, rule: str = "") -> None:
        """`what` is so."""
        self.note(what, "yes" if holds else "no", "yes", ok=holds, rule=rule)

    def state(self, told: wire.Telemetry, expected: State, rule: str = "") -> None:
        """The state that TELEMETRY names."""
        self.note(
            "state",
            _named(State, told.state),
            expected.name.lower(),
            ok=told.state == expected,
            rule=rule,
        )

    def cause(self, told: wire.Telemetry, *expected: Cause, rule: str = "") -> None:
        """The cause that TELEMETRY names is one of those."""
        bound = " or ".join(cause.name.lower() for cause in expected)
        self.note("cause", _named(Cause, told.cause), bound, ok=told.cause in expected, rule=rule)

    def refused(self, what: str, result: Result | None, expected: Result, rule: str = "") -> None:
        """The ACK refuses, and says why."""
        measured = "no answer" if result is None else result.name.lower()
        self.note(what, measured, expected.name.lower(), ok=result is expected, rule=rule)

    def _number(self, what: str, value: float, bound: str, unit: str, ok: bool, rule: str) -> None:
        self.note(what, _n(value, unit), bound, ok=ok, rule=rule)

    # --- what many checks look at

    def at_zero(self, what: str, told: wire.Telemetry, rule: str = "") -> None:
        """Every level is zero, and no session is open."""
        self.at_most(f"{what}: highest level", max(told.level) / 10, 0, "%", rule)
        self.true(
            f"{what}: no session is open",
            told.owner == 0 and told.state in (State.IDLE, State.LATCHED, State.FAULT),
            rule,
        )

    def ignored(self, what: str, before: wire.Telemetry, after: wire.Telemetry) -> None:
        """A frame was counted in `rejected` and changed nothing else."""
        counted = (after.rejected - before.rejected) & 0xFFFF
        self.at_least(f"{what}: counted", counted, 1, rule="R16")
        kept = (before.state, before.epoch, before.owner, before.latch)
        now = (after.state, after.epoch, after.owner, after.latch)
        self.true(f"{what}: changes neither state, epoch nor owner", kept == now)


def _n(value: float, unit: str = "") -> str:
    text = f"{value:.3f}".rstrip("0").rstrip(".") if value != int(value) else str(int(value))
    return f"{text} {unit}".rstrip()


def _named(names: type[IntEnum], number: int) -> str:
    return next((name.name.lower() for name in names if name == number), str(number))


def _word(value: object) -> str:
    name = getattr(value, "name", None)
    return name.lower() if isinstance(name, str) else str(value)

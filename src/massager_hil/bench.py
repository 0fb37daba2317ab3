"""What a check works with: the device's links, its operator, and a sheet for what was measured."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from enum import IntEnum
from typing import Protocol

from massager_hil import wire
from massager_hil.client import Client
from massager_hil.lateness import Lateness
from massager_hil.model import Finding, Frame, NotHere
from massager_hil.operator import Operator
from massager_hil.operator_watched import WatchedOperator
from massager_hil.oracle.oracle import Oracle
from massager_hil.tables import DEAD_MAN_S, Cause, Result, State


class Witness(Protocol):
    """Measures the outputs from outside, beside an oracle."""

    def oracle(
        self, info: wire.Info, *, kind: str, slack_s: float, late: Callable[[], float]
    ) -> Oracle:
        """An oracle that judges them too."""
        ...

    async def settle(self) -> str:
        """Wait until it has reported everything; why it cannot, or nothing."""
        ...


Connect = Callable[[], Awaitable[Client]]
Fresh = Callable[[], AbstractAsyncContextManager["Bench"]]


class Bench:
    """One device on the bench. `rule` is what the present check charges its findings to."""

    def __init__(
        self,
        client: Client,
        info: wire.Info,
        *,
        kind: str,
        operator: Operator,
        slack_s: float,
        connect: Connect | None,
        reconnect: Connect,
    ) -> None:
        self.client = client
        self.clock = client.clock
        """The device's, by which everything here is timed."""
        self.info = info
        self.kind = kind
        self.oracle: Oracle | None = None
        self._own_operator = operator
        self.witness: Witness | None = None
        """What measures the outputs from outside."""
        self.tidy: Callable[[Client], Awaitable[bool]] | None = None
        """Takes away what hooks have done to the device and is still there; whether there was something."""
        self.operator: WatchedOperator = WatchedOperator(operator, lambda: self.oracle, self.clock)
        self._base_slack_s = slack_s
        self.lateness = Lateness() if slack_s else None
        self.dead_man_s = DEAD_MAN_S[kind]
        self.connect_poor: Callable[[str], Awaitable[Client]] | None = None
        self.findings: list[Finding] = []
        self.seed = 1
        self.full = False
        self.most: int | None = None
        self.fresh: Fresh = self._same
        """A bench with a device at rest: a new device where that can be had."""
        self.patience_s: float | None = None
        """Seconds after which a check is given up, where that is not the tier's own time."""
        self.rule = ""
        self.back_s = 0.0
        """Seconds from a reset or a power cut to the end of the last `back`; 0 under simulated time."""
        self._connect = connect
        self._reconnect = reconnect
        self.frames: list[Frame] = []
        """Raw bytes both ways, since `watch`."""
        self._others: list[Client] = []
        self._links = 0

    @asynccontextmanager
    async def _same(self) -> AsyncGenerator[Bench]:
        yield self

    def limit_power(self, most: int | None) -> None:
        """No level above `most` tenths of a percent is asked for from here on; None for no limit."""
        self.most = most
        self.client.most = most

    # --- time, by the device's clock

    def now(self) -> float:
        """Seconds of the device's clock since some moment."""
        return self.clock.now()

    async def sleep(self, seconds: float) -> None:
        """Wait for so long by the device's clock."""
        await self.clock.sleep(seconds)

    # --- the oracle

    def watch(self) -> None:
        """A new oracle looks at everything from here on."""
        self.frames = []
        if self.lateness is not None:
            self.lateness.restart()
        make = Oracle if self.witness is None else self.witness.oracle
        self.oracle = make(self.info, kind=self.kind, slack_s=self._base_slack_s, late=self._late_s)
        for client in (self.client, *self._others):
            self._watched(client)
        if self.client.heard:
            at, telemetry = self.client.heard[-1]
            self.oracle.heard(self.client.link, telemetry, at)

    def _late_s(self) -> float:
        return 0.0 if self.lateness is None else self.lateness.recent()

    @property
    def slack_s(self) -> float:
        """What this computer and the link may add to a time on its own clock; 0 under simulated time."""
        return self._base_slack_s + self._late_s() if self._base_slack_s else 0.0

    def _watched(self, client: Client, poor: str = "") -> None:
        client.clock = self.clock
        client.log = self.frames
        client.most = self.most
        client.lateness = self.lateness
        self._links += 1
        client.link, client.watch = self._links, self.oracle
        if self.oracle is not None:
            self.oracle.opened(client.link, poor)

    def unwatch(self) -> None:
        """No oracle looks until the next `watch`."""
        self.oracle = None
        for client in (self.client, *self._others):
            client.watch = None

    def verdict_of_the_oracle(self) -> list[Finding]:
        """What the oracle found since `watch`."""
        return [] if self.oracle is None else self.oracle.sheet.take()

    def forget_what_was_not_done(self) -> None:
        """A hook failed: what the oracle has found since that act was announced to it says nothing."""
        if self.oracle is not None:
            self.oracle.sheet.keep(self.operator.found_before)

    async def heard_out(self) -> str:
        """Wait until the witness has reported everything; why it cannot, or nothing."""
        return "" if self.witness is None else await self.witness.settle()

    @property
    def act_s(self) -> float:
        """Seconds that the last thing took that was done to the device; 0 if it is done at once."""
        return getattr(self._own_operator, "took_s", 0.0)

    async def back(self) -> Client:
        """After a reset or a power cut: the client on the link that there is then, once the device speaks."""
        began = time.monotonic()
        client = self.client
        if client.lost is not None or client.pipe is None:
            client = await self.reopen()
        await client.next(2)
        if self._base_slack_s:
            self.back_s = time.monotonic() - began + self.act_s
        return client

    def at(self, context: str) -> None:
        """What the check is at, in words, for what the oracle finds."""
        if self.oracle is not None:
            self.oracle.sheet.context = context

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
        self._watched(client)
        client.alone = self.client.alone = False
        await client.next()
        return client

    async def reopen(self) -> Client:
        """Close the link and open it again: a new client, and the old one's waveform."""
        old = self.client
        old.close()
        client = await self._reconnect()
        self._watched(client)
        client.goes_on_from(old)
        client.mark("connected again")
        self.client = client
        return client

    async def poor(self, kind: str) -> Client:
        """A BLE link that may not command: `ble_unbonded`, or `ble_small` for its MTU."""
        if self.connect_poor is None:
            raise NotHere("the device offers no such link")
        client = await self.connect_poor(kind)
        self._others.append(client)
        self._watched(client, kind)
        return client

    def close_others(self) -> None:
        """Drop every link but the first."""
        for client in self._others:
            client.close()
        self._others.clear()
        self.client.alone = True

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
        self._number(what, value, (None, bound), unit, rule)

    def at_least(
        self, what: str, value: float, bound: float, unit: str = "", rule: str = ""
    ) -> None:
        """`value` is not below `bound`."""
        self._number(what, value, (bound, None), unit, rule)

    def within(
        self, what: str, value: float, low: float, high: float, unit: str = "", rule: str = ""
    ) -> None:
        """`value` lies between the two bounds."""
        self._number(what, value, (low, high), unit, rule)

    def same(self, what: str, value: object, expected: object, rule: str = "") -> None:
        """`value` is what it has to be."""
        self.note(what, _word(value), _word(expected), ok=value == expected, rule=rule)

    def never(
        self, what: str, waited: float | None = None, bound: float | None = None, rule: str = ""
    ) -> None:
        """`what` did not happen in the seconds that the check waited; it had to within `bound`."""
        lasted = "while this check waited" if waited is None else f"in the {_n(waited, 's')} waited"
        by = "it happens" if bound is None else f"within {_n(bound, 's')}"
        self.note(what, f"it did not, {lasted}", by, ok=False, rule=rule)

    def true(self, what: str, holds: bool, rule: str = "") -> None:
        """`what` is so."""
        self.note(what, "holds" if holds else "does not hold", "holds", ok=holds, rule=rule)

    def state(self, telemetry: wire.Telemetry, expected: State, rule: str = "") -> None:
        """The state that TELEMETRY names."""
        self.note(
            "state",
            _named(State, telemetry.state),
            expected.name.lower(),
            ok=telemetry.state == expected,
            rule=rule,
        )

    def cause(self, telemetry: wire.Telemetry, *expected: Cause, rule: str = "") -> None:
        """The cause that TELEMETRY names is one of those."""
        bound = " or ".join(cause.name.lower() for cause in expected)
        self.note(
            "cause",
            _named(Cause, telemetry.cause),
            bound,
            ok=telemetry.cause in expected,
            rule=rule,
        )

    def refused(self, what: str, result: Result | None, expected: Result, rule: str = "") -> None:
        """The ACK refuses, and says why."""
        measured = "no answer" if result is None else result.name.lower()
        self.note(what, measured, expected.name.lower(), ok=result is expected, rule=rule)

    def _number(
        self,
        what: str,
        value: float,
        bounds: tuple[float | None, float | None],
        unit: str,
        rule: str,
    ) -> None:
        low, high = bounds
        ok = (low is None or value >= low - 1e-9) and (high is None or value <= high + 1e-9)
        if low is None or high is None:
            words = f"≤ {_n(high, unit)}" if high is not None else f"≥ {_n(low or 0.0, unit)}"
        else:
            words = f"{_n(low)} to {_n(high, unit)}"
        measured = _n(value, unit)
        self.findings.append(
            Finding(rule or self.rule, what, measured, words, ok, value, low, high, unit)
        )

    # --- what many checks look at

    def at_zero(self, what: str, telemetry: wire.Telemetry, rule: str = "") -> None:
        """Every level is zero, and no session is open."""
        self.at_most(f"{what}: highest level", max(telemetry.level) / 10, 0, "%", rule)
        self.true(
            f"{what}: no session is open",
            telemetry.owner == 0 and telemetry.state in (State.IDLE, State.LATCHED, State.FAULT),
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

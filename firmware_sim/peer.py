"""A small host without a network: it joins the firmware by bytes, keeps time, and says what the test asks it to say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from firmware_sim import wire
from firmware_sim.config import LinkKind
from firmware_sim.core import Core
from firmware_sim.firmware import Firmware
from firmware_sim.outputs import SendTo

PERIOD_S: Final = 0.2
"""Time between two SETPOINTs (docs/protocol.md 10)."""
VIBRATE: Final = 0x01
OWNER: Final = 0x0A0B0C0D


@dataclass(frozen=True, slots=True)
class Look:
    """What the outputs were after a tick. Levels and drives in hundredths of a percent."""

    t: float
    running: float
    state: int
    level: tuple[int, ...]
    drive: tuple[int, ...]
    actuators: tuple[int, ...]


class Watch:
    """A recorder that keeps every tick in which an output could change, and every event."""

    def __init__(self) -> None:
        self.looks: list[Look] = []
        self.events: list[tuple[float, str, str]] = []

    def event(self, core: Core, event: str, reason: str) -> None:
        """Keep the event."""
        self.events.append((core.now, event, reason))

    def frame(self, core: Core) -> None:
        """Keep the outputs."""
        level, drive = tuple(core.levels.level), tuple(core.patterns.drive)
        actuators = tuple(core.patterns.actuators)
        self.looks.append(Look(core.now, core.running * 0.02, core.state, level, drive, actuators))

    def names(self) -> list[str]:
        """The events' names, in order."""
        return [name for _, name, _ in self.events]


class Peer:
    """One link to a firmware, and the clock that both go by."""

    def __init__(
        self,
        firmware: Firmware,
        kind: LinkKind = LinkKind.MEMORY,
        *,
        link: int = 1,
        now: float = 0.0,
        bonded: bool = True,
        mtu: int | None = None,
    ) -> None:
        self.firmware = firmware
        self.kind = kind
        self.link = link
        self.now = now
        self.owner = OWNER
        self.seq = 0
        self.token = 0
        self.heard: list[wire.Message] = []
        self.others: list[SendTo] = []
        """What went to other links."""
        self._splitter = wire.Splitter()
        self._telemetry: wire.Telemetry | None = None
        self._take(firmware.connect(link, kind, now, bonded=bonded, mtu=mtu))

    # --- hearing

    @property
    def telemetry(self) -> wire.Telemetry:
        """The newest TELEMETRY; runs on until there is one, for a second at most."""
        until = self.now + 1.0
        while self._telemetry is None and self.now < until:
            self.run(0.1)
        assert self._telemetry is not None, "the device sends no TELEMETRY on this link"
        return self._telemetry

    def _take(self, outputs: list[SendTo]) -> None:
        for output in outputs:
            if output.link != self.link:
                self.others.append(output)
                continue
            for body in self._bodies(output.data):
                message = wire.parse(body)
                self.heard.append(message)
                if isinstance(message, wire.Telemetry):
                    self._telemetry = message

    def _bodies(self, data: bytes) -> list[bytes]:
        if self.kind is LinkKind.BLE:
            return [data]
        return [body for body in self._splitter.feed(data) if not isinstance(body, wire.Bad)]

    def acks(self) -> list[wire.Ack]:
        """Every ACK so far."""
        return [message for message in self.heard if isinstance(message, wire.Ack)]

    # --- time

    def run(self, seconds: float) -> None:
        """Let the time pass, waking the firmware when it wants to be woken."""
        until = self.now + seconds
        while True:
            wake = self.firmware.next_wake(self.now)
            if wake > until:
                break
            self._take(self.firmware.advance(wake))
            if wake <= self.now and self.firmware.next_wake(wake) <= wake:
                break
            self.now = wake
        self.now = until
        self._take(self.firmware.advance(until))

    # --- speaking

    def raw(self, data: bytes) -> None:
        """Bytes as they are."""
        self._take(self.firmware.feed(self.link, data, self.now))

    def send(self, message: wire.Message) -> bytes:
        """One frame; what was written comes back, to be replayed."""
        body = wire.pack(message)
        data = body if self.kind is LinkKind.BLE else wire.frame(body)
        self.raw(data)
        return data

    def ask(self, message: wire.Message) -> wire.Ack:
        """One request that is answered at once."""
        before = len(self.acks())
        self.send(message)
        return self.acks()[before]

    def arm_message(self, *, cap: int = 1000, limit_s: int = 2700) -> wire.Arm:
        """ARM with the newest epoch and challenge."""
        telemetry = self.telemetry
        self.token += 1
        return wire.Arm(
            self.token, self.owner, telemetry.epoch, telemetry.challenge, self.seq, cap, limit_s
        )

    def arm(self, *, cap: int = 1000, limit_s: int = 2700) -> wire.Ack:
        """Open a session."""
        self.run(0.1)
        return self.ask(self.arm_message(cap=cap, limit_s=limit_s))

    def setpoint(
        self,
        level: Sequence[int] = (0,) * 6,
        *,
        pattern: Sequence[int] = (VIBRATE,) * 6,
        mode: int = 0,
        heat: int = 0,
        period: int = 4000,
    ) -> wire.Setpoint:
        """The next SETPOINT; levels in tenths of a percent."""
        telemetry = self.telemetry
        self.seq = (self.seq + 1) & 0xFFFFFFFF
        return wire.Setpoint(
            telemetry.epoch,
            self.owner,
            self.seq,
            telemetry.counter,
            mode,
            heat,
            period,
            tuple(level),
            tuple(pattern),
        )

    def drive(
        self,
        seconds: float,
        level: Sequence[int] = (0,) * 6,
        *,
        pattern: Sequence[int] = (VIBRATE,) * 6,
        mode: int = 0,
        heat: int = 0,
        period: int = 4000,
    ) -> None:
        """A SETPOINT every 200 ms for so long."""
        until = self.now + seconds
        while self.now < until - 1e-9:
            self.send(self.setpoint(level, pattern=pattern, mode=mode, heat=heat, period=period))
            self.run(min(PERIOD_S, until - self.now))

    def stop(self, reason: int = 1) -> wire.Ack:
        """STOP, and its ACK."""
        self.token += 1
        return self.ask(wire.Stop(self.token, reason))

    def reset(self, *, latch: int | None = None) -> wire.Ack:
        """RESET with the newest challenge and latch counter."""
        self.run(0.1)
        telemetry = self.telemetry
        self.token += 1
        number = telemetry.latch if latch is None else latch
        return self.ask(wire.Reset(self.token, telemetry.challenge, number))

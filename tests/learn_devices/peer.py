"""A made-up massager itself, strict, and a whole session of a described device against it."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from massager_ctl.drivers.described.dialect import Dialect
from massager_ctl.drivers.described.model import Description
from tests.learn_devices.app import App
from tests.learn_devices.device import Device


@dataclass
class Peer:
    """The device itself: it takes only the very frames, in order, and goes to sleep without a keep-alive."""

    device: Device
    level: int = 0
    greeted: bool = False
    count: int | None = None
    fed_at: float = 0.0
    rejected: list[str] = field(default_factory=list)
    slept: int = 0
    frames: dict[bytes, tuple[str, int, int | None]] = field(default_factory=dict)

    def take(self, frame: bytes, now: float) -> list[bytes]:
        """The answers to a frame."""
        self.pass_time(now)
        d = self.device
        found = self._known().get(frame)
        if found is None:
            self.rejected.append(f"{now:.2f} {frame.hex()}")
            return []
        kind, level, count = found
        if count is not None:
            if self.count is not None and count != (self.count + 1) & 0xFF:
                self.rejected.append(f"{now:.2f} count {frame.hex()}")
                return []
            self.count = count
        if kind == "hello":
            self.greeted = True
            self.fed_at = now
            return []
        if d.hello and not self.greeted:
            self.rejected.append(f"{now:.2f} no hello")
            return []
        if kind == "beat" and self.device.alive == "level" and level != self.level:
            self.rejected.append(f"{now:.2f} level {level} kept awake at {self.level}")
        self.fed_at = now
        if kind == "level":
            self.level = level
            return self._ack(level)
        return []

    def _known(self) -> dict[bytes, tuple[str, int, int | None]]:
        """Every frame that this device takes: what it does, its level, and its count."""
        if self.frames:
            return self.frames
        d = self.device
        app = App(d)

        def add(kind: str, level: int, make: Callable[[], list[bytes]], count: int) -> None:
            app.count = count
            frames = make()
            for index, one in enumerate(frames):
                number = (count + index) & 0xFF if app.count != count else None
                self.frames[one] = (kind if index == 0 else "rest", level, number)

        for count in (0,) if d.counter == "none" else range(256):
            for level in range(d.levels + 1):
                add("level", level, lambda level=level: app.level(level), count)
                if d.alive == "level":
                    add("beat", level, lambda level=level: app.beat(level), count)
            add("hello", 0, app.hello, count)
            if d.alive in ("fixed", "counted"):
                add("beat", 0, lambda: app.beat(0), count)
        return self.frames

    def _ack(self, level: int) -> list[bytes]:
        d = self.device
        match d.state:
            case "ack":
                return [d.wire(d.opcode + 0x40, b"\x00", None)]
            case "state":
                return [d.wire(d.opcode + 0x41, bytes((level, 0x10)), None)]
            case _:
                return []

    def telemetry(self, r: random.Random) -> list[bytes]:
        d = self.device
        if d.state != "telemetry":
            return []
        return [d.wire(d.opcode + 0x42, bytes((r.randint(60, 63), self.level)), None)]

    def pass_time(self, now: float) -> None:
        d = self.device
        if d.alive != "none" and self.level and now - self.fed_at > 2.5 * d.period:
            self.slept += 1
            self.level = 0


def play(description: Description, device: Device) -> list[str]:
    """A whole session of the described device against the peer: what went wrong, in words."""
    peer, dialect = Peer(device), Dialect(description)
    wrong: list[str] = []
    now = 0.0

    def send(frames: list[bytes]) -> None:
        for frame in frames:
            for answer in peer.take(frame, now):
                dialect.feed(answer)

    send(dialect.start(now))
    numbers = [level.level for level in description.file.levels]
    plan = [(1.0 + 2.6 * index, number) for index, number in enumerate(numbers)]
    late = plan[-1][0] + 150.0
    plan += [(late, 0), (late + 5.0, numbers[0]), (late + 12.0, 0), (late + 13.0, 0)]
    for when, number in plan:
        while (due := dialect.next_due()) is not None and due < when:
            now = max(now, due)
            send(dialect.due(now))
        now = when
        peer.pass_time(now)
        if dialect.level != peer.level:
            wrong.append(f"{now:.1f} s: the peer left level {dialect.level} for {peer.level}")
        send(dialect.set_level(number, now))
        if peer.level != number:
            wrong.append(f"{now:.1f} s: level {number} left the peer at {peer.level}")
    return wrong + peer.rejected

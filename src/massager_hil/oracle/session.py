"""A session as docs/protocol.md 8 has it: which SETPOINT is taken, and what it asks for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from massager_hil import wire
from massager_hil.tables import (
    DIRECTIONS,
    HEAT_HIGH,
    HEAT_LOW,
    NOISE_SLOT_S,
    NOISE_SLOTS,
    PERIODS_MS,
    Direction,
    Mode,
    Motion,
)

_HALF: Final = 1 << 31
_WORD: Final = 0xFFFFFFFF
_KEPT: Final = 64
_TURNING: Final = frozenset((Motion.KNEAD, Motion.GLIDE, Motion.CIRCLE))
_PATTERNS: Final = frozenset(
    motion | way << 4 for motion, ways in DIRECTIONS.items() for way in ways
)


def malformed(ask: wire.Setpoint) -> bool:
    """A field is out of range, or two contradict each other (R19)."""
    if ask.mode not in (0, 1, 2) or not PERIODS_MS[0] <= ask.period <= PERIODS_MS[1]:
        return True
    if ask.heat and not HEAT_LOW <= ask.heat <= HEAT_HIGH:
        return True
    if ask.mode == Mode.PAUSE and any(ask.level):
        return True
    for level, byte in zip(ask.level, ask.pattern, strict=True):
        if level > 1000 or byte not in _PATTERNS or (level and not byte & 15):
            return True
    return False


@dataclass(slots=True)
class Taken:
    """What holds once a SETPOINT was taken."""

    at: float
    seq: int
    level: tuple[int, ...]
    heat: int
    mode: Mode
    malformed: bool
    sure: bool

    @property
    def heats(self) -> bool:
        """Whether it asks for heat (R11)."""
        return bool(self.heat) and self.mode is Mode.RUN and not self.malformed


@dataclass(slots=True)
class Session:
    """One that is open, as far as this side can know. Times are this side's seconds."""

    link: int
    arm: wire.Arm
    at: float
    sure: bool = True
    """Whether the device has taken its ARM for certain."""
    fed: float = 0.0
    """When it was surely fed last,"""
    fed_at_most: float = 0.0
    """and when it may have been."""
    mode: Mode = Mode.RUN
    asked: tuple[object, ...] | None = None
    vague: bool = False
    """A SETPOINT may have been taken or not, so that mode and levels are not known for certain."""
    taken: list[Taken] = field(default_factory=list["Taken"])
    started_up: int | None = None
    """Uptime of the first TELEMETRY that tells of it,"""
    paused_up: int | None = None
    """and of this pause."""
    pauses_ms: int = 0
    traverses: bool = True
    """Every SETPOINT so far asked for a motion with a direction, in each zone that is to move."""
    frames: list[tuple[float, bool]] = field(default_factory=list["tuple[float, bool]"])
    """Frames of the owner's link, and whether each was bad, since the first bad one."""
    over: str = ""
    """Why no frame of the owner can count any more,"""
    over_at: float = 0.0
    """and from when on for certain."""

    def __post_init__(self) -> None:
        self.fed = self.fed_at_most = self.at
        level = (0,) * 6
        self.taken.append(
            Taken(self.at, self.arm.seq, level, 0, Mode.RUN, malformed=False, sure=True)
        )

    @property
    def seq(self) -> int:
        """The newest that may have been taken."""
        return self.taken[-1].seq

    def end(self, why: str, at: float) -> None:
        """Something ends it, by `at` at the latest."""
        if not self.over:
            self.over, self.over_at = why, at

    def newer(self, seq: int) -> bool | None:
        """Whether `seq` is newer than the last one; None if that hangs on an unsure one."""
        sure = next((t.seq for t in reversed(self.taken) if t.sure), None)
        if sure is None:
            return None
        first, last = ahead(seq, sure), ahead(seq, self.seq)
        return first if first == last else None

    def take(self, ask: wire.Setpoint, at: float, *, sure: bool) -> bool:
        """A SETPOINT was taken, or may have been; whether it changes what is asked for."""
        wrong = malformed(ask)
        if not wrong and self.mode is not Mode.FADE:
            self.mode = Mode(ask.mode)
        self.fed_at_most = at
        if sure:
            self.fed = at
        else:
            self.vague = True
        level = (0,) * 6 if wrong else ask.level
        self.taken.append(Taken(at, ask.seq, level, ask.heat, self.mode, wrong, sure))
        if len(self.taken) > _KEPT:
            del self.taken[: -_KEPT // 2]
        asked = (ask.mode, ask.heat, ask.period, ask.level, ask.pattern)
        news = wrong or asked != self.asked
        self.asked = None if wrong else asked
        if not wrong:
            self.traverses &= all(
                not level or byte & 15 in _TURNING
                for level, byte in zip(ask.level, ask.pattern, strict=True)
            )
        return news

    def noise(self, now: float, spare_s: float) -> tuple[bool, bool]:
        """Whether four slots on end may have been noisy by `now`, and whether they surely were, 100 ms ago."""
        if not self.frames:
            return False, False
        may = sure = False
        offsets = (-spare_s, -0.01, 0.01) if spare_s > 0.01 else (-0.01, 0.0, 0.01)
        runs = [self._noisy(now, offset) for offset in offsets]
        may = any(run >= 0 for run in runs)
        sure = all(0 <= run <= now - 0.1 - spare_s - 0.03 for run in runs)
        return may, sure

    def _noisy(self, now: float, offset: float) -> float:
        """When the fourth noisy slot on end was over; negative if none was."""
        slots: dict[int, list[int]] = {}
        for at, bad in self.frames:
            slot = int((at - self.at + offset) // NOISE_SLOT_S)
            counts = slots.setdefault(slot, [0, 0])
            counts[bad] += 1
        run = 0
        last = int((now - self.at + offset + 0.03) // NOISE_SLOT_S)
        for slot in range(min(slots), last):
            good, bad = slots.get(slot, (0, 0))
            run = run + 1 if bad > good else 0
            if run >= NOISE_SLOTS:
                return self.at - offset + (slot + 1) * NOISE_SLOT_S
        return -1.0


def ahead(seq: int, last: int) -> bool:
    """Strictly newer, modulo 2^32."""
    return 0 < (seq - last) & _WORD < _HALF


def reversed_way(byte: int) -> int:
    """-1, 0 or 1: the way that a pattern turns or travels, if it has one."""
    way = byte >> 4
    if way in (Direction.CW, Direction.UP):
        return 1
    return -1 if way in (Direction.CCW, Direction.DOWN) else 0

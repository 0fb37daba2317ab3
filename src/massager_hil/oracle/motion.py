"""What holds from one TELEMETRY to the next: slew, drives, envelope, running time, current (R2, R3, R8, R14)."""

from __future__ import annotations

from typing import Final

from massager_hil import wire
from massager_hil.oracle.sheet import Sheet
from massager_hil.tables import (
    BLANKED_S,
    CHECKPOINT_S,
    DRIVE_RISE,
    IDLE_AFTER_S,
    IDLE_MA,
    REVERSALS_APART_S,
    RISE,
    START_DUTY,
    TICK_S,
    Feature,
    Flag,
    State,
    envelope,
)

_TICK_MS: Final = TICK_S * 1000
_GAP_MS: Final = 120
_FRESH_MS: Final = 5250
"""A challenge is renewed by this age, reported by the next regular TELEMETRY."""
_YOUNG_MS: Final = 4700
_HOUR_MS: Final = 3_500_000
_NEVER: Final = -10_000_000
_UNKNOWN: Final = -2


class Ceiling:
    """The bound of each of some reported values, from all that was reported before: it rises at a rate.

    What is reported is rounded up, so the value itself is not above it.
    """

    def __init__(self, count: int) -> None:
        self._top = [0.0] * count

    def look(self, reported: tuple[int, ...], rise: float, spare: float) -> list[tuple[int, float]]:
        """Each value that stands above its ceiling after a rise by `rise`, with the ceiling."""
        over: list[tuple[int, float]] = []
        top = self._top
        for number, value in enumerate(reported):
            most = top[number] + rise
            if value > most + spare + 1:
                over.append((number, most + spare + 1))
                most = value
            top[number] = value if value < most else most
        return over


def _drive(number: int) -> str:
    return f"{('vibration', 'kneading')[number // 6]} drive of zone {number % 6}"


class MotionJudge:
    """Holds each TELEMETRY to the one before it."""

    def __init__(self, sheet: Sheet, info: wire.Info) -> None:
        self._sheet = sheet
        self._info = info
        self._before: wire.Telemetry | None = None
        self._zero_since = _UNKNOWN
        """Uptime at which every drive was first seen at zero in a row; -1 while one is not."""
        self._off = [_NEVER] * 12
        """Uptime at which each drive was last seen at zero."""
        self._on_within = [False] * 12
        self._levels_under = Ceiling(6)
        self._drives_under = Ceiling(12)
        self._zones_under = Ceiling(6)
        self._ran = [0.0, 0.0]
        """Least and most milliseconds of running in this session."""
        self._edges = 0
        self._total = [0.0, 0.0]
        self._allowance: int | None = None
        self._boots = 0
        self._since_ms = 0
        self._challenge_at: int | None = None
        """Uptime at which the present one was drawn, where that is known."""
        self._challenges: set[int] = set()
        self._near = 0
        self.unheard = False
        """A link was opened since: while none is up, no TELEMETRY is counted."""
        self.excused = False
        """A fault was brought about, so that current says nothing about the firmware."""
        self.renewed = True
        """The challenge may be a new one: it was used, or the epoch changed."""

    def learn(self, info: wire.Info) -> None:
        """The claims that hold from now on."""
        self._info = info

    def boot(self) -> None:
        """The device restarts, and its clock and counters with it."""
        self._before = self._challenge_at = None
        self._boots += 1
        self._zero_since = _NEVER
        self._off = [_NEVER] * 12
        self._edges += 2

    def look(self, t: wire.Telemetry, *, traverses: bool) -> None:
        """Judge one. `traverses`: a motion with a direction is asked for, and was since ARM."""
        before, self._before = self._before, t
        if before is None:
            self._first(t)
            return
        elapsed = t.uptime - before.uptime
        if elapsed < 0:
            self._sheet.breach("R24", "uptime goes back by", f"{-elapsed} ms", "never")
            return
        was_heard, self.unheard = not self.unheard, False
        if was_heard and elapsed > _GAP_MS and t.counter == before.counter + 1:
            self._sheet.breach("R24", "time between two TELEMETRY", f"{elapsed} ms", "≤ 100 ms")
        moves, moved = any(t.level), any(before.level)
        if moves or moved or t.owner != before.owner or t.running != before.running:
            self._levels(before, t, elapsed)
        if moves or moved:
            self._drives(t, elapsed, traverses)
        self._at_rest(t)
        self._allowed(t, elapsed)
        self._fresh(before, t)

    def _first(self, t: wire.Telemetry) -> None:
        if self._zero_since == _UNKNOWN:
            self._zero_since = t.uptime  # They may have got there just before.
        self._ran = [t.running, t.running]
        if self._allowance is None:
            self._allowance = t.allowance
            self._since_ms = t.uptime
        self._fresh(t, t)

    def _levels(self, before: wire.Telemetry, t: wire.Telemetry, elapsed: int) -> None:
        breach = self._sheet.breach
        rise = min(RISE, self._info.rise) / 1000
        for zone, over in self._levels_under.look(t.level, rise * elapsed, rise * _TICK_MS):
            what = f"level of zone {zone}, risen by at most {rise * 100:g} points/s"
            breach("R3", what, f"{t.level[zone] / 10} %", f"≤ {over / 10:.1f} %")
        if t.state == State.FADING == before.state:
            risen = max(now - was for was, now in zip(before.level, t.level, strict=True))
            if risen > 0:
                breach("R3", "rise of a level in a fade", f"{risen / 10} points", "0")
        self._running(before, t, elapsed)

    def _running(self, before: wire.Telemetry, t: wire.Telemetry, elapsed: int) -> None:
        breach = self._sheet.breach
        if t.owner and (not before.owner or t.running < before.running):
            self._ran, self._edges = [0.0, 0.0], 1
        elif any(before.level) or any(t.level):
            both = any(before.level) and any(t.level)
            least, most = (elapsed if both else 0), elapsed
            if not both:
                self._edges += 1
            self._ran = [self._ran[0] + least, self._ran[1] + most]
            self._total = [self._total[0] + least, self._total[1] + most]
        spare = 2 * _TICK_MS + _TICK_MS * self._edges
        if t.running > self._ran[1] + spare:
            most = f"≤ {self._ran[1] + spare:.0f} ms"
            breach("R2", "running time counts only levels above 0", f"{t.running} ms", most)
        if t.running < self._ran[0] - spare:
            least = f"≥ {self._ran[0] - spare:.0f} ms"
            breach("R8", "running time is counted in full", f"{t.running} ms", least)
        ran_s = (min(t.running, self._ran[1]) + spare) / 1000
        for zone, level in enumerate(t.level):
            if level > 100:
                top = envelope(ran_s, min(700, self._info.caps[zone] * 10))
                if level > top + 0.3:
                    bound = f"≤ {top / 10:.1f} % at {ran_s:.1f} s of running"
                    breach("R2", f"level of zone {zone} under the envelope", level / 10, bound)

    def _drives(self, t: wire.Telemetry, elapsed: int, traverses: bool) -> None:
        breach = self._sheet.breach
        rise, spare = DRIVE_RISE * elapsed / 1000, DRIVE_RISE * TICK_S
        now = t.vibration + t.kneading
        for number, over in self._drives_under.look(now, rise, spare):
            what = f"{_drive(number)}, risen by at most 10 points/s"
            breach("R3", what, f"{now[number] / 10} %", f"≤ {over / 10:.1f} %")
        both = tuple(now[zone] + now[zone + 6] for zone in range(6))
        for zone, over in self._zones_under.look(both, rise, spare + 1):
            what = f"both drives of zone {zone}, risen by at most 10 points/s"
            breach("R3", what, f"{both[zone] / 10} %", f"≤ {over / 10:.1f} %")
        for number in range(12):
            if not now[number]:
                self._off[number] = t.uptime
            elif t.uptime - self._off[number] <= BLANKED_S * 1000 and now[number] > START_DUTY:
                what = f"{_drive(number)} in its first 300 ms"
                breach("R12", what, f"{now[number] / 10} %", "≤ 1 %")
        if traverses and t.uptime < REVERSALS_APART_S * 1000 and any(t.kneading):
            breach("R3", "kneading sooner than 5 s after the boot", f"{t.uptime} ms", "≥ 5000 ms")

    def _at_rest(self, t: wire.Telemetry) -> None:
        if any(t.vibration) or any(t.kneading):
            self._zero_since = -1
        elif self._zero_since == -1:
            self._zero_since = t.uptime
        elif (
            t.current > IDLE_MA
            and self._info.sensing & Feature.CURRENT
            and t.uptime - self._zero_since >= IDLE_AFTER_S * 1000 + _TICK_MS
            and not self.excused
        ):
            what = "current with every drive at zero for 300 ms"
            self._sheet.breach("R14", what, f"{t.current} mA", f"≤ {IDLE_MA} mA")

    def _allowed(self, t: wire.Telemetry, elapsed: int) -> None:
        """The hour's allowance goes down by what ran, and by nothing else but boots."""
        self._since_ms += elapsed
        if self._allowance is None or self._since_ms > _HOUR_MS or t.flags & Flag.UNREADABLE:
            return
        least = self._allowance - self._total[1] / 1000 - 1.2 - CHECKPOINT_S * self._boots
        most = self._allowance - self._total[0] / 1000 + 1.2
        if not least <= t.allowance <= max(0.0, most):
            bound = f"{least:.0f} to {max(0.0, most):.0f} s"
            self._sheet.breach("R8", "allowance left, by what ran", f"{t.allowance} s", bound)

    def _fresh(self, before: wire.Telemetry, t: wire.Telemetry) -> None:
        breach = self._sheet.breach
        age = 0 if self._challenge_at is None else t.uptime - self._challenge_at
        if t.challenge == before.challenge and before is not t:
            if age > _FRESH_MS:
                breach("R16", "age of a challenge", f"{age} ms", "≤ 5 s")
            return
        if t.challenge in self._challenges:
            breach("R16", "a challenge comes again", f"{t.challenge:08x}", "never")
        self._challenges.add(t.challenge)
        if before is not t:
            if not self.renewed and self._challenge_at is not None and age < _YOUNG_MS:
                what = "age of an unused challenge when it was renewed"
                breach("R16", what, f"{age} ms", "5 s")
            self._challenge_at = t.uptime
            near = (t.challenge - before.challenge + 65536) & 0xFFFFFFFF < 131072
            self._near = self._near + 1 if near else 0
            if self._near == 3:
                breach("R16", "challenges follow each other closely", "3 times", "unpredictable")
        self.renewed = False

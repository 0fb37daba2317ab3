"""Holds measured outputs to what the host has sent (R1 to R4, R6), and TELEMETRY to the outputs (R14).

Everything is judged at the matched time of a line, by what was sent up to then; what is known of a session is what
this side did, and nothing that the device says. Levels and drives are tenths of a percent, times are this computer's
seconds. Bounds of time allow for a device whose clock is 10 % off.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from massager_hil import wire
from massager_hil.oracle.motion import Ceiling
from massager_hil.oracle.sheet import Sheet
from massager_hil.tables import (
    CAPS,
    DEAD_MAN_OVER_S,
    DEAD_MAN_S,
    DRIVE_RISE,
    LINK_ZERO_S,
    RISE,
    STOP_ZERO_S,
    SUM_CAP,
    TICK_S,
    ZONES,
    envelope,
)
from massager_hil.witness.lines import KINDS

_OFF: Final = 1.1
"""A device's clock may be slow or fast by a tenth."""
_KEPT_S: Final = 5.0
_AROUND_S: Final = 0.1
"""TELEMETRY is compared with what was measured so long before and after it, and as much earlier as it may be late."""
_ASKED_S: Final = 1.0
_GENTLE: Final = 100

Drives = tuple[float, ...]


class Window:
    """A time in which outputs may be driven, and what ends it."""

    def __init__(self, start: float, end: float) -> None:
        self.start, self.end = start, end
        self.rule, self.why = "R4", "the last SETPOINT"


class Commands:
    """What the host has sent, by when."""

    def __init__(self, dead_man_s: float) -> None:
        self._alive_s = (dead_man_s + DEAD_MAN_OVER_S + TICK_S) * _OFF
        self._windows: deque[Window] = deque(maxlen=64)
        self._asked: deque[tuple[float, tuple[int, ...]]] = deque()
        self._cap = 1000
        self._over = True

    def arm(self, cap: int) -> None:
        """A session may be open from here on."""
        cap = cap if 0 < cap <= 1000 else 1000
        # One that is refused amid a session changes nothing.
        self._cap = cap if self._over else max(cap, self._cap)
        self._over = False

    def setpoint(self, now: float, level: tuple[int, ...]) -> None:
        """A SETPOINT that may count: it feeds the dead-man, and asks for this."""
        most = tuple(min(x, self._cap) for x in level)
        self._asked.append((now, most))
        while len(self._asked) > 1 and self._asked[1][0] < now - _KEPT_S:
            self._asked.popleft()
        if self._over:
            return
        end = now + self._alive_s
        if self._windows and self._windows[-1].end >= now and self._windows[-1].rule == "R4":
            self._windows[-1].end = end
        else:
            self._windows.append(Window(now, end))

    def over(self, by: float, rule: str, why: str) -> None:
        """Outputs are at zero by then, until the next ARM."""
        if not self._over and self._windows and self._windows[-1].end > by:
            last = self._windows[-1]
            last.end, last.rule, last.why = by, rule, why
        self._over = True

    def alive(self, at: float, slack_s: float) -> Window | None:
        """None if outputs may be driven at that time; otherwise the window before it, or an empty one."""
        before = Window(at, at)
        before.rule, before.why = "R14", "the start of the check"
        for window in self._windows:
            if window.start <= at <= window.end + slack_s:
                return None
            if window.end < at:
                before = window
        return before

    def asked(self, at: float, slack_s: float) -> tuple[int, ...]:
        """The most that may be asked for at that time, zone by zone."""
        most = [0] * 6
        for time, level in reversed(self._asked):
            if time > at:
                continue
            most = [max(pair) for pair in zip(most, level, strict=True)]
            if time < at - slack_s - TICK_S:
                break
        return tuple(most)


class WitnessJudge:
    """Judges the outputs from one `watch` to the next."""

    def __init__(
        self,
        sheet: Sheet,
        info: wire.Info,
        kind: str,
        tolerance: float,
        slack: Callable[[], float],
    ) -> None:
        self._sheet = sheet
        self._info = info
        self._spare = 10 * tolerance
        self._slack = slack
        self.commands = Commands(DEAD_MAN_S[kind])
        self._drives_under = Ceiling(12)
        self._zones_under = Ceiling(6)
        self._top = [0.0] * 6
        self._ran_s = 0.0
        self._before: float | None = None
        self._series: list[deque[tuple[float, float]]] = [deque() for _ in range(12)]
        self._reported: deque[tuple[float, tuple[int, ...]]] = deque()
        self.lines = 0
        self.excused = False
        """A fault or a boot was brought about: outputs say nothing about what was asked."""

    # --- what the host does

    def stop(self, now: float) -> None:
        """STOP was sent."""
        self.commands.over(now + (STOP_ZERO_S + TICK_S) * _OFF, "R6", "STOP")

    def link_down(self, now: float, *, reported: bool) -> None:
        """The owner's link is gone; a bare line does not tell the device, so that the dead-man alone ends it."""
        if reported:
            self.commands.over(now + (LINK_ZERO_S + TICK_S) * _OFF, "R4", "the end of the link")

    def reported(self, now: float, t: wire.Telemetry) -> None:
        """TELEMETRY tells of drives."""
        self._reported.append((now, t.vibration + t.kneading))

    # --- what the witness says

    def start(self, at: float, drives: Sequence[float]) -> None:
        """Where the outputs are when the check begins."""
        for number, drive in enumerate(drives):
            self._series[number].append((at, drive))

    def line(self, at: float, number: int, drives: Sequence[float]) -> None:
        """The drive of actuator `number` is news, at the matched time `at`; `drives` has all."""
        self.lines += 1
        elapsed = max(0.0, at - self._before) if self._before is not None else 0.0
        self._before = at if self._before is None else max(at, self._before)
        self._keep(at, number, drives[number])
        if not self.excused:
            self._caps(drives)
            self._slew(elapsed, drives)
            self._asked(at, elapsed, drives)
            self._zero(at, drives)
        self._compare(at)

    def _keep(self, at: float, number: int, drive: float) -> None:
        series = self._series[number]
        series.append((at, drive))
        while len(series) > 1 and series[1][0] < at - _KEPT_S:
            series.popleft()

    def _breach(
        self, rule: str, what: str, drive: float, bound: float, *, own: bool = True
    ) -> None:
        """`own`: seen by the witness's clock alone, so that no lateness of this computer explains it."""
        self._sheet.within_frames = own
        measured, most = f"{drive / 10:.1f} %", f"≤ {max(0.0, bound) / 10:.1f} %"
        self._sheet.breach(rule, f"measured outside: {what}", measured, most)
        self._sheet.within_frames = False

    def _caps(self, drives: Sequence[float]) -> None:
        for zone in range(6):
            cap = min(CAPS[zone], 10 * self._info.caps[zone])
            drive = drives[zone] + drives[zone + 6]
            if drive > cap + self._spare:
                self._breach("R1", f"drive of {ZONES[zone]}, its cap", drive, cap)
        total = sum(drives)
        if total > SUM_CAP + 6 * self._spare:
            self._breach("R1", "sum of all drives", total, SUM_CAP)

    def _slew(self, elapsed: float, drives: Sequence[float]) -> None:
        rise = DRIVE_RISE * elapsed * _OFF
        spare = DRIVE_RISE * TICK_S + self._spare
        reported = tuple(round(drive) for drive in drives)
        for number, over in self._drives_under.look(reported, rise, spare):
            what = f"{KINDS[number // 6]} of {ZONES[number % 6]}, risen by at most 10 points/s"
            self._breach("R3", what, drives[number], over)
        both = tuple(reported[zone] + reported[zone + 6] for zone in range(6))
        for zone, over in self._zones_under.look(both, rise, spare + 1):
            what = f"both drives of {ZONES[zone]}, risen by at most 10 points/s"
            self._breach("R3", what, both[zone], over)

    def _asked(self, at: float, elapsed: float, drives: Sequence[float]) -> None:
        """No zone is driven above the highest level that it can have reached."""
        slack = self._slack()
        asked = self.commands.asked(at, slack)
        if any(asked) or any(drive > self._spare for drive in drives):
            self._ran_s += elapsed * _OFF
        if self.commands.alive(at, slack) is not None:
            self._top = [0.0] * 6  # What is driven now is judged as what has to be at zero.
            return
        rise = min(RISE, self._info.rise) * _OFF
        for zone in range(6):
            self._top[zone] = min(self._top[zone] + rise * elapsed, asked[zone])
            drive = drives[zone] + drives[zone + 6]
            early = rise * (slack + TICK_S)
            if drive > asked[zone] + self._spare + 1:
                self._breach(
                    "R1", f"drive of {ZONES[zone]}, as asked", drive, asked[zone], own=False
                )
            elif drive > self._top[zone] + early + self._spare + 1:
                most = self._top[zone] + early
                what = f"drive of {ZONES[zone]}, with a level that rises by at most {rise / 11:.1f} points/s"
                self._breach("R3", what, drive, most, own=False)
            if drive > _GENTLE + self._spare:
                cap = min(700, self._info.caps[zone] * 10)
                top = envelope(self._ran_s + slack, cap)
                if drive > top + self._spare + 1:
                    what = f"drive of {ZONES[zone]}, under the envelope"
                    self._breach("R2", what, drive, top)

    def _zero(self, at: float, drives: Sequence[float]) -> None:
        if max(drives) <= self._spare:
            return
        window = self.commands.alive(at, self._slack())
        if window is not None:
            number = max(range(12), key=lambda n: drives[n])
            what = f"{KINDS[number // 6]} of {ZONES[number % 6]} after {window.why}"
            self._breach(window.rule, what, drives[number], 0, own=False)

    def _compare(self, at: float) -> None:
        """What TELEMETRY tells lies within what was measured around that time."""
        before, after = self._slack() + _AROUND_S, _AROUND_S
        spare = self._spare + 1
        while self._reported and self._reported[0][0] + after < at:
            then, reported = self._reported.popleft()
            for number, drive in enumerate(reported):
                low, high = self._range(number, then - before, then + after)
                if low <= high and not low - spare <= drive <= high + spare:
                    what = f"reported drive, {KINDS[number // 6]} of {ZONES[number % 6]}"
                    self._sheet.breach(
                        "R14",
                        f"TELEMETRY against what is measured outside: {what}",
                        f"{drive / 10:.1f} %",
                        f"{low / 10:.1f} to {high / 10:.1f} %",
                    )

    def _range(self, number: int, start: float, end: float) -> tuple[float, float]:
        """Least and most that was measured in that time; the least above the most where nothing was."""
        low, high = float("inf"), float("-inf")
        for time, drive in reversed(self._series[number]):
            if time <= end:
                low, high = min(low, drive), max(high, drive)
            if time < start:
                break
        return low, high

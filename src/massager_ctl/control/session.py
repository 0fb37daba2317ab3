"""One session as a pure state machine: time and requests in, the wanted setpoint out (R4, R8, R23).

Motors that start after hands-only time are announced `ANNOUNCE_S` before (P1); a session that waits pauses there until
you confirm that the massager is back in place.

    ARMING ──armed──▶ RUNNING ◀──pause / resume──▶ PAUSED
                         │ end is near, fade asked        │ over 4 min, fade asked
                         ▼                                ▼
                      FADING ──────── at zero ────────▶ ENDED
    any state ──stop, or the device ended it──▶ ENDED

It never talks to a device: the controller asks `step` what is wanted, lets the governor limit it, and sends the
result. It may only ask for less than its source; the governor alone decides how much is allowed.
"""

from __future__ import annotations

from math import ceil
from typing import Final

from msgspec import Struct

from massager_ctl.control.setpoint_source import SetpointSource
from massager_ctl.model.device import OFF, Cause, Mode, Setpoint
from massager_ctl.model.requests import (
    Change,
    Ease,
    Fade,
    Pause,
    Presence,
    Resume,
    SetHeat,
    SetLevel,
    SetMotion,
    Undo,
)
from massager_ctl.model.status import Phase
from massager_ctl.model.units import ZERO, Levels, per_zone
from massager_ctl.profile.model import COUNTED, SESSION_LIMIT_S, device_allows_s
from massager_ctl.profile.plan.timeline import ANNOUNCE_S

ARMED_MAX_S: Final = SESSION_LIMIT_S
"""Maximum seconds of one session without its pauses (R8)."""

ARMED_WITH_PAUSES_MAX_S: Final = device_allows_s(2700.0)
"""Maximum seconds of one session with its pauses: 2400 (R8)."""

PAUSE_MAX_S: Final = device_allows_s(300.0)
"""Maximum seconds of one pause: 240; a longer one ends the session (R8)."""

FADE_S: Final = 6.0
"""Seconds of a requested fade; R8 wants 5 to 10."""


_BACKSTOP_MARGIN_S: Final = 10.0


def backstop_s(duration_s: float) -> int:
    """ARM's limit, true seconds armed without pauses: the device ends what was not planned (R8)."""
    return ceil((duration_s + _BACKSTOP_MARGIN_S) / COUNTED)


class Ended(Struct, frozen=True):
    """The session is over: why, as a cause for the device and a sentence for the person."""

    cause: Cause
    text: str


class Session:
    """One session from ARM to its end; a new one is made for the next."""

    __slots__ = (
        "_announced_at",
        "_armed_at",
        "_eases",
        "_fade_cause",
        "_fade_from",
        "_fade_s",
        "_fade_started",
        "_faded_s",
        "_last",
        "_paused_at",
        "_paused_s",
        "_placed_s",
        "_placing_s",
        "_played_s",
        "_sent",
        "ended",
        "phase",
        "source",
        "waits",
    )

    def __init__(self, source: SetpointSource, *, waits: bool = False) -> None:
        """`waits`: whether a person presses a key before motors start after hands-only time."""
        self.source = source
        self.waits = waits
        self.phase = Phase.ARMING
        self.ended: Ended | None = None
        self._armed_at: float
        self._last = 0.0
        self._played_s = 0.0
        self._paused_at: float
        self._paused_s = 0.0
        self._eases: list[float] = []
        self._fade_from: Levels
        self._fade_started: float
        self._fade_s: float
        self._faded_s = 0.0
        self._fade_cause: Ended
        self._sent: Levels = ZERO
        self._announced_at: float | None = None
        self._placing_s: float | None = None
        self._placed_s = -1.0
        """Up to which time of the source motor starts were announced and waited for."""

    @property
    def played_s(self) -> float:
        """Seconds played; stops in a pause."""
        return self._played_s

    @property
    def remaining_s(self) -> float:
        """Seconds left to play."""
        return max(0.0, self.source.duration_s - self._played_s)

    @property
    def eased(self) -> float:
        """Points subtracted by ease."""
        return sum(self._eases)

    def pause_left_s(self, now: float) -> float | None:
        """Seconds until a pause ends the session; None if there is none."""
        if self.phase is not Phase.PAUSED:
            return None
        with_pauses = self._armed_at + ARMED_WITH_PAUSES_MAX_S - now
        return max(0.0, min(self._paused_at + PAUSE_MAX_S - now, with_pauses))

    def motors_in_s(self, now: float) -> float | None:
        """Seconds until motors start after hands-only time, while that is announced; 0 while it waits for a key."""
        if self._announced_at is None or self.ended is not None:
            return None
        if self._placing_s is None:
            start = self.source.next_motor_start(self._played_s)
            return None if start is None else start - self._played_s
        return 0.0 if self.waits else max(0.0, self._announced_at + ANNOUNCE_S - now)

    def armed(self, now: float) -> None:
        """The device has acknowledged ARM."""
        self._armed_at = self._last = now
        self.phase = Phase.RUNNING

    def take(self, change: Change, now: float) -> None:
        """Apply one request; one that does not fit the current state changes nothing."""
        match change:
            case Pause() if self.phase is Phase.RUNNING:
                self.phase = Phase.PAUSED
                self._paused_at = now
            case Resume() if self.phase is Phase.PAUSED:
                self._go_on(now)
            case Ease(points=points):
                self._eases.append(points)
            case Undo() if self._eases:
                self._eases.pop()
            case Fade():
                self.fade(now, Ended(Cause.PERSON, "you ended it"))
            case SetLevel() | SetMotion() | SetHeat():
                self.source.take(change)
            case Pause() | Resume() | Undo() | Presence():
                pass

    def fade(self, now: float, ended: Ended, seconds: float = FADE_S) -> None:
        """Start a fade from the sent levels, to end with `ended`; a shorter one may overtake a longer one."""
        if self.phase is Phase.PAUSED or not any(self._sent):
            self.end(ended)
        elif self.phase in (Phase.RUNNING, Phase.FADING):
            if self.phase is Phase.FADING and self._fade_started + self._fade_s <= now + seconds:
                return
            self.phase = Phase.FADING
            self._fade_from = self._sent
            self._fade_started = now
            self._fade_s = seconds
            self._fade_cause = ended

    def end(self, ended: Ended) -> None:
        """End the session now; only the first reason counts."""
        if self.ended is None:
            self.ended = ended
            self.phase = Phase.ENDED

    def sent(self, levels: Levels) -> None:
        """Take what the governor allowed; a fade starts from it."""
        self._sent = levels

    def step(self, now: float) -> Setpoint:
        """What is wanted at `now` (seconds, monotonic); check `ended` afterwards."""
        elapsed = now - self._last
        self._last = now
        match self.phase:
            case Phase.RUNNING:
                if self._placing(elapsed, now):
                    return self._at_rest()
                self._close_the_end(now)
                if self._played_s >= self.source.duration_s:
                    self.end(Ended(Cause.FINISHED, "played to its end"))
                    return OFF
                return self._eased(self.source.at(self._played_s))
            case Phase.PAUSED:
                if now - self._paused_at > PAUSE_MAX_S:
                    self.end(Ended(Cause.PAUSE_LIMIT, "the pause was longer than 4 minutes (R8)"))
                elif now - self._armed_at > ARMED_WITH_PAUSES_MAX_S:
                    self.end(Ended(Cause.TIME_LIMIT, "40 minutes with pauses are over (R8)"))
                elif (
                    self._placing_s is not None and not self.waits and self.motors_in_s(now) == 0.0
                ):
                    self._go_on(now)
                return self._at_rest()
            case Phase.FADING:
                self._faded_s += elapsed
                at_s = self._played_s + self._faded_s
                left = 1.0 - (now - self._fade_started) / self._fade_s
                if left <= 0.0 or at_s >= self.source.duration_s or not any(self._sent):
                    self.end(self._fade_cause)
                    return OFF
                wanted = self._eased(self.source.at(at_s))
                levels = self._falling(wanted.levels, left)
                return Setpoint(
                    levels,
                    wanted.patterns,
                    wanted.period_s,
                    None,
                    Mode.FADE,
                )
            case _:
                return OFF

    def _falling(self, wanted: Levels, left: float) -> Levels:
        """A fade never asks for more than its source, which has its own end, nor for more than was sent before."""
        return per_zone(
            min(begun * left, level, sent)
            for begun, level, sent in zip(self._fade_from, wanted, self._sent, strict=True)
        )

    def _go_on(self, now: float) -> None:
        self.phase = Phase.RUNNING
        self._paused_s += now - self._paused_at
        if self._placing_s is not None:
            self._placed_s = self._placing_s
            self._placing_s = self._announced_at = None

    def _at_rest(self) -> Setpoint:
        wanted = self.source.at(self._played_s)
        return Setpoint(ZERO, wanted.patterns, wanted.period_s, None, Mode.PAUSE)

    def _placing(self, elapsed: float, now: float) -> bool:
        """Let the source go on, or hold it at a motor start that was not announced for long enough (P1)."""
        before = self._played_s
        self._played_s += elapsed
        start = self.source.next_motor_start(before)
        if start is None or start <= self._placed_s:
            return False
        if start - self._played_s <= ANNOUNCE_S and self._announced_at is None:
            self._announced_at = now
        if self._played_s < start:
            return False
        if (
            not self.waits
            and self._announced_at is not None
            and now - self._announced_at >= ANNOUNCE_S
        ):
            self._placed_s, self._announced_at = start, None
            return False
        self._played_s = start
        self._placing_s = start
        self._paused_at = now
        self.phase = Phase.PAUSED
        return True

    def _close_the_end(self, now: float) -> None:
        """Fade if time runs out and the source has no fade of its own (R8)."""
        armed = now - self._armed_at
        if self.remaining_s <= FADE_S:
            if any(self.source.at(self.source.duration_s).levels):
                self.fade(now, Ended(Cause.FINISHED, "its time is over"), self.remaining_s)
        elif armed - self._paused_s > ARMED_MAX_S - FADE_S:
            self.fade(now, Ended(Cause.TIME_LIMIT, "26 and a half minutes are over (R8)"))
        elif armed > ARMED_WITH_PAUSES_MAX_S - FADE_S:
            self.fade(now, Ended(Cause.TIME_LIMIT, "40 minutes with pauses are over (R8)"))

    def _eased(self, wanted: Setpoint) -> Setpoint:
        if not self._eases:
            return wanted
        eased = self.eased
        levels = per_zone(max(0.0, level - eased) for level in wanted.levels)
        return Setpoint(
            levels,
            wanted.patterns,
            wanted.period_s,
            wanted.heat_c,
            wanted.mode,
        )

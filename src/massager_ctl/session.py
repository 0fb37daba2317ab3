"""One session as a pure state machine: time and requests in, what is wanted out (R4, R8, R23).

    ARMING ──armed──▶ RUNNING ◀──pause / resume──▶ PAUSED
                         │ end is near, fade asked        │ over 5 min, fade asked
                         ▼                                ▼
                      FADING ──────── at zero ────────▶ ENDED
    any state ──stop, or the device ended it──▶ ENDED

It never speaks to a device: the controller asks `step` what is wanted, lets the governor decide what is allowed, and
sends that. It may only ask for less than its programme; the governor alone decides how much is let through.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from massager_ctl.device import OFF, VIBRATE, Cause, Mode, Patterns, Setpoint
from massager_ctl.programme import Programme
from massager_ctl.requests import (
    Change,
    Ease,
    Fade,
    Pause,
    Resume,
    SetHeat,
    SetLevel,
    SetMotion,
    SignOfLife,
    UndoEase,
)
from massager_ctl.status import Phase
from massager_ctl.units import ZERO, Levels

ARMED_MAX_S: Final = 1800.0
"""Seconds of one session without its pauses (R8)."""

ARMED_WITH_PAUSES_MAX_S: Final = 2700.0
"""Seconds of one session with its pauses (R8)."""

PAUSE_MAX_S: Final = 300.0
"""Seconds of one pause; a longer one ends the session (R8)."""

FADE_S: Final = 6.0
"""Seconds of a fade that was asked for; R8 wants 5 to 10."""


class Ended(Struct, frozen=True):
    """The session is over: why, as a cause for the device and a sentence for the person."""

    cause: Cause
    text: str


class Session:
    """One session from ARM to its end; a new one is made for the next."""

    __slots__ = (
        "_armed_at",
        "_eases",
        "_fade_cause",
        "_fade_from",
        "_fade_s",
        "_fade_started",
        "_last",
        "_paused_at",
        "_paused_s",
        "_played_s",
        "_sent",
        "ended",
        "phase",
        "programme",
    )

    def __init__(self, programme: Programme) -> None:
        self.programme = programme
        self.phase = Phase.ARMING
        self.ended: Ended | None = None
        self._armed_at = 0.0
        self._last = 0.0
        self._played_s = 0.0
        self._paused_at = 0.0
        self._paused_s = 0.0
        self._eases: list[float] = []
        self._fade_from: Levels = ZERO
        self._fade_started = 0.0
        self._fade_s = FADE_S
        self._fade_cause = Ended(Cause.PERSON, "you ended it")
        self._sent: Levels = ZERO

    @property
    def played_s(self) -> float:
        """Seconds of the programme that were played; stands still in a pause."""
        return self._played_s

    @property
    def remaining_s(self) -> float:
        return max(0.0, self.programme.duration_s - self._played_s)

    @property
    def eased(self) -> float:
        """Points taken off the programme by ease."""
        return sum(self._eases)

    def armed(self, now: float) -> None:
        """The device has acknowledged ARM."""
        self._armed_at = self._last = now
        self.phase = Phase.RUNNING

    def take(self, change: Change, now: float) -> None:
        """Apply one request; one that does not fit the moment changes nothing."""
        match change:
            case Pause() if self.phase is Phase.RUNNING:
                self.phase = Phase.PAUSED
                self._paused_at = now
            case Resume() if self.phase is Phase.PAUSED:
                self.phase = Phase.RUNNING
                self._paused_s += now - self._paused_at
            case Ease(points=points):
                self._eases.append(points)
            case UndoEase() if self._eases:
                self._eases.pop()
            case Fade():
                self.fade(now, Ended(Cause.PERSON, "you ended it"))
            case SetLevel() | SetMotion() | SetHeat():
                self.programme.take(change)
            case Pause() | Resume() | UndoEase() | SignOfLife():
                pass

    def fade(self, now: float, ended: Ended, seconds: float = FADE_S) -> None:
        """Begin a fade from what is being sent, to end with `ended`; a shorter one may overtake a longer one."""
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
        """The session is over now; only the first reason counts."""
        if self.ended is None:
            self.ended = ended
            self.phase = Phase.ENDED

    def sent(self, levels: Levels) -> None:
        """What the governor let through; a fade starts from it."""
        self._sent = levels

    def step(self, now: float) -> Setpoint:
        """What is wanted at `now` (seconds, monotonic); look at `ended` after it."""
        elapsed = now - self._last
        self._last = now
        match self.phase:
            case Phase.RUNNING:
                self._played_s += elapsed
                self._close_the_end(now)
                if self._played_s >= self.programme.duration_s:
                    self.end(Ended(Cause.FINISHED, "played to its end"))
                    return OFF
                return self._eased(self.programme.at(self._played_s))
            case Phase.PAUSED:
                if now - self._paused_at > PAUSE_MAX_S:
                    self.end(Ended(Cause.PAUSE_LIMIT, "the pause was longer than 5 minutes (R8)"))
                elif now - self._armed_at > ARMED_WITH_PAUSES_MAX_S:
                    self.end(Ended(Cause.TIME_LIMIT, "45 minutes with pauses are over (R8)"))
                wanted = self.programme.at(self._played_s)
                return Setpoint(ZERO, wanted.patterns, wanted.period_s, None, Mode.PAUSE)
            case Phase.FADING:
                left = 1.0 - (now - self._fade_started) / self._fade_s
                if left <= 0.0:
                    self.end(self._fade_cause)
                    return OFF
                wanted = self.programme.at(self._played_s)
                levels = tuple(level * left for level in self._fade_from)
                return Setpoint(
                    levels,  # type: ignore[arg-type]
                    _sounding(wanted.patterns, levels),
                    wanted.period_s,
                    None,
                    Mode.FADE,
                )
            case _:
                return OFF

    def _close_the_end(self, now: float) -> None:
        """Fade where time runs out and the programme does not fade by itself (R8)."""
        armed = now - self._armed_at
        if self.remaining_s <= FADE_S:
            if any(self.programme.at(self.programme.duration_s).levels):
                self.fade(now, Ended(Cause.FINISHED, "its time is over"), self.remaining_s)
        elif armed - self._paused_s > ARMED_MAX_S - FADE_S:
            self.fade(now, Ended(Cause.TIME_LIMIT, "30 minutes are over (R8)"))
        elif armed > ARMED_WITH_PAUSES_MAX_S - FADE_S:
            self.fade(now, Ended(Cause.TIME_LIMIT, "45 minutes with pauses are over (R8)"))

    def _eased(self, wanted: Setpoint) -> Setpoint:
        if not self._eases:
            return wanted
        eased = self.eased
        levels = tuple(max(0.0, level - eased) for level in wanted.levels)
        return Setpoint(
            levels,  # type: ignore[arg-type]
            wanted.patterns,
            wanted.period_s,
            wanted.heat_c,
            wanted.mode,
        )


def _sounding(patterns: Patterns, levels: tuple[float, ...]) -> Patterns:
    """The same patterns, where a zone that still fades is never told to rest."""
    return tuple(
        VIBRATE if level > 0 and pattern.motion == "rest" else pattern
        for pattern, level in zip(patterns, levels, strict=True)
    )  # type: ignore[return-value]

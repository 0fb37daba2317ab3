"""Devices that mistake a setting which changes in mid-session, or a limit (R1 to R3, R8, R9, R12, R19)."""

# A mistake reaches into what it breaks.
# pyright: reportPrivateUsage=false

from __future__ import annotations

from typing import Final

from firmware_sim.core import Core
from firmware_sim.firmware import Rules
from massager_fw import pattern
from massager_fw.config import UNIT
from massager_fw.field_validation import FADE, PAUSE, RUN, setpoint_in_range
from massager_fw.frames import Setpoint
from massager_fw.pattern import Patterns
from massager_fw.session import Session
from massager_fw.states import Event, State

# --- patterns


class _Patterned(Core):
    """Other patterns."""

    patterns_type: type[Patterns] = Patterns

    def boot(self, cause: int) -> None:
        super().boot(cause)
        config = self.config
        self.patterns = self.patterns_type(
            self.limits, config.vibration, config.kneading, self.tick
        )


class _TurnsAtOnce(Patterns):
    def step(self, level: list[int], tick: int) -> None:
        for zone in range(6):
            self._kept[pattern._TURNED + zone] = 0
            self._kept[pattern._REVERSED + zone] = tick - pattern.REVERSAL_TICKS
        super().step(level, tick)


class ReversesAtOnce(_Patterned):
    """R3: a motor turns round as soon as another direction is asked for."""

    patterns_type = _TurnsAtOnce


class _RestsShortly(Patterns):
    def step(self, level: list[int], tick: int) -> None:
        for zone in range(6):
            self._kept[pattern._ZERO_FROM + zone] -= 10
        super().step(level, tick)


class RestsShortly(_Patterned):
    """R3: a zone rests for 100 ms before a reversal."""

    patterns_type = _RestsShortly


class _TurnsOften(Patterns):
    def step(self, level: list[int], tick: int) -> None:
        for zone in range(6):
            self._kept[pattern._REVERSED + zone] -= 150
        super().step(level, tick)


class ReversesOften(_Patterned):
    """R3: two reversals may lie 2 s apart."""

    patterns_type = _TurnsOften


class _StartsHard(Patterns):
    def step(self, level: list[int], tick: int) -> None:
        super().step(level, tick)
        self._started[:] = [tick - pattern.START_TICKS] * 12


class StartsHard(_Patterned):
    """R12: a motor that starts is driven by more than start duty while nothing watches it."""

    patterns_type = _StartsHard


class _BothInFull(Patterns):
    def step(self, level: list[int], tick: int) -> None:
        super().step(level, tick)
        for zone in range(6):
            if self.actuators[2 * zone + 1]:
                self.actuators[2 * zone] = self.actuators[2 * zone + 1]


class BothDrivesInFull(_Patterned):
    """R3: with kneading, vibration gets as much as the kneading motor."""

    patterns_type = _BothInFull


class _JumpsWithPeriod(Patterns):
    _jumps = False

    def ask(self, pattern: list[int], period: int) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        before = self._period
        super().ask(pattern, period)
        self._jumps = self._period != before

    def step(self, level: list[int], tick: int) -> None:
        rise = self._rise
        self._rise = 100_000 if self._jumps else rise
        super().step(level, tick)
        self._rise, self._jumps = rise, False


class PeriodJumps(_Patterned):
    """R3: a new period takes the drives at once to where its cycle is."""

    patterns_type = _JumpsWithPeriod


# --- levels


class CapForgottenWithPattern(Core):
    """R1: another motion opens the levels up to the device's own caps."""

    _patterns: tuple[int, ...] = ()

    def take(self, setpoint: Setpoint, session: Session, now: int) -> None:
        said = tuple(setpoint.pattern)
        if self._patterns not in ((), said):
            self.levels._ceilings = [cap * UNIT for cap in self.levels._caps]
        self._patterns = said
        super().take(setpoint, session, now)


class FadeRisesWithPattern(Core):
    """R3: in a fade, another motion may raise a level."""

    _patterns: tuple[int, ...] = ()

    def take(self, setpoint: Setpoint, session: Session, now: int) -> None:
        said, before = tuple(setpoint.pattern), self._patterns
        self._patterns = said
        fading = self.state == State.FADING
        if fading and before not in ((), said) and setpoint.mode == RUN:
            self.state = State.RUNNING
            super().take(setpoint, session, now)
            self.state = State.FADING
        else:
            super().take(setpoint, session, now)


class LevelFallsSlowly(Core):
    """R1: a lower level is reached as slowly as a higher one."""

    def take(self, setpoint: Setpoint, session: Session, now: int) -> None:
        levels = self.levels
        before = list(levels.level)
        super().take(setpoint, session, now)
        if self.state == State.RUNNING:
            levels.level[:] = [max(a - 100, b) for a, b in zip(before, levels.level, strict=True)]


class SidesExchanged(Core):
    """R1: left and right are exchanged."""

    def take(self, setpoint: Setpoint, session: Session, now: int) -> None:
        setpoint.level = [setpoint.level[zone ^ 1] for zone in range(6)]
        super().take(setpoint, session, now)


class RunsInPause(Core):
    """R8: a pause lowers nothing: a session in a pause goes on at its levels."""

    def take(self, setpoint: Setpoint, session: Session, now: int) -> None:
        before = list(self.levels.level)
        super().take(setpoint, session, now)
        if setpoint.mode == PAUSE and setpoint_in_range(setpoint):
            self.levels.level[:] = before


# --- time


class _PauseCounts(Session):
    def resume(self, tick: int) -> None:
        super().resume(tick)
        self._paused_ticks = 0
        self._plan()
        self.cut_tick = max(self.cut_tick, tick + 1)


class PauseCountsAsArmed(Core):
    """R8: the time of a pause counts towards the ARM's limit."""

    def arm(self, arm: object, link: int, deadman_ms: int, now: int) -> None:
        super().arm(arm, link, deadman_ms, now)  # pyright: ignore[reportArgumentType]
        self.session = _PauseCounts(arm, link, deadman_ms, self.limits, now)  # pyright: ignore[reportArgumentType]


class MalformedEndsPause(Core):
    """R19: a malformed SETPOINT in a pause ends the pause."""

    def take(self, setpoint: Setpoint, session: Session, now: int) -> None:
        super().take(setpoint, session, now)
        if not setpoint_in_range(setpoint) and self.state == State.PAUSED:
            session.resume(self.tick)
            self._follow(Event.RUN)


class ModeOfMalformedCounts(Core):
    """R19: the mode of a malformed SETPOINT is obeyed, although its levels are not."""

    def take(self, setpoint: Setpoint, session: Session, now: int) -> None:
        super().take(setpoint, session, now)
        if not setpoint_in_range(setpoint) and setpoint.mode in (RUN, PAUSE, FADE):
            self._mode(setpoint.mode, session)


class PauseBeginsAgain(Core):
    """R8: each SETPOINT in a pause that changes something begins the pause's time again."""

    def take(self, setpoint: Setpoint, session: Session, now: int) -> None:
        paused = self.state == State.PAUSED
        changes = not session.wished or not session.wish.wishes_like(setpoint)
        super().take(setpoint, session, now)
        if paused and changes and self.state == State.PAUSED:
            session._pause_tick = self.tick
            session._plan()


class LifetimeNotCounted(Core):
    """R9: running adds nothing to the lifetime."""

    def _account(self) -> None:
        before = self.memory.life_ticks
        super()._account()
        self.memory.life_ticks = before


SETTINGS: Final[dict[str, type[Core | Rules]]] = {
    "reverses-at-once": ReversesAtOnce,
    "rests-shortly": RestsShortly,
    "reverses-often": ReversesOften,
    "starts-hard": StartsHard,
    "both-drives-in-full": BothDrivesInFull,
    "period-jumps": PeriodJumps,
    "cap-forgotten-with-pattern": CapForgottenWithPattern,
    "fade-rises-with-pattern": FadeRisesWithPattern,
    "level-falls-slowly": LevelFallsSlowly,
    "sides-exchanged": SidesExchanged,
    "runs-in-pause": RunsInPause,
    "pause-counts-as-armed": PauseCountsAsArmed,
    "malformed-ends-pause": MalformedEndsPause,
    "mode-of-malformed-counts": ModeOfMalformedCounts,
    "pause-begins-again": PauseBeginsAgain,
    "lifetime-not-counted": LifetimeNotCounted,
}

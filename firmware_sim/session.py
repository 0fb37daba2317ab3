"""One owner at a time, on one link, for so long and no longer; the dead-man goes by age (R4, R8, R17)."""

from __future__ import annotations

from typing import Final

from firmware_sim import wire
from firmware_sim.config import TICKS_PER_S, Limits
from firmware_sim.states import Cause

_HALF_WORD: Final = 1 << 31
_WORD: Final = (1 << 32) - 1
_EPS: Final = 1e-6
"""Of a tick: a time that is a whole number of ticks but for rounding."""


class Session:
    """What ARM opened. Ticks are the device's own; times are seconds on its clock."""

    __slots__ = (
        "_arm",
        "_armed_tick",
        "_deadman_tick",
        "_limit_ticks",
        "_limits",
        "_pause_tick",
        "_paused_ticks",
        "asked",
        "cut_tick",
        "deadman_s",
        "link",
        "owner",
        "rise_until",
        "seq",
    )

    def __init__(
        self, arm: wire.Arm, link: int, deadman_s: float, limits: Limits, now: float
    ) -> None:
        self._arm = arm
        self._limits = limits
        self._armed_tick = int(now * TICKS_PER_S + _EPS)
        own = min(arm.limit_s, limits.with_pauses_s)
        self._limit_ticks = own * TICKS_PER_S
        self._paused_ticks = 0
        self._pause_tick: int | None = None
        self.link = link
        self.owner = arm.owner
        self.seq = arm.seq
        self.deadman_s = deadman_s
        self.asked: tuple[object, ...] = ()
        """What the newest SETPOINT asked for, to see a change."""
        self._deadman_tick = 0
        self.rise_until = 0
        """No level rises after this tick: the age is over T/2."""
        self.cut_tick = 0
        """The session is over at this tick, unless something feeds it before."""
        self.feed(now)

    def repeats(self, arm: wire.Arm, link: int) -> bool:
        """The same ARM again: answered, and nothing else."""
        mine = self._arm
        same = (arm.owner, arm.token, arm.epoch) == (mine.owner, mine.token, mine.epoch)
        return same and link == self.link

    def newer(self, seq: int) -> bool:
        """Strictly newer than the last SETPOINT taken, over the wrap."""
        return 0 < (seq - self.seq) & _WORD < _HALF_WORD

    def feed(self, now: float) -> None:
        """A fresh frame of the owner: the age starts at zero."""
        self._deadman_tick = int((now + self.deadman_s) * TICKS_PER_S + _EPS) + 1
        self.rise_until = int((now + self.deadman_s / 2) * TICKS_PER_S + _EPS)
        self._plan()

    def pause(self, tick: int) -> None:
        """The owner asks for pause; a pause that goes on goes on."""
        if self._pause_tick is None:
            self._pause_tick = tick
            self._plan()

    def resume(self, tick: int) -> None:
        """The pause is over; nothing of the time is given back but the pause itself."""
        if self._pause_tick is not None:
            self._paused_ticks += tick - self._pause_tick
            self._pause_tick = None
            self._plan()

    def _plan(self) -> None:
        start = self._armed_tick
        cut = min(self._deadman_tick, start + self._limit_ticks)
        if self._pause_tick is None:
            cut = min(cut, start + self._limits.session_s * TICKS_PER_S + self._paused_ticks)
        else:
            cut = min(cut, self._pause_tick + self._limits.pause_s * TICKS_PER_S)
        self.cut_tick = cut

    def over(self, tick: int) -> Cause:
        """Why the session is over at its `cut_tick`."""
        if tick >= self._deadman_tick:
            return Cause.DEAD_MAN
        if (
            self._pause_tick is not None
            and tick >= self._pause_tick + self._limits.pause_s * TICKS_PER_S
        ):
            return Cause.PAUSE_LIMIT
        return Cause.TIME_LIMIT

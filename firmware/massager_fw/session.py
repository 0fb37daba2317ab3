"""One owner at a time, on one link, for so long and no longer; the dead-man goes by age (R4, R8, R17)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from massager_fw.config import COUNTED_TICKS_PER_S, TICK_MS
from massager_fw.frame_noise import FrameNoise
from massager_fw.frames import Setpoint
from massager_fw.shim import micropython
from massager_fw.states import Cause

if TYPE_CHECKING:
    from massager_fw.config import Limits
    from massager_fw.frames import Arm

_NO_PAUSE = -1


class Session:
    """What ARM opened. Ticks are the device's own; times are milliseconds on its clock."""

    __slots__ = (
        "_arm",
        "_armed_tick",
        "_deadman_tick",
        "_end_tick",
        "_limit_ticks",
        "_limits",
        "_pause_tick",
        "_paused_ticks",
        "cut_tick",
        "deadman_ms",
        "link",
        "noise",
        "owner",
        "rise_until",
        "seq_high",
        "seq_low",
        "wish",
        "wished",
    )

    def __init__(self, arm: Arm, link: int, deadman_ms: int, limits: Limits, now: int) -> None:
        self._arm = arm
        self._limits = limits
        self._armed_tick = now // TICK_MS
        self._limit_ticks = min(arm.limit_s, limits.session_s) * COUNTED_TICKS_PER_S
        self._paused_ticks = 0
        self._pause_tick = _NO_PAUSE
        self.noise = FrameNoise(self._armed_tick)
        self.link = link
        self.owner = arm.owner
        self.seq_low = arm.seq & 0xFFFF
        self.seq_high = arm.seq >> 16
        self.deadman_ms = deadman_ms
        self.wish = Setpoint()
        """What the newest SETPOINT asked for, to see a change; nothing unless `wished`."""
        self.wished = False
        self._deadman_tick = self._end_tick = 0
        self.rise_until = 0
        """No level rises after this tick: the age is over T/2."""
        self.cut_tick = 0
        """The session is over at this tick, unless something feeds it before."""
        self._plan()
        self.feed(now)

    @property
    def seq(self) -> int:
        """The number of the last SETPOINT that was taken."""
        return self.seq_high << 16 | self.seq_low

    def repeats(self, arm: Arm, link: int) -> bool:
        """The same ARM again: answered, and nothing else."""
        mine = self._arm
        return (
            arm.owner == mine.owner
            and arm.token == mine.token
            and arm.epoch == mine.epoch
            and link == self.link
        )

    @micropython.native
    def newer(self, high: int, low: int) -> bool:
        """Whether a sequence number, in halves, is strictly newer than the last one taken, over the wrap."""
        low -= self.seq_low
        high = high - self.seq_high - (low < 0) & 0xFFFF
        return high < 0x8000 and (high != 0 or low != 0)

    def count(self, high: int, low: int) -> None:
        """The SETPOINT of this number is taken."""
        self.seq_high = high
        self.seq_low = low

    def feed(self, now: int) -> None:
        """A fresh frame of the owner: the age starts at zero."""
        deadman_ms = self.deadman_ms
        cut = (now + deadman_ms) // TICK_MS + 1
        self._deadman_tick = cut
        self.rise_until = (now + deadman_ms // 2) // TICK_MS
        end = self._end_tick
        self.cut_tick = cut if cut < end else end

    def pause(self, tick: int) -> None:
        """The owner asks for pause; a pause that goes on goes on."""
        if self._pause_tick == _NO_PAUSE:
            self._pause_tick = tick
            self._plan()

    def resume(self, tick: int) -> None:
        """The pause is over; nothing of the time is given back but the pause itself."""
        if self._pause_tick != _NO_PAUSE:
            self._paused_ticks += tick - self._pause_tick
            self._pause_tick = _NO_PAUSE
            self._plan()

    def _plan(self) -> None:
        """When it ends, however well it is fed (R8)."""
        start = self._armed_tick
        end = start + self._limits.with_pauses_s * COUNTED_TICKS_PER_S
        if self._pause_tick == _NO_PAUSE:
            end = min(end, start + self._limit_ticks + self._paused_ticks)
        else:
            end = min(end, self._pause_tick + self._limits.pause_s * COUNTED_TICKS_PER_S)
        self._end_tick = end
        self.cut_tick = min(self._deadman_tick, end)

    def over(self, tick: int) -> int:
        """Why the session is over at its `cut_tick`: a `Cause`."""
        if tick >= self._deadman_tick:
            return Cause.DEAD_MAN
        pause = self._pause_tick
        if pause != _NO_PAUSE and tick >= pause + self._limits.pause_s * COUNTED_TICKS_PER_S:
            return Cause.PAUSE_LIMIT
        return Cause.TIME_LIMIT

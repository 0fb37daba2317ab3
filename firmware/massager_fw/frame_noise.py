"""Over half of the frames on the owner's link bad, throughout 2 s: the session is over (R16)."""

from __future__ import annotations

from massager_fw.config import TICKS_PER_S

SLOT_TICKS = TICKS_PER_S // 2
SLOTS = 4
"""So many slots of 500 ms on end, each with more bad frames than good ones: at least 4, over more than 1 s."""


class FrameNoise:
    """Counts the frames of one session in slots of 500 ms that begin with its ARM."""

    __slots__ = ("_armed_tick", "_bad", "_good", "_row", "_slot")

    def __init__(self, armed_tick: int) -> None:
        self._armed_tick = armed_tick
        self._slot = self._row = self._bad = self._good = 0

    def note(self, tick: int, bad: bool) -> None:
        """One more frame."""
        if (tick - self._armed_tick) // SLOT_TICKS != self._slot:
            self._turn(tick)
        if bad:
            self._bad += 1
        else:
            self._good += 1

    def over(self, tick: int) -> bool:
        """Whether the last four whole slots were mostly noise; to be asked at least once a slot."""
        if (tick - self._armed_tick) // SLOT_TICKS != self._slot:
            self._turn(tick)
        return self._row >= SLOTS

    def _turn(self, tick: int) -> None:
        self._row = self._row + 1 if self._bad > self._good else 0
        self._slot = (tick - self._armed_tick) // SLOT_TICKS
        self._bad = self._good = 0

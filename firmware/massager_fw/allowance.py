"""No more than 1800 s of running in any hour, over reboots too; counted at 0.9 for a slow clock (R8)."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

from massager_fw.config import TICKS_PER_S
from massager_fw.shim import const, micropython

if TYPE_CHECKING:
    from typing import Any

    from massager_fw.config import Limits

    ptr8 = ptr32 = Any

CHECKPOINT_S = 10
"""Time between two checkpoints, in seconds: no more can be lost."""
CHECKPOINTS_PER_SLOT = 4
SLOT_S = CHECKPOINT_S * CHECKPOINTS_PER_SLOT
"""One slot of the window: 101 of them make a record that a page of flash holds."""
_CHECKPOINT_TICKS = CHECKPOINT_S * TICKS_PER_S
_STORED = const(2)
"""Ticks in one count of the record, which holds 16 bits a slot."""


@micropython.viper
def _save(ticks: ptr32, slots: int, now: int, into: ptr8):
    place = 0
    slot = now
    for _ in range(slots):
        slot += 1
        if slot >= slots:
            slot = 0
        pairs = (ticks[slot] + _STORED - 1) // _STORED
        into[place] = pairs & 255
        into[place + 1] = pairs >> 8
        place += 2


class Allowance:
    """Running ticks in each slot of the last window of powered time.

    A slot leaves only when all of it is older than the window, so that no window anywhere holds more.
    """

    __slots__ = ("_limit", "_now", "_slots", "_ticks", "_used")

    def __init__(self, limits: Limits) -> None:
        self._limit = limits.allowance_s * TICKS_PER_S
        self._slots = -(-limits.window_s // SLOT_S) + 1
        self._ticks = array("I", [0] * self._slots)
        self._now = 0
        """Where the present slot is in that ring."""
        self._used = 0

    @property
    @micropython.native
    def left(self) -> int:
        """Ticks of running left."""
        left = self._limit - self._used
        return left if left > 0 else 0

    @property
    @micropython.native
    def left_s(self) -> int:
        """Whole seconds of running left."""
        return self.left // TICKS_PER_S

    @property
    def record_size(self) -> int:
        """Length of the record in NVM, in bytes."""
        return 2 * self._slots

    def run(self, ticks: int) -> None:
        """`ticks` more of running."""
        self._used += ticks
        self._ticks[self._now] += ticks

    def turn_slot(self) -> None:
        """One slot of powered time is over."""
        self._now = (self._now + 1) % self._slots
        self._used -= self._ticks[self._now]
        self._ticks[self._now] = 0

    def charge_boot(self) -> None:
        """What may have run since the last checkpoint: one whole interval."""
        self.run(_CHECKPOINT_TICKS)

    def spend_all(self) -> None:
        """The counter cannot be trusted: nothing is left until the window has passed (fault 48)."""
        for slot in range(self._slots):
            self._ticks[slot] = 0
        self._used = 0
        self.run(self._limit)

    def save(self, into: bytearray) -> None:
        """For NVM: each slot's ticks in pairs, rounded up, the oldest slot first."""
        _save(self._ticks, self._slots, self._now, into)

    def restore(self, data: bytearray, size: int) -> bool:
        """From the first `size` bytes of NVM's record; False if it is none of ours, as one of -1 bytes."""
        if size != self.record_size:
            return False
        self._used = 0
        self._now = self._slots - 1
        for slot in range(self._slots):
            ticks = (data[2 * slot] | data[2 * slot + 1] << 8) * _STORED
            self._ticks[slot] = ticks
            self._used += ticks
        return True

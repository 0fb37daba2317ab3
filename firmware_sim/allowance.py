"""No more than 1800 s of running in any hour, over reboots too; counted at 0.9 for a slow clock (R8)."""

from __future__ import annotations

from array import array
from struct import Struct
from typing import Final

from firmware_sim.config import TICKS_PER_S, Limits

SLOT_S: Final = 10
"""One slot of the window, and the time between two checkpoints, in seconds."""
_SLOT_TICKS: Final = SLOT_S * TICKS_PER_S


class Allowance:
    """Running ticks in each 10 s of the last window of powered time.

    A slot leaves only when all of it is older than the window, so that no window anywhere holds more.
    """

    __slots__ = ("_limit", "_slots", "_used")

    def __init__(self, limits: Limits) -> None:
        self._limit = limits.allowance_s * TICKS_PER_S
        self._slots = array("I", [0]) * (limits.window_s // SLOT_S + 1)
        self._used = 0

    @property
    def left(self) -> int:
        """Ticks of running left."""
        return max(0, self._limit - self._used)

    @property
    def left_s(self) -> int:
        """Whole seconds of running left."""
        return self.left // TICKS_PER_S

    def run(self, ticks: int) -> None:
        """`ticks` more of running."""
        self._slots[-1] += ticks
        self._used += ticks

    def turn_slot(self) -> None:
        """10 s of powered time are over."""
        self._used -= self._slots.pop(0)
        self._slots.append(0)

    def charge_boot(self) -> None:
        """What may have run since the last checkpoint: one whole interval."""
        self.run(_SLOT_TICKS)

    def spend_all(self) -> None:
        """The counter cannot be trusted: nothing is left until the window has passed (fault 48)."""
        self._slots = array("I", [0]) * len(self._slots)
        self._slots[-1] = self._limit
        self._used = self._limit

    def save(self) -> bytes:
        """For NVM: the slots as they are."""
        return self._packer().pack(*(min(ticks, 0xFFFFFFFF) for ticks in self._slots))

    def restore(self, data: bytes) -> bool:
        """From NVM; False if it is none of ours."""
        packer = self._packer()
        if len(data) != packer.size:
            return False
        self._slots = array("I", packer.unpack(data))
        self._used = sum(self._slots)
        return True

    def _packer(self) -> Struct:
        return Struct(f"<{len(self._slots)}I")

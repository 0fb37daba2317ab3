"""No more than 1800 s of running in any hour, over reboots too; counted at 0.9 for a slow clock (R8)."""

from __future__ import annotations

from array import array
from struct import Struct
from typing import Final

from firmware_sim.config import TICKS_PER_S, Limits

SLOT_S: Final = 10
"""One slot of the window, and the time between two checkpoints, in seconds."""
_SLOT_TICKS: Final = SLOT_S * TICKS_PER_S
_COUNT: Final = Struct("<H")
_SLOT: Final = Struct("<HI")


class Allowance:
    """Running ticks in each 10 s of the last window of powered time.

    A slot leaves only when all of it is older than the window, so that no window anywhere holds more.
    """

    __slots__ = ("_limit", "_numbers", "_slot", "_ticks", "_used", "_window")

    def __init__(self, limits: Limits) -> None:
        self._limit = limits.allowance_s * TICKS_PER_S
        self._window = limits.window_s // SLOT_S + 1
        self._slot = self._window
        """The number of the present slot."""
        self._numbers = array("I")
        """The slots in which anything ran, oldest first, and how many ticks it was in each."""
        self._ticks = array("I")
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
        self._used += ticks
        if self._numbers and self._numbers[-1] == self._slot:
            self._ticks[-1] += ticks
        else:
            self._numbers.append(self._slot)
            self._ticks.append(ticks)

    def turn_slot(self) -> None:
        """10 s of powered time are over."""
        self._slot += 1
        if self._numbers and self._numbers[0] <= self._slot - self._window:
            self._numbers.pop(0)
            self._used -= self._ticks.pop(0)

    def charge_boot(self) -> None:
        """What may have run since the last checkpoint: one whole interval."""
        self.run(_SLOT_TICKS)

    def spend_all(self) -> None:
        """The counter cannot be trusted: nothing is left until the window has passed (fault 48)."""
        self._numbers, self._ticks, self._used = array("I"), array("I"), 0
        self.run(self._limit)

    def save(self) -> bytes:
        """For NVM: how many slots, then the age of each in slots and its ticks."""
        ages = [self._slot - number for number in self._numbers]
        packed = (_SLOT.pack(age, ticks) for age, ticks in zip(ages, self._ticks, strict=True))
        return _COUNT.pack(len(ages)) + b"".join(packed)

    def restore(self, data: bytes) -> bool:
        """From NVM; False if it is none of ours."""
        if (
            len(data) < _COUNT.size
            or len(data) != _COUNT.size + _COUNT.unpack_from(data)[0] * _SLOT.size
        ):
            return False
        slots = list(_SLOT.iter_unpack(data[_COUNT.size :]))
        ages = [age for age, _ in slots]
        if any(age >= self._window for age in ages) or ages != sorted(set(ages), reverse=True):
            return False
        self._numbers = array("I", [self._slot - age for age in ages])
        self._ticks = array("I", [ticks for _, ticks in slots])
        self._used = sum(self._ticks)
        return True

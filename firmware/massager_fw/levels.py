"""No level above its caps, its envelope or its slew, whatever the host asks (R1, R2, R3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from massager_fw.config import TICKS_PER_S, UNIT
from massager_fw.shim import const, ints, micropython

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from massager_fw.config import Limits

    ptr32 = Any

_ZONES = const(6)
_TOLD = const(10)
"""A tenth of a percent, in which levels are reported, in the unit in which they are kept."""
_HELD = const(1)
_RISING = const(2)
_UP = const(4)
_FELL = const(8)


@micropython.viper
def _allow(
    asked: ptr32, target: ptr32, level: ptr32, ceilings: ptr32, most: ptr32, sum_cap: int
) -> int:
    """What each zone may have of what it was asked for; a level above that falls to it. What is so now, a bit each."""
    total = 0
    for i in range(_ZONES):
        allowed = asked[i]
        if allowed > ceilings[i]:
            allowed = ceilings[i]
        if allowed > most[i]:
            allowed = most[i]
        target[i] = allowed
        total += allowed
    found = 0
    for i in range(_ZONES):
        allowed = target[i]
        present = level[i]
        if total > sum_cap:
            allowed = allowed * sum_cap // total
        if allowed != asked[i]:
            found |= _HELD
        # Whole tenths, so that a level that is reported rounded up is still allowed.
        allowed -= allowed % _TOLD
        target[i] = allowed
        if present > allowed:
            level[i] = present = allowed
            found |= _FELL
        elif present < allowed:
            found |= _RISING
        if present:
            found |= _UP
    return found


@micropython.viper
def _copy(of: ptr32, to: ptr32):
    for i in range(_ZONES):
        to[i] = of[i]


@micropython.viper
def _rise(level: ptr32, target: ptr32, step: int) -> bool:
    """Every level towards its target, by `step` or less; whether one is still below it."""
    rising = False
    for i in range(_ZONES):
        gap = target[i] - level[i]
        if gap > step:
            level[i] += step
            rising = True
        elif gap > 0:
            level[i] = target[i]
    return rising


class Levels:
    """What each zone is at, was asked for and may have, in hundredths of a percent.

    Falls take effect in the call that asks for them; rises wait for the tick.
    """

    __slots__ = (
        "_caps",
        "_ceilings",
        "_limits",
        "_most",
        "_most_at",
        "_step",
        "_sum_cap",
        "asked",
        "held",
        "level",
        "rising",
        "target",
        "up",
    )

    def __init__(self, limits: Limits, zones: int) -> None:
        self._limits = limits
        self._step = limits.rise * (UNIT // 10) // TICKS_PER_S
        self._caps = [limits.caps[i] if zones >> i & 1 else 0 for i in range(6)]
        """Percent."""
        self._ceilings = ints([0] * 6)
        self._most = ints([0] * 6)
        """What the envelope gives each zone after `_most_at` ticks of running."""
        self._most_at = -1
        self._sum_cap = limits.sum_cap * UNIT
        self.level = ints([0] * 6)
        self.asked = ints([0] * 6)
        self.target = ints([0] * 6)
        self.rising = False
        """A level is below its target, so that ticks have work to do."""
        self.held = False
        """A target is below what was asked for: the envelope may give more later."""
        self.up = False
        """Any level is above zero: this is what running time counts."""

    def open(self, cap: int) -> None:
        """A session starts, at zero, with the ARM's `cap` in tenths of a percent."""
        self.zero()
        for i in range(6):
            self._ceilings[i] = min(self._caps[i] * UNIT, cap * (UNIT // 10))

    def zero(self) -> None:
        """Everything to zero at once."""
        for i in range(6):
            self.level[i] = self.asked[i] = self.target[i] = 0
        self.rising = self.held = self.up = False

    @micropython.native
    def ask(self, asked: Sequence[int], running: int) -> bool:
        """The owner asks for `asked` after `running` ticks of running; True if a level fell."""
        _copy(asked, self.asked)
        return self.retarget(running)

    def lower(self, numerator: int, denominator: int, running: int) -> None:
        """Scale down what is asked for to `numerator / denominator` of the present level."""
        for i in range(6):
            self.asked[i] = min(self.asked[i], self.level[i] * numerator // denominator)
        self.retarget(running)

    def retarget(self, running: int) -> bool:
        """Work out what is allowed now; a level above it falls to it at once. True if one did.

        `running`: ticks of running in this session.
        """
        if running != self._most_at:
            self._envelop(running)
        found = _allow(
            self.asked, self.target, self.level, self._ceilings, self._most, self._sum_cap
        )
        self.held = found & _HELD != 0
        self.rising = found & _RISING != 0
        self.up = found & _UP != 0
        return found & _FELL != 0

    @micropython.native
    def _envelop(self, running: int) -> None:
        caps, most, envelope = self._caps, self._most, self._limits.envelope
        cap = given = 0
        for i in range(6):
            if caps[i] != cap:
                cap = caps[i]
                given = envelope(running, cap * UNIT)
            most[i] = given
        self._most_at = running

    @micropython.native
    def rise(self) -> None:
        """One tick towards the targets, by no more than the slew."""
        self.rising = _rise(self.level, self.target, self._step)
        self.up = True

"""No level above its caps, its envelope or its slew, whatever the host asks (R1, R2, R3)."""

from __future__ import annotations

from functools import lru_cache

from firmware_sim.config import TICKS_PER_S, UNIT, Limits

_COUNT = range(6)


@lru_cache(maxsize=16)
def _caps(limits: Limits, zones: int) -> tuple[int, ...]:
    """The cap of each zone, in hundredths of a percent; zero where there is no zone."""
    return tuple(cap * UNIT if zones >> zone & 1 else 0 for zone, cap in enumerate(limits.caps))


class Levels:
    """What each zone is at, was asked for and may have, in hundredths of a percent.

    Falls take effect in the call that asks for them; rises wait for the tick.
    """

    __slots__ = (
        "_caps",
        "_ceilings",
        "_different_caps",
        "_envelope",
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
        self._envelope = limits.envelope
        self._step = limits.rise * (UNIT // 10) // TICKS_PER_S
        self._caps = _caps(limits, zones)
        self._different_caps = tuple(set(self._caps))
        self._sum_cap = limits.sum_cap * UNIT
        self._ceilings = self._caps
        self.level = [0] * 6
        self.asked = [0] * 6
        self.target = [0] * 6
        self.rising = False
        """A level is below its target, so that ticks have work to do."""
        self.held = False
        """A target is below what was asked for: the envelope may give more later."""
        self.up = False
        """Any level is above zero: this is what running time counts."""

    def open(self, cap: int) -> None:
        """A session starts, at zero, with the ARM's `cap` in tenths of a percent."""
        self.zero()
        self._ceilings = tuple(min(own, cap * (UNIT // 10)) for own in self._caps)

    def zero(self) -> None:
        """Everything to zero at once."""
        for i in _COUNT:
            self.level[i] = self.asked[i] = self.target[i] = 0
        self.rising = self.held = self.up = False

    def ask(self, asked: list[int], running: int) -> None:
        """The owner asks for `asked` (hundredths of a percent) after `running` ticks of running."""
        self.asked[:] = asked
        self.retarget(running)

    def lower(self, numerator: int, denominator: int, running: int) -> None:
        """Scale down what is asked for to `numerator / denominator` of the present level."""
        for i in _COUNT:
            self.asked[i] = min(self.asked[i], self.level[i] * numerator // denominator)
        self.retarget(running)

    def retarget(self, running: int) -> bool:
        """Work out what is allowed now; a level above it falls to it at once. True if one did."""
        envelope = self._envelope
        most = {cap: envelope(running, cap) for cap in self._different_caps}
        allowed: list[int] = []
        for asked, ceiling, cap in zip(self.asked, self._ceilings, self._caps, strict=True):
            room = most[cap] if most[cap] < ceiling else ceiling
            allowed.append(asked if asked < room else room)
        total = sum(allowed)
        if total > self._sum_cap:
            allowed = [part * self._sum_cap // total for part in allowed]
        self.target = allowed
        self.held = allowed != self.asked
        before = self.level
        if before == allowed:
            self.rising = False
            return False
        self.level = [
            level if level < target else target
            for level, target in zip(before, allowed, strict=True)
        ]
        self.rising = self.level != allowed
        self.up = any(self.level)
        return self.level != before

    def rise(self) -> None:
        """One tick towards the targets, by no more than the slew."""
        level, target, step = self.level, self.target, self._step
        rising = False
        for i in _COUNT:
            gap = target[i] - level[i]
            if gap > step:
                level[i] += step
                rising = True
            elif gap > 0:
                level[i] = target[i]
        self.rising = rising
        self.up = True

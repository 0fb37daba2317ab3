"""A small seeded generator, so that a simulated device is the same on every run."""

from __future__ import annotations

from typing import Final

_MASK: Final = (1 << 64) - 1


class SplitMix64:
    """The same seed gives the same numbers on every machine."""

    __slots__ = ("_state",)

    def __init__(self, seed: int) -> None:
        self._state = seed & _MASK

    def u64(self) -> int:
        """The next 64 bits."""
        self._state = (self._state + 0x9E3779B97F4A7C15) & _MASK
        z = self._state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
        return z ^ (z >> 31)

    def u32(self) -> int:
        """The next 32 bits."""
        return self.u64() >> 32

    def unit(self) -> float:
        """A number in 0 <= x < 1."""
        return (self.u64() >> 11) * 2.0**-53

    def spread(self, width: float) -> float:
        """A number between -width and +width, triangular around zero."""
        bits = self.u64()
        return ((bits >> 32) + (bits & 0xFFFFFFFF)) * width * 2.0**-32 - width

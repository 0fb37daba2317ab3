"""A two-cell lithium-ion pack: state of charge by counting, voltage from a straight line, sag by inner resistance.

Open-circuit 6.4 V empty to 8.4 V full, 0.15 ohm, 2.6 Ah: typical of two 18650 cells in series.
"""

from __future__ import annotations

from typing import Final

CAPACITY_AS: Final = 2.6 * 3600
EMPTY_V: Final = 6.4
FULL_V: Final = 8.4
RESISTANCE_OHM: Final = 0.15
RATED_V: Final = 7.4
QUIESCENT_A: Final = 0.03
CHARGE_A: Final = 1.0


class Battery:
    """State of charge in percent; voltage in volts."""

    __slots__ = ("charging", "percent", "sag_v", "volts")

    def __init__(self, percent: float) -> None:
        self.percent = percent
        self.charging = False
        self.sag_v = 0.0
        """Voltage that a fault takes away (faults 44, 45)."""
        self.volts = self._open_circuit()

    def _open_circuit(self) -> float:
        return EMPTY_V + (FULL_V - EMPTY_V) * self.percent / 100.0

    def step(self, amperes: float, dt: float) -> None:
        """`dt` seconds at `amperes` drawn by the load."""
        drawn = amperes + QUIESCENT_A - (CHARGE_A if self.charging else 0.0)
        self.percent = min(100.0, max(0.0, self.percent - 100.0 * drawn * dt / CAPACITY_AS))
        self.volts = self._open_circuit() - amperes * RESISTANCE_OHM - self.sag_v

    def gauge(self) -> float:
        """What a gauge that knows only the voltage under load reads, percent: a sag looks like an empty pack."""
        sagged = 100.0 * self.sag_v / (FULL_V - EMPTY_V)
        return max(0.0, self.percent - sagged)

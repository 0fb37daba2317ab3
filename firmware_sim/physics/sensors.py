"""A thermistor behind an ADC: lag, noise, steps, and the ways in which it fails.

First-order lag of 2 s (epoxy bead on a pad), noise of 0.1 K, steps of 5 hundredths (12 bits over 200 K).
"""

from __future__ import annotations

from enum import StrEnum
from math import exp
from typing import Final

from firmware_sim.splitmix import SplitMix64
from massager_fw.board import Thermometer

LAG_S: Final = 2.0
NOISE_K: Final = 0.1
STEP: Final = 5


class SensorFault(StrEnum):
    """How a sensor fails (fault 40)."""

    NONE = "none"
    OPEN = "open"
    SHORT = "short"
    FROZEN = "frozen"
    STOPPED = "stopped"


class Thermistor(Thermometer):
    """One temperature sensor; `sample` counts its conversions."""

    __slots__ = ("_dt", "_follow", "_lagged", "_noise", "fault", "hundredths", "sample")

    def __init__(self, celsius: float, noise: SplitMix64) -> None:
        self._lagged = celsius
        self._dt = self._follow = 0.0
        self._noise = noise
        self.hundredths: int | None = round(celsius * 100)
        self.sample = 0
        self.fault = SensorFault.NONE

    def step(self, true: float, dt: float) -> None:
        """One conversion after `dt` seconds at `true` degrees."""
        if dt != self._dt:
            self._dt, self._follow = dt, 1.0 - exp(-dt / LAG_S)
        self._lagged += (true - self._lagged) * self._follow
        match self.fault:
            case SensorFault.NONE:
                read = self._lagged + self._noise.spread(NOISE_K)
                self.hundredths = round(read * 100 / STEP) * STEP
            case SensorFault.STOPPED:
                return
            case SensorFault.OPEN | SensorFault.SHORT:
                self.hundredths = None
            case SensorFault.FROZEN:
                pass
        self.sample += 1

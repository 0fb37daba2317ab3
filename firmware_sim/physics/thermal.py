"""Two lumped masses that warm up and cool down to the ambient: the heated pad and the motors.

C dT/dt = P - G (T - T_ambient), stepped explicitly (dt / (C / G) < 1 %). The pad is 60 J/K of silicone and fabric
with 0.4 W/K to the air and the skin, and a heater of 10 W: 0.17 K/s from cold, 25 K above the ambient if nothing
held it back, so the firmware must. The motors are 40 J/K of copper and steel with 0.25 W/K.
"""

from __future__ import annotations

from typing import Final

HEATER_W: Final = 10.0
PAD_J_PER_K: Final = 60.0
PAD_W_PER_K: Final = 0.4
MOTOR_J_PER_K: Final = 40.0
MOTOR_W_PER_K: Final = 0.25
COPPER_LOSS: Final = 0.5
"""Share of the electrical power that heats the winding; the rest is work and leaves."""


class Body:
    """One mass: heat capacity in J/K, conductance in W/K, temperature in degrees Celsius."""

    __slots__ = ("_capacity", "_conductance", "celsius", "extra_w")

    def __init__(self, capacity: float, conductance: float, celsius: float) -> None:
        self._capacity = capacity
        self._conductance = conductance
        self.celsius = celsius
        self.extra_w = 0.0
        """Heat from a fault, watts (fault 39)."""

    def step(self, power_w: float, ambient: float, dt: float) -> None:
        """`dt` seconds at `power_w`."""
        flow = power_w + self.extra_w - self._conductance * (self.celsius - ambient)
        self.celsius += flow * dt / self._capacity


def pad(celsius: float) -> Body:
    """The heated pad."""
    return Body(PAD_J_PER_K, PAD_W_PER_K, celsius)


def motors(celsius: float) -> Body:
    """All motors as one mass."""
    return Body(MOTOR_J_PER_K, MOTOR_W_PER_K, celsius)

"""The second device of tests/second_device as a device under test, with its troubles as faults.

`python:tests.hil.second:sound` is the sound one, and any name of its broken ones does in that place as well.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.second_device.bad import BAD
from tests.second_device.sound import SecondDevice


class WithFaults:
    """A device, and what can happen to it."""

    faults = frozenset(
        (
            *("stall", "stall-kneading", "short", "stuck-output", "sensor-open", "overheat"),
            *("battery-low", "battery-empty", "memory"),
        )
    )

    def __init__(self, device: SecondDevice) -> None:
        self.device = device

    def __getattr__(self, name: str) -> Any:
        return getattr(self.device, name)

    def fault(self, name: str, now: float) -> None:
        self._set(name, now, there=True)

    def mend(self, name: str, now: float) -> None:
        self._set(name, now, there=False)

    def _set(self, name: str, now: float, *, there: bool) -> None:
        device = self.device
        device.run_to(now)
        match name:
            case "stall" | "short" | "stuck-output":
                word = {"stall": "jammed", "short": "shorted", "stuck-output": "stuck"}[name]
                for zone in device.zones:
                    setattr(zone.vibration, word, there)
                    setattr(zone.kneading, word, there)
            case "stall-kneading":
                for zone in device.zones:
                    zone.kneading.jammed = there
            case "sensor-open":
                device.pad_sensor = not there
            case "overheat":
                device.pad = 40.6 if there else 24.0
            case "battery-low" | "battery-empty":
                device.battery = (
                    {"battery-low": 12.0, "battery-empty": 7.0}[name] if there else 86.0
                )
            case _:
                record = device.nvm["hour"]
                device.nvm["hour"] = bytes((record[0] ^ 1, *record[1:]))
                device.reboot(now)


def __getattr__(name: str) -> Callable[[int], WithFaults]:
    kinds = {"sound": SecondDevice, **BAD}
    if name not in kinds:
        raise AttributeError(name)
    return lambda seed: WithFaults(kinds[name](seed, {}))

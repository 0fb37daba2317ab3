"""Traces as JSON Lines, written where the actuators are, so that they show what really happened."""

from __future__ import annotations

from typing import IO, Any, Final

import msgspec

from firmware_sim.config import ZONES
from firmware_sim.core import Core
from firmware_sim.names import names, state_name
from massager_fw.board import Thermometer
from massager_fw.pattern import Direction, Motion

VERSION: Final = 1
GAP_TICKS: Final = 6
"""Looked at every 100 ms: a sample that is this old would be over 200 ms old at the next look."""
_MOTION_NAMES: Final = {
    (motion, way): f"{motion_name} {way_name}" if way else motion_name
    for motion, motion_name in names(Motion).items()
    for way, way_name in names(Direction).items()
}


class Trace:
    """A recorder that writes a header, then a sample at every change of an output, and each event."""

    def __init__(
        self, file: IO[str], *, device: str, profile: str | None = None, seed: int = 0
    ) -> None:
        self._file = file
        self._encode = msgspec.json.Encoder().encode
        self._key: tuple[Any, ...] = ()
        self._written_tick = -GAP_TICKS
        self._write(
            {
                "type": "header",
                "version": VERSION,
                "device": device,
                "profile": profile,
                "seed": seed,
            }
        )

    def _write(self, line: dict[str, Any]) -> None:
        self._file.write(self._encode(line).decode() + "\n")

    def event(self, core: Core, event: str, reason: str) -> None:
        """One event line, flushed, so that a reader sees it at once."""
        self._write({"type": "event", "t": round(core.now, 3), "event": event, "reason": reason})
        self._file.flush()

    def frame(self, core: Core) -> None:
        """A sample if any output changed by 0.1 or more, or the last one is 200 ms old."""
        level = [value // 10 for value in core.levels.level]
        drive = [value // 10 for value in core.patterns.actuators]
        key = (core.state, level, drive, core.heat.target, list(core.patterns.motion))
        if key == self._key and core.tick - self._written_tick < GAP_TICKS:
            return
        self._key = key
        self._written_tick = core.tick
        self._write(self._sample(core, level, drive))

    def _sample(self, core: Core, level: list[int], drive: list[int]) -> dict[str, Any]:
        plant, patterns = core.plant, core.patterns
        return {
            "type": "sample",
            "t": round(core.now, 3),
            "running": round(core.running * 0.02, 3),
            "state": state_name(core.state),
            "out": {zone: value / 10 for zone, value in zip(ZONES, level, strict=True)},
            "drive": {
                zone: value // 10 / 10 for zone, value in zip(ZONES, patterns.drive, strict=True)
            },
            "vibration": {zone: value / 10 for zone, value in zip(ZONES, drive[::2], strict=True)},
            "kneading": {zone: value / 10 for zone, value in zip(ZONES, drive[1::2], strict=True)},
            "motion": {
                zone: _MOTION_NAMES[patterns.motion[i], patterns.turning(i)]
                for i, zone in enumerate(ZONES)
            },
            "heat_c": core.heat.target / 100 or None,
            "pad_c": _celsius(plant.pad_sensor),
            "motor_c": _celsius(plant.motor_sensor),
            "battery": None if core.config.mains else plant.battery_percent,
            "current_ma": round(plant.motors.total_ma()),
        }

    def close(self) -> None:
        """All of it is in the file."""
        self._file.flush()


def _celsius(sensor: Thermometer) -> float | None:
    return None if sensor.hundredths is None else sensor.hundredths / 100

"""A witness's lines, and its clock matched to this computer's."""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass
from math import isfinite
from typing import Any, Final, cast

from massager_hil.tables import ZONES

KINDS: Final = ("vibration", "kneading")
ACTUATORS: Final = {
    f"{zone}.{kind}": 6 * k + z for k, kind in enumerate(KINDS) for z, zone in enumerate(ZONES)
}
"""The number of each actuator by its name: the vibration of six zones, then their kneading, as in TELEMETRY."""
LONGEST: Final = 4096
"""Bytes of a line."""
WINDOW_S: Final = 60.0
_SHOWN: Final = 60


class BadLine(ValueError):
    """A line that is none of a witness; the message says why."""


@dataclass(frozen=True, slots=True)
class Line:
    """One actuator's drive at `time`, seconds of the witness's own clock; tenths of a percent."""

    time: float
    actuator: int
    drive: float


def read(text: bytes) -> Line:
    """Read a line: `{"time": 12.34, "actuator": "neck_left.vibration", "drive": 8.5}`. Raises BadLine."""
    shown = text[:_SHOWN].decode(errors="replace").strip()
    try:
        parsed: Any = json.loads(text)
    except ValueError:
        raise BadLine(f"it is not JSON: {shown!r}") from None
    if not isinstance(parsed, dict):
        raise BadLine(f"it is not an object: {shown!r}")
    values = cast("dict[str, Any]", parsed)
    name = values.get("actuator")
    if not isinstance(name, str) or name not in ACTUATORS:
        raise BadLine(f"actuator is ZONE.vibration or ZONE.kneading: {shown!r}")
    time, drive = _number(values.get("time")), _number(values.get("drive"))
    if time is None:
        raise BadLine(f"time is seconds of the witness's clock: {shown!r}")
    if drive is None or not 0 <= drive <= 100:
        raise BadLine(f"drive is 0 to 100 percent: {shown!r}")
    return Line(time, ACTUATORS[name], 10 * drive)


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if isfinite(value) else None


class Clock:
    """Matches two clocks by the least delay.

    A line is printed after what it tells, and read after that: the least (arrival - time) of the last minute is the
    difference of the clocks, and the delay of the fastest line. So a matched time is never before the moment itself,
    and after it by that delay alone.
    """

    def __init__(self) -> None:
        self._least: deque[tuple[float, float]] = deque()
        self._last: float | None = None
        self.spread_s = 0.0
        """How much slower than the fastest the slowest line was."""

    def match(self, time: float, arrival: float) -> float:
        """This computer's time of a line."""
        if self._last is not None and time < self._last - 1.0:
            self._least.clear()  # The witness has started again, as at a power cut.
        self._last = time
        offset = arrival - time
        least = self._least
        while least and least[-1][1] >= offset:
            least.pop()
        least.append((arrival, offset))
        while least[0][0] < arrival - WINDOW_S:
            least.popleft()
        self.spread_s = max(self.spread_s, offset - least[0][1])
        return time + least[0][1]

"""Caps (R1): no level above the lowest cap that applies, no sum above 200 %; and how fast a level may rise (R3)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from msgspec import Struct

from massager_ctl.model.units import ZONES, Levels, Zone, per_zone

BOUNDS: Final[Levels] = (70.0, 70.0, 50.0, 50.0, 35.0, 35.0)
"""Maximum percent per zone that nothing may exceed: trapezius 70, neck 50, suboccipital 35 (R1). A design choice."""

SUM_BOUND: Final = 200.0
"""Percent over all zones together (R1)."""

RISE_PER_S: Final = 1.0
"""Points a second that a level may rise on the host's side (R3). The device has its own, higher limit."""

FIRST_SESSIONS: Final = 3
FIRST_SESSIONS_CAP: Final = 25.0
"""Percent for a person's first three sessions (R1)."""


class CapLayer(Struct, frozen=True):
    """One source of caps: who sets it (`name`), percent per zone, and the reason in plain words."""

    name: str
    caps: Levels
    reason: str

    @classmethod
    def flat(cls, name: str, percent: float, reason: str) -> CapLayer:
        """The same cap on every zone."""
        return cls(name, per_zone([percent] * len(ZONES)), reason)


BOUNDS_LAYER: Final = CapLayer("bounds", BOUNDS, "fixed bounds of this program")


class Limits(Struct, frozen=True):
    """The caps in force: the lowest of every layer, zone by zone, and the layers themselves to explain them."""

    caps: Levels
    sum_cap: float
    layers: tuple[CapLayer, ...]

    @property
    def cap(self) -> float:
        """The highest level that any zone may reach, percent."""
        return max(self.caps)

    def binding(self, zone: Zone) -> CapLayer:
        """The layer that sets this zone's cap."""
        return min(self.layers, key=lambda layer: layer.caps[zone.index])


def combine(layers: Iterable[CapLayer], sum_cap: float = SUM_BOUND) -> Limits:
    """The lowest cap of all layers and the bounds, zone by zone (R1)."""
    everything = (BOUNDS_LAYER, *layers)
    caps = per_zone(min(layer.caps[zone.index] for layer in everything) for zone in ZONES)
    return Limits(caps, min(sum_cap, SUM_BOUND), everything)


def fit_sum(levels: Sequence[float], sum_cap: float) -> Sequence[float]:
    """The same levels scaled down evenly until their sum is within `sum_cap` (R1)."""
    total = sum(levels)
    if total <= sum_cap:
        return levels
    share = sum_cap / total
    return [level * share for level in levels]

"""Devices with coarse steps (R25): each gets the highest step that is not above the curve, so that it is earned before
it is taken."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from massager_ctl.errors import Refused
from massager_ctl.model.device import Channel
from massager_ctl.model.units import ZONES, Levels, Zone, per_zone

_ROUNDING: Final = 1e-9


class Steps:
    """The steps of one device. A channel that drives several zones runs at the lowest level allowed in any of them."""

    __slots__ = ("_channels",)

    def __init__(self, channels: Sequence[Channel]) -> None:
        """`channels`: empty for a device that takes any level."""
        self._channels = tuple(channels)

    def numbers(self, levels: Sequence[float]) -> tuple[int, ...]:
        """A step for each channel, 0 for off, from a level in percent for each zone."""
        return tuple(
            sum(percent <= _shared(channel, levels) + _ROUNDING for percent in channel.percents)
            for channel in self._channels
        )

    def levels(self, numbers: Sequence[int]) -> Levels:
        """The levels of these steps, percent by zone; zones without a channel are at zero."""
        found = [0.0] * len(ZONES)
        for channel, number in zip(self._channels, numbers, strict=True):
            for zone in channel.zones:
                found[zone.index] = channel.percents[number - 1] if number else 0.0
        return per_zone(found)

    def beside(self, zone: Zone) -> tuple[Zone, ...]:
        """Every zone that the same output drives: whoever sets one by hand sets them all."""
        for channel in self._channels:
            if zone in channel.zones:
                return channel.zones
        return (zone,)

    def taken(self, levels: Levels) -> Levels:
        """`levels` rounded down to what the device can play; unchanged if it takes any level."""
        return self.levels(self.numbers(levels)) if self._channels else levels

    def waits(self, wanted: Sequence[float], levels: Sequence[float]) -> bool:
        """Whether a channel that rests is wanted at its lowest step and the curve is on its way there.

        That time counts as running (R2): a device whose gentlest step is above the curve's first minute could never
        earn it otherwise. Where less than that step is wanted nothing is earned.
        """
        return any(
            _shared(channel, wanted) + _ROUNDING >= channel.percents[0]
            and _shared(channel, levels) + _ROUNDING < channel.percents[0]
            for channel in self._channels
        )

    def require_some(self, caps: Sequence[float]) -> None:
        """Refuse a device whose lowest step is above `caps`. Raises Refused (R25), with both numbers."""
        if not self._channels or any(self.numbers(caps)):
            return
        channel = min(self._channels, key=lambda one: one.percents[0])
        raise Refused(
            f"its lowest level is {channel.percents[0]:g} % and the cap is {_shared(channel, caps):g} %:"
            " it is not started (R25)",
            "This device is too strong for what is known of it.",
        )

    def require_worth(self, peaks: Sequence[Sequence[float]], title: str) -> None:
        """Refuse a session in which no step would ever be reached. Raises Refused.

        `peaks`: the levels at each bend of its curve, percent by zone.
        """
        if not self._channels or not peaks or any(any(self.numbers(levels)) for levels in peaks):
            return
        channel = min(self._channels, key=lambda one: one.percents[0])
        highest = max(_shared(channel, levels) for levels in peaks)
        where = " and ".join(channel.zones)
        raise Refused(
            f"nothing of '{title}' would be felt: the lowest step at {where} is {channel.percents[0]:g} %, and the"
            f" session asks for {highest:g} % there at most (R25)",
            "Choose a profile that works more strongly there, or at all these places at once.",
        )


def _shared(channel: Channel, levels: Sequence[float]) -> float:
    return min(levels[zone.index] for zone in channel.zones)

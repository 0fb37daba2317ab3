"""What a driver from another package is: a dialect, and what is to be known about the device that speaks it.

A dialect says which bytes go out and what those that come in mean. It opens nothing, waits for nothing and writes
nothing itself: one process alone writes to such a device (R25), and it writes whole frames.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from itertools import pairwise
from typing import Final

from msgspec import Struct, structs

from massager_ctl.drivers.described.uuids import forbidden_target, full_uuid
from massager_ctl.errors import DriverFault
from massager_ctl.model.device import Channel
from massager_ctl.safety.assurance import Assurance
from massager_ctl.transports.address import SCHEME
from massager_ctl.transports.base import LinkKind
from massager_ctl.transports.gatt import Gatt

Frames = Sequence[bytes]
"""Whole frames, in order. On Bluetooth each is one write."""


class Act(StrEnum):
    """What a device does to the skin. Two of them are refused on the neck, whatever the driver says (D3, R25)."""

    VIBRATION = "vibration"
    KNEADING = "kneading"
    HEAT = "heat"
    PERCUSSION = "percussion"
    EMS = "ems"


class LevelsAre(StrEnum):
    """How a level is set. A device that only knows on and off by the same frame is refused (R25)."""

    ABSOLUTE = "absolute"
    RELATIVE = "relative"
    TOGGLED = "toggled"


class Dialect:
    """One connection to a device; a new one is made for each. Everything but `levels` and `stop` may stay as it is.

    `now` is in seconds of a monotonic clock. Whatever a method raises ends the session with one clear error.
    """

    every_s: float | None = None
    """Seconds between two keep-alives, where the device needs them; None: it needs none."""
    known = True
    """False until `feed` has recognised the device, for a dialect that asks in `start` who is there."""
    serial = ""
    firmware = ""
    """What the device reported of itself in answer to `start`, if it does."""
    off_reports: tuple[bytes, ...] = ()
    """Bytes by which the device reports that it is off, if they are always the same. The second process that can stop
    it knows no dialect, and repeats its stop until it sees them (R25)."""
    _alive_at: float | None = None

    def start(self, now: float) -> Frames:  # noqa: ARG002
        """What comes first after connecting, and makes no motor move: a greeting, a PIN, a question."""
        return ()

    def levels(self, steps: tuple[int, ...], now: float) -> Frames:
        """What sets every channel to a step, 0 for off, whatever was set before."""
        raise NotImplementedError

    def stop(self, now: float) -> Frames:
        """What switches everything off, in any state, however often it is sent."""
        raise NotImplementedError

    def timer(self, minutes: float, now: float) -> Frames:  # noqa: ARG002
        """What sets the device's own timer to one of the minutes that the driver names."""
        return ()

    def alive(self, now: float) -> Frames:  # noqa: ARG002
        """The keep-alive."""
        return ()

    def feed(self, data: bytes, now: float) -> tuple[int, ...] | None:
        """Take what came, in pieces of any size from a stream; the steps that the device reports, or None."""

    def due(self, now: float) -> Frames:
        """The keep-alives whose time has come."""
        if self.every_s is None:
            return ()
        if self._alive_at is not None and now < self._alive_at:
            return ()
        self._alive_at = now + self.every_s
        return self.alive(now)

    def next_due(self) -> float | None:
        """When `due` has something at the earliest; None for never."""
        return self._alive_at


class RelativeDialect(Dialect):
    """For a device that knows only *more* and *off*: a level is counted up from off, and a lower one as well (R25)."""

    _counted: tuple[int, ...] | None = None

    def more(self, channel: int, now: float) -> Frames:
        """What raises one channel by one step."""
        raise NotImplementedError

    def levels(self, steps: tuple[int, ...], now: float) -> Frames:
        """So many times *more* as the step is higher; where one is lower, off first."""
        frames: list[bytes] = []
        before = self._counted
        if before is None or any(new < old for new, old in zip(steps, before, strict=True)):
            frames += self.stop(now)
            before = (0,) * len(steps)
        for channel, (new, old) in enumerate(zip(steps, before, strict=True)):
            for _ in range(new - old):
                frames += self.more(channel, now)
        self._counted = steps
        return frames

    def forget(self) -> None:
        """The stop was sent: what comes next is counted up from off."""
        self._counted = None


class Find(Struct, frozen=True, kw_only=True):
    """How a scan recognises the device: the name that it advertises (`*` for any letters), and a service.

    `answers`: on a serial port, whether `start` is answered so that `known` becomes true; only such a port is claimed.
    """

    name: str = ""
    service: str = ""
    answers: bool = False


class DriverSpec(Struct, frozen=True, kw_only=True):
    """What an entry point of the group `massager_ctl.drivers` names: a device and the dialect that it speaks.

    `links`: what carries it, of serial, tcp and ble. `channels`: its outputs; what a step is worth is never too small.
    `ends_frame`: bytes after which the device reads afresh, such as a line's end, so that a stop is heard past half a
    frame. `timer_min`: minutes that its own timer can be set to. `source`: where the knowledge comes from;
    `confirmed_by`: who has seen it work on hardware.
    """

    scheme: str
    title: str
    links: tuple[LinkKind, ...]
    channels: tuple[Channel, ...]
    dialect: Callable[[], Dialect]
    acts: frozenset[Act] = frozenset({Act.VIBRATION})
    levels_are: LevelsAre = LevelsAre.ABSOLUTE
    assurance: Assurance = Assurance()
    bench_only: bool = False
    baud: int = 115200
    gatt: Gatt | None = None
    find: Find = Find()
    timer_min: tuple[float, ...] = ()
    ends_frame: bytes = b""
    source: str = ""
    confirmed_by: str = ""

    @property
    def declared(self) -> Assurance:
        """What it declares, with what stands beside it (R25)."""
        bench_only = self.bench_only or self.assurance.bench_only
        return structs.replace(self.assurance, bench_only=bench_only)


ENTRY_POINTS: Final = "massager_ctl.drivers"

_TAKEN: Final = frozenset({"sim", "serial", "tcp", "ble", "auto", "settings"})
_REFUSED: Final = {
    Act.PERCUSSION: "percussion is far too intense for the neck (D3)",
    Act.EMS: "electric stimulation of the neck muscles is refused (R25)",
}
_LINKS: Final = (LinkKind.SERIAL, LinkKind.TCP, LinkKind.BLE)


def check_spec(spec: object, source: str) -> DriverSpec:
    """The spec, if it can be driven at all. Raises DriverFault, which says what its author has to change.

    `source`: the package, for the message.
    """
    if not isinstance(spec, DriverSpec):
        raise DriverFault(
            f"the entry point of {source} is a {type(spec).__name__} and no DriverSpec",
            "Tell the author of that package; docs/how-to/write-a-driver.md shows one.",
        )
    found = _problem(spec)
    if found:
        raise DriverFault(
            f"the driver '{spec.scheme}' of {source} is refused: {found}",
            "It is not used. Tell the author of that package.",
        )
    return spec


def _problem(spec: DriverSpec) -> str:
    scheme = spec.scheme
    if not SCHEME.fullmatch(scheme) or scheme in _TAKEN:
        return "its scheme is not a word of small letters of its own"
    for act, why in _REFUSED.items():
        if act in spec.acts:
            return why
    if spec.levels_are is LevelsAre.TOGGLED:
        return "a device that can only be toggled has no stop (R25)"
    return _link_problem(spec) or _level_problem(spec)


def _link_problem(spec: DriverSpec) -> str:
    if not spec.links or any(link not in _LINKS for link in spec.links):
        return "it names no link, or one that is none of serial, tcp and ble"
    if LinkKind.BLE in spec.links and spec.gatt is None:
        return "it works over ble and names no characteristic to write to"
    if spec.gatt is not None:
        service, write = full_uuid(spec.gatt.service), full_uuid(spec.gatt.write)
        if service is None or write is None:
            return "a UUID of it makes no sense"
        if found := forbidden_target(service, write):
            return found
    return ""


def _level_problem(spec: DriverSpec) -> str:
    zones = [zone for channel in spec.channels for zone in channel.zones]
    if not zones or len(set(zones)) < len(zones):
        return "it has no zone, or one twice"
    for channel in spec.channels:
        percents = channel.percents
        rising = all(a < b for a, b in pairwise(percents))
        if (
            not percents
            or not channel.zones
            or not rising
            or not 0 < percents[0] <= percents[-1] <= 100
        ):
            return "the steps of a channel do not rise from above 0 to 100 % at most"
    if any(not 0 < minutes <= 240 for minutes in spec.timer_min):
        return "a time of its timer is not between 0 and 240 minutes"
    return ""

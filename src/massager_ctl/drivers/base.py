"""The seam between the controller and a device: the least that every one has, and what a full one adds.

A driver from another package writes neither: it is a `Dialect` (drivers/dialect.py), and `PlainDriver` makes a full
driver of it by keeping the session on this side.
"""

from __future__ import annotations

from asyncio import Future
from collections.abc import Callable
from typing import Protocol

from massager_ctl.errors import LinkLost, MassagerError
from massager_ctl.model.device import Cause, DeviceInfo, Setpoint, Telemetry
from massager_ctl.safety.assurance import Assurance
from massager_ctl.transports.base import LinkKind


def not_connected(address: str) -> LinkLost:
    """What a driver answers whose link is not open."""
    return LinkLost(f"{address} is not connected", "Check its power and its cable.")


class DriverListener(Protocol):
    """Who hears from a driver; always called from the event loop."""

    def telemetry_received(self, telemetry: Telemetry) -> None:
        """The device said how it is."""
        ...

    def driver_lost(self, error: MassagerError) -> None:
        """The link is gone; called once a connection. With a DriverFault the link is there, and the session must end:
        the device is to be stopped.
        """
        ...


class Driver(Protocol):
    """The least that every device has: a link, levels, a stop. It holds no rule: what is allowed was decided before."""

    @property
    def kind(self) -> LinkKind:
        """What carries the bytes."""
        ...

    @property
    def address(self) -> str:
        """Where the device is, as a person would write it."""
        ...

    @property
    def assurance(self) -> Assurance:
        """What the device can be trusted with, as its driver declares it (R25)."""
        ...

    @property
    def guarded(self) -> bool:
        """Whether a second process is the only writer to it, and stops it when this one cannot (R25)."""
        ...

    @property
    def newest(self) -> Telemetry | None:
        """The newest telemetry of this connection, or what stands for it: what was sent, if nothing is reported."""
        ...

    async def open_link(self, listener: DriverListener) -> None:
        """Connect and ask nothing: enough for a stop (R6). Raises LinkError."""
        ...

    async def open(self, listener: DriverListener) -> DeviceInfo:
        """Connect and learn what it is. Raises LinkError, DeviceRefused, ProtocolError or DriverFault."""
        ...

    def send(self, setpoint: Setpoint) -> None:
        """Send the full state now; where the link is congested the newest alone is kept (R4).

        Nothing without a session.
        """
        ...

    def stop(self, cause: Cause) -> Future[None]:
        """Put STOP on the wire before this returns, past all that waits (R6). Done when the device confirms it; never,
        where nothing can (R25).
        """
        ...

    def abort(self) -> None:
        """Drop the link at once, so that the dead-man acts (R4, R6); `driver_lost` tells it as any other loss."""
        ...

    async def close(self) -> None:
        """End the link in order."""
        ...


class FullDriver(Driver, Protocol):
    """What the controller asks of a device with sessions of its own."""

    @property
    def epoch(self) -> int:
        """The epoch of the session that was armed last; another one in telemetry means that it is over."""
        ...

    async def read_info(self) -> DeviceInfo:
        """Read INFO again. The next `arm` is good only for the epoch in which this was asked, so that no one can
        have used the device in between (R9). Raises LinkError, ProtocolError.
        """
        ...

    def ask_info(self, tell: Callable[[DeviceInfo], None]) -> None:
        """Ask for INFO and wait for nothing; `tell` gets the answer, if one comes (R15).

        Nothing while the link is congested. The newest question alone counts.
        """
        ...

    async def arm(self, cap: float, limit_s: int) -> None:
        """Open a session: no level above `cap` percent, no longer than `limit_s` seconds without pauses (1 to 2700).

        Raises DeviceRefused with the device's reason, LinkTimeout after 300 ms (R15).
        """
        ...

    def disarm(self) -> None:
        """Forget the session: until the next `arm` nothing but STOP and questions goes out (R6)."""
        ...

    async def reset(self) -> None:
        """Clear the latch that the newest telemetry names (R7). Raises DeviceRefused, LinkTimeout."""
        ...

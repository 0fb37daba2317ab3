"""The seam between the controller and a device's dialect."""

from __future__ import annotations

from asyncio import Future
from collections.abc import Callable
from typing import Protocol

from massager_ctl.device import Cause, DeviceInfo, Setpoint, Telemetry
from massager_ctl.errors import MassagerError
from massager_ctl.transports.base import LinkKind


class DriverListener(Protocol):
    """Who hears from a driver; always called from the event loop."""

    def telemetry_received(self, telemetry: Telemetry) -> None: ...

    def driver_lost(self, error: MassagerError) -> None:
        """The link is gone; called once a connection."""
        ...


class Driver(Protocol):
    """Speaks to one device. It holds no rule: what is allowed was decided before it is asked to send."""

    @property
    def kind(self) -> LinkKind: ...

    @property
    def address(self) -> str: ...

    @property
    def epoch(self) -> int:
        """The epoch of the session that was armed last; another one in telemetry means that it is over."""
        ...

    @property
    def newest(self) -> Telemetry | None:
        """The newest telemetry of this connection."""
        ...

    async def open_link(self, listener: DriverListener) -> None:
        """Connect and ask nothing: enough for a stop (R6). Raises LinkError."""
        ...

    async def open(self, listener: DriverListener) -> DeviceInfo:
        """Connect and read INFO. Raises LinkError, DeviceRefused or ProtocolError."""
        ...

    async def read_info(self) -> DeviceInfo:
        """Read INFO again. The next `arm` is good only for the epoch in which this was asked, so that nobody can
        have used the device in between (R9). Raises LinkError, ProtocolError.
        """
        ...

    def ask_info(self, tell: Callable[[DeviceInfo], None]) -> None:
        """Ask for INFO and wait for nothing; `tell` gets the answer, if one comes (R15).

        Nothing while the link is congested. The newest question alone counts.
        """
        ...

    async def arm(self, cap: float, limit_s: int) -> None:
        """Open a session: no level above `cap` percent, no longer than `limit_s` seconds armed (1 to 2700).

        Raises DeviceRefused with the device's reason, LinkTimeout after 300 ms (R15).
        """
        ...

    def send(self, setpoint: Setpoint) -> None:
        """Send the full state now; where the link is congested the newest alone is kept (R4).

        Nothing without a session.
        """
        ...

    def disarm(self) -> None:
        """Forget the session: until the next `arm` nothing but STOP and questions goes out (R6)."""
        ...

    def stop(self, cause: Cause) -> Future[None]:
        """Put STOP on the wire before this returns, past all that waits (R6). Done when the device acknowledges it."""
        ...

    async def reset(self) -> None:
        """Clear the latch that the newest telemetry names (R7). Raises DeviceRefused, LinkTimeout."""
        ...

    def abort(self) -> None:
        """Drop the link at once, so that the dead-man acts (R4, R6); `driver_lost` tells it as any other loss."""
        ...

    async def close(self) -> None: ...

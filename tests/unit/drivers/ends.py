"""The two ends of a driver under test: a listener that keeps what it receives, and a link on which writes wait."""

from __future__ import annotations

from massager_ctl.drivers.plain import PlainDriver
from massager_ctl.errors import MassagerError
from massager_ctl.model.device import Telemetry
from massager_ctl.testing.peers import PeerLink
from massager_ctl.transports.wrapper import Wrapper


class Listener:
    def __init__(self) -> None:
        self.telemetry: list[Telemetry] = []
        self.lost: list[MassagerError] = []

    def telemetry_received(self, telemetry: Telemetry) -> None:
        self.telemetry.append(telemetry)

    def driver_lost(self, error: MassagerError) -> None:
        self.lost.append(error)


async def end_link(way: str, driver: PlainDriver, link: PeerLink) -> None:
    """End a link by the driver's `close` ("closed") or `abort` ("given up"), or at its far end."""
    if way == "closed":
        await driver.close()
    elif way == "given up":
        driver.abort()
    else:
        await link.far.close()


class Congested(Wrapper):
    """Something waits as long as it says so; when there is room, the test tells."""

    waits = 0

    @property
    def backlog(self) -> int:
        return self.waits

"""The two ends of a driver under test: a listener that keeps what it receives, and a link on which writes wait."""

from __future__ import annotations

from massager_ctl.errors import MassagerError
from massager_ctl.model.device import Telemetry
from massager_ctl.transports.wrapper import Wrapper


class Listener:
    def __init__(self) -> None:
        self.telemetry: list[Telemetry] = []
        self.lost: list[MassagerError] = []

    def telemetry_received(self, telemetry: Telemetry) -> None:
        self.telemetry.append(telemetry)

    def driver_lost(self, error: MassagerError) -> None:
        self.lost.append(error)


class Congested(Wrapper):
    """Something waits as long as it says so; when there is room, the test tells."""

    waits = 0

    @property
    def backlog(self) -> int:
        return self.waits

"""The link to one device: whether it is connected, its INFO, and that it is still the same device (R15)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from massager_ctl.aio.clock import Clock, slept_s
from massager_ctl.aio.scheduler import Scheduler
from massager_ctl.aio.task_bag import TaskBag
from massager_ctl.control.status_feed import StatusFeed
from massager_ctl.control.stop_path import StopPath
from massager_ctl.drivers.base import DriverListener, FullDriver
from massager_ctl.errors import DriverFault, LinkLost, MassagerError
from massager_ctl.model.device import DeviceInfo
from massager_ctl.model.status import LinkState, Status


class DeviceLink:
    """The driver of one controller and what outlives its sessions: the stop path, the feed, tasks and clocks.

    `info`: the newest INFO of the device, kept when the link is lost.
    """

    __slots__ = (
        "_loop",
        "clock",
        "driver",
        "feed",
        "info",
        "scheduler",
        "state",
        "stop_path",
        "tasks",
    )

    def __init__(
        self, driver: FullDriver, clock: Clock, scheduler: Scheduler, build: Callable[[], Status]
    ) -> None:
        """`build` makes the current status."""
        self._loop: asyncio.AbstractEventLoop | None = None
        self.driver = driver
        self.clock = clock
        self.scheduler = scheduler
        self.tasks = TaskBag()
        """Stops that wait for a confirmation, reports of pain, and final ledger entries."""
        self.feed = StatusFeed(build, clock.wall)
        self.stop_path = StopPath(driver, self.tasks, self._alarm)
        self.state = LinkState.CLOSED
        self.info: DeviceInfo | None = None

    async def open(self, listener: DriverListener) -> DeviceInfo:
        """Connect and read INFO. Raises LinkError and its subclasses."""
        self.enter(LinkState.CONNECTING)
        try:
            self.info = await self.driver.open(listener)
        except BaseException:
            self.enter(LinkState.LOST)
            raise
        self.state = LinkState.UP
        self.feed.event("connected", f"{self.info.serial} on {self.driver.address}")
        self.feed.changed()
        return self.info

    async def close(self) -> None:
        """Disconnect from the device."""
        self.stop_path.close()
        await self.driver.close()
        self.enter(LinkState.CLOSED)

    def lost(self, error: MassagerError) -> None:
        """The link is gone; a driver that cannot go on still has it, for the stop."""
        if not isinstance(error, DriverFault):
            self.state = LinkState.LOST
            self.feed.event("link_lost", error.message)

    def _alarm(self, text: str) -> None:
        """What the stop path tells is shown at once: after it a silent device brings no other news."""
        self.feed.event("alarm", text)
        self.feed.changed()

    def enter(self, state: LinkState) -> None:
        """Set the state of the link."""
        self.state = state
        self.feed.changed()

    def require_up(self) -> DeviceInfo:
        """The newest INFO of the device. Raises LinkLost if it is not connected."""
        if self.info is None or self.state is not LinkState.UP:
            raise LinkLost("the device is not connected", "Check the device and its cable.")
        return self.info

    async def fresh_info(self) -> DeviceInfo:
        """INFO of the current epoch: what others delivered must be in the ledger (R9), and the plan must fit (R15).

        Raises LinkError and its subclasses.
        """
        known = self.require_up()
        info = await self.driver.read_info()
        if info.serial != known.serial:
            self.stop_path.drop()
            raise LinkLost(
                f"the device on {self.driver.address} is not the one that was connected (R15)",
                "Connect to it again.",
            )
        if not info.same_device(known):
            self.feed.event(
                "changed", "the device has restarted or changed; the session is planned again (R15)"
            )
        self.info = info
        return info

    def now(self) -> float:
        """Seconds of the loop's clock; it also answers once the loop has ended."""
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
        return self._loop.time()

    def drift(self) -> float:
        """As `slept_s`, of this link's clock."""
        return slept_s(self.clock)

"""A device in the service's hands."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from tests.support.ascii_massager import ASCII, AsciiPeer
from tests.support.marks import running_loop, simulated_time

from massager_ctl import config as settings
from massager_ctl.aio.clock import Clock, VirtualClock
from massager_ctl.aio.scheduler import Scheduler
from massager_ctl.aio.tasks import end_all
from massager_ctl.control.admission import AdmissionPolicy, Subject
from massager_ctl.drivers.base import FullDriver
from massager_ctl.drivers.plain import PlainDriver
from massager_ctl.drivers.reference import ReferenceDriver
from massager_ctl.errors import DeviceBusy, StopUnconfirmed
from massager_ctl.ledger.clock_reading import ClockReader
from massager_ctl.ledger.in_memory import MemoryStore
from massager_ctl.model.status import LinkState
from massager_ctl.runtime.lock import DeviceLock
from massager_ctl.runtime.service_device import RETRY_LONGEST_S, OwnedDevice
from massager_ctl.safety.remote_start import READY_S
from massager_ctl.testing.peers import PeerLink
from massager_ctl.transports.in_process import SimTransport


def owned(
    folder: Path, driver: FullDriver, clock: Clock, lock: DeviceLock | None = None
) -> OwnedDevice:
    moments = ClockReader(clock, boot="this boot")
    config = settings.load(env={"MASSAGER_CTL_DATA": str(folder)})
    policy = AdmissionPolicy(MemoryStore(moments), config, moments, subject=Subject.BENCH)
    return OwnedDevice(
        "neck", "ascii:test", driver, policy, config, clock, Scheduler(), lock=lock, remote=True
    )


@contextlib.asynccontextmanager
async def kept(folder: Path, link: PeerLink, lock: DeviceLock) -> AsyncGenerator[OwnedDevice]:
    """A device of another make that the service keeps connected."""
    link.host.address = "tcp:127.0.0.1:1"
    device = owned(folder, PlainDriver(link.host, ASCII), running_loop().clock, lock)
    async with device.held():
        keeping = asyncio.ensure_future(device.keep_connected())
        try:
            await asyncio.sleep(1.0)
            yield device
        finally:
            await end_all([keeping])
            with contextlib.suppress(StopUnconfirmed):
                await device.close()


def test_r18_who_was_ready_before_a_suspend_is_not_after_it(tmp_path: Path) -> None:
    clock = VirtualClock()
    device = owned(tmp_path, ReferenceDriver(SimTransport("")), clock)
    device.gate.let(clock.monotonic())
    clock.suspend(READY_S / 2)
    assert device.gate.ready_for_s(clock.monotonic()) == READY_S / 2
    clock.suspend(READY_S / 2)
    assert device.gate.ready_for_s(clock.monotonic()) == 0.0


@simulated_time
async def test_r17_a_device_that_another_program_drives_over_another_link_is_left_alone(
    tmp_path: Path, runtime: Path
) -> None:
    other = DeviceLock("number:A1")
    async with PeerLink(AsciiPeer()) as link:
        with other:
            async with kept(tmp_path, link, DeviceLock("ascii:test")) as device:
                assert device.controller.status.link is not LinkState.UP
    async with (
        PeerLink(AsciiPeer()) as link,
        kept(tmp_path, link, DeviceLock("ascii:test")) as device,
    ):
        assert device.controller.status.link is LinkState.UP
        with pytest.raises(DeviceBusy):
            other.acquire()
    with other:
        pass


@pytest.mark.parametrize("mute", [False, True])
@simulated_time
async def test_r25_the_stop_of_a_guardian_that_gave_way_goes_on(
    tmp_path: Path, runtime: Path, *, mute: bool
) -> None:
    peer = AsciiPeer(mute=mute)
    peer.steps = (3,)
    async with PeerLink(peer) as link:
        lock = DeviceLock("ascii:test")
        lock.took_over = True
        async with kept(tmp_path, link, lock) as device:
            await asyncio.sleep(RETRY_LONGEST_S)
            assert peer.steps == (0,)
            assert (device.controller.unconfirmed is not None) is mute

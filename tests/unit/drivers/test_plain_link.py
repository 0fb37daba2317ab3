"""The link of a device of another make ends: it is reported at once, and nothing more is sent (R15, R25)."""

from __future__ import annotations

import asyncio

import pytest
from tests.support.ascii_massager import ASCII, AsciiPeer
from tests.support.marks import simulated_time
from tests.unit.drivers.ends import Listener, end_link
from tests.unit.drivers.other_makes import both, faulty

from massager_ctl.drivers.plain import PlainDriver
from massager_ctl.errors import DriverFault, LinkLost
from massager_ctl.model.device import Cause
from massager_ctl.testing.peers import PeerLink


@simulated_time
@pytest.mark.parametrize("way", ["closed", "given up", "lost"])
async def test_r15_a_link_that_has_ended_is_told_and_nothing_more_is_sent_or_confirmed(
    way: str,
) -> None:
    async with PeerLink(AsciiPeer(mute=True)) as link:
        driver, ear = PlainDriver(link.host, ASCII), Listener()
        await driver.open(ear)
        assert (await driver.read_info()).serial == "A1"
        await driver.arm(25.0, 600)
        driver.send(both(20.0))
        given_up, pending = driver.stop(Cause.PERSON), driver.stop(Cause.PERSON)
        given_up.cancel()
        await driver.arm(25.0, 600)
        driver.send(both(20.0))
        await asyncio.sleep(0.1)
        sent, before = len(link.heard), len(ear.telemetry)
        await end_link(way, driver, link)
        await asyncio.sleep(0.1)
        assert not link.host.is_open
        assert len(ear.lost) == (way != "closed")
        with pytest.raises(LinkLost):
            await pending
        with pytest.raises(LinkLost):
            await driver.stop(Cause.PERSON)
        with pytest.raises(LinkLost):
            await driver.read_info()
        with pytest.raises(LinkLost):
            await driver.arm(25.0, 600)
        driver.send(both(10.0))
        driver.abort()
        await asyncio.sleep(5.0)
        assert (len(link.heard), len(ear.telemetry)) == (sent, before)
        assert len(ear.lost) == (way != "closed"), "it is reported once"


@simulated_time
async def test_a_link_that_breaks_while_the_device_is_asked_who_it_is_is_told_at_once() -> None:
    async with PeerLink(AsciiPeer(deaf=True)) as link:
        driver = PlainDriver(link.host, ASCII)
        opening = asyncio.ensure_future(driver.open(Listener()))
        await asyncio.sleep(0.05)
        begun = asyncio.get_running_loop().time()
        await link.far.close()
        with pytest.raises(LinkLost):
            await opening
        assert asyncio.get_running_loop().time() - begun < 0.1
    async with PeerLink(AsciiPeer()) as link:
        with pytest.raises(DriverFault, match="made up"):
            await PlainDriver(link.host, faulty("feed")).open(Listener())
        assert not link.host.is_open


@simulated_time
async def test_nothing_is_told_of_a_device_whose_link_is_closed() -> None:
    async with PeerLink(AsciiPeer()) as link:
        driver, ear = PlainDriver(link.host, ASCII), Listener()
        await driver.open(ear)
        await driver.arm(25.0, 600)
        driver.send(both(20.0))
        await asyncio.sleep(0.1)
        count = len(ear.telemetry)
        driver.stop(Cause.PERSON)
        driver.abort()
        await asyncio.sleep(1.0)
        assert len(ear.telemetry) == count

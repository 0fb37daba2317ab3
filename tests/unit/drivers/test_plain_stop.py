"""A stop of a device of another make: nothing made here confirms it, and no setpoint comes after it (R25)."""

from __future__ import annotations

import asyncio
import gc

import pytest
from msgspec import structs
from tests.support.ascii_massager import ASCII, AsciiDialect, AsciiPeer
from tests.support.marks import simulated_time
from tests.unit.drivers.ends import Congested, Listener
from tests.unit.drivers.other_makes import both, lines

from massager_ctl.drivers.plain import PlainDriver
from massager_ctl.errors import DriverFault, LinkLost
from massager_ctl.model.device import Cause
from massager_ctl.testing.peers import PeerLink
from massager_ctl.transports.base import LinkKind


@simulated_time
async def test_r6_only_a_zero_that_is_told_after_the_stop_confirms_it() -> None:
    async with PeerLink(AsciiPeer(mute=True)) as link:
        driver = PlainDriver(link.host, ASCII)
        await driver.open(Listener())
        await driver.arm(25.0, 600)
        driver.send(both(10.0))
        done = driver.stop(Cause.PERSON)
        link.far.write(b"=2\n")  # its answer to the level, late
        await asyncio.sleep(0.5)
        assert not done.done()
        assert driver.newest is not None
        assert driver.newest.levels[0] == 10.0
        await driver.arm(25.0, 600)
        driver.send(both(10.0))
        link.far.write(b"=0\n")  # its answer to the stop, after a later level
        await asyncio.sleep(0.5)
        assert not done.done()
        again = driver.stop(Cause.PERSON)
        link.far.write(b"=0\n")
        await asyncio.wait_for(asyncio.gather(done, again), 1.0)
        await driver.close()


@simulated_time
async def test_r6_a_stop_that_nobody_awaits_any_more_keeps_none_from_being_confirmed() -> None:
    async with PeerLink(AsciiPeer(mute=True)) as link:
        driver = PlainDriver(link.host, ASCII)
        await driver.open(Listener())
        driver.stop(Cause.PERSON).cancel()
        given_up, done = driver.stop(Cause.PERSON), driver.stop(Cause.PERSON)
        given_up.cancel()
        link.far.write(b"=0\n")
        await asyncio.wait_for(done, 1.0)
        await driver.close()


@simulated_time
async def test_r4_a_setpoint_that_waited_is_not_sent_after_a_newer_one_nor_late() -> None:
    async with PeerLink(AsciiPeer()) as link:
        line = Congested(link.host)
        driver = PlainDriver(line, ASCII)
        await driver.open(Listener())
        await driver.arm(25.0, 600)
        for later in (0.0, 0.2, 0.4):
            line.waits = 1
            driver.send(both(20.0))
            await asyncio.sleep(later)
            line.waits = 0
            if not later:
                driver.send(both(10.0))
            driver._send_unsent()
            await asyncio.sleep(0.1)
            driver.send(both(5.0))
        assert lines(link) == [b"WHO", b"L2", b"L1", b"L4", b"L1"], "the last waited too long"
        line.waits = 1
        driver.send(both(20.0))
        await asyncio.sleep(0.9)
        driver.send(both(20.0))
        await asyncio.sleep(0.2)
        with pytest.raises(DriverFault, match="has taken nothing for 1 s"):
            driver.send(both(20.0))
        await driver.close()


@simulated_time
async def test_r6_a_stop_before_the_link_is_opened_is_confirmed_by_nothing() -> None:
    async with PeerLink(AsciiPeer()) as link:
        driver = PlainDriver(link.host, ASCII)
        with pytest.raises(LinkLost, match="is not connected"):
            await driver.stop(Cause.PERSON)
        assert link.heard == []
        await driver.open(Listener())
        await driver.arm(25.0, 600)
        await driver.close()


@simulated_time
async def test_r6_a_stop_over_a_bare_link_is_confirmed_as_well() -> None:
    async with PeerLink(AsciiPeer(mute=True)) as link:
        driver = PlainDriver(link.host, ASCII)
        await driver.open_link(Listener())
        done = driver.stop(Cause.PERSON)
        driver.data_received(b"=0\n")
        assert done.done()
        await driver.close()


@simulated_time
async def test_r6_a_setpoint_that_waits_is_not_sent_after_the_stop() -> None:
    async with PeerLink(AsciiPeer()) as link:
        line = Congested(link.host)
        driver = PlainDriver(line, ASCII)
        await driver.open(Listener())
        await driver.arm(25.0, 600)
        line.waits = 1
        driver.send(both(20.0))
        driver.stop(Cause.PERSON)
        line.waits = 0
        driver._send_unsent()
        await asyncio.sleep(0.2)
        assert lines(link) == [b"WHO", b"", b"OFF"]
        await driver.close()


class TwoFrames(AsciiDialect):
    def stop(self, now: float) -> list[bytes]:
        return [b"OFF\n", b"END\n"]


@simulated_time
@pytest.mark.parametrize(
    ("kind", "written"),
    [(LinkKind.SERIAL, [b"\nOFF\nEND\n"]), (LinkKind.BLE, [b"OFF\n", b"END\n"])],
)
async def test_r6_each_frame_of_a_stop_is_a_write_of_its_own_where_the_link_keeps_frames_apart(
    kind: LinkKind, written: list[bytes]
) -> None:
    async with PeerLink(AsciiPeer(), kind) as link:
        driver = PlainDriver(link.host, structs.replace(ASCII, dialect=TwoFrames))
        await driver.open(Listener())
        before = len(link.heard)
        driver.stop(Cause.PERSON)
        await asyncio.sleep(0.1)
        assert [data for _, data in link.heard[before:]] == written
        await driver.close()


@simulated_time
async def test_what_waits_is_sent_when_the_transport_has_room() -> None:
    async with PeerLink(AsciiPeer()) as link:
        driver = PlainDriver(link.host, ASCII)
        await driver.open(Listener())
        await driver.arm(25.0, 600)
        link.far.pause()
        link.host.write(b"\n" * 4096)
        link.host.write(b"\n")
        assert link.host.backlog
        driver.send(both(20.0))
        link.far.resume()
        await asyncio.sleep(0.1)
        assert link.peer.steps == (4,)
        await driver.close()


@simulated_time
async def test_stops_that_nothing_confirms_do_not_add_up() -> None:
    async with PeerLink(AsciiPeer(mute=True)) as link:
        driver = PlainDriver(link.host, ASCII)
        await driver.open(Listener())
        for _ in range(50):
            driver.stop(Cause.PERSON).cancel()
        assert len(driver._stops) <= 2
        await driver.close()


@simulated_time
async def test_a_lost_link_warns_of_no_stop_that_nobody_awaits() -> None:
    async with PeerLink(AsciiPeer(mute=True)) as link:
        warned: list[dict[str, object]] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: warned.append(context))
        driver = PlainDriver(link.host, ASCII)
        await driver.open(Listener())
        driver.stop(Cause.PERSON)
        await link.far.close()
        await asyncio.sleep(0.1)
        gc.collect()
        assert warned == []

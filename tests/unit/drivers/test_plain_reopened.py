"""One driver of another make over several connections, and before the first: nothing of one goes on in the next."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import pytest
from msgspec import structs
from tests.support.ascii_massager import ASCII, AsciiDialect, AsciiPeer
from tests.support.marks import simulated_time
from tests.unit.drivers.ends import Listener, end_link
from tests.unit.drivers.other_makes import both, lines

from massager_ctl.drivers.plain import PlainDriver
from massager_ctl.errors import LinkLost, LinkTimeout
from massager_ctl.model.device import Cause, DeviceState
from massager_ctl.testing.peers import PeerLink
from massager_ctl.transports.base import Receiver
from massager_ctl.transports.wrapper import Wrapper


class Alive(AsciiDialect):
    every_s = 1.0

    def alive(self, now: float) -> Sequence[bytes]:
        return [b"\n"]


class Asked(AsciiDialect):
    """Counts how often it is asked whether a keep-alive is due."""

    asked = 0

    def due(self, now: float) -> Sequence[bytes]:
        self.asked += 1
        return super().due(now)


class AskedAlive(Asked):
    every_s = 1.0


class Recorder(Wrapper):
    """What the driver asked it to write, be it open or not."""

    def __init__(self, link: PeerLink) -> None:
        super().__init__(link.host)
        self.written: list[bytes] = []

    def outgoing(self, data: bytes, send: Callable[[bytes], None]) -> None:
        self.written.append(data)
        send(data)


@simulated_time
@pytest.mark.parametrize("way", ["closed", "given up", "lost"])
async def test_r15_a_session_does_not_go_on_when_the_link_is_opened_again(way: str) -> None:
    async with PeerLink(AsciiPeer()) as link:
        driver = PlainDriver(link.host, ASCII)
        await driver.open(Listener())
        await driver.arm(25.0, 600)
        driver.send(both(20.0))
        await asyncio.sleep(0.1)
        await end_link(way, driver, link)
        if way == "lost":
            await asyncio.sleep(0.1)
            await link.far.open(link)
        await asyncio.sleep(0.1)
        await driver.open(Listener())
        before = len(link.heard)
        driver.send(both(10.0))
        await asyncio.sleep(1.0)
        assert link.heard[before:] == []
        assert driver.newest is not None
        assert driver.newest.state is DeviceState.IDLE
        await driver.close()


@simulated_time
async def test_r15_the_keep_alives_of_a_link_end_with_it() -> None:
    async with PeerLink(AsciiPeer()) as link:
        driver = PlainDriver(link.host, structs.replace(ASCII, dialect=Alive))
        await driver.open(Listener())
        driver.abort()
        await asyncio.sleep(0.1)
        before = len(link.heard)
        await driver.open_link(Listener())
        await asyncio.sleep(5.0)
        assert [data for _, data in link.heard[before:]] == [b"WHO\n"]
        await driver.close()


class Mute(Alive):
    known = True

    def start(self, now: float) -> Sequence[bytes]:
        return []


class Short(Recorder):
    """Breaks before whoever opens it goes on."""

    async def open(self, receiver: Receiver) -> None:
        await super().open(receiver)
        receiver.link_lost(LinkLost("it broke", "Look at its cable."))


@simulated_time
async def test_r15_a_link_that_breaks_while_it_is_opened_is_not_kept_alive() -> None:
    async with PeerLink(AsciiPeer()) as link:
        line, ear = Short(link), Listener()
        driver = PlainDriver(line, structs.replace(ASCII, dialect=Mute))
        await driver.open(ear)
        await asyncio.sleep(5.0)
        assert [error.message for error in ear.lost] == ["it broke"]
        assert line.written == []


@simulated_time
async def test_r6_a_stop_after_the_link_is_gone_writes_nothing() -> None:
    async with PeerLink(AsciiPeer()) as link:
        line = Recorder(link)
        driver = PlainDriver(line, ASCII)
        await driver.open(Listener())
        await link.far.close()
        await asyncio.sleep(0.1)
        before = list(line.written)
        with pytest.raises(LinkLost):
            await driver.stop(Cause.PERSON)
        assert line.written == before


@simulated_time
async def test_keep_alives_are_looked_for_in_one_rhythm_however_many_stops_there_were() -> None:
    async with PeerLink(AsciiPeer()) as link:
        driver = PlainDriver(link.host, structs.replace(ASCII, dialect=AskedAlive))
        await driver.open(Listener())
        for _ in range(10):
            driver.stop(Cause.PERSON)
        assert isinstance(driver._dialect, Asked)
        before = driver._dialect.asked
        await asyncio.sleep(1.9)
        assert driver._dialect.asked - before == 9
        await driver.close()


@simulated_time
async def test_a_device_without_keep_alives_is_asked_for_none() -> None:
    async with PeerLink(AsciiPeer()) as link:
        driver = PlainDriver(link.host, structs.replace(ASCII, dialect=Asked))
        await driver.open(Listener())
        await asyncio.sleep(5.0)
        assert isinstance(driver._dialect, Asked)
        assert driver._dialect.asked == 1
        await driver.close()


@simulated_time
async def test_r25_before_it_is_opened_a_driver_says_what_its_device_is_worth_and_moves_nothing() -> (
    None
):
    spec = structs.replace(ASCII, bench_only=True)
    async with PeerLink(AsciiPeer()) as link:
        driver = PlainDriver(link.host, spec)
        assert (driver.assurance, driver.assurance.bench_only) == (spec.declared, True)
        assert (driver.tells, driver.guarded, driver.boot_s) == (False, False, 0.0)
        with pytest.raises(LinkLost, match="is not connected"):
            await driver.arm(25.0, 600)
        driver.send(both(20.0))
        assert link.heard == []


@simulated_time
async def test_room_on_a_link_without_a_session_sends_nothing() -> None:
    async with PeerLink(AsciiPeer()) as link:
        failed: list[dict[str, object]] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: failed.append(context))
        driver = PlainDriver(link.host, ASCII)
        await driver.open(Listener())
        link.far.pause()
        link.host.write(b"\n" * 4096)
        link.host.write(b"\n")
        assert link.host.backlog
        link.far.resume()
        await asyncio.sleep(0.1)
        assert set(lines(link)) == {b"WHO", b""}
        assert failed == []
        await driver.close()


@simulated_time
async def test_r6_a_stop_before_the_link_is_opened_fails_at_once_and_leaves_nothing_behind() -> (
    None
):
    async with PeerLink(AsciiPeer()) as link:
        failed: list[dict[str, object]] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: failed.append(context))
        driver = PlainDriver(link.host, ASCII)
        with pytest.raises(LinkLost, match="is not connected"):
            await driver.stop(Cause.PERSON)
        await driver.open(Listener())
        await asyncio.wait_for(driver.stop(Cause.PERSON), 1.0)
        assert failed == []
        await driver.close()


class Closed(Wrapper):
    async def open(self, receiver: Receiver) -> None:
        raise LinkLost("it cannot be opened", "Look at its cable.")


@simulated_time
async def test_r6_a_stop_fails_at_once_after_a_link_could_not_be_opened() -> None:
    async with PeerLink(AsciiPeer()) as link:
        driver = PlainDriver(Closed(link.host), ASCII)
        with pytest.raises(LinkLost, match="cannot be opened"):
            await driver.open_link(Listener())
        with pytest.raises(LinkLost, match="is not connected"):
            await asyncio.wait_for(driver.stop(Cause.PERSON), 1.0)


@simulated_time
async def test_r6_a_stop_fails_at_once_after_a_device_was_not_recognised() -> None:
    async with PeerLink(AsciiPeer(deaf=True)) as link:
        driver = PlainDriver(link.host, ASCII)
        with pytest.raises(LinkTimeout):
            await driver.open(Listener())
        with pytest.raises(LinkLost, match="is not connected"):
            await asyncio.wait_for(driver.stop(Cause.PERSON), 1.0)

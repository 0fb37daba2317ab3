"""A device of another make: the session is kept on this side, in steps that the device has (R25)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from tests.support.ascii_massager import ASCII, AsciiDialect, AsciiPeer
from tests.support.marks import simulated_time
from tests.unit.drivers.ends import Listener
from tests.unit.drivers.other_makes import both, lines

from massager_ctl.drivers.plain import PlainDriver
from massager_ctl.errors import DeviceRefused, DriverFault, LinkTimeout
from massager_ctl.model.device import Cause, DeviceState
from massager_ctl.testing.peers import PeerLink


@simulated_time
async def test_levels_go_out_as_steps_and_a_stop_is_done_when_zero_is_told() -> None:
    async with PeerLink(AsciiPeer()) as link:
        driver, ear = PlainDriver(link.host, ASCII), Listener()
        info = await driver.open(ear)
        assert (info.serial, info.caps[0], info.caps[2], info.heat) == ("A1", 70.0, 0.0, False)
        assert driver.address == "ascii:memory:near"
        await driver.arm(25.0, 600)
        driver.send(both(9.9))
        driver.send(both(10.0))
        driver.send(both(10.0))
        await asyncio.sleep(0.1)
        assert driver.newest is not None
        assert driver.newest.state is DeviceState.RUNNING
        assert driver.newest.levels[:3] == (10.0, 10.0, 0.0)
        assert driver.tells
        epoch = driver.epoch
        await asyncio.wait_for(driver.stop(Cause.PERSON), 1.0)
        driver.send(both(20.0))
        await asyncio.sleep(0.5)
        assert lines(link) == [b"WHO", b"L1", b"L2", b"", b"OFF"]
        assert driver.newest.epoch == driver.epoch != epoch
        assert not any(driver.newest.levels)
        await driver.close()


@simulated_time
async def test_a_device_that_tells_nothing_confirms_nothing() -> None:
    async with PeerLink(AsciiPeer(mute=True)) as link:
        driver = PlainDriver(link.host, ASCII)
        await driver.open(Listener())
        await driver.arm(25.0, 600)
        driver.send(both(20.0))
        done = driver.stop(Cause.PERSON)
        await asyncio.sleep(5.0)
        assert link.peer.steps == (0,)
        assert not done.done()
        assert not driver.tells
        await driver.close()


@simulated_time
async def test_an_answer_in_two_pieces_at_once_is_one_answer() -> None:
    async with PeerLink(AsciiPeer(deaf=True)) as link:
        driver, ear = PlainDriver(link.host, ASCII), Listener()
        opening = asyncio.ensure_future(driver.open(ear))
        await asyncio.sleep(0.1)
        driver.data_received(b"I AM")
        driver.data_received(b" A1\n")
        assert (await opening).serial == "A1"
        await driver.close()


@simulated_time
async def test_whoever_is_not_recognised_is_not_driven() -> None:
    async with PeerLink(AsciiPeer(deaf=True)) as link:
        driver = PlainDriver(link.host, ASCII)
        with pytest.raises(LinkTimeout, match="does not answer like the ASCII massager"):
            await driver.open(Listener())
        assert lines(link) == [b"WHO"] * 3


@simulated_time
@pytest.mark.parametrize("answer", [(7,), (-1,), (True,), (), (1, 1), "1", 1])
async def test_steps_that_the_device_does_not_have_end_the_session(answer: Any) -> None:
    class Wrong(AsciiDialect):
        def feed(self, data: bytes, now: float) -> tuple[int, ...] | None:
            super().feed(data, now)
            return answer if self.known and b"=" in data else None

    async with PeerLink(AsciiPeer()) as link:
        driver = PlainDriver(link.host, msgspec.structs.replace(ASCII, dialect=Wrong))
        await driver.open(Listener())
        await driver.arm(25.0, 600)
        driver.send(both(20.0))
        await asyncio.sleep(0.2)
        with pytest.raises(DriverFault, match="not steps of this device"):
            driver.send(both(20.0))
        await driver.close()


@simulated_time
async def test_keep_alives_keep_their_rhythm_in_a_session_and_between() -> None:
    class Alive(AsciiDialect):
        every_s = 1.0

        def alive(self, now: float) -> Sequence[bytes]:
            return [b"\n"]

    async with PeerLink(AsciiPeer()) as link:
        driver = PlainDriver(link.host, msgspec.structs.replace(ASCII, dialect=Alive))
        await driver.open(Listener())
        await asyncio.sleep(5.0)
        idle = len(lines(link)) - 1
        assert 5 <= idle <= 6
        await driver.arm(25.0, 600)
        await asyncio.sleep(3.0)
        # In a session they come with the setpoints alone: a control loop that hangs keeps nothing awake (R4).
        assert len(lines(link)) - 1 == idle
        for _ in range(25):
            driver.send(both(20.0))
            await asyncio.sleep(0.2)
        assert lines(link).count(b"") - idle in (5, 6)
        await driver.close()


@simulated_time
async def test_the_timer_of_the_device_ends_no_session_early() -> None:
    sent: list[float] = []

    class Timed(AsciiDialect):
        def timer(self, minutes: float, now: float) -> Sequence[bytes]:
            sent.append(minutes)
            return []

    spec = msgspec.structs.replace(ASCII, dialect=Timed, timer_min=(5.0, 10.0, 20.0))
    async with PeerLink(AsciiPeer()) as link:
        driver = PlainDriver(link.host, spec)
        await driver.open(Listener())
        for limit_s in (
            678,
            679,
            1400,
            100,
        ):  # sessions of 600, 601, 1250 and 80 seconds, as ARM has them
            await driver.arm(25.0, limit_s)
        assert sent == [10.0, 20.0, 20.0, 5.0]
        await driver.close()


@simulated_time
async def test_before_anything_is_told_there_is_no_newest_telemetry() -> None:
    async with PeerLink(AsciiPeer()) as link:
        assert PlainDriver(link.host, ASCII).newest is None


@simulated_time
async def test_a_device_that_answers_is_open_as_soon_as_it_does() -> None:
    async with PeerLink(AsciiPeer()) as link:
        begun = asyncio.get_running_loop().time()
        await PlainDriver(link.host, ASCII).open(Listener())
        assert asyncio.get_running_loop().time() - begun < 0.1


@simulated_time
async def test_what_was_sent_stands_for_what_a_silent_device_would_tell() -> None:
    async with PeerLink(AsciiPeer(mute=True)) as link:
        driver, ear = PlainDriver(link.host, ASCII), Listener()
        await driver.open_link(ear)
        assert [answer.state for answer in ear.telemetry] == [DeviceState.IDLE]
        assert driver.newest == ear.telemetry[-1]
        before = driver.epoch
        await driver.arm(25.0, 600)
        assert driver.epoch != before
        assert (ear.telemetry[-1].state, ear.telemetry[-1].epoch) == (
            DeviceState.ARMED,
            driver.epoch,
        )
        driver.send(both(20.0))
        await asyncio.sleep(2.0)
        driver.send(both(0.0))
        await asyncio.sleep(1.0)
        assert [answer.levels[0] for answer in ear.telemetry[-2:]] == [20.0, 0.0]
        assert ear.telemetry[-1].state is DeviceState.ARMED
        assert ear.telemetry[-1].running_s == pytest.approx(2.0)
        driver.send(both(20.0))
        await asyncio.sleep(1.0)
        driver.stop(Cause.PERSON)
        await asyncio.sleep(0.1)
        assert ear.telemetry[-1].running_s == pytest.approx(3.0)
        assert (ear.telemetry[-1].state, ear.telemetry[-1].levels[0]) == (DeviceState.IDLE, 0.0)
        await driver.close()


@simulated_time
async def test_whoever_is_not_recognised_is_left() -> None:
    async with PeerLink(AsciiPeer(deaf=True)) as link:
        with pytest.raises(LinkTimeout):
            await PlainDriver(link.host, ASCII).open(Listener())
        assert not link.host.is_open


@simulated_time
async def test_r7_a_device_without_a_latch_has_none_to_clear() -> None:
    async with PeerLink(AsciiPeer()) as link:
        with pytest.raises(DeviceRefused, match="no latch") as caught:
            await PlainDriver(link.host, ASCII).reset()
        assert caught.value.result == "not_latched"


@simulated_time
async def test_running_time_is_counted_from_each_start() -> None:
    async with PeerLink(AsciiPeer()) as link:
        driver = PlainDriver(link.host, ASCII)
        await driver.open(Listener())
        for _ in range(2):
            await driver.arm(25.0, 600)
            assert driver.newest is not None
            assert driver.newest.running_s == 0.0
            for _ in range(10):
                driver.send(both(20.0))
                await asyncio.sleep(0.2)
            assert driver.newest.running_s == pytest.approx(2.0, abs=0.25)
            await driver.stop(Cause.PERSON)
            await asyncio.sleep(3.0)
        await driver.close()

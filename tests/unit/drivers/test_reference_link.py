"""The dialect over a link that ends, fails to open, or is opened again: nothing of before is left (R4, R6, R16)."""

from __future__ import annotations

import asyncio

import pytest
from tests.support.marks import simulated_time
from tests.unit.drivers.ends import Listener
from tests.unit.drivers.scripted_peer import Peer, info, on_a_pipe, telemetry

from massager_ctl.control.stop_path import StopPath
from massager_ctl.drivers.reference import ReferenceDriver
from massager_ctl.errors import DeviceRefused, LinkError, LinkLost, LinkTimeout, StopUnconfirmed
from massager_ctl.model.device import Cause, DeviceInfo, Setpoint
from massager_ctl.transports.base import LinkKind
from massager_ctl.transports.in_process import PipeTransport, pipe
from massager_ctl.transports.tcp import TcpTransport
from massager_ctl.wire.codec import decode_body, encode_body, encode_frame
from massager_ctl.wire.messages import (
    Ack,
    Arm,
    GetInfo,
    Message,
    Result,
    SetpointFrame,
    Stop,
    Type,
)


def is_open(driver: ReferenceDriver) -> bool:
    assert isinstance(driver.transport, PipeTransport)
    return driver.transport.is_open


def setpoints(peer: Peer) -> list[SetpointFrame]:
    return [message for message in peer.heard if isinstance(message, SetpointFrame)]


@simulated_time
async def test_a_link_on_which_nobody_answers_is_closed_again() -> None:
    async with on_a_pipe() as (driver, peer, listener):
        peer.answers.clear()
        with pytest.raises(LinkTimeout):
            await driver.open(listener)
        assert not is_open(driver)
        with pytest.raises(StopUnconfirmed, match="is not connected"):
            await StopPath(driver).stop_now(Cause.PERSON)


@simulated_time
async def test_a_device_that_answers_and_reports_nothing_is_not_open() -> None:
    async with on_a_pipe() as (driver, peer, listener):
        peer.answers[GetInfo] = lambda m: [info(m.token)]
        asyncio.get_running_loop().call_later(0.1, peer.transport.write, b"\x05abc\0")
        with pytest.raises(LinkTimeout, match="no telemetry within 1 s"):
            await driver.open(listener)
        assert not is_open(driver)


@simulated_time
async def test_a_link_that_is_lost_while_it_opens_is_not_open() -> None:
    async with on_a_pipe() as (driver, peer, listener):
        receive = driver.data_received

        def receive_and_lose(data: bytes) -> None:
            receive(data)
            driver.link_lost(LinkLost("the cable came off"))

        def answer(asked: GetInfo) -> list[Message]:
            peer.transport.write(encode_frame(telemetry()) + encode_frame(info(asked.token)))
            return []

        driver.data_received = receive_and_lose
        peer.answers[GetInfo] = answer
        with pytest.raises(LinkLost, match="the cable came off"):
            await driver.open(listener)
        assert not is_open(driver)


@pytest.mark.parametrize("lost", [False, True], ids=["closed", "lost"])
@simulated_time
async def test_a_link_that_is_opened_again_begins_afresh(lost: bool) -> None:
    async with on_a_pipe() as (driver, peer, listener):
        await driver.open(listener)
        await driver.arm(cap=40.0, limit_s=600)
        peer.transport.write(b"\x05abc\0" + encode_frame(telemetry(counter=2))[:20])
        await asyncio.sleep(0.01)
        assert driver.bad_frames == 1
        if lost:
            await peer.transport.close()
            await asyncio.sleep(0.01)
        else:
            await driver.close()
        assert not is_open(driver)
        await asyncio.sleep(0.01)
        await peer.transport.open(peer)
        await driver.open(listener)
        assert driver.bad_frames == 0
        assert driver.newest is not None
        assert driver.newest.counter == 1
        driver.send(Setpoint())
        await asyncio.sleep(0.01)
        assert setpoints(peer) == [], "the session ended with its link"


@simulated_time
async def test_info_is_asked_for_by_the_way_but_not_where_it_would_wait_or_nobody_is_there() -> (
    None
):
    told: list[DeviceInfo] = []
    async with on_a_pipe() as (driver, peer, listener):
        await driver.open(listener)
        await driver.arm(cap=40.0, limit_s=600)
        peer.answers[GetInfo] = lambda m: [info(m.token, lifetime=101)]
        driver.ask_info(told.append)
        await asyncio.sleep(0.01)
        assert [one.lifetime_s for one in told] == [101]
        tokens = [message.token for message in peer.heard if isinstance(message, GetInfo)]
        assert len(set(tokens)) == len(tokens) == 2
        peer.transport.pause()
        for _ in range(300):
            driver.send(Setpoint())
        driver.ask_info(told.append)
        peer.transport.resume()
        await asyncio.sleep(0.01)
        driver.link_lost(LinkLost("given up"))
        driver.ask_info(told.append)
        await asyncio.sleep(0.01)
        assert sum(isinstance(message, GetInfo) for message in peer.heard) == 2
        assert len(told) == 1


@simulated_time
async def test_arm_names_the_epoch_of_the_info_that_was_read_and_a_cap_above_none() -> None:
    """What changed the epoch since then may have changed what INFO told, so the device has to refuse."""
    async with on_a_pipe() as (driver, peer, listener):
        await driver.open(listener)
        before = asyncio.get_running_loop().time()
        await driver.read_info()
        await driver.arm(cap=10.0, limit_s=600)
        await driver.read_info()
        assert asyncio.get_running_loop().time() - before < 0.1, "no news is waited for"
        peer.send(telemetry(counter=2, epoch=78))
        await asyncio.sleep(0.01)
        await driver.arm(cap=0.0, limit_s=600)
        arm = peer.heard[-1]
        assert isinstance(arm, Arm)
        assert (arm.epoch, arm.cap) == (77, 1)


@simulated_time
async def test_a_driver_that_was_never_opened_tells_nothing_and_is_not_connected() -> None:
    near, _ = pipe()
    driver = ReferenceDriver(near)
    assert driver.address == near.address
    assert (driver.newest, driver.epoch, driver.bad_frames) == (None, 0, 0)
    with pytest.raises(LinkLost, match="is not connected"):
        await driver.arm(cap=10.0, limit_s=60)
    with pytest.raises(LinkLost, match="is not connected"):
        await driver.stop(Cause.PERSON)
    driver.abort()
    with pytest.raises(LinkLost, match="is not connected"):
        await driver.read_info()


@pytest.mark.asyncio
async def test_r6_a_stop_to_a_device_that_could_not_be_reached_says_so_at_once() -> None:
    """It was "sent 4 times", and not a byte had left."""
    driver = ReferenceDriver(TcpTransport("127.0.0.1", 1))
    with pytest.raises(LinkError):
        await driver.open(Listener())
    with pytest.raises(StopUnconfirmed, match="is not connected"):
        await StopPath(driver).stop_now(Cause.PERSON)


@simulated_time
async def test_an_info_that_nobody_asked_for_and_room_that_nothing_waits_for_change_nothing() -> (
    None
):
    async with on_a_pipe() as (driver, peer, listener):
        await driver.open_link(listener)
        driver.data_received(encode_frame(info(0)))
        driver._send_unsent()
        await asyncio.sleep(0.01)
        assert driver.bad_frames == 0
        assert peer.heard == []


@simulated_time
async def test_an_acknowledgement_is_no_answer_to_a_question_for_info() -> None:
    told: list[DeviceInfo] = []
    async with on_a_pipe() as (driver, peer, listener):
        await driver.open(listener)
        peer.answers[GetInfo] = lambda m: [
            Ack(m.token, Type.GET_INFO, Result.OK, 77, 3),
            info(m.token + 1),
        ]
        driver.ask_info(told.append)
        await asyncio.sleep(0.01)
        assert told == []
        assert driver.bad_frames == 0


@simulated_time
async def test_a_link_that_is_given_up_is_dropped_at_once() -> None:
    async with on_a_pipe() as (driver, _, listener):
        await driver.open(listener)
        driver.abort()
        assert not is_open(driver)


@simulated_time
async def test_a_framed_link_carries_bodies_without_cobs_in_both_directions() -> None:
    near, far = pipe(kind=LinkKind.BLE)
    heard: list[bytes] = []

    class Device:
        def data_received(self, data: bytes) -> None:
            heard.append(data)
            asked = decode_body(data)
            if isinstance(asked, GetInfo):
                far.write(encode_body(telemetry()))
                far.write(encode_body(info(asked.token)))

        def link_lost(self, error: LinkLost) -> None:
            pass

    await far.open(Device())
    driver = ReferenceDriver(near)
    assert (await driver.open(Listener())).serial == "TEST"
    driver.stop(Cause.PERSON)
    await asyncio.sleep(0.01)
    assert isinstance(decode_body(heard[-1]), Stop)
    await driver.close()


@simulated_time
async def test_a_link_that_is_lost_before_the_first_report_is_not_waited_for() -> None:
    async with on_a_pipe() as (driver, peer, listener):
        peer.answers[GetInfo] = lambda m: [info(m.token)]
        loop = asyncio.get_running_loop()
        begun = loop.time()
        loop.call_later(0.1, peer.transport.abort)
        with pytest.raises(LinkLost):
            await driver.open(listener)
        assert loop.time() - begun < 0.2


@simulated_time
async def test_a_link_that_is_lost_at_once_is_asked_nothing() -> None:
    async with on_a_pipe() as (driver, peer, listener):
        await driver.open_link(listener)
        driver.link_lost(LinkLost("the cable came off"))
        with pytest.raises(LinkLost, match="the cable came off"):
            await driver._ask_info()
        assert peer.heard == []


@simulated_time
async def test_an_info_that_was_read_answers_the_question_that_waits() -> None:
    async with on_a_pipe() as (driver, peer, listener):
        peer.answers[GetInfo] = lambda m: [info(0), telemetry()]
        assert (await driver.open(listener)).serial == "TEST"


@simulated_time
async def test_a_device_that_restarted_counts_from_the_beginning_and_says_why_it_is_latched() -> (
    None
):
    async with on_a_pipe() as (driver, peer, listener):
        await driver.open(listener)
        peer.send(telemetry(counter=9))
        peer.send(telemetry(counter=1, epoch=78, cause=32))
        await asyncio.sleep(0.01)
        assert driver.newest is not None
        assert (driver.newest.counter, driver.newest.epoch) == (1, 78)
        peer.answers[Arm] = lambda m: [Ack(m.token, Type.ARM, Result.LATCHED, 78, 3)]
        with pytest.raises(DeviceRefused, match=r"latched \(button\)"):
            await driver.arm(cap=10.0, limit_s=60)

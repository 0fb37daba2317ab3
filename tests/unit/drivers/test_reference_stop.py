"""A stop over the dialect: it goes past all that waits, and what confirms it (R6)."""

from __future__ import annotations

import asyncio
import gc

import pytest
from tests.support.marks import simulated_time
from tests.unit.drivers.scripted_peer import info, on_a_pipe

from massager_ctl.errors import LinkLost
from massager_ctl.model.device import Cause, Setpoint
from massager_ctl.wire.messages import Ack, GetInfo, Result, SetpointFrame, Stop, Type


@simulated_time
async def test_r6_a_stop_goes_past_all_that_waits_and_is_confirmed() -> None:
    async with on_a_pipe() as (driver, peer, listener):
        await driver.open(listener)
        await driver.arm(cap=40.0, limit_s=600)
        peer.transport.pause()
        for _ in range(300):
            driver.send(Setpoint((12.3, 0, 0, 0, 0, 0)))
        stopped = driver.stop(Cause.PAIN)
        driver.send(Setpoint((99.0, 0, 0, 0, 0, 0)))
        peer.transport.resume()
        await stopped
        assert isinstance(peer.heard[-1], Stop)
        assert peer.heard[-1].reason == 3
        assert not any(isinstance(m, SetpointFrame) and m.levels[0] == 990 for m in peer.heard)


@simulated_time
async def test_r6_two_stops_are_two_frames() -> None:
    async with on_a_pipe() as (driver, peer, listener):
        await driver.open(listener)
        await asyncio.gather(driver.stop(Cause.PERSON), driver.stop(Cause.PERSON))
        stops = [m for m in peer.heard if isinstance(m, Stop)]
        assert len(stops) == 2
        assert stops[0].token != stops[1].token


@simulated_time
async def test_r6_a_stop_that_the_device_answers_with_no_is_not_done() -> None:
    async with on_a_pipe() as (driver, peer, listener):
        peer.answers[Stop] = lambda m: [Ack(m.token, Type.STOP, Result.MALFORMED, 77, 3)]
        await driver.open(listener)
        with pytest.raises(asyncio.CancelledError):
            await driver.stop(Cause.PERSON)


@simulated_time
async def test_a_lost_link_warns_of_no_answer_that_nobody_awaits() -> None:
    async with on_a_pipe() as (driver, peer, listener):
        errors: list[dict[str, object]] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: errors.append(context))
        peer.answers[Stop] = lambda m: []
        await driver.open(listener)
        driver.stop(Cause.PERSON)
        await peer.transport.close()
        await asyncio.sleep(0.1)
        gc.collect()
        assert errors == []


@simulated_time
async def test_r6_stops_that_were_given_up_are_forgotten() -> None:
    async with on_a_pipe() as (driver, peer, listener):
        peer.answers[Stop] = lambda m: []
        await driver.open(listener)
        for _ in range(5):
            driver.stop(Cause.PERSON).cancel()
        assert len(driver._answers) == 1
        await asyncio.sleep(0.1)
        late = [m.token for m in peer.heard if isinstance(m, Stop)]
        peer.answers[Stop] = lambda m: [
            Ack(token, Type.STOP, Result.OK, 77, 3) for token in (*late, m.token, m.token)
        ]
        await driver.stop(Cause.PERSON)
        assert driver.bad_frames == 0, "answers that come late or twice are not mistakes"


@simulated_time
async def test_r6_a_stop_on_a_lost_link_is_an_error_not_a_success() -> None:
    async with on_a_pipe() as (driver, peer, listener):
        await driver.open(listener)
        waiting = driver.stop(Cause.PERSON)
        await peer.transport.close()
        with pytest.raises(LinkLost):
            await waiting
        with pytest.raises(LinkLost):
            await driver.stop(Cause.PERSON)
        with pytest.raises(LinkLost):
            await driver.arm(cap=10.0, limit_s=10)
        assert len(listener.lost) == 1


@simulated_time
async def test_r6_an_answer_to_another_question_confirms_no_stop() -> None:
    async with on_a_pipe() as (driver, peer, listener):
        await driver.open(listener)
        peer.answers[Stop] = lambda m: [Ack(m.token, Type.ARM, Result.OK, 78, 3), info(m.token)]
        stopping = driver.stop(Cause.PERSON)
        await asyncio.sleep(0.1)
        assert not stopping.done()
        assert driver.bad_frames == 2


@simulated_time
async def test_r6_a_device_that_answers_no_question_still_takes_a_stop() -> None:
    async with on_a_pipe() as (driver, peer, listener):
        del peer.answers[GetInfo]
        await driver.open_link(listener)
        await driver.stop(Cause.PERSON)
        assert [type(message) for message in peer.heard] == [Stop]


@simulated_time
async def test_r6_a_setpoint_that_waits_is_gone_with_its_session() -> None:
    async with on_a_pipe() as (driver, _, listener):
        await driver.open(listener)
        driver._unsent = (Setpoint(), asyncio.get_running_loop().time())
        driver.disarm()
        assert driver._unsent is None

"""The dialect against a scripted peer at the other end of a pipe: opening, arming, what it tells, what is refused."""

from __future__ import annotations

import asyncio
import itertools
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.support.marks import simulated_time
from tests.unit.drivers.scripted_peer import info, on_a_pipe, telemetry

from massager_ctl.drivers.reference import ReferenceDriver
from massager_ctl.drivers.reference_tables import CAUSE_NUMBERS, REFUSALS
from massager_ctl.errors import DeviceBusy, DeviceRefused, LinkLost, LinkTimeout, ProtocolError
from massager_ctl.model.device import Cause, DeviceInfo, DeviceState, Mode, Setpoint
from massager_ctl.model.outcome import DEVICE_SAYS
from massager_ctl.wire.codec import encode_frame
from massager_ctl.wire.messages import (
    Ack,
    Arm,
    GetInfo,
    Message,
    Reset,
    Result,
    SetpointFrame,
    Stop,
    Type,
)


@simulated_time
async def test_open_reads_info_and_waits_for_telemetry() -> None:
    async with on_a_pipe() as (driver, _, listener):
        read = await driver.open(listener)
        assert isinstance(read, DeviceInfo)
        assert (read.serial, read.firmware, read.boot) == ("TEST", "1.2.3", 9)
        assert read.simulated
        assert not read.mains
        assert read.dead_man_s == 0.5
        assert driver.newest is not None
        assert driver.newest.state is DeviceState.IDLE
        assert driver.newest.motor_c is None
        assert driver.newest.pad_c == 30.0


@simulated_time
async def test_a_silent_device_is_a_clear_error() -> None:
    async with on_a_pipe() as (driver, peer, listener):
        peer.answers.clear()
        with pytest.raises(LinkTimeout, match="nothing answered"):
            await driver.open(listener)
        assert len(peer.heard) == 3


@simulated_time
async def test_a_board_that_restarts_when_its_port_is_opened_is_asked_until_it_has_booted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ReferenceDriver, "boot_s", 4.0)
    async with on_a_pipe() as (driver, peer, listener):
        answer = peer.answers.pop(GetInfo)
        asyncio.get_running_loop().call_later(3.5, peer.answers.__setitem__, GetInfo, answer)
        assert (await driver.open(listener)).serial == "TEST"


@simulated_time
async def test_a_peer_that_talks_garbage_is_a_clear_error() -> None:
    async with on_a_pipe() as (driver, peer, listener):
        peer.answers.clear()
        asyncio.get_running_loop().call_later(0.1, peer.transport.write, b"AT+OK\r\n\0" * 5)
        with pytest.raises(ProtocolError, match="make no sense") as caught:
            await driver.open(listener)
        assert "baud" in caught.value.remedy
        assert driver.bad_frames == 5


@pytest.mark.parametrize("deadman", [0, 501, 65535])
@simulated_time
async def test_r4_a_device_that_states_a_longer_dead_man_time_is_refused(deadman: int) -> None:
    async with on_a_pipe() as (driver, peer, listener):
        peer.answers[GetInfo] = lambda m: [info(m.token, deadman=deadman), telemetry()]
        with pytest.raises(ProtocolError, match="dead-man"):
            await driver.open(listener)


@simulated_time
async def test_arm_carries_epoch_challenge_and_limits_and_setpoints_follow_its_sequence() -> None:
    async with on_a_pipe() as (driver, peer, listener):
        await driver.open(listener)
        driver.send(Setpoint())
        await driver.arm(cap=40.0, limit_s=600)
        peer.send(telemetry(counter=9))
        await asyncio.sleep(0.01)
        driver.send(Setpoint((10.1, 0, 0, 0, 0, 0), period_s=4.0, mode=Mode.FADE))
        driver.send(Setpoint(heat_c=38.5))
        await asyncio.sleep(0.01)
        arm, first, second = peer.heard[1:]
        assert isinstance(arm, Arm)
        assert (arm.epoch, arm.challenge, arm.cap, arm.limit_s) == (77, 55, 400, 600)
        assert arm.owner != 0
        assert isinstance(first, SetpointFrame)
        assert isinstance(second, SetpointFrame)
        assert (first.owner, first.epoch, first.echo) == (arm.owner, 77, 9)
        assert first.seq == (arm.seq + 1) & 0xFFFFFFFF
        assert second.seq == (arm.seq + 2) & 0xFFFFFFFF
        assert (first.levels[0], first.period, first.mode) == (101, 4000, 2)
        assert second.heat == 385


@pytest.mark.parametrize("result", [r for r in Result if r not in (Result.OK, Result.BUSY)])
@simulated_time
async def test_each_refusal_has_its_reason_and_a_remedy(result: Result) -> None:
    assert result.name.lower() in REFUSALS

    async with on_a_pipe() as (driver, peer, listener):
        peer.answers[Arm] = lambda m: [Ack(m.token, Type.ARM, result, 77, 3)]
        await driver.open(listener)
        with pytest.raises(DeviceRefused) as caught:
            await driver.arm(cap=40.0, limit_s=600)
        assert caught.value.result == result.name.lower()
        assert caught.value.remedy
        driver.send(Setpoint())
        await asyncio.sleep(0.01)
        assert not any(isinstance(m, SetpointFrame) for m in peer.heard)


@simulated_time
async def test_r17_a_device_that_another_owns_is_busy() -> None:
    async with on_a_pipe() as (driver, peer, listener):
        peer.answers[Arm] = lambda m: [Ack(m.token, Type.ARM, Result.BUSY, 77, 3)]
        await driver.open(listener)
        with pytest.raises(DeviceBusy):
            await driver.arm(cap=40.0, limit_s=600)


@simulated_time
async def test_r15_arm_without_an_answer_times_out_in_300_ms() -> None:
    async with on_a_pipe() as (driver, peer, listener):
        del peer.answers[Arm]
        await driver.open(listener)
        before = asyncio.get_running_loop().time()
        with pytest.raises(LinkTimeout):
            await driver.arm(cap=40.0, limit_s=600)
        assert asyncio.get_running_loop().time() - before == pytest.approx(0.3)
        assert driver._answers == {}, "a question that no one answered is not kept for ever"


@simulated_time
async def test_reset_names_the_latch_and_the_challenge() -> None:
    async with on_a_pipe() as (driver, peer, listener):
        await driver.open(listener)
        await driver.reset()
        assert isinstance(peer.heard[-1], Reset)
        assert (peer.heard[-1].latch, peer.heard[-1].challenge) == (3, 55)
        peer.answers[Reset] = lambda m: [Ack(m.token, Type.RESET, Result.BUTTON, 79, 3)]
        with pytest.raises(DeviceRefused, match="button"):
            await driver.reset()


@simulated_time
async def test_r16_foreign_and_bad_frames_are_counted_and_change_nothing() -> None:
    async with on_a_pipe() as (driver, peer, listener):
        await driver.open(listener)
        before = driver.newest
        peer.send(Stop(1, 1))
        peer.send(telemetry(state=99))
        peer.send(Ack(12345, Type.STOP, Result.OK, 1, 1))
        peer.transport.write(b"\x05abc\0")
        await asyncio.sleep(0.01)
        assert driver.newest is before
        assert driver.bad_frames == 3
        assert before is not None
        peer.send(telemetry(counter=before.counter))
        await asyncio.sleep(0.01)
        assert driver.newest is before
        assert driver.bad_frames == 4, "what was reported before is not news"
        peer.send(telemetry(counter=2, cause=200, battery=255))
        await asyncio.sleep(0.01)
        assert listener.telemetry[-1].cause is Cause.UNKNOWN
        assert listener.telemetry[-1].battery is None


def test_every_cause_of_the_protocol_has_a_number_and_words() -> None:
    document = (Path(__file__).parents[3] / "docs" / "protocol.md").read_text()
    table = document.split("| value | name | class |")[1].split("\n\n")[0]
    rows = re.findall(r"^\| (\d+) \| (\w+) \|", table, re.MULTILINE)
    assert {(name, int(number)) for number, name in rows} == {
        (cause.value, number) for cause, number in CAUSE_NUMBERS.items()
    }
    of_the_host = {cause for cause, number in CAUSE_NUMBERS.items() if number < 16}
    assert set(CAUSE_NUMBERS) - of_the_host <= set(DEVICE_SAYS)


@pytest.mark.parametrize(
    "lie", [lambda m: [info(m.token)], lambda m: [Ack(m.token, Type.STOP, Result.OK, 78, 3)]]
)
@simulated_time
async def test_r16_a_device_that_answers_with_the_wrong_kind_has_not_answered(
    lie: Callable[[Any], list[Message]],
) -> None:
    async with on_a_pipe() as (driver, peer, listener):
        await driver.open(listener)
        peer.answers[Arm] = peer.answers[Reset] = lie
        with pytest.raises(LinkTimeout):
            await driver.arm(20.0, 900)
        with pytest.raises(LinkTimeout):
            await driver.reset()
        for token, of in itertools.product((0, 1), (Type.ARM, Type.GET_INFO, Type.INFO)):
            before = driver.bad_frames
            peer.answers[GetInfo] = lambda m, token=token, of=of: [
                Ack(m.token * token, of, Result.OK, 77, 3)
            ]
            with pytest.raises(LinkTimeout):
                await driver.read_info()
            assert (driver.bad_frames > before) == bool(token), (
                "what nobody waits for is no mistake"
            )


@simulated_time
async def test_a_link_that_is_given_up_is_told_as_lost() -> None:
    async with on_a_pipe() as (driver, _, listener):
        await driver.open(listener)
        driver.abort()
        driver.abort()
        assert len(listener.lost) == 1
        with pytest.raises(LinkLost):
            await driver.stop(Cause.PERSON)


@simulated_time
async def test_right_after_a_stop_the_telemetry_of_the_new_epoch_is_waited_for() -> None:
    async with on_a_pipe() as (driver, peer, listener):
        await driver.open(listener)
        peer.answers[GetInfo] = lambda m: [info(m.token)]
        await driver.stop(Cause.PERSON)
        loop = asyncio.get_running_loop()
        news = [telemetry(counter=count, epoch=78, challenge=56) for count in (2, 3)]
        loop.call_later(0.05, peer.transport.write, b"".join(map(encode_frame, news)))
        before = loop.time()
        await driver.read_info()
        assert loop.time() - before == pytest.approx(0.05, abs=0.01)
        await driver.arm(cap=10.0, limit_s=60)
        arm = peer.heard[-1]
        assert isinstance(arm, Arm)
        assert (arm.epoch, arm.challenge) == (78, 56)


@simulated_time
async def test_telemetry_that_never_comes_is_not_waited_for_longer_than_an_answer() -> None:
    async with on_a_pipe() as (driver, peer, listener):
        await driver.open(listener)
        peer.answers[GetInfo] = lambda m: [info(m.token)]
        await driver.stop(Cause.PERSON)
        before = asyncio.get_running_loop().time()
        await driver.read_info()
        assert asyncio.get_running_loop().time() - before == pytest.approx(0.3, abs=0.01)
        reading = asyncio.ensure_future(driver.read_info())
        await asyncio.sleep(0.01)
        await peer.transport.close()
        before = asyncio.get_running_loop().time()
        with pytest.raises(LinkLost):
            await reading
        assert asyncio.get_running_loop().time() - before < 0.1, "a lost link is not waited for"


@simulated_time
async def test_what_waits_for_an_answer_fails_when_the_link_is_closed() -> None:
    async with on_a_pipe() as (driver, _, listener):
        await driver.open(listener)
        stop = driver.stop(Cause.PERSON)
        await driver.close()
        assert isinstance(stop.exception(), LinkLost)
        with pytest.raises(LinkLost, match="was closed"):
            await driver.arm(cap=10.0, limit_s=60)


@simulated_time
@pytest.mark.parametrize("bit", range(6))
async def test_info_names_what_its_masks_name_and_nothing_else(bit: int) -> None:
    mask = dict.fromkeys(("zones", "vibration", "motions", "directions"), 1 << bit)
    async with on_a_pipe() as (driver, peer, listener):
        peer.answers[GetInfo] = lambda m: [info(m.token, kneading=0, **mask), telemetry()]
        told = await driver.open(listener)
        assert [zone.index for zone in told.vibration] == [bit]
        assert told.kneading == frozenset()
        assert [motion.wire for motion in told.motions] == [bit]
        assert [way.wire for way in told.directions] == [bit]

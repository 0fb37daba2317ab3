"""The dialect against a scripted peer at the other end of a pipe: what is sent, and when nothing is."""

from __future__ import annotations

import asyncio
import gc
import re
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.support.marks import simulated_time

from massager_ctl.drivers.reference import ReferenceDriver
from massager_ctl.drivers.reference_tables import CAUSE_NUMBERS, REFUSALS
from massager_ctl.errors import (
    DeviceBusy,
    DeviceRefused,
    LinkLost,
    LinkTimeout,
    MassagerError,
    ProtocolError,
)
from massager_ctl.model.device import Cause, DeviceInfo, DeviceState, Mode, Setpoint, Telemetry
from massager_ctl.model.outcome import DEVICE_SAYS
from massager_ctl.transports.base import LinkKind
from massager_ctl.transports.in_process import PipeTransport, pipe
from massager_ctl.transports.wrapper import Wrapper
from massager_ctl.wire.codec import Splitter, decode_run, encode_frame
from massager_ctl.wire.messages import (
    Ack,
    Arm,
    GetInfo,
    Info,
    Message,
    Reset,
    Result,
    SetpointFrame,
    Stop,
    TelemetryFrame,
    Type,
)


def telemetry(**changes: Any) -> TelemetryFrame:
    fields: dict[str, Any] = {
        "counter": 1,
        "epoch": 77,
        "challenge": 55,
        "uptime": 1000,
        "running": 0,
        "owner": 0,
        "seq": 0,
        "state": 0,
        "cause": 0,
        "latch": 3,
        "flags": 8,
        "battery": 80,
        "levels": (0,) * 6,
        "vibration": (0,) * 6,
        "kneading": (0,) * 6,
        "current": 12,
        "pad": 300,
        "motor": -32768,
        "allowance": 1620,
        "rejected": 0,
    }
    return TelemetryFrame(**(fields | changes))


def info(token: int, **changes: Any) -> Info:
    fields: dict[str, Any] = {
        "token": token,
        "flags": 1,
        "serial": b"TEST".ljust(12, b"\0"),
        "firmware": (1, 2, 3),
        "boot": 9,
        "lifetime": 100,
        "zones": 0x3F,
        "vibration": 0x3F,
        "kneading": 0x0F,
        "motions": 0x3F,
        "directions": 0x3F,
        "caps": (70, 70, 50, 50, 35, 35),
        "sum_cap": 200,
        "rise": 20,
        "deadman": 500,
        "session": 1800,
        "with_pauses": 2700,
        "allowance": 1620,
        "sensing": 0xFF,
    }
    return Info(**(fields | changes))


class Peer:
    """Plays the device by a table of answers; remembers all that it heard."""

    def __init__(self, transport: PipeTransport) -> None:
        self.transport = transport
        self.heard: list[Message] = []
        self.raw = b""
        self._splitter = Splitter()
        self.answers: dict[type[Message], Callable[[Any], list[Message]]] = {
            GetInfo: lambda m: [info(m.token), telemetry()],
            Arm: lambda m: [Ack(m.token, Type.ARM, Result.OK, m.epoch, 3)],
            Stop: lambda m: [Ack(m.token, Type.STOP, Result.OK, 78, 3)],
            Reset: lambda m: [Ack(m.token, Type.RESET, Result.OK, 79, 3)],
        }

    def data_received(self, data: bytes) -> None:
        self.raw += data
        for run in self._splitter.feed(data):
            try:
                message = decode_run(run)
            except ProtocolError:
                continue
            self.heard.append(message)
            for answer in self.answers.get(type(message), lambda _: [])(message):
                self.send(answer)

    def link_lost(self, error: LinkLost) -> None:
        pass

    def send(self, message: Message) -> None:
        self.transport.write(encode_frame(message))


class Listener:
    def __init__(self) -> None:
        self.telemetry: list[Telemetry] = []
        self.lost: list[MassagerError] = []

    def telemetry_received(self, telemetry: Telemetry) -> None:
        self.telemetry.append(telemetry)

    def driver_lost(self, error: MassagerError) -> None:
        self.lost.append(error)


@asynccontextmanager
async def on_a_pipe() -> AsyncGenerator[tuple[ReferenceDriver, Peer, Listener]]:
    """A driver and its peer, both ends of a pipe open."""
    here, there = pipe()
    peer = Peer(there)
    await there.open(peer)
    driver = ReferenceDriver(here)
    yield driver, peer, Listener()
    await driver.close()


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
        assert driver._answers == {}, "a question that nobody answered is not kept for ever"


@simulated_time
async def test_r4_under_congestion_the_newest_setpoint_alone_is_kept() -> None:
    async with on_a_pipe() as (driver, peer, listener):
        await driver.open(listener)
        await driver.arm(cap=40.0, limit_s=600)
        peer.transport.pause()
        for i in range(300):
            driver.send(Setpoint((i / 10, 0, 0, 0, 0, 0)))
        peer.transport.resume()
        await asyncio.sleep(0.05)
        sent = [m for m in peer.heard if isinstance(m, SetpointFrame)]
        assert len(sent) < 150
        assert sent[-1].levels[0] == 299
        assert [m.seq for m in sent] == sorted({m.seq for m in sent})


@simulated_time
async def test_r4_an_unsent_setpoint_is_given_up_at_t_minus_200_ms() -> None:
    async with on_a_pipe() as (driver, peer, listener):
        await driver.open(listener)
        await driver.arm(cap=40.0, limit_s=600)
        peer.transport.pause()
        for _ in range(300):
            driver.send(Setpoint((12.3, 0, 0, 0, 0, 0)))
        driver.send(Setpoint((45.6, 0, 0, 0, 0, 0)))
        await asyncio.sleep(0.31)
        peer.transport.resume()
        await asyncio.sleep(0.05)
        assert all(m.levels[0] == 123 for m in peer.heard if isinstance(m, SetpointFrame))


class Congested(Wrapper):
    """Something waits as long as it says so; when there is room, the test tells."""

    waits = 0

    @property
    def backlog(self) -> int:
        return self.waits


@simulated_time
async def test_r4_a_setpoint_that_waited_is_not_sent_after_a_newer_one() -> None:
    """A transport tells that it has room a moment after it has."""
    here, there = pipe()
    peer = Peer(there)
    await there.open(peer)
    line = Congested(here)
    driver = ReferenceDriver(line)
    await driver.open(Listener())
    await driver.arm(cap=40.0, limit_s=600)
    line.waits = 1
    driver.send(Setpoint((30.0, 0, 0, 0, 0, 0)))
    line.waits = 0
    driver.send(Setpoint((10.0, 0, 0, 0, 0, 0)))
    driver._send_unsent()
    await asyncio.sleep(0.05)
    assert [m.levels[0] for m in peer.heard if isinstance(m, SetpointFrame)] == [100]
    await driver.close()


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
        told: list[dict[str, object]] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
        peer.answers[Stop] = lambda m: []
        await driver.open(listener)
        driver.stop(Cause.PERSON)
        await peer.transport.close()
        await asyncio.sleep(0.1)
        gc.collect()
        assert told == []


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
        assert driver.bad_frames == 0, "answers that come late or twice are no mistake"


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
        assert driver.bad_frames == 4, "what was told before is no news"
        peer.send(telemetry(counter=2, cause=200, battery=255))
        await asyncio.sleep(0.01)
        assert listener.telemetry[-1].cause is Cause.UNKNOWN
        assert listener.telemetry[-1].battery is None


@simulated_time
async def test_a_framed_link_carries_bodies_without_cobs() -> None:
    here, there = pipe(kind=LinkKind.BLE)
    heard: list[bytes] = []

    class Ear:
        def data_received(self, data: bytes) -> None:
            heard.append(data)

        def link_lost(self, error: LinkLost) -> None:
            pass

    await there.open(Ear())
    driver = ReferenceDriver(here)
    with pytest.raises(LinkTimeout):
        await driver.open(Listener())
    assert all(body[:2] == b"\x02\x01" and len(body) == 8 for body in heard)


def test_every_cause_of_the_protocol_has_a_number_and_words() -> None:
    document = (Path(__file__).parents[3] / "docs" / "protocol.md").read_text()
    table = document.split("| value | name | class |")[1].split("\n\n")[0]
    rows = re.findall(r"^\| (\d+) \| (\w+) \|", table, re.MULTILINE)
    assert {(name, int(number)) for number, name in rows} == {
        (cause.value, number) for cause, number in CAUSE_NUMBERS.items()
    }
    of_the_host = {cause for cause, number in CAUSE_NUMBERS.items() if number < 16}
    assert set(CAUSE_NUMBERS) - of_the_host <= set(DEVICE_SAYS)


@simulated_time
async def test_r6_an_answer_to_another_question_confirms_no_stop() -> None:
    async with on_a_pipe() as (driver, peer, listener):
        await driver.open(listener)
        peer.answers[Stop] = lambda m: [Ack(m.token, Type.ARM, Result.OK, 78, 3), info(m.token)]
        stopping = driver.stop(Cause.PERSON)
        await asyncio.sleep(0.1)
        assert not stopping.done()
        assert driver.bad_frames == 2


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
        peer.answers[GetInfo] = lambda m: [Ack(m.token, Type.ARM, Result.OK, 78, 3)]
        with pytest.raises(LinkTimeout):
            await driver.read_info()


@simulated_time
async def test_r6_a_device_that_answers_no_question_still_takes_a_stop() -> None:
    async with on_a_pipe() as (driver, peer, listener):
        del peer.answers[GetInfo]
        await driver.open_link(listener)
        await driver.stop(Cause.PERSON)
        assert [type(message) for message in peer.heard] == [Stop]


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
        asyncio.get_running_loop().call_later(
            0.05, peer.send, telemetry(counter=2, epoch=78, challenge=56)
        )
        await driver.read_info()
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
        with pytest.raises(LinkLost):
            await reading


@simulated_time
async def test_r6_a_setpoint_that_waits_is_gone_with_its_session() -> None:
    async with on_a_pipe() as (driver, _, listener):
        await driver.open(listener)
        driver._unsent = (Setpoint(), asyncio.get_running_loop().time())
        driver.disarm()
        assert driver._unsent is None

"""What a driver tells its guardian: a stop that counts is the one that follows the last frame that went out (R25)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

import msgspec
import pytest
from tests.support.ascii_massager import ASCII, AsciiDialect
from tests.support.line_device import Peer, lives

from massager_ctl.drivers.dialect import Dialect, DriverSpec
from massager_ctl.drivers.foreign import FRAME_MAX, FRAMES_MAX
from massager_ctl.drivers.plain import PlainDriver
from massager_ctl.errors import DeviceRefused, DriverFault, GuardianLost, LinkLost, MassagerError
from massager_ctl.model.device import Cause, Setpoint, Telemetry
from massager_ctl.transports.factory import make_transport
from massager_ctl.transports.guarded import ANSWER_S, GuardedTransport, guarded

LEVEL = Setpoint((10.0, 10.0, 0.0, 0.0, 0.0, 0.0))
HIGHER = Setpoint((15.0, 15.0, 0.0, 0.0, 0.0, 0.0))


class Counting(Dialect):
    """Every frame has a number of its own, keep-alives and stops too; a device may refuse one that is out of turn."""

    every_s = 0.1
    off_reports = (b"=0\n",)

    def __init__(self) -> None:
        self.count = 0

    def _next(self, word: bytes) -> list[bytes]:
        self.count += 1
        return [b"%s #%d\n" % (word, self.count)]

    def levels(self, steps: tuple[int, ...], now: float) -> Sequence[bytes]:
        return self._next(b"SET") if steps[0] else self.stop(now)

    def stop(self, now: float) -> Sequence[bytes]:
        return [*self._next(b"HALT"), *self._next(b"END")]

    def alive(self, now: float) -> Sequence[bytes]:
        return self._next(b"ALIVE")


class Ear:
    def __init__(self) -> None:
        self.lost: list[MassagerError] = []

    def telemetry_received(self, telemetry: Telemetry) -> None:
        pass

    def driver_lost(self, error: MassagerError) -> None:
        self.lost.append(error)


@asynccontextmanager
async def driven(
    spec: DriverSpec,
) -> AsyncGenerator[tuple[PlainDriver, GuardedTransport, Peer, Ear]]:
    peer, ear = Peer("pty", answers=True), Ear()
    transport = guarded(make_transport(peer.address))
    assert transport is not None
    driver = PlainDriver(transport, spec)
    await driver.open(ear)
    try:
        yield driver, transport, peer, ear
    finally:
        await driver.close()
        peer.close()


class WithTimer(AsciiDialect):
    def timer(self, minutes: float, now: float) -> Sequence[bytes]:
        return [b"T%d\n" % minutes]


COUNTING = msgspec.structs.replace(ASCII, dialect=Counting, ends_frame=b"")


def _numbers(peer: Peer) -> list[int]:
    return [int(line.partition(b"#")[2]) for line in peer.heard if b"#" in line]


async def _hears(peer: Peer, word: bytes) -> None:
    until = time.monotonic() + 10.0
    while not any(line.startswith(word) for line in peer.heard):
        assert time.monotonic() < until, peer.heard
        await asyncio.sleep(0.005)


@pytest.mark.slow
@pytest.mark.asyncio
async def test_r25_the_guardians_stop_counts_on_from_the_last_frame() -> None:
    async with driven(COUNTING) as (driver, transport, peer, _):
        await driver.arm(25.0, 600)
        for setpoint in (LEVEL, HIGHER, LEVEL, LEVEL, LEVEL):
            driver.send(setpoint)
            await asyncio.sleep(0.12)
        transport.abort()  # as if this process had died: no stop of its own
        until = time.monotonic() + 10.0
        while sum(line.startswith(b"HALT") for line in peer.heard) < 4:
            assert time.monotonic() < until, peer.heard
            await asyncio.sleep(0.05)
        numbers = _numbers(peer)
        assert numbers == list(range(1, len(numbers) + 1)), peer.heard
        assert any(line.startswith(b"ALIVE") for line in peer.heard)


@pytest.mark.asyncio
async def test_r25_a_stop_of_several_frames_is_handed_over_whole() -> None:
    async with driven(COUNTING) as (driver, _, peer, _ear):
        await driver.arm(25.0, 600)
        driver.send(LEVEL)
        await asyncio.sleep(0.1)
        driver.stop(Cause.PERSON)
        await asyncio.sleep(0.3)
        assert [line.split()[0] for line in peer.heard][-2:] == [b"HALT", b"END"]
        assert _numbers(peer) == list(range(1, len(peer.heard) + 1))


@pytest.mark.asyncio
async def test_r6_a_stop_after_a_stop_counts_on() -> None:
    async with driven(COUNTING) as (driver, _, peer, _ear):
        await driver.arm(25.0, 600)
        driver.send(LEVEL)
        await _hears(peer, b"SET")
        assert isinstance(driver._dialect, Counting)
        for _ in range(2):
            driver.stop(Cause.PERSON)
        await asyncio.to_thread(peer.wait_for, b"END #%d" % driver._dialect.count)
        assert _numbers(peer) == list(range(1, len(peer.heard) + 1)), peer.heard


@pytest.mark.asyncio
async def test_r25_a_guardian_has_nothing_left_to_do_once_the_stop_was_read_back() -> None:
    async with driven(ASCII) as (driver, transport, peer, _):
        await driver.arm(25.0, 600)
        driver.send(LEVEL)
        await asyncio.to_thread(peer.wait_for, b"L2")
        await asyncio.wait_for(driver.stop(Cause.PERSON), 5.0)
        assert transport._process is not None
        guardian = transport._process.pid
        transport.abort()
        until = time.monotonic() + 5.0
        while lives(guardian):
            assert time.monotonic() < until
            await asyncio.sleep(0.01)
        assert peer.stops == 1, peer.heard


@pytest.mark.asyncio
async def test_r25_a_driver_is_told_at_once_and_arms_again_with_another_guardian() -> None:
    async with driven(ASCII) as (driver, transport, peer, ear):
        await driver.arm(25.0, 600)
        driver.send(LEVEL)
        assert transport._process is not None
        first = transport._process.pid
        transport._process.kill()
        until = time.monotonic() + 5.0
        while not ear.lost:
            assert time.monotonic() < until
            await asyncio.sleep(0.01)
        assert isinstance(ear.lost[0], GuardianLost)
        with pytest.raises(GuardianLost, match="has ended"):
            driver.send(LEVEL)
        driver.stop(Cause.SAFETY)
        await asyncio.to_thread(peer.wait_for, b"OFF")
        await driver.arm(25.0, 600)
        driver.send(HIGHER)
        assert transport._process is not None
        assert transport._process.pid != first
        await asyncio.to_thread(peer.wait_for, b"L3")


@pytest.mark.asyncio
async def test_r25_a_guardian_that_answered_is_there_although_this_process_looked_late() -> None:
    async with driven(ASCII) as (driver, transport, _, _ear):
        await driver.arm(25.0, 600)
        await asyncio.wait_for(driver.stop(Cause.PERSON), 5.0)
        asyncio.get_running_loop().call_later(0.001, time.sleep, ANSWER_S + 0.3)
        await driver.arm(25.0, 600)
        assert transport._process is not None


class Long(Counting):
    def levels(self, steps: tuple[int, ...], now: float) -> Sequence[bytes]:
        return [b"x" * (FRAME_MAX - 1) + b"\n"] * FRAMES_MAX


@pytest.mark.slow
@pytest.mark.asyncio
async def test_r25_a_device_that_takes_nothing_any_more_ends_the_session() -> None:
    async with driven(msgspec.structs.replace(COUNTING, dialect=Long)) as (driver, _, peer, _ear):
        await driver.arm(25.0, 600)
        peer.reads.clear()
        driver.send(LEVEL)
        until = time.monotonic() + 10.0
        said = ""
        while not said:
            assert time.monotonic() < until
            await asyncio.sleep(0.1)
            try:
                driver.send(LEVEL)
            except DriverFault as error:
                said = error.message
        assert "has taken nothing for 1 s" in said
        peer.reads.set()


@pytest.mark.asyncio
async def test_r25_a_stop_that_no_guardian_could_keep_starts_nothing() -> None:
    class Endless(Counting):
        def stop(self, now: float) -> Sequence[bytes]:
            return [self._next(b"HALT" + b"x" * 4000)[0]] * 3

    async with driven(msgspec.structs.replace(COUNTING, dialect=Endless)) as (driver, _, peer, _e):
        with pytest.raises(DriverFault, match="its stop, 21 times, takes"):
            await driver.arm(25.0, 600)
        assert not [line for line in peer.heard if not line.startswith(b"ALIVE")]


@pytest.mark.asyncio
async def test_r6_a_driver_whose_stop_grows_too_large_has_its_last_good_one_sent() -> None:
    class Growing(Counting):
        large = False

        def stop(self, now: float) -> Sequence[bytes]:
            return [b"x" * FRAME_MAX] * 300 if self.large else super().stop(now)

    async with driven(msgspec.structs.replace(COUNTING, dialect=Growing)) as (driver, _, peer, _e):
        await driver.arm(25.0, 600)
        driver.send(LEVEL)
        await _hears(peer, b"SET")
        assert isinstance(driver._dialect, Growing)
        driver._dialect.large = True
        sent = driver._dialect.count
        driver.stop(Cause.PERSON)
        await _hears(peer, b"HALT")
        assert b"HALT #%d" % (sent + 1) == next(line for line in peer.heard if b"HALT" in line)


@pytest.mark.asyncio
async def test_r25_a_device_that_could_have_a_guardian_starts_without_one_at_the_table_alone() -> (
    None
):
    peer = Peer("pty", answers=True)
    driver = PlainDriver(make_transport(peer.address), COUNTING)
    await driver.open(Ear())
    try:
        with pytest.raises(GuardianLost, match="no second process keeps watch"):
            await driver.arm(25.0, 600)
        driver.left_alone()
        await driver.arm(25.0, 600)
    finally:
        await driver.close()
        peer.close()


@pytest.mark.asyncio
async def test_r6_a_stop_that_is_too_large_goes_out_as_it_is_where_no_other_is_known() -> None:
    class Large(Counting):
        def stop(self, now: float) -> Sequence[bytes]:
            return [b"HALT" + b"x" * 4000 + b"\n"] * 16

    async with driven(msgspec.structs.replace(COUNTING, dialect=Large)) as (driver, _, peer, _e):
        driver.stop(Cause.PERSON)
        await asyncio.to_thread(peer.wait_for, b"HALT" + b"x" * 4000, count=16)


@pytest.mark.asyncio
async def test_r6_a_stop_before_the_guardian_has_answered_leaves_nothing_armed() -> None:
    spec = msgspec.structs.replace(ASCII, timer_min=(10.0,), dialect=WithTimer)
    async with driven(spec) as (driver, transport, peer, _):
        arming = asyncio.ensure_future(driver.arm(25.0, 600))
        await asyncio.sleep(0)
        stopped = driver.stop(Cause.PERSON)
        with pytest.raises(DeviceRefused, match="a stop came"):
            await arming
        await asyncio.wait_for(stopped, 5.0)
        assert not transport.runs
        driver.send(LEVEL)
        await asyncio.sleep(0.1)
        assert peer.heard[-1] == b"OFF"
        assert driver.newest is not None
        assert not driver.newest.state.in_session
        assert transport._rests, "the guardian has nothing left to do"


@pytest.mark.asyncio
async def test_r15_a_link_that_is_lost_before_the_guardian_has_answered_leaves_nothing_armed() -> (
    None
):
    async with driven(ASCII) as (driver, _, peer, ear):
        arming = asyncio.ensure_future(driver.arm(25.0, 600))
        await asyncio.sleep(0)
        driver.link_lost(LinkLost("it is gone", "Plug it in."))
        with pytest.raises(DeviceRefused):
            await arming
        driver.send(LEVEL)
        await asyncio.sleep(0.1)
        assert peer.levels == []
        assert len(ear.lost) == 1


@pytest.mark.asyncio
async def test_r25_a_person_who_has_seen_it_at_rest_is_told_to_the_guardian_of_a_mute_device() -> (
    None
):
    async with driven(COUNTING) as (driver, transport, _, _ear):
        assert driver.guarded
        await driver.arm(25.0, 600)
        driver.stop(Cause.PERSON)
        assert not transport._rests, "it tells nothing itself"
        driver.seen_at_rest()
        assert transport._rests


async def _ends(transport: GuardedTransport) -> None:
    until = time.monotonic() + 5.0
    while transport._process is not None:
        assert time.monotonic() < until
        await asyncio.sleep(0.01)


@pytest.mark.asyncio
async def test_r25_a_guardian_that_ends_between_sessions_ends_none() -> None:
    async with driven(ASCII) as (driver, transport, _, ear):
        await driver.arm(25.0, 600)
        await asyncio.wait_for(driver.stop(Cause.PERSON), 5.0)
        assert transport._process is not None
        transport._process.kill()
        await _ends(transport)
        assert ear.lost == []
        await driver.arm(25.0, 600)


@pytest.mark.asyncio
async def test_r25_where_nothing_is_sent_the_guardian_is_told_of_no_other_stop() -> None:
    asked: list[float] = []

    class Asked(AsciiDialect):
        def stop(self, now: float) -> Sequence[bytes]:
            asked.append(now)
            return super().stop(now)

    async with driven(msgspec.structs.replace(ASCII, dialect=Asked)) as (driver, _, peer, _ear):
        await driver.arm(25.0, 600)
        driver.send(LEVEL)
        await _hears(peer, b"L2")
        before = len(asked)
        driver.send(LEVEL)
        assert len(asked) == before

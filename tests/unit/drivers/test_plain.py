"""A device of another make: the session is kept on this side, and nothing made here confirms a stop (R25)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import pytest
from tests.support.ascii_massager import ASCII, AsciiDialect, AsciiPeer
from tests.support.marks import simulated_time

from massager_ctl.drivers.dialect import (
    Act,
    Dialect,
    DriverSpec,
    LevelsAre,
    RelativeDialect,
    check_spec,
)
from massager_ctl.drivers.foreign import _in_words
from massager_ctl.drivers.plain import PlainDriver
from massager_ctl.drivers.tcode import TCode
from massager_ctl.errors import (
    DeviceRefused,
    DriverFault,
    LinkLost,
    LinkTimeout,
    MassagerError,
)
from massager_ctl.model.device import Cause, Channel, DeviceState, Setpoint, Telemetry
from massager_ctl.model.units import Levels, Zone
from massager_ctl.testing.peers import PeerLink
from massager_ctl.transports.base import LinkKind
from massager_ctl.transports.wrapper import Wrapper


class Ear:
    def __init__(self) -> None:
        self.telemetry: list[Telemetry] = []
        self.lost: list[MassagerError] = []

    def telemetry_received(self, telemetry: Telemetry) -> None:
        self.telemetry.append(telemetry)

    def driver_lost(self, error: MassagerError) -> None:
        self.lost.append(error)


def both(percent: float) -> Setpoint:
    levels: Levels = (percent, percent, 0.0, 0.0, 0.0, 0.0)
    return Setpoint(levels)


def lines(link: PeerLink) -> list[bytes]:
    return b"".join(data for _, data in link.heard).split(b"\n")[:-1]


@simulated_time
async def test_levels_go_out_as_steps_and_a_stop_is_done_when_zero_is_told() -> None:
    async with PeerLink(AsciiPeer()) as link:
        driver, ear = PlainDriver(link.host, ASCII), Ear()
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
        await driver.open(Ear())
        await driver.arm(25.0, 600)
        driver.send(both(20.0))
        done = driver.stop(Cause.PERSON)
        await asyncio.sleep(5.0)
        assert link.peer.steps == (0,)
        assert not done.done()
        await driver.close()


@simulated_time
async def test_r6_only_a_zero_that_is_told_after_the_stop_confirms_it() -> None:
    async with PeerLink(AsciiPeer(mute=True)) as link:
        driver = PlainDriver(link.host, ASCII)
        await driver.open(Ear())
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
        await driver.open(Ear())
        driver.stop(Cause.PERSON).cancel()
        given_up, done = driver.stop(Cause.PERSON), driver.stop(Cause.PERSON)
        given_up.cancel()
        link.far.write(b"=0\n")
        await asyncio.wait_for(done, 1.0)
        await driver.close()


class Congested(Wrapper):
    """Something waits as long as it says so; when there is room, the test tells."""

    waits = 0

    @property
    def backlog(self) -> int:
        return self.waits


@simulated_time
async def test_r4_a_setpoint_that_waited_is_not_sent_after_a_newer_one_nor_late() -> None:
    async with PeerLink(AsciiPeer()) as link:
        line = Congested(link.host)
        driver = PlainDriver(line, ASCII)
        await driver.open(Ear())
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
        done = driver.stop(Cause.PERSON)
        await asyncio.sleep(1.0)
        assert (link.heard, done.done()) == ([], False)
        await driver.open(Ear())
        await driver.arm(25.0, 600)
        await driver.close()


@simulated_time
async def test_r6_a_stop_over_a_bare_link_is_confirmed_as_well() -> None:
    async with PeerLink(AsciiPeer(mute=True)) as link:
        driver = PlainDriver(link.host, ASCII)
        await driver.open_link(Ear())
        done = driver.stop(Cause.PERSON)
        driver.data_received(b"=0\n")
        assert done.done()
        await driver.close()


@simulated_time
async def test_fault_64_the_first_fault_of_a_driver_is_the_one_that_is_told() -> None:
    class Wrong(AsciiDialect):
        def feed(self, data: bytes, now: float) -> tuple[int, ...] | None:
            if self.known:
                raise ValueError(data.decode())
            return super().feed(data, now)

    async with PeerLink(AsciiPeer()) as link:
        driver = PlainDriver(link.host, msgspec.structs.replace(ASCII, dialect=Wrong))
        await driver.open(Ear())
        driver.data_received(b"the first")
        driver.data_received(b"the second")
        with pytest.raises(DriverFault, match="the first"):
            await driver.arm(25.0, 600)
        await driver.close()


@simulated_time
async def test_an_answer_in_two_pieces_at_once_is_one_answer() -> None:
    async with PeerLink(AsciiPeer(deaf=True)) as link:
        driver, ear = PlainDriver(link.host, ASCII), Ear()
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
            await driver.open(Ear())
        assert lines(link) == [b"WHO"] * 3


def faulty(method: str, calls: int = 0) -> DriverSpec:
    """The ASCII massager with a method that fails, after so many calls."""
    left = [calls]

    def fail(self: AsciiDialect, *given: Any) -> Any:
        left[0] -= 1
        if left[0] < 0:
            raise ZeroDivisionError("made up")
        return getattr(AsciiDialect, method)(self, *given)

    return msgspec.structs.replace(ASCII, dialect=type("Faulty", (AsciiDialect,), {method: fail}))


@simulated_time
@pytest.mark.parametrize("method", ["start", "stop"])
async def test_fault_64_a_driver_that_fails_before_the_link_is_opened_sends_nothing(
    method: str,
) -> None:
    async with PeerLink(AsciiPeer()) as link:
        with pytest.raises(DriverFault, match=r"'ascii' failed in .*ZeroDivisionError: made up"):
            await PlainDriver(link.host, faulty(method)).open(Ear())
        assert link.heard == []


def _raises(*_: object) -> Dialect:
    raise RuntimeError("no")


@simulated_time
@pytest.mark.parametrize(
    ("make", "said"),
    [
        (_raises, "failed in `__init__`: RuntimeError: no"),
        (dict, "its dialect is a dict and no Dialect"),
    ],
)
async def test_what_is_no_dialect_is_refused(make: Callable[[], Any], said: str) -> None:
    async with PeerLink(AsciiPeer()) as link:
        with pytest.raises(DriverFault, match=said):
            await PlainDriver(link.host, msgspec.structs.replace(ASCII, dialect=make)).open(Ear())
        assert link.heard == []


@simulated_time
@pytest.mark.parametrize("given", [None, "L1\n", [b""], ["L1"], [b"x" * 5000], [b"x"] * 600])
async def test_fault_64_what_is_no_frame_is_not_sent(given: Any) -> None:
    class Wrong(AsciiDialect):
        def levels(self, steps: tuple[int, ...], now: float) -> Sequence[bytes]:
            return given

    async with PeerLink(AsciiPeer()) as link:
        driver = PlainDriver(link.host, msgspec.structs.replace(ASCII, dialect=Wrong))
        await driver.open(Ear())
        await driver.arm(25.0, 600)
        with pytest.raises(DriverFault, match="unfit"):
            driver.send(both(20.0))
        await asyncio.sleep(0.2)
        assert lines(link) == [b"WHO"]
        await driver.close()


@simulated_time
async def test_a_stop_that_fails_is_sent_as_it_was_last_known() -> None:
    async with PeerLink(AsciiPeer()) as link:
        spec = faulty("stop", 2)  # one at the opening, one after the level
        driver = PlainDriver(link.host, spec)
        await driver.open(Ear())
        await driver.arm(25.0, 600)
        driver.send(both(20.0))
        await asyncio.wait_for(driver.stop(Cause.PERSON), 1.0)
        assert link.peer.steps == (0,)
        with pytest.raises(DriverFault):
            await driver.arm(25.0, 600)
        await driver.close()


@simulated_time
@pytest.mark.parametrize("told", [(7,), (-1,), (True,), (), (1, 1), "1", 1])
async def test_steps_that_the_device_does_not_have_end_the_session(told: Any) -> None:
    class Wrong(AsciiDialect):
        def feed(self, data: bytes, now: float) -> tuple[int, ...] | None:
            super().feed(data, now)
            return told if self.known and b"=" in data else None

    async with PeerLink(AsciiPeer()) as link:
        driver = PlainDriver(link.host, msgspec.structs.replace(ASCII, dialect=Wrong))
        await driver.open(Ear())
        await driver.arm(25.0, 600)
        driver.send(both(20.0))
        await asyncio.sleep(0.2)
        with pytest.raises(DriverFault, match="not steps of this device"):
            driver.send(both(20.0))
        await driver.close()


class Counting(RelativeDialect):
    def more(self, channel: int, now: float) -> Sequence[bytes]:
        return [b"+%d" % channel]

    def stop(self, now: float) -> Sequence[bytes]:
        return [b"off"]


def test_relative_levels_are_counted_up_from_off() -> None:
    dialect = Counting()
    assert dialect.levels((1, 0), 0.0) == [b"off", b"+0"]
    assert dialect.levels((2, 1), 0.0) == [b"+0", b"+1"]
    assert dialect.levels((1, 1), 0.0) == [b"off", b"+0", b"+1"]
    dialect.forget()
    assert dialect.levels((1, 1), 0.0) == [b"off", b"+0", b"+1"]


@simulated_time
async def test_keep_alives_keep_their_rhythm_in_a_session_and_between() -> None:
    class Alive(AsciiDialect):
        every_s = 1.0

        def alive(self, now: float) -> Sequence[bytes]:
            return [b"\n"]

    async with PeerLink(AsciiPeer()) as link:
        driver = PlainDriver(link.host, msgspec.structs.replace(ASCII, dialect=Alive))
        await driver.open(Ear())
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
        await driver.open(Ear())
        for limit_s in (
            678,
            679,
            1400,
            100,
        ):  # sessions of 600, 601, 1250 and 80 seconds, as ARM has them
            await driver.arm(25.0, limit_s)
        assert sent == [10.0, 20.0, 20.0, 5.0]
        await driver.close()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"scheme": "serial"}, "scheme"),
        ({"scheme": "A-B"}, "scheme"),
        ({"acts": frozenset({Act.PERCUSSION})}, "too intense"),
        ({"acts": frozenset({Act.VIBRATION, Act.EMS})}, "electric"),
        ({"levels_are": LevelsAre.TOGGLED}, "toggled"),
        ({"links": ()}, "link"),
        ({"links": (LinkKind.MEMORY,)}, "link"),
        ({"links": (LinkKind.BLE,)}, "characteristic"),
        ({"channels": ()}, "zone"),
        ({"channels": (Channel((Zone.NECK_LEFT, Zone.NECK_LEFT), (1.0,)),)}, "zone"),
        ({"channels": (Channel((Zone.NECK_LEFT,), ()),)}, "steps"),
        ({"channels": (Channel((Zone.NECK_LEFT,), (0.0, 5.0)),)}, "steps"),
        ({"channels": (Channel((Zone.NECK_LEFT,), (5.0, 5.0)),)}, "steps"),
        ({"channels": (Channel((Zone.NECK_LEFT,), (5.0, 101.0)),)}, "steps"),
        ({"channels": (Channel((Zone.NECK_LEFT,), (float("nan"),)),)}, "steps"),
        ({"timer_min": (0.0,)}, "timer"),
    ],
)
def test_a_driver_that_may_not_be_is_refused_with_the_reason(
    change: dict[str, Any], said: str
) -> None:
    with pytest.raises(DriverFault, match=said):
        check_spec(msgspec.structs.replace(ASCII, **change), "made-up 1.0")
    assert check_spec(ASCII, "made-up 1.0") is ASCII


def test_an_entry_point_that_is_no_driver_is_refused() -> None:
    with pytest.raises(DriverFault, match="a dict and no DriverSpec"):
        check_spec({}, "made-up 1.0")


@simulated_time
async def test_before_anything_is_told_there_is_no_newest_telemetry() -> None:
    async with PeerLink(AsciiPeer()) as link:
        assert PlainDriver(link.host, ASCII).newest is None


def test_a_drivers_error_without_a_trace_is_told_without_a_place() -> None:
    assert _in_words(ValueError("no\nmore")) == "ValueError: no"


def test_r25_a_driver_is_for_the_bench_if_either_place_says_so() -> None:
    replace = msgspec.structs.replace
    careful = replace(ASCII.assurance, bench_only=True)
    assert not replace(ASCII, bench_only=False).declared.bench_only
    assert replace(ASCII, bench_only=True).declared.bench_only
    assert replace(ASCII, bench_only=False, assurance=careful).declared.bench_only


@simulated_time
async def test_a_device_that_answers_is_open_as_soon_as_it_does() -> None:
    async with PeerLink(AsciiPeer()) as link:
        begun = asyncio.get_running_loop().time()
        await PlainDriver(link.host, ASCII).open(Ear())
        assert asyncio.get_running_loop().time() - begun < 0.1


@simulated_time
async def test_after_a_fault_of_its_driver_a_device_is_kept_alive_no_longer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(AsciiDialect, "next_due", lambda _: 0.0)
    async with PeerLink(AsciiPeer()) as link:
        driver = PlainDriver(link.host, ASCII)
        await driver.open(Ear())
        assert driver._idle is not None
        driver._fault = DriverFault("it failed", "Tell its author.")
        driver.stop(Cause.PERSON)
        assert driver._idle is None
        driver.link_lost(LinkLost("it is gone", "Plug it in."))
        with pytest.raises(LinkLost, match="it is gone"):
            await driver.arm(25.0, 600)


def test_tcode_names_the_board_by_its_first_line_and_waits_for_version_and_channel() -> None:
    dialect = TCode()
    dialect.feed(b"A board of mine\nTCode v0.3\n", 0.0)
    assert (dialect.firmware, dialect.known) == ("A board of mine", False)
    dialect.feed(b"V0 0 9999 Vibration\nand more\n", 0.0)
    assert (dialect.firmware, dialect.known) == ("A board of mine", True)


@simulated_time
async def test_r6_a_setpoint_that_waits_is_not_sent_after_the_stop() -> None:
    async with PeerLink(AsciiPeer()) as link:
        line = Congested(link.host)
        driver = PlainDriver(line, ASCII)
        await driver.open(Ear())
        await driver.arm(25.0, 600)
        line.waits = 1
        driver.send(both(20.0))
        driver.stop(Cause.PERSON)
        line.waits = 0
        driver._send_unsent()
        await asyncio.sleep(0.2)
        assert lines(link) == [b"WHO", b"", b"OFF"]
        await driver.close()


@simulated_time
async def test_what_waits_is_sent_when_the_transport_has_room() -> None:
    async with PeerLink(AsciiPeer()) as link:
        driver = PlainDriver(link.host, ASCII)
        await driver.open(Ear())
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
async def test_what_was_sent_stands_for_what_a_silent_device_would_tell() -> None:
    async with PeerLink(AsciiPeer(mute=True)) as link:
        driver, ear = PlainDriver(link.host, ASCII), Ear()
        await driver.open_link(ear)
        assert [told.state for told in ear.telemetry] == [DeviceState.IDLE]
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
        assert [told.levels[0] for told in ear.telemetry[-2:]] == [20.0, 0.0]
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
@pytest.mark.parametrize("way", ["closed", "given up", "lost"])
async def test_r15_a_link_that_has_ended_is_told_and_nothing_more_is_sent_or_confirmed(
    way: str,
) -> None:
    async with PeerLink(AsciiPeer(mute=True)) as link:
        driver, ear = PlainDriver(link.host, ASCII), Ear()
        await driver.open(ear)
        assert (await driver.read_info()).serial == "A1"
        await driver.arm(25.0, 600)
        driver.send(both(20.0))
        given_up, pending = driver.stop(Cause.PERSON), driver.stop(Cause.PERSON)
        given_up.cancel()
        await driver.arm(25.0, 600)
        driver.send(both(20.0))
        await asyncio.sleep(0.1)
        sent, told = len(link.heard), len(ear.telemetry)
        if way == "closed":
            await driver.close()
        elif way == "given up":
            driver.abort()
        else:
            await link.far.close()
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
        assert (len(link.heard), len(ear.telemetry)) == (sent, told)
        assert len(ear.lost) == (way != "closed"), "it is told once"


@simulated_time
async def test_a_link_that_breaks_while_the_device_is_asked_who_it_is_is_told_at_once() -> None:
    async with PeerLink(AsciiPeer(deaf=True)) as link:
        driver = PlainDriver(link.host, ASCII)
        opening = asyncio.ensure_future(driver.open(Ear()))
        await asyncio.sleep(0.05)
        begun = asyncio.get_running_loop().time()
        await link.far.close()
        with pytest.raises(LinkLost):
            await opening
        assert asyncio.get_running_loop().time() - begun < 0.1
    async with PeerLink(AsciiPeer()) as link:
        with pytest.raises(DriverFault, match="made up"):
            await PlainDriver(link.host, faulty("feed")).open(Ear())
        assert not link.host.is_open


@simulated_time
async def test_whoever_is_not_recognised_is_left() -> None:
    async with PeerLink(AsciiPeer(deaf=True)) as link:
        with pytest.raises(LinkTimeout):
            await PlainDriver(link.host, ASCII).open(Ear())
        assert not link.host.is_open


@simulated_time
async def test_r25_a_driver_without_a_stop_opens_nothing_and_one_that_loses_it_has_its_last() -> (
    None
):
    class Forgetful(AsciiDialect):
        left = 0

        def stop(self, now: float) -> Sequence[bytes]:
            return [b"OFF\n"] if self.left else []

    spec = msgspec.structs.replace(ASCII, dialect=Forgetful)
    async with PeerLink(AsciiPeer()) as link:
        driver = PlainDriver(link.host, spec)
        with pytest.raises(DriverFault, match="no frame for a stop"):
            await driver.open(Ear())
        assert link.heard == []
        Forgetful.left = 1
        await driver.open(Ear())
        await driver.arm(25.0, 600)
        driver.send(both(20.0))
        Forgetful.left = 0
        await asyncio.wait_for(driver.stop(Cause.PERSON), 1.0)
        assert link.peer.steps == (0,)
        await driver.close()


@simulated_time
async def test_a_level_that_fails_ends_every_session_of_this_link() -> None:
    async with PeerLink(AsciiPeer()) as link:
        driver = PlainDriver(link.host, faulty("levels"))
        await driver.open(Ear())
        await driver.arm(25.0, 600)
        for _ in range(2):
            with pytest.raises(DriverFault, match="made up"):
                driver.send(both(20.0))
        await asyncio.wait_for(driver.stop(Cause.PERSON), 1.0)
        with pytest.raises(DriverFault, match="made up"):
            await driver.arm(25.0, 600)
        await driver.close()


@simulated_time
async def test_r7_a_device_without_a_latch_has_none_to_clear() -> None:
    async with PeerLink(AsciiPeer()) as link:
        with pytest.raises(DeviceRefused, match="no latch") as caught:
            await PlainDriver(link.host, ASCII).reset()
        assert caught.value.result == "not_latched"


@simulated_time
async def test_stops_that_nothing_confirms_do_not_add_up() -> None:
    async with PeerLink(AsciiPeer(mute=True)) as link:
        driver = PlainDriver(link.host, ASCII)
        await driver.open(Ear())
        for _ in range(50):
            driver.stop(Cause.PERSON).cancel()
        assert len(driver._stops) <= 2
        await driver.close()

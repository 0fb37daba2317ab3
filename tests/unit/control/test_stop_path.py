"""R6: a stop is sent, sent again three times, then the link is dropped; the device's word alone confirms it."""

from __future__ import annotations

import asyncio
import gc
from asyncio import Future

import pytest
from tests.unit.control.stop_line import Line

from massager_ctl.aio.simulated_time import SimulatedTimeLoop
from massager_ctl.control.stop_path import AGAIN_S, GIVEN_UP_S, RESENDS, StopPath
from massager_ctl.errors import LinkLost, StopUnconfirmed
from massager_ctl.model.device import Cause
from massager_ctl.safety.assurance import Assurance, Confirmation
from massager_ctl.transports.base import LinkKind


def confirmed(line: Line, deaf_s: float = 0.0) -> float:
    """Send a stop and wait; the simulated seconds that it took."""

    async def main() -> None:
        await StopPath(line, deaf_s=deaf_s).stop_now(Cause.PAIN)  # type: ignore[arg-type]

    loop = SimulatedTimeLoop()
    try:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(main())
    finally:
        took = loop.time()
    return took


def test_r6_confirmed_at_once_is_sent_once() -> None:
    line = Line()
    line.answers[1] = None
    assert confirmed(line) == pytest.approx(0.05)
    assert len(line.sent) == 1
    assert line.dropped_at is None


@pytest.mark.parametrize("which", [2, 3, 4])
def test_r6_each_of_the_three_more_may_be_the_one_that_arrives(which: int) -> None:
    line = Line()
    line.answers[which] = None
    confirmed(line)
    assert line.sent == pytest.approx([0.15 * n for n in range(which)])
    assert line.dropped_at is None


@pytest.mark.parametrize(("kind", "wait_s"), [(LinkKind.SERIAL, 0.15), (LinkKind.BLE, 0.4)])
def test_r6_unconfirmed_drops_the_link_and_says_unplug(kind: LinkKind, wait_s: float) -> None:
    line = Line(kind)
    with pytest.raises(StopUnconfirmed, match="sent 4 times") as caught:
        confirmed(line)
    assert "unplug" in caught.value.remedy
    assert len(line.sent) == RESENDS + 1 == 4
    assert line.dropped_at == pytest.approx(4 * wait_s)


def test_r6_an_answer_that_is_not_ok_confirms_nothing() -> None:
    line = Line()
    line.answers.update({1: "not ok", 2: "not ok", 3: None})
    confirmed(line)
    assert len(line.sent) == 3


def test_r6_a_link_that_is_gone_confirms_nothing_and_says_so() -> None:
    line = Line()
    line.answers[1] = LinkLost("it is gone")
    with pytest.raises(StopUnconfirmed, match="it is gone") as caught:
        confirmed(line)
    assert "unplug" in caught.value.remedy
    assert len(line.sent) == 1


def test_r6_a_late_answer_to_an_earlier_one_confirms_it() -> None:
    line = Line()

    def late(cause: Cause, original: object = line.stop) -> Future[None]:
        done: Future[None] = original(cause)  # type: ignore[operator]
        if len(line.sent) == 1:
            asyncio.get_running_loop().call_later(0.2, done.set_result, None)
        return done

    line.stop = late
    assert confirmed(line) == pytest.approx(0.2)
    assert len(line.sent) == 2


def test_r6_a_fault_while_sending_confirms_nothing_and_the_next_one_is_sent() -> None:
    line = Line()
    line.answers.update({1: OSError("no room in the buffer"), 2: None})
    confirmed(line)
    assert len(line.sent) == 2
    assert line.dropped_at is None


def test_r6_a_link_that_breaks_fails_every_stop_that_is_under_way_and_warns_of_none() -> None:
    line = Line()
    unheard: list[object] = []

    def breaking(cause: Cause, original: object = line.stop) -> Future[None]:
        done: Future[None] = original(cause)  # type: ignore[operator]
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: unheard.append(context))
        loop.call_at(0.2, done.set_exception, LinkLost("it is gone"))
        return done

    line.stop = breaking
    with pytest.raises(StopUnconfirmed, match="it is gone"):
        confirmed(line)
    assert len(line.sent) == 2
    line.stops.clear()
    gc.collect()
    assert unheard == []


def test_r6_a_board_that_is_still_starting_gets_the_stop_until_it_hears() -> None:
    line = Line()
    line.answers[12] = None
    confirmed(line, deaf_s=3.0)
    assert (len(line.sent), line.dropped_at) == (12, None)


def test_r6_a_board_that_has_spoken_is_not_deaf() -> None:
    line = Line()
    line.newest = "telemetry"
    with pytest.raises(StopUnconfirmed):
        confirmed(line, deaf_s=3.0)
    assert len(line.sent) == RESENDS + 1


def test_r6_a_board_that_stays_deaf_is_an_unconfirmed_stop() -> None:
    line = Line()
    with pytest.raises(StopUnconfirmed):
        confirmed(line, deaf_s=3.0)
    assert line.dropped_at is not None
    assert 3.0 <= line.dropped_at < 3.5


def weak(lost_at: int) -> Line:
    """Without a dead-man; its link is lost at that stop."""
    line = Line()
    line.assurance = Assurance(stop=Confirmation.STATE)
    line.answers[lost_at] = LinkLost("it went away")
    return line


def test_r25_without_a_dead_man_a_link_that_is_gone_is_told_at_once() -> None:
    line = weak(lost_at=2)
    with pytest.raises(StopUnconfirmed, match="not confirmed: it went away"):
        confirmed(line)
    assert line.sent == [0.0, AGAIN_S]
    assert all(stop.done() for stop in line.stops)


def test_r25_without_a_dead_man_a_confirmed_stop_calls_off_those_before_it() -> None:
    line = weak(lost_at=4)
    line.answers[3] = None
    assert confirmed(line) == pytest.approx(2 * AGAIN_S + 0.05)
    assert line.sent == [0.0, AGAIN_S, 2 * AGAIN_S]
    assert all(stop.done() for stop in line.stops)


def test_r25_without_a_dead_man_an_answer_that_is_not_ok_confirms_nothing() -> None:
    line = weak(lost_at=3)
    line.answers.update({1: "not ok", 2: None})
    confirmed(line)
    assert len(line.sent) == 2


def test_r25_stops_that_are_given_up_are_called_off_and_a_link_that_breaks_warns_of_none() -> None:
    line = weak(lost_at=100)
    unheard: list[object] = []

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: unheard.append(context))
        path = StopPath(line)  # type: ignore[arg-type]
        with pytest.raises(StopUnconfirmed):
            await path.stop_now(Cause.PAIN)
        await path.settled()
        for stop in line.stops:
            if not stop.done():
                stop.set_exception(LinkLost("it went away"))

    with asyncio.Runner(loop_factory=SimulatedTimeLoop) as runner:
        runner.run(main())
    assert GIVEN_UP_S - AGAIN_S <= line.sent[-1] <= GIVEN_UP_S
    line.stops.clear()
    gc.collect()
    assert unheard == []


def test_r25_a_link_that_goes_later_ends_the_stops_that_are_still_sent() -> None:
    line = weak(lost_at=10)

    async def main() -> None:
        path = StopPath(line)  # type: ignore[arg-type]
        with pytest.raises(StopUnconfirmed, match="does not report level 0"):
            await path.stop_now(Cause.PAIN)
        await path.settled()
        assert path.unconfirmed is not None

    with asyncio.Runner(loop_factory=SimulatedTimeLoop) as runner:
        runner.run(main())
    assert len(line.sent) == 10


def test_r6_a_driver_that_fails_at_a_stop_is_asked_again_at_once_and_confirms_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    line = Line()
    original = line.stop

    def fails(cause: Cause) -> Future[None]:
        original(cause)
        raise ValueError("no frame for that")

    line.stop = fails
    with pytest.raises(StopUnconfirmed, match="sent 4 times"):
        confirmed(line)
    assert line.sent == [0.0] * 4
    assert line.dropped_at == 0.0
    assert "no frame for that" in caplog.text


def test_r6_a_fault_of_this_program_confirms_nothing() -> None:
    line = Line()

    def fails() -> None:
        raise ValueError("no such link")

    line.abort = fails
    alarms: list[str] = []

    async def main() -> None:
        path = StopPath(line, alarm=alarms.append)  # type: ignore[arg-type]
        with pytest.raises(StopUnconfirmed, match="no such link"):
            await path.stop_now(Cause.PAIN)
        assert path.unconfirmed is not None, "nothing may start before a person has looked"
        assert "no such link" in path.unconfirmed.message

    with asyncio.Runner(loop_factory=SimulatedTimeLoop) as runner:
        runner.run(main())
    assert [alarm for alarm in alarms if "no such link" in alarm]

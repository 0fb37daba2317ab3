"""What the guardian hands on, what is a sign of life to it, and when it wants to be woken (R25), without a process."""

from __future__ import annotations

import pytest
from tests.unit.guardian.machine_bench import OFF, Bench

from massager_ctl.guardian.machine import (
    AGAIN_S,
    GIVE_UP_S,
    SILENT_S,
    STALE_S,
    State,
    Write,
)
from massager_ctl.guardian.messages import Kind, Message


def test_r25_what_is_sent_within_a_generation_is_handed_on_whole(bench: Bench) -> None:
    bench.start()
    bench.take(Kind.SEND, 1, b"one\n", b"two\n")
    assert bench.wrote == [Write((b"one\n", b"two\n"), 7)]
    bench.machine.wrote(7, bench.now)
    assert (bench.said[-1].kind, bench.said[-1].seq) == (Kind.WROTE, 7)


def test_r25_heartbeats_keep_it_running_and_frames_do_not(bench: Bench) -> None:
    bench.start()
    bench.wait(30.0, beat=True)
    assert bench.machine.state is State.RUNNING
    for _ in range(12):
        bench.wait(0.1)
        bench.take(Kind.SEND, 1, b"level\n")
    assert bench.machine.state is State.TRIPPED, "a frame is not a heartbeat"


def test_r25_silence_of_a_second_stops_and_not_less(bench: Bench) -> None:
    bench.start()
    bench.take(Kind.BEAT)
    bench.wait(SILENT_S - 0.02)
    assert bench.wrote == []
    bench.wait(0.04)
    assert bench.wrote == [Write(OFF, urgent=True)]
    assert bench.said[-1].kind is Kind.STOPPED
    assert b"no heartbeat" in bench.said[-1].frames[0]


def test_r25_a_heartbeat_is_as_old_as_its_stamp(bench: Bench) -> None:
    """One that waited in the pipe is no sign of life, however late it comes."""
    bench.start()
    began = bench.now
    for _ in range(12):
        bench.take(Kind.BEAT, age=bench.now - began)
        bench.wait(0.1)
    assert bench.machine.state is State.TRIPPED


def test_r25_a_heartbeat_is_never_newer_than_now(bench: Bench) -> None:
    bench.start()
    bench.take(Kind.BEAT, age=-1000.0)
    bench.wait(SILENT_S + 0.02)
    assert bench.machine.state is State.TRIPPED


def test_r25_an_older_heartbeat_takes_nothing_from_a_newer_one(bench: Bench) -> None:
    bench.start()
    bench.wait(0.5)
    bench.take(Kind.BEAT)
    bench.take(Kind.BEAT, age=0.5)
    bench.wait(SILENT_S - 0.02)
    assert bench.machine.state is State.RUNNING


@pytest.mark.parametrize(("age", "silent_s"), [(0.4, SILENT_S - 0.4), (-1000.0, SILENT_S)])
def test_r25_a_start_counts_as_a_heartbeat_as_old_as_its_stamp_and_never_newer_than_now(
    bench: Bench, age: float, silent_s: float
) -> None:
    bench.take(Kind.START, age=age)
    bench.wait(silent_s - 0.02)
    assert bench.machine.state is State.RUNNING
    bench.wait(0.04)
    assert bench.machine.state is State.TRIPPED


def test_r25_a_heartbeat_of_another_generation_feeds_nothing(bench: Bench) -> None:
    bench.start(2)
    for _ in range(12):
        bench.take(Kind.BEAT, 1)
        bench.wait(0.1)
    assert bench.machine.state is State.TRIPPED


def test_r25_the_end_of_the_controller_stops_at_once(bench: Bench) -> None:
    bench.start()
    bench.machine.left(bench.now)
    assert bench.wrote == [Write(OFF, urgent=True)]
    assert not bench.machine.done


def test_r25_after_its_stop_nothing_is_handed_on_until_a_higher_generation(bench: Bench) -> None:
    bench.start()
    bench.wait(1.1)
    stops = bench.stops
    assert stops
    for generation in (0, 1, 2):
        bench.take(Kind.SEND, generation, b"level\n")
        bench.take(Kind.BEAT, generation)
    bench.take(Kind.START, 1)
    assert bench.said[-1].kind is not Kind.STARTED, "not a generation that was"
    bench.take(Kind.SEND, 1, b"level\n")
    assert set(bench.handed_on) == set(OFF)
    bench.start(2)
    bench.take(Kind.SEND, 1, b"old\n")
    bench.take(Kind.SEND, 2, b"new\n")
    assert bench.handed_on[-1] == b"new\n"
    assert b"old\n" not in bench.handed_on


def test_r25_what_comes_late_is_not_handed_on_but_stops(bench: Bench) -> None:
    bench.start()
    bench.take(Kind.SEND, 1, b"level\n", age=STALE_S + 0.01)
    assert bench.handed_on == list(OFF)
    assert bench.machine.state is State.TRIPPED


def test_r25_what_comes_late_without_a_session_of_its_own_is_not_handed_on_either(
    bench: Bench,
) -> None:
    bench.take(Kind.SEND, 0, b"who\n", age=STALE_S + 0.01)
    bench.start(2)
    bench.take(Kind.SEND, 1, b"level\n", age=STALE_S + 0.01)
    assert bench.wrote == []
    assert bench.machine.state is State.RUNNING, "it says nothing about the session that runs"


def test_r25_a_start_that_waited_does_not_start(bench: Bench) -> None:
    bench.take(Kind.START, 1, age=STALE_S + 0.01)
    assert bench.said == []
    bench.take(Kind.SEND, 1, b"level\n")
    assert bench.wrote == []


def test_r25_a_start_without_a_stop_does_not_start(bench: Bench) -> None:
    bench.machine.take(Message(Kind.START, 1, 1, bench.now), bench.now)
    assert bench.said == []


def test_r25_a_start_within_a_generation_changes_nothing(bench: Bench) -> None:
    bench.start()
    bench.take(Kind.START, 2)
    bench.take(Kind.SEND, 2, b"level\n")
    assert bench.wrote == []


def test_before_any_start_there_is_nothing_to_stop(bench: Bench) -> None:
    bench.take(Kind.SEND, 0, b"who\n")
    assert bench.handed_on == [b"who\n"]
    assert bench.machine.due(bench.now) is None
    assert not bench.machine.done, "the controller is there, and may start"
    bench.machine.trip("nonsense", bench.now)
    assert bench.machine.state is State.OVER
    assert bench.stops == 0


def test_it_says_when_it_wants_to_be_woken(bench: Bench) -> None:
    bench.start()
    assert bench.machine.due(bench.now) == pytest.approx(SILENT_S, abs=0.01)
    bench.take(Kind.STOP, 1, *OFF)
    assert bench.machine.due(bench.now) == pytest.approx(SILENT_S, abs=0.01)
    bench.machine.left(bench.now)
    assert bench.machine.due(bench.now) == pytest.approx(AGAIN_S, abs=0.01)
    bench.wait(GIVE_UP_S + 0.1)
    assert bench.machine.due(bench.now) is None


def test_it_wants_to_be_woken_when_it_gives_up_and_at_once_when_it_slept_too_long(
    bench: Bench,
) -> None:
    bench.start()
    bench.take(Kind.STOP, 1, *OFF)
    began = bench.now
    bench.now = began + GIVE_UP_S - 0.3
    bench.take(Kind.BEAT)
    assert bench.machine.due(bench.now) == pytest.approx(0.3, abs=0.01)
    bench.machine.left(bench.now)
    assert bench.machine.due(bench.now) == pytest.approx(0.3, abs=0.01)
    bench.now += 5.0
    assert bench.machine.due(bench.now) == pytest.approx(0.0, abs=0.01), "below 0 is for ever"

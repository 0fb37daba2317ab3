"""The stops that the guardian hands on and those that it sends on its own (R6, R25), without a process."""

from __future__ import annotations

import pytest
from tests.unit.guardian.machine_bench import OFF, Bench

from massager_ctl.guardian.machine import (
    AGAIN_S,
    GIVE_UP_S,
    SILENT_S,
    State,
    Write,
)
from massager_ctl.guardian.messages import Kind, Message


def test_r25_its_stop_is_repeated_until_ten_seconds_have_passed(bench: Bench) -> None:
    bench.start()
    bench.machine.left(bench.now)
    began = bench.now
    bench.wait(GIVE_UP_S - 0.05)
    assert not bench.machine.done
    assert bench.stops == GIVE_UP_S / AGAIN_S
    bench.wait(0.1)
    assert bench.machine.done
    assert bench.now - began < GIVE_UP_S + 0.1
    assert bench.stops == GIVE_UP_S / AGAIN_S


def test_r25_its_stop_ends_when_the_device_tells_that_it_is_at_rest(bench: Bench) -> None:
    start = Message(
        Kind.START, 1, 1, bench.now, (b"\x81\x00\x00", b"\xff\xff\x00", b"zz", b"\xff\xff"), (OFF,)
    )
    bench.machine.take(start, bench.now)
    bench.machine.heard(b"\x81\x00\x55")
    bench.machine.left(bench.now)
    bench.machine.heard(b"\x81\x00\x55")
    assert not bench.machine.done, "it may have been said before the stop came"
    bench.wait(AGAIN_S + 0.02)
    assert bench.stops == 2
    bench.machine.heard(b"..\x81")
    bench.machine.heard(b"\x01\x55")
    assert not bench.machine.done
    bench.machine.heard(b"\x81\x00")
    assert not bench.machine.done, "the last byte may be any, but it has to be there"
    bench.machine.heard(b"\x07")
    assert bench.machine.done


def test_r25_what_the_device_tells_counts_only_where_the_guardian_stops_it_on_its_own(
    bench: Bench,
) -> None:
    bench.take(Kind.START, 1, b"AT 0", b"\xff" * 4)
    bench.machine.trip("the controller said nonsense", bench.now)
    bench.wait(AGAIN_S + 0.02)
    bench.take(Kind.STOP, 1, *OFF)
    bench.machine.heard(b"AT 0")
    assert bench.machine.state is State.STOPPING, "the controller is back, and reads it itself"


def test_r25_a_counting_stop_goes_on_from_the_last_frames_that_were_handed_on(bench: Bench) -> None:
    stops = tuple((bytes((number,)),) for number in range(1, 4))
    bench.machine.take(Message(Kind.START, 1, 1, bench.now, (), stops), bench.now)
    later = tuple((bytes((number,)),) for number in range(5, 8))
    bench.machine.take(Message(Kind.SEND, 1, 2, bench.now, (b"level",), later), bench.now)
    never = ((b"never",),)
    bench.machine.take(Message(Kind.SEND, 9, 3, bench.now, (b"other",), never), bench.now)
    bench.machine.left(bench.now)
    bench.wait(1.8)
    assert bench.handed_on == [b"level", b"\x05", b"\x06", b"\x07", b"\x07"]


@pytest.mark.parametrize("silent_s", [0.0, 1.2, 12.0])
def test_r6_the_controllers_stop_goes_past_what_waits_in_any_state_and_at_any_age(
    bench: Bench, silent_s: float
) -> None:
    bench.start()
    bench.wait(silent_s)
    bench.take(Kind.STOP, 0, b"stop\n", age=60.0)
    assert bench.wrote[-1] == Write((b"stop\n",), 7, urgent=True)
    bench.take(Kind.SEND, 1, b"level\n")
    bench.take(Kind.SEND, 0, b"ask\n")
    assert bench.handed_on[-1] == b"stop\n", "nothing else until it is known to be at rest"
    assert bench.said[-1].kind is Kind.WROTE, "and no one waits for it"
    bench.take(Kind.REST)
    bench.take(Kind.SEND, 0, b"ask\n")
    assert bench.handed_on[-1] == b"ask\n"


def test_r6_a_stop_before_any_start_is_handed_on(bench: Bench) -> None:
    bench.take(Kind.STOP, 0, b"stop\n")
    assert bench.wrote == [Write((b"stop\n",), 7, urgent=True)]


def test_r25_a_controller_that_dies_between_its_stop_and_rest_is_stood_in_for(
    bench: Bench,
) -> None:
    bench.start()
    bench.take(Kind.STOP, 1, *OFF)
    bench.machine.left(bench.now)
    assert bench.stops == 2
    assert not bench.machine.done
    bench.wait(GIVE_UP_S + 0.1)
    assert bench.machine.done


def test_r25_a_controller_that_hangs_between_its_stop_and_rest_is_stood_in_for(
    bench: Bench,
) -> None:
    bench.start()
    bench.take(Kind.STOP, 1, *OFF)
    bench.wait(SILENT_S + 0.1)
    assert bench.machine.state is State.TRIPPED
    assert bench.stops == 2


def test_r25_a_controller_that_repeats_its_stop_in_vain_is_left_alone(bench: Bench) -> None:
    bench.start()
    for _ in range(22):
        bench.take(Kind.STOP, 1, *OFF)
        bench.wait(0.5)
    assert bench.machine.state is not State.TRIPPED
    assert bench.stops == 22


def test_r25_a_stop_in_vain_is_over_after_ten_seconds_however_often_it_is_repeated(
    bench: Bench,
) -> None:
    bench.start()
    for _ in range(20):
        bench.take(Kind.STOP, 1, *OFF)
        bench.wait(GIVE_UP_S / 20)
    bench.wait(0.02)
    assert bench.machine.state is State.OVER
    bench.machine.left(bench.now)
    assert bench.machine.done
    assert bench.stops == 20


def test_r25_the_stop_that_came_with_the_controllers_is_the_one_that_is_repeated(
    bench: Bench,
) -> None:
    bench.start()
    bench.machine.take(Message(Kind.STOP, 1, 7, bench.now, OFF, ((b"off 2\n",),)), bench.now)
    bench.machine.left(bench.now)
    assert bench.handed_on == [*OFF, b"off 2\n"]


def test_r25_a_stop_that_nothing_can_repeat_ends_after_ten_seconds(bench: Bench) -> None:
    bench.take(Kind.STOP, 0, *OFF)
    bench.machine.left(bench.now)
    bench.wait(AGAIN_S)
    bench.machine.heard(b"anything at all")
    assert not bench.machine.done
    bench.wait(GIVE_UP_S)
    assert bench.handed_on == list(OFF)
    assert bench.machine.done


def test_r25_at_rest_nothing_is_left_to_do(bench: Bench) -> None:
    bench.start()
    bench.take(Kind.STOP, 1, *OFF)
    bench.take(Kind.REST)
    bench.machine.left(bench.now)
    assert bench.machine.done
    assert bench.stops == 1


def test_r25_rest_is_not_believed_in_a_session(bench: Bench) -> None:
    bench.start()
    bench.take(Kind.REST)
    assert bench.machine.state is State.RUNNING


def test_r25_nothing_is_sent_to_a_device_that_another_program_owns(bench: Bench) -> None:
    bench.start()
    bench.machine.left(bench.now)
    bench.machine.end("another program owns the device")
    bench.wait(3.0)
    assert bench.stops == 1
    assert bench.machine.done


def test_r25_what_no_controller_says_stops(bench: Bench) -> None:
    bench.start()
    bench.take(Kind.READY)
    assert bench.machine.state is State.TRIPPED
    assert bench.stops == 1


def test_r25_a_trip_at_rest_is_the_end_and_moves_nothing(bench: Bench) -> None:
    bench.start()
    bench.take(Kind.STOP, 1, *OFF)
    bench.take(Kind.REST)
    bench.machine.trip("nonsense on the pipe", bench.now)
    assert bench.machine.state is State.OVER
    assert bench.stops == 1


def test_r25_a_second_reason_to_stop_does_not_begin_the_stop_anew(bench: Bench) -> None:
    bench.start()
    bench.machine.left(bench.now)
    bench.wait(GIVE_UP_S - 0.1)
    bench.machine.trip("nonsense on the pipe", bench.now)
    bench.wait(0.2)
    assert bench.machine.done
    assert bench.machine.why == "the controller is gone"


def test_r25_a_trip_after_a_stop_that_nothing_can_repeat_is_the_end(bench: Bench) -> None:
    bench.machine.take(Message(Kind.STOP, 0, 7, bench.now, OFF), bench.now)
    assert bench.machine.state is State.STOPPING
    bench.machine.trip("nonsense on the pipe", bench.now)
    assert bench.machine.state is State.OVER
    assert bench.machine.why == "nonsense on the pipe"


def test_r25_a_device_of_which_nothing_says_rest_is_sent_the_stop_until_it_is_given_up(
    bench: Bench,
) -> None:
    bench.take(Kind.START, 1, b"", b"")
    bench.machine.trip("nonsense on the pipe", bench.now)
    bench.wait(5 * AGAIN_S)
    bench.machine.heard(b"anything at all")
    assert bench.machine.state is State.TRIPPED


def test_r25_a_new_start_forgets_why_the_last_one_ended_and_how_often_it_was_stopped(
    bench: Bench,
) -> None:
    bench.start(1)
    bench.machine.trip("the first reason", bench.now)
    bench.wait(GIVE_UP_S + 1.0)
    stops = tuple((bytes((number,)),) for number in range(1, 4))
    bench.machine.take(Message(Kind.START, 2, 1, bench.now, (), stops), bench.now)
    assert bench.machine.why == ""
    bench.machine.left(bench.now)
    assert bench.handed_on[-1] == b"\x01", "and its stops are counted from their first"


def test_the_first_reason_for_its_end_is_kept(bench: Bench) -> None:
    bench.machine.end("another program owns the device")
    bench.machine.end("the device cannot be reached")
    assert bench.machine.why == "another program owns the device"


def test_the_first_reason_for_a_stop_that_has_nothing_to_stop_is_kept(bench: Bench) -> None:
    bench.machine.trip("the controller said nonsense", 0.0)
    bench.machine.trip("the controller said it again", 1.0)
    assert bench.machine.why == "the controller said nonsense"

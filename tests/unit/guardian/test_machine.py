"""The guardian's rules (R25), without a process."""

from __future__ import annotations

import pytest

from massager_ctl.guardian.machine import (
    AGAIN_S,
    GIVE_UP_S,
    SILENT_S,
    STALE_S,
    Machine,
    State,
    Write,
)
from massager_ctl.guardian.messages import Burst, Kind, Message

OFF = (b"OFF\n",)


class Bench:
    """A machine, what it hands on and what it says."""

    def __init__(self) -> None:
        self.now = 100.0
        self.wrote: list[Write] = []
        self.said: list[Message] = []
        self.machine = Machine(self.wrote.append, self.said.append)

    def take(self, kind: Kind, generation: int = 1, *frames: bytes, age: float = 0.0) -> None:
        stops: tuple[Burst, ...] = (OFF,) if kind is Kind.START else ()
        self.machine.take(Message(kind, generation, 7, self.now - age, frames, stops), self.now)

    def start(self, generation: int = 1) -> None:
        self.take(Kind.START, generation)
        assert self.said[-1].kind is Kind.STARTED

    def wait(self, seconds: float, *, beat: bool = False) -> None:
        """Time passes in steps of 10 ms, heartbeats every 200 ms."""
        for step in range(round(seconds * 100)):
            self.now += 0.01
            if beat and step % 20 == 0:
                self.take(Kind.BEAT)
            self.machine.tick(self.now)

    @property
    def handed_on(self) -> list[bytes]:
        return [frame for write in self.wrote for frame in write.frames]

    @property
    def stops(self) -> int:
        return sum(write.frames == OFF for write in self.wrote)


@pytest.fixture
def bench() -> Bench:
    return Bench()


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


def test_before_any_start_there_is_nothing_to_stop(bench: Bench) -> None:
    bench.take(Kind.SEND, 0, b"who\n")
    assert bench.handed_on == [b"who\n"]
    assert bench.machine.due(bench.now) is None
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


def test_r25_a_new_start_forgets_why_the_last_one_ended(bench: Bench) -> None:
    bench.start(1)
    bench.machine.trip("the first reason", bench.now)
    bench.wait(GIVE_UP_S + 1.0)
    bench.start(2)
    assert bench.machine.why == ""


def test_the_first_reason_for_its_end_is_kept(bench: Bench) -> None:
    bench.machine.end("another program owns the device")
    bench.machine.end("the device cannot be reached")
    assert bench.machine.why == "another program owns the device"


def test_the_first_reason_for_a_stop_that_has_nothing_to_stop_is_kept(bench: Bench) -> None:
    bench.machine.trip("the controller said nonsense", 0.0)
    bench.machine.trip("the controller said it again", 1.0)
    assert bench.machine.why == "the controller said nonsense"

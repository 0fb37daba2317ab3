"""What the guardian's loop does where the line of its device, or its pipe, fails or is slow, turn by turn (R25)."""

from __future__ import annotations

import socket
import time
from collections.abc import Generator

import pytest

from massager_ctl.guardian.clock import now
from massager_ctl.guardian.frame_writer import FrameWriter
from massager_ctl.guardian.machine import SILENT_S, State
from massager_ctl.guardian.messages import Burst, Decoder, Kind, Message
from massager_ctl.guardian.process import Guardian

OFF: tuple[Burst, ...] = ((b"OFF\n",),)


class Line:
    """A guardian between two sockets: the controller's pipe and the device's line. Nothing waits for ever."""

    def __init__(self) -> None:
        self.ours, self.theirs = socket.socketpair()
        self.device, self.road = socket.socketpair()
        for end in (self.ours, self.device):
            end.settimeout(5.0)
        self.theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        self.guardian = Guardian(self.theirs.fileno(), FrameWriter(self.road.fileno()))
        self.decoder = Decoder()

    def take(self, kind: Kind, seq: int, frames: Burst = (), stops: tuple[Burst, ...] = ()) -> None:
        """As if the message had come."""
        self.guardian.machine.take(Message(kind, 1, seq, now(), frames, stops), now())

    def said(self, kind: Kind) -> list[Message]:
        return [one for one in self.decoder.feed(self.ours.recv(65_536)) if one.kind is kind]


@pytest.fixture
def line() -> Generator[Line]:
    made = Line()
    made.take(Kind.START, 1, (b"AT 0", b"\xff" * 4), OFF)
    yield made
    for end in (made.ours, made.theirs, made.device, made.road):
        end.close()


def test_r6_a_stop_is_with_the_device_before_anything_else_is_looked_at(line: Line) -> None:
    line.take(Kind.STOP, 2, OFF[0])
    line.device.setblocking(False)
    assert line.device.recv(64) == b"OFF\n"


def test_r25_a_write_that_fails_is_told_with_its_reason(line: Line) -> None:
    line.device.close()
    line.ours.sendall(Message(Kind.SEND, 1, 2, now(), (b"L1\n",)).encode())
    line.guardian.turn(0.0)
    assert [one.frames for one in line.said(Kind.BROKE)] == [(b"Broken pipe",)]
    assert line.guardian.machine.state is State.OVER


def test_r25_a_read_that_fails_is_told_once_with_its_reason(line: Line) -> None:
    line.take(Kind.STOP, 2, OFF[0])
    line.device.close()  # with the stop unread: the line is reset
    line.guardian._read_device()
    line.guardian.turn(0.0)
    assert [one.frames for one in line.said(Kind.BROKE)] == [(b"Connection reset by peer",)]
    assert line.guardian.machine.state is State.OVER


def test_r25_a_fault_of_the_line_without_a_name_is_told_in_its_own_words(line: Line) -> None:
    line.guardian._broken(OSError("an odd one"))
    assert [one.frames for one in line.said(Kind.BROKE)] == [(b"an odd one",)]


def test_r25_a_line_on_which_nothing_has_come_is_not_broken(line: Line) -> None:
    line.guardian._read_device()
    assert line.said(Kind.BROKE) == []
    assert line.guardian.machine.state is State.RUNNING


def test_r25_while_the_controller_is_there_it_waits_no_longer_than_silence_may_last(
    line: Line,
) -> None:
    wait = line.guardian._wait_s()
    assert wait is not None
    assert 0 < wait <= SILENT_S + 0.01


def test_r25_what_the_pipe_had_no_room_for_is_said_in_a_later_turn(line: Line) -> None:
    count = 1
    while not line.guardian._pipe.waits:
        count += 1
        assert count < 5000
        line.take(Kind.BEAT, count)
    heard: list[int] = []
    begun = time.monotonic()
    while len(heard) < count - 1:
        heard += [one.seq for one in line.said(Kind.HEARD)]
        line.guardian.turn(5.0)
        if not line.guardian._pipe.waits:
            heard += [one.seq for one in line.said(Kind.HEARD)]
    assert heard == list(range(2, count + 1))
    assert time.monotonic() - begun < 4.0, "it goes on as soon as there is room"

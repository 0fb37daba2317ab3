"""The guardian's end of its pipe: a controller that does not read holds nothing up, and hears all later (R25)."""

from __future__ import annotations

import socket
import time
from collections.abc import Generator

import pytest

from massager_ctl.guardian.machine import Machine, Write
from massager_ctl.guardian.messages import Decoder, Kind, Message
from massager_ctl.guardian.pipe import Pipe


class Ends:
    """Both ends of a pipe that holds little, and the machine behind one of them."""

    def __init__(self) -> None:
        self.ours, self.theirs = socket.socketpair()
        self.ours.settimeout(5.0)
        self.theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        self.pipe = Pipe(self.theirs.fileno())
        self.written: list[Write] = []
        self.machine = Machine(self.written.append, self.pipe.say)
        self.decoder = Decoder()

    def said(self) -> list[Message]:
        return list(self.decoder.feed(self.ours.recv(65_536)))


@pytest.fixture
def ends() -> Generator[Ends]:
    made = Ends()
    yield made
    made.ours.close()
    made.theirs.close()


def test_r25_a_controller_that_does_not_read_holds_nothing_up_and_hears_all_once_it_does(
    ends: Ends,
) -> None:
    assert not ends.pipe.waits
    count = 0
    while not ends.pipe.waits:
        count += 1
        assert count < 5000
        ends.pipe.say(Message(Kind.HEARD, 1, count))
    heard: list[int] = []
    while len(heard) < count:
        heard += [one.seq for one in ends.said()]
        ends.pipe.flush()
    assert heard == list(range(1, count + 1))
    assert not ends.pipe.waits


def test_r25_a_pipe_with_nothing_to_read_is_not_the_controllers_end(ends: Ends) -> None:
    begun = time.monotonic()
    ends.pipe.read(ends.machine)
    assert time.monotonic() - begun < 5.0
    assert not ends.pipe.gone
    assert not ends.machine.gone


def test_r25_what_makes_no_sense_is_the_controllers_end_and_is_told_as_what_it_is(
    ends: Ends,
) -> None:
    ends.ours.sendall(Message(Kind.START, 1, 1, time.monotonic(), (), ((b"OFF",),)).encode())
    ends.pipe.read(ends.machine)
    ends.ours.sendall(b"\xff" * 64)
    ends.pipe.read(ends.machine)
    stopped = [one for one in ends.said() if one.kind is Kind.STOPPED]
    assert [one.frames for one in stopped] == [(b"a message has an impossible head",)]
    assert [write.frames for write in ends.written] == [(b"OFF",)]
    assert ends.pipe.gone
    assert ends.machine.gone


def test_r25_what_is_said_to_a_controller_that_is_gone_is_no_fault(ends: Ends) -> None:
    ends.ours.close()
    ends.pipe.say(Message(Kind.HEARD, 1, 1))
    ends.pipe.read(ends.machine)
    ends.pipe.say(Message(Kind.HEARD, 1, 2))
    assert ends.pipe.gone

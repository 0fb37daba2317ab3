"""R25: frames go out whole and in order, a stop before all that waits and never inside a frame."""

from __future__ import annotations

import os
import socket
from collections.abc import Generator

import pytest

from massager_ctl.guardian.frame_writer import CHUNK, FrameWriter
from massager_ctl.guardian.machine import Write


@pytest.fixture
def ends() -> Generator[tuple[FrameWriter, socket.socket]]:
    """A writer, and the device's end of its line."""
    near, far = socket.socketpair()
    with near, far:
        near.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, CHUNK)
        far.setblocking(False)
        yield FrameWriter(near.fileno()), far


def all_that_came(writer: FrameWriter, far: socket.socket) -> bytes:
    came = b""
    while True:
        writer.push()
        try:
            came += far.recv(1 << 20)
        except BlockingIOError:
            return came


def test_what_waits_wants_room_from_the_first_moment(
    ends: tuple[FrameWriter, socket.socket],
) -> None:
    writer, far = ends
    assert not writer.wants_room
    writer.put(Write((b"one", b"two"), seq=7))
    assert writer.wants_room
    assert writer.push() == [7]
    assert not writer.wants_room
    assert far.recv(100) == b"onetwo"


def test_r6_an_urgent_frame_follows_the_one_that_has_begun_and_nothing_else(
    ends: tuple[FrameWriter, socket.socket],
) -> None:
    writer, far = ends
    begun = os.urandom(1 << 20)
    writer.put(Write((begun,)))
    assert writer.push() == []
    assert writer.wants_room, "its rest does"
    writer.put(Write((b"never",), seq=1))
    writer.put(Write((b"never",), seq=2))
    assert writer.push() == []
    assert writer.wants_room
    writer.put(Write((b"STOP", b"STOP"), seq=3, urgent=True))
    assert all_that_came(writer, far) == begun + b"STOPSTOP"
    assert not writer.wants_room


def test_a_message_is_gone_with_its_last_frame_and_one_without_a_number_is_not_told(
    ends: tuple[FrameWriter, socket.socket],
) -> None:
    writer, far = ends
    writer.put(Write((b"a", os.urandom(1 << 20)), seq=1))
    writer.put(Write((b"b",)))
    assert writer.push() == []
    gone = list[int]()
    while writer.wants_room:
        far.recv(1 << 20)
        gone += writer.push()
    assert gone == [1]
    writer.put(Write((b"", b"c"), seq=2))
    assert writer.push() == [2]
    far.send(b"heard")
    assert writer.read() == b"heard"

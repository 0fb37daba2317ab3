"""The guardian's loop, turn by turn in this process, over a real pipe and a real pseudo-terminal (R25)."""

from __future__ import annotations

import os
import socket
import time
import tty
from collections.abc import Generator
from pathlib import Path

import pytest

from massager_ctl.guardian import pipe, process
from massager_ctl.guardian.frame_writer import FrameWriter
from massager_ctl.guardian.machine import State
from massager_ctl.guardian.messages import Burst, Decoder, Kind, Message
from massager_ctl.guardian.process import Guardian

OFF: tuple[Burst, ...] = ((b"OFF\n",),)


TURN_S = 0.05


class Desk:
    """A guardian, the controller's end of its pipe, and the device. Its time passes with its turns alone."""

    def __init__(self, lock: Path) -> None:
        self.at = 1000.0
        self.ours, theirs = socket.socketpair()
        self.theirs = theirs
        self.device, self.slave = os.openpty()
        tty.setraw(self.slave)
        os.set_blocking(self.device, False)
        self.guardian = Guardian(theirs.fileno(), FrameWriter(self.slave), str(lock))
        self.decoder = Decoder()
        self.closed: set[int] = set()

    def close(self) -> None:
        self.ours.close()
        self.theirs.close()
        self.hang_up()
        os.close(self.slave)

    def hang_up(self) -> None:
        if self.device >= 0:
            os.close(self.device)
            self.device = -1

    def say(self, *messages: Message, turns: int = 1) -> None:
        self.ours.sendall(b"".join(message.encode() for message in messages))
        self.turns(turns)

    def now(self) -> float:
        return self.at

    def start(self) -> None:
        self.say(Message(Kind.START, 1, 1, self.now(), (b"AT 0", b"\xff" * 4), OFF))
        assert [one.kind for one in self.heard()] == [Kind.STARTED]

    def heard(self) -> list[Message]:
        return list(self.decoder.feed(self.ours.recv(65_536)))

    def heard_at_once(self) -> list[Message]:
        self.ours.setblocking(False)
        try:
            return self.heard()
        except BlockingIOError:
            return []
        finally:
            self.ours.setblocking(True)

    def came(self) -> bytes:
        try:
            return os.read(self.device, 65_536)
        except BlockingIOError:
            return b""

    def turns(self, count: int = 1) -> None:
        for _ in range(count):
            self.guardian.turn(TURN_S)
            self.at += TURN_S


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[Desk]:
    (tmp_path / "lock").write_text("1")
    found = Desk(tmp_path / "lock")
    for module in (process, pipe):
        monkeypatch.setattr(module, "now", found.now)
    yield found
    found.close()


def test_it_hands_on_and_answers(desk: Desk) -> None:
    desk.start()
    desk.say(
        Message(Kind.SEND, 1, 2, desk.now(), (b"L1\n", b"L2\n")),
        Message(Kind.BEAT, 1, 3, desk.now()),
        turns=2,
    )
    assert desk.came() == b"L1\nL2\n"
    assert {(one.kind, one.seq) for one in desk.heard()} == {(Kind.WROTE, 2), (Kind.HEARD, 3)}


def test_r25_the_pipes_end_is_a_stop(desk: Desk) -> None:
    desk.start()
    desk.ours.shutdown(socket.SHUT_RDWR)
    desk.turns()
    assert desk.came() == b"OFF\n"
    assert desk.guardian.machine.gone
    assert desk.guardian._pipe.gone


def test_r25_nonsense_on_the_pipe_is_a_stop(desk: Desk) -> None:
    desk.start()
    desk.ours.sendall(b"\xff" * 64)
    desk.turns()
    assert desk.came() == b"OFF\n"


def test_r25_it_reads_the_device_only_while_nobody_else_does(desk: Desk) -> None:
    desk.start()
    os.write(desk.device, b"AT 0\n")
    desk.turns()
    assert os.read(desk.slave, 64) == b"AT 0\n", "left for the controller"
    desk.ours.shutdown(socket.SHUT_RDWR)
    desk.turns()
    os.write(desk.device, b"AT 0\n")
    desk.turns(2)
    assert not desk.guardian.machine.done, "one stop alone is not believed"
    desk.turns(12)
    assert desk.came() == b"OFF\nOFF\n"
    os.write(desk.device, b"AT 0\n")
    desk.turns(2)
    assert desk.guardian.machine.done


def test_r25_a_new_owner_ends_it(desk: Desk, tmp_path: Path) -> None:
    desk.start()
    desk.ours.shutdown(socket.SHUT_RDWR)
    desk.turns(2)
    assert not desk.guardian.machine.done
    (tmp_path / "lock").write_text("2")
    desk.turns()
    assert desk.guardian.machine.done
    assert desk.came() == b"OFF\n"


@pytest.mark.slow
def test_r25_it_looks_for_a_new_owner_all_the_time_and_is_late_for_no_stop(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever takes the device over waits until this process has ended."""
    desk.start()
    desk.ours.shutdown(socket.SHUT_RDWR)
    desk.turns(2)
    machine, turn = desk.guardian.machine, desk.guardian.turn
    waits: list[tuple[float, float | None]] = []

    def counted(longest_s: float | None = None) -> None:
        assert longest_s is not None, "it would wait for ever"
        waits.append((longest_s, machine.due(desk.now())))
        if len(waits) == 30:
            (tmp_path / "lock").write_text("2")
        turn(longest_s)
        desk.at += longest_s

    monkeypatch.setattr(desk.guardian, "turn", counted)
    desk.guardian.run()
    assert len(waits) == 30
    assert max(wait for wait, _ in waits) <= process.LOOK_S
    assert all(due is None or wait <= due + 0.005 for wait, due in waits)


def test_r25_what_waits_is_not_written_to_a_device_of_a_new_owner(
    desk: Desk, tmp_path: Path
) -> None:
    def came_in_all() -> int:
        total = 0
        while data := desk.came() or (time.sleep(0.02), desk.came())[1]:
            total += len(data)
        return total

    desk.start()
    desk.say(Message(Kind.SEND, 1, 2, desk.now(), (b"L" + b"x" * 60_000 + b"\n",)))
    desk.ours.shutdown(socket.SHUT_RDWR)
    desk.turns()
    (tmp_path / "lock").write_text("2")
    assert 0 < came_in_all() < 60_000
    desk.turns()
    assert came_in_all() == 0


def test_r25_as_long_as_the_controller_is_there_it_alone_says_whose_the_device_is(
    desk: Desk, tmp_path: Path
) -> None:
    desk.start()
    (tmp_path / "lock").write_text("2")
    desk.turns()
    assert desk.guardian.machine.state is State.RUNNING


def test_r25_a_lock_that_is_gone_is_no_new_owner(desk: Desk, tmp_path: Path) -> None:
    desk.start()
    (tmp_path / "lock").unlink()
    desk.ours.shutdown(socket.SHUT_RDWR)
    desk.turns(2)
    assert not desk.guardian.machine.done
    (tmp_path / "lock").write_text("2")
    desk.turns()
    assert desk.guardian.machine.done


def test_r25_a_device_that_hangs_up_is_told(desk: Desk) -> None:
    desk.start()
    desk.hang_up()
    desk.say(Message(Kind.SEND, 1, 2, desk.now(), (b"L1\n",)), turns=2)
    (broke,) = [one for one in desk.heard() if one.kind is Kind.BROKE]
    assert broke.frames[0]
    assert desk.guardian.machine.state is State.OVER


def test_r25_a_device_that_hangs_up_under_a_stop_leaves_nothing_to_do(desk: Desk) -> None:
    desk.start()
    desk.ours.shutdown(socket.SHUT_RDWR)
    desk.turns()
    desk.hang_up()
    desk.turns(2)
    assert desk.guardian.machine.done


def test_r25_a_frame_that_has_begun_is_finished_before_the_stop(desk: Desk) -> None:
    desk.start()
    long = b"L" + b"x" * 60_000 + b"\n"
    desk.say(Message(Kind.SEND, 1, 2, desk.now(), (long, b"L9\n")))
    desk.say(Message(Kind.STOP, 1, 3, desk.now(), OFF[0]))
    got = b""
    for _ in range(200):
        desk.guardian.turn(
            TURN_S
        )  # no time passes: however slow the line is, this is the first stop
        got += desk.came()
        if got.endswith(b"OFF\n"):
            break
    assert got == long + b"OFF\n", "what had begun, then the stop, and nothing that waited"


def test_r25_a_fault_of_its_own_is_a_stop(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.start()
    monkeypatch.setattr(process, "AGAIN_S", 0.01)
    monkeypatch.setattr(process, "GIVE_UP_S", 0.03)
    begun = time.monotonic()
    desk.guardian.last_resort(RuntimeError("a bug"))
    assert time.monotonic() - begun >= 0.03, "it leaves the device time between two stops"
    assert desk.came() == b"OFF\n" * 3
    assert b"a bug" in desk.heard()[0].frames[0]


@pytest.mark.parametrize("over", [False, True])
def test_a_fault_at_rest_or_after_the_end_sends_and_says_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, over: bool
) -> None:
    monkeypatch.setattr(process, "AGAIN_S", 0.01)
    monkeypatch.setattr(process, "GIVE_UP_S", 0.03)
    if over:
        desk.start()
        desk.guardian.machine.end("the device cannot be reached")
        desk.heard_at_once()
    desk.guardian.last_resort(RuntimeError("a bug"))
    assert desk.came() == b""
    assert desk.heard_at_once() == []


def test_it_says_that_it_is_there_and_ends_where_there_is_nothing_to_do(desk: Desk) -> None:
    desk.ours.shutdown(socket.SHUT_WR)
    desk.guardian.run()
    assert desk.came() == b""
    assert [(one.kind, one.seq) for one in desk.heard_at_once()] == [(Kind.READY, os.getpid())]


def test_r25_a_fault_of_its_own_sends_nothing_more_to_a_device_of_a_new_owner(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.start()
    monkeypatch.setattr(process, "AGAIN_S", 0.01)
    monkeypatch.setattr(process, "GIVE_UP_S", 0.03)
    (tmp_path / "lock").write_text("2")
    desk.guardian.last_resort(RuntimeError("a bug"))
    assert desk.came() == b"OFF\n"

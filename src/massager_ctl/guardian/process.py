"""The guardian's process: one loop over the pipe, the device and the time, until there is nothing left to do."""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import signal
import sys
import time
from typing import Final

from massager_ctl.guardian.clock import now
from massager_ctl.guardian.frame_writer import FrameWriter
from massager_ctl.guardian.machine import AGAIN_S, GIVE_UP_S, Machine, State, Write
from massager_ctl.guardian.messages import Kind, Message, Nonsense
from massager_ctl.guardian.pipe import Pipe

PIPE: Final = 3
"""The descriptor of the pipe in a process that was started as a guardian."""
ROAD: Final = 4
"""The same of the device."""

LOOK_S: Final = 0.05
"""Seconds between two looks at who owns the device, once the controller is gone."""

_HEARD: Final = frozenset(
    (
        *(signal.SIGKILL, signal.SIGSTOP, signal.SIGCONT, signal.SIGCHLD),
        *(signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL),
    )
)
"""All others are ignored: a service that is ended, or whose watchdog bit, gets one of them with all its processes, and
the stop comes first. These can not be, or say that this process itself is broken."""

_HIGHER: Final = -10


class OwnerMark:
    """The lock's file as it was at the start: whoever owns the device next writes into it."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._first = self._look()

    def _look(self) -> tuple[int, bytes] | None:
        try:
            with open(self._path, "rb") as file:  # noqa: PTH123 - starts without pathlib
                return os.fstat(file.fileno()).st_mtime_ns, file.read(64)
        except OSError:
            return None

    @property
    def changed(self) -> bool:
        """Whether another program has taken the device since. A file that is gone names no other owner."""
        found = self._look()
        return found is not None and found != self._first


class Guardian:
    """One pipe and one device. `lock` is the file of the device's lock, empty if no one else can own it."""

    def __init__(self, pipe: int, writer: FrameWriter, lock: str = "") -> None:
        self._pipe = Pipe(pipe)
        self._writer = writer
        self._mark = OwnerMark(lock)
        self._link_up = True
        self.machine = Machine(self._put, self._pipe.say)

    def run(self) -> None:
        """Until the device is at rest, or another program's, and the controller is gone."""
        self._pipe.say(Message(Kind.READY, 0, os.getpid(), now()))
        while not self.machine.done:
            self.turn(self._wait_s())

    def turn(self, longest_s: float | None = None) -> None:
        """Wait for what comes next, so long at most, and do it."""
        ready = self._poll(longest_s)
        if self.machine.gone and self._mark.changed:
            self.machine.end("another program owns the device")
            return
        # The pipe first: heartbeats that have come count before the time is looked at.
        if ready.get(self._pipe.descriptor, 0) & ~select.POLLOUT:
            self._pipe.read(self.machine)
        if ready.get(self._writer.descriptor, 0) & ~select.POLLOUT:
            self._read_device()
        self.machine.tick(now())
        self._push()
        self._pipe.flush()

    def _wait_s(self) -> float | None:
        due = self.machine.due(now())
        if self.machine.gone:
            return LOOK_S if due is None else min(due, LOOK_S)
        return due

    def _poll(self, longest_s: float | None) -> dict[int, int]:
        poll = select.poll()
        if not self.machine.gone:
            events = select.POLLIN | (select.POLLOUT if self._pipe.waits else 0)
            poll.register(self._pipe.descriptor, events)
        if self._link_up:
            events = select.POLLOUT if self._writer.wants_room else 0
            events |= select.POLLIN if self.machine.listens else 0
            if events:
                poll.register(self._writer.descriptor, events)
        return dict(poll.poll(None if longest_s is None else longest_s * 1000))

    def _read_device(self) -> None:
        try:
            data = self._writer.read()
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._broken(error)
            return
        if data:
            self.machine.heard(data)
        else:
            self._broken(None)

    def _put(self, write: Write) -> None:
        self._writer.put(write)
        if write.urgent:
            self._push()  # before anything else is looked at

    def _push(self) -> None:
        if not self._link_up:
            return
        try:
            gone = self._writer.push()
        except OSError as error:
            self._broken(error)
            return
        for seq in gone:
            self.machine.wrote(seq, now())

    def _broken(self, error: OSError | None) -> None:
        """The device cannot be reached any more: nothing can be done but to say so."""
        self._link_up = False
        why = "it hung up" if error is None else str(error.strerror or error)
        self._pipe.say(Message(Kind.BROKE, 0, 0, now(), (why.encode(),)))
        self.machine.end(f"the device cannot be reached: {why}")

    def last_resort(self, error: BaseException) -> None:
        """A fault in this process itself: stop the device with as little of it as possible."""
        if self.machine.state in (State.RESTING, State.OVER):
            return
        why = f"a fault in the guardian: {error!r}"
        with contextlib.suppress(OSError, Nonsense):
            os.write(self._pipe.descriptor, Message(Kind.STOPPED, frames=(why.encode(),)).encode())
        for _ in range(int(GIVE_UP_S / AGAIN_S)):
            with contextlib.suppress(OSError):
                os.write(self._writer.descriptor, b"".join(self.machine.next_stop()))
            time.sleep(AGAIN_S)
            if self._mark.changed:
                return


def stand_alone(held: str) -> None:
    """Outlive the program that started this process, and hold the file `held`, if any, until the end."""
    for number in signal.valid_signals() - _HEARD:
        signal.signal(number, signal.SIG_IGN)
    with contextlib.suppress(OSError):
        os.setsid()
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, _HIGHER)  # where it may
    if held:
        holding = os.open(held, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(holding, fcntl.LOCK_SH)


def main(arguments: list[str]) -> None:
    """`arguments`: the lock's file, the file that this process holds as long as it lives (either may be empty), and
    the device's address, which is only for people who look at the list of processes."""
    lock, held = arguments[:2]
    stand_alone(held)
    guardian = Guardian(PIPE, FrameWriter(ROAD), lock)
    try:
        guardian.run()
    except BaseException as error:
        guardian.last_resort(error)
        raise


if __name__ == "__main__":
    main(sys.argv[1:])

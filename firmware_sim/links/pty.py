"""A pseudo-terminal that any program can open as a serial port; who opens it is up, who closes it is down."""

from __future__ import annotations

import asyncio
import fcntl
import os
import select
import struct
import termios
import tty
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Final

from firmware_sim.device import SimLink, SimulatedDevice
from firmware_sim.links.pacing import Pacer

LOOK_S: Final = 0.05
"""Seconds between two checks whether the port has been opened."""
_READ: Final = 4096
_MOST_WAITING: Final = 1024
"""Frames kept for a program that opened the port and does not read: 100 s of telemetry."""


class PtyError(Exception):
    """The port cannot be made; the message says why."""


class PtyPort:
    """One PTY for one device, with a symbolic link at `path` that goes away at the end."""

    def __init__(
        self,
        device: SimulatedDevice,
        path: Path,
        *,
        baud: int | None = None,
        note: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._device = device
        self._loop = device.loop
        self._path = path
        self._note = note
        self._link: SimLink | None = None
        self.read_bytes = 0
        """Bytes taken from the system since the program opened the port."""
        self.written_bytes = 0
        """Bytes given to the system since the program opened the port."""
        self._waiting: deque[bytes] = deque()
        self._overflowed = False
        self._look: asyncio.TimerHandle | None = None
        self._master = -1
        self._send = self._write
        self._incoming: Pacer | None = None
        if baud is not None:
            self._send = Pacer(self._loop, baud, self._write).push
            self._incoming = Pacer(self._loop, baud, self._arrive)
        self._lock = _lock(path)
        self._open()
        device.watch_plug(self._plugged)

    def _open(self) -> None:
        self._master, slave = os.openpty()
        tty.setraw(slave)
        os.set_blocking(self._master, False)
        if self._incoming is not None:
            # Packet mode tells when the program flushes what it has written.
            fcntl.ioctl(self._master, termios.TIOCPKT, struct.pack("i", 1))
        self._name = os.ttyname(slave)
        os.close(slave)
        _point(self._path, self._name)
        self._watch()

    @property
    def is_up(self) -> bool:
        """A program has the port open, and the device has seen it."""
        return self._link is not None

    def close(self) -> None:
        """Hang up on whoever has it open, and remove the link."""
        self._shut()
        os.close(self._lock)
        _lock_path(self._path).unlink(missing_ok=True)

    def _shut(self) -> None:
        if self._master < 0:
            return
        self._down()
        if self._look is not None:
            self._look.cancel()
        os.close(self._master)
        self._master = -1
        if self._path.is_symlink() and str(self._path.readlink()) == self._name:
            self._path.unlink()

    def _plugged(self) -> None:
        if self._device.plugged:
            self._open()
        else:
            self._shut()

    # --- up and down

    def _watch(self) -> None:
        """No one has it open: look again and again, as a hung-up master is always ready to read."""
        poll = select.poll()
        poll.register(self._master, select.POLLIN)
        if any(event & select.POLLHUP for _, event in poll.poll(0)):
            self._look = self._loop.call_later(LOOK_S, self._watch)
            return
        self._look = None
        self.read_bytes = self.written_bytes = 0
        self._link = self._device.open_link("serial", self._send, self._lost, to_system=True)
        self._loop.add_reader(self._master, self._readable)

    def _down(self) -> None:
        link, self._link = self._link, None
        if link is None:
            return
        self._loop.remove_reader(self._master)
        self._loop.remove_writer(self._master)
        self._waiting.clear()
        link.close()

    def _lost(self, why: str) -> None:
        """The device's end broke: hang up on the program by making a new port."""
        if self._link is not None and self._device.plugged:
            self._note(f"{self._path}: {why}")
            self._shut()
            self._open()

    def _forget_unread(self) -> None:
        """What no one read must not greet the next one."""
        slave = os.open(self._name, os.O_RDWR | os.O_NOCTTY)
        termios.tcflush(slave, termios.TCIFLUSH)
        tty.setraw(slave)
        os.close(slave)

    # --- bytes

    def _readable(self) -> None:
        try:
            data = os.read(self._master, _READ)
        except BlockingIOError:
            return
        except OSError:
            data = b""  # EIO: the other side closed it
        if data and self._incoming is not None:
            self._packet(data[0], data[1:], self._incoming)
            return
        if data:
            self.read_bytes += len(data)
            self._arrive(data)
            return
        self._down()
        self._forget_unread()
        self._watch()

    def _packet(self, status: int, data: bytes, line: Pacer) -> None:
        """Bytes in packet mode, or the news that what waits for the line was flushed."""
        if status & termios.TIOCPKT_FLUSHWRITE:
            line.cut()
        elif status == termios.TIOCPKT_DATA:
            self.read_bytes += len(data)
            line.push(data)

    def _arrive(self, data: bytes) -> None:
        if self._link is not None:
            self._link.write(data)

    def _write(self, data: bytes) -> None:
        if self._link is None:
            return
        if not self._waiting:
            data = self._push(data)
            if not data:
                return
            self._loop.add_writer(self._master, self._writable)
        elif len(self._waiting) >= _MOST_WAITING:
            del self._waiting[1]  # the first may be half written
            if not self._overflowed:
                self._overflowed = True
                self._note(f"{self._path}: the program does not read; the oldest frames are lost")
        self._waiting.append(data)

    def _push(self, data: bytes) -> bytes:
        """Write what fits; the rest comes back."""
        try:
            written = os.write(self._master, data)
            self.written_bytes += written
            return data[written:]
        except BlockingIOError:
            return data
        except OSError:
            return b""  # hung up: the reader sees it too

    def _writable(self) -> None:
        while self._waiting:
            rest = self._push(self._waiting[0])
            if rest:
                self._waiting[0] = rest
                return
            self._waiting.popleft()
        self._overflowed = False
        self._loop.remove_writer(self._master)


def _lock_path(path: Path) -> Path:
    return path.with_name(path.name + ".lock")


def _lock(path: Path) -> int:
    """One simulator a path; the lock of one that was killed is free."""
    try:
        lock = os.open(_lock_path(path), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise PtyError(f"cannot make the serial port {path}: {error.strerror}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise PtyError(
            f"another simulator already serves {path}: stop it, or choose another path"
        ) from None
    return lock


def _point(path: Path, name: str) -> None:
    """Put a symbolic link at `path`; replaces a link, and nothing else."""
    if path.exists() and not path.is_symlink():
        raise PtyError(f"{path} is there and no link: choose another path, or remove it")
    beside = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        beside.symlink_to(name)
        beside.replace(path)
    except OSError as error:
        raise PtyError(f"cannot make the link {path}: {error.strerror}") from error

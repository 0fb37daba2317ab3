"""Serial ports by pyserial: real ports and PTYs over their descriptor, other URLs and systems over threads."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from massager_ctl.errors import DeviceBusy, DeviceNotFound, LinkError, LinkLost, LinkTimeout
from massager_ctl.model.text import visible
from massager_ctl.transports.address import BOOT_S, SerialAddress
from massager_ctl.transports.base import LinkKind
from massager_ctl.transports.descriptor import DescriptorTransport
from massager_ctl.transports.threaded import PortLike, ThreadedTransport

if TYPE_CHECKING:
    import serial

if sys.platform != "win32":
    import fcntl
    import termios

BAUD: Final = 115_200
"""Bits a second, 8N1, no flow control (protocol section 2)."""

OPEN_S: Final = 10.0
"""Seconds that opening a port may take."""

_OTHERS: tuple[type[Exception], ...] = () if sys.platform == "win32" else (termios.error,)
_REFUSALS: Final = (OSError, ValueError, EOFError, *_OTHERS)
"""What pyserial raises beside its own error."""

_PSEUDO: Final = "/dev/pts/"

WRITE_S: Final = 1.0
"""Seconds that a write may hang in its thread before the link counts as lost."""


class SerialTransport(DescriptorTransport):
    """A serial port or PTY with a descriptor (POSIX)."""

    def __init__(
        self, port: str, boot_s: float = BOOT_S, *, dtr: bool = True, baud: int = BAUD
    ) -> None:
        super().__init__(str(SerialAddress(port, boot_s, dtr)), LinkKind.SERIAL)
        self.boot_s = boot_s
        self._name = port
        self._dtr = dtr
        self._baud = baud
        self._port: serial.Serial | None = None

    async def _connect(self) -> int:
        self._port = await open_port(self._name, dtr=self._dtr, baud=self._baud)
        fd = self._port.fileno()
        try:
            _claim(fd, self._name)
            # pyserial asks for VMIN 0, where "no bytes yet" and "hung up" read the same; VMIN 1 tells them apart.
            settings = termios.tcgetattr(fd)
            settings[6][termios.VMIN] = 1
            termios.tcsetattr(fd, termios.TCSANOW, settings)
        except termios.error as error:  # unplugged at this very moment
            self._release(at_once=True)
            raise lost_port(self.address, error) from error
        return fd

    def _release(self, *, at_once: bool) -> None:
        port, self._port = self._port, None
        if port is None:
            return
        if at_once:
            # Otherwise the system delays the close until the last byte is sent.
            _flush(port.fileno())
        try:
            port.close()
        except OSError:
            pass  # An unplugged port may refuse to be closed; its descriptor is gone all the same.

    def _flush_output(self) -> None:
        _flush(self._fd)

    def _unsent(self) -> int:
        try:
            queued = fcntl.ioctl(self._fd, termios.TIOCOUTQ, b"\0\0\0\0")
        except OSError:
            return len(self._waiting)
        return len(self._waiting) + int.from_bytes(queued, sys.byteorder)

    def _lost(self, error: OSError | None) -> LinkLost:
        return lost_port(self.address, error)


def _flush(fd: int) -> None:
    try:
        termios.tcflush(fd, termios.TCOFLUSH)
    except termios.error:
        pass  # Not a terminal, or gone: there is nothing to throw away.


class ThreadedSerialTransport(ThreadedTransport):
    """A port without a descriptor: Windows, and the URLs `rfc2217://`, `loop://`, `spy://`."""

    def __init__(
        self, port: str, boot_s: float = BOOT_S, *, dtr: bool = True, baud: int = BAUD
    ) -> None:
        super().__init__(str(SerialAddress(port, boot_s, dtr)), LinkKind.SERIAL)
        self.boot_s = boot_s
        self._name = port
        self._dtr = dtr
        self._baud = baud

    async def _connect(self) -> PortLike:
        # A read returns after 50 ms at the latest, so that its thread can end.
        return cast("PortLike", await self._opened())

    async def _opened(self) -> serial.Serial:
        return await open_port(self._name, read_s=0.05, dtr=self._dtr, baud=self._baud)

    def _lost(self, error: Exception | None) -> LinkLost:
        return lost_port(self.address, error)


def _claim(fd: int, name: str) -> None:
    """Keep out programs that use no lock, such as terminals and modem services.

    Not on a pseudo-terminal: its other end keeps the mark after a kill, and only a simulator is there.
    """
    if not os.path.realpath(name).startswith(_PSEUDO):
        with contextlib.suppress(OSError):  # a driver that does not know it
            fcntl.ioctl(fd, termios.TIOCEXCL)


def make_serial(
    port: str, *, boot_s: float = BOOT_S, dtr: bool = True, baud: int | None = None
) -> SerialTransport | ThreadedSerialTransport:
    """The transport for this port name or pyserial URL; the rest as in `SerialAddress`. `baud`: bits a second."""
    baud = BAUD if baud is None else baud
    if os.name == "posix" and ("://" not in port or port.startswith("hwgrep://")):
        return SerialTransport(port, boot_s, dtr=dtr, baud=baud)
    return ThreadedSerialTransport(port, boot_s, dtr=dtr, baud=baud)


async def open_port(
    name: str, read_s: float = 0, *, dtr: bool = True, baud: int = BAUD
) -> serial.Serial:
    """Open a port within 10 s, for this process alone. Raises DeviceNotFound, DeviceBusy, LinkError, LinkTimeout."""
    opening = asyncio.ensure_future(asyncio.to_thread(_open, name, read_s, dtr, baud))
    try:
        return await asyncio.wait_for(asyncio.shield(opening), OPEN_S)
    except TimeoutError:
        raise LinkTimeout(
            f"serial:{name} did not open within {OPEN_S:g} s",
            "Unplug the device, plug it in again, and try once more.",
        ) from None
    finally:
        if not opening.done():
            opening.add_done_callback(_close_late)


def _close_late(opening: asyncio.Future[serial.Serial]) -> None:
    """Close a port that opened too late."""
    if not opening.cancelled() and opening.exception() is None:
        opening.result().close()


def _open(name: str, read_s: float, dtr: bool, baud: int = BAUD) -> serial.Serial:
    import serial

    user = user_of_terminal(name)
    if user:
        raise DeviceNotFound(
            f"serial:{name} is the terminal of {user}, and no device: nothing is written to it",
            "Was a simulator's link left behind? Remove it; `massager-ctl scan` lists the ports.",
        )
    try:
        # Only native ports know about locking; a URL handler refuses the word.
        exclusive: dict[str, Any] = {} if "://" in name else {"exclusive": True}
        port = serial.serial_for_url(
            name,
            baudrate=baud,
            timeout=read_s,
            write_timeout=WRITE_S,
            do_not_open=True,
            **exclusive,
        )
        if not dtr:
            port.dtr = port.rts = False  # before it is opened, so that they are never raised
        port.open()
        return port
    except (serial.SerialException, *_REFUSALS) as error:
        raise _open_error(name, error) from error


def _open_error(name: str, error: Exception) -> LinkError:
    """The error for a port that does not open, with what you can do."""
    address = f"serial:{name}"
    number = _errno(error)
    match number:
        case errno.ENOENT | errno.ENODEV | errno.ENXIO:
            return DeviceNotFound(
                f"{address} does not exist",
                "Is the device plugged in and switched on? `massager-ctl scan` lists the ports.",
            )
        case errno.EACCES | errno.EPERM:
            return LinkError(
                f"no permission to open {address}",
                permission_remedy(name),
            )
        case errno.EBUSY | errno.EAGAIN:
            return DeviceBusy(
                f"{address} is in use by {holder_of(name) or 'another program'}",
                "Close it there first; `fuser` names the program. `massager-ctl status` shows our own sessions.",
            )
        case errno.ECONNREFUSED | errno.EHOSTUNREACH | errno.ENETUNREACH | errno.ETIMEDOUT:
            return DeviceNotFound(
                f"nothing listens at {address}",
                "Check the address, and that the far end is running.",
            )
        case errno.ENOTTY | errno.EINVAL | errno.EISDIR:
            return DeviceNotFound(
                f"{address} is not a serial port", "`massager-ctl scan` lists the ports."
            )
        case _:
            return LinkError(
                f"{address} cannot be opened: {error}", "`massager-ctl doctor` checks the set-up."
            )


def _errno(error: BaseException) -> int | None:
    """The system's error number, also of the error that pyserial wrapped in its own."""
    seen: BaseException | None = error
    while seen is not None:
        number = getattr(seen, "errno", None)
        if number is None and seen.args and isinstance(seen.args[0], int):
            number = seen.args[0]
        if isinstance(number, int):
            return number
        seen = seen.__cause__ or seen.__context__
    return None


def permission_remedy(port: str) -> str:
    """What lets you open this port: joining the group that owns it, which is not `dialout` everywhere."""
    if not sys.platform.startswith("linux"):
        return "Check the permissions of the port."
    import grp

    try:
        found = Path(port).stat()
        group = grp.getgrgid(found.st_gid).gr_name
    except (OSError, KeyError):
        return "Check the permissions of the port."
    if group == "root" or not found.st_mode & 0o060:
        return f"Its group may not open it either; a udev rule can change that: `ls -l {port}` shows who may."
    return f"Join the group that owns the port, then log in again: sudo usermod -aG {group} $USER"


def holder_of(port: str, processes: Path = Path("/proc")) -> str:
    """The other program that has this port open, as far as this user may see it; empty if that is unknown."""
    real = os.path.realpath(port)
    for process in processes.glob("[0-9]*"):
        if process.name == str(os.getpid()):
            continue
        try:
            if any(os.path.realpath(one) == real for one in (process / "fd").iterdir()):
                name = (process / "comm").read_text(encoding="utf-8", errors="replace").strip()
                return f"{visible(name, 40)} (process {process.name})"
        except OSError:
            continue  # another user's, or gone
    return ""


def user_of_terminal(port: str, processes: Path = Path("/proc")) -> str:
    """A program that has this pseudo-terminal as its controlling terminal, as no simulator has its port; else empty."""
    real = os.path.realpath(port)
    if not real.startswith(_PSEUDO):
        return ""
    try:
        device = os.stat(real).st_rdev  # noqa: PTH116
    except OSError:
        return ""
    # As Linux writes it in /proc/PID/stat.
    major, minor = os.major(device), os.minor(device)
    number = str((minor & 0xFF) | major << 8 | (minor & ~0xFF) << 12)
    for process in processes.glob("[0-9]*"):
        try:
            head, _, rest = (process / "stat").read_text(errors="replace").rpartition(")")
        except OSError:
            continue  # gone
        if rest.split()[4] == number:
            return f"{visible(head.partition('(')[2], 40)} (process {process.name})"
    return ""


def lost_port(address: str, error: Exception | None) -> LinkLost:
    """The link-lost error of a serial port; None = the port hung up."""
    why = "" if error is None or _errno(error) == errno.EIO else f" ({error})"
    return LinkLost(
        f"{address} is gone{why}",
        "Was it unplugged or switched off? The device stops on its own; plug it in and start again.",
    )

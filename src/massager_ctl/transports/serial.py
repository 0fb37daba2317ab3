"""Serial ports by pyserial: real ports and PTYs over their descriptor, other URLs and systems over threads."""

from __future__ import annotations

import asyncio
import errno
import os
import sys
from typing import TYPE_CHECKING, Any, Final, cast

from massager_ctl.errors import DeviceBusy, DeviceNotFound, LinkError, LinkLost, LinkTimeout
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
"""What pyserial lets through beside its own error."""

WRITE_S: Final = 1.0
"""Seconds that a write may hang in its thread before the link counts as lost."""


class SerialTransport(DescriptorTransport):
    """A serial port or PTY with a descriptor (POSIX)."""

    def __init__(self, port: str) -> None:
        super().__init__(f"serial:{port}", LinkKind.SERIAL)
        self._name = port
        self._port: serial.Serial | None = None

    async def _connect(self) -> int:
        self._port = await open_port(self._name)
        fd = self._port.fileno()
        try:
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
            # Else the system would hold the close until the last byte is out.
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

    def __init__(self, port: str) -> None:
        super().__init__(f"serial:{port}", LinkKind.SERIAL)
        self._name = port

    async def _connect(self) -> PortLike:
        # A read returns after 50 ms at the latest, so that its thread can end.
        return cast(PortLike, await open_port(self._name, read_s=0.05))

    def _lost(self, error: Exception | None) -> LinkLost:
        return lost_port(self.address, error)


def make_serial(port: str) -> SerialTransport | ThreadedSerialTransport:
    """The transport for this port name or pyserial URL."""
    if os.name == "posix" and ("://" not in port or port.startswith("hwgrep://")):
        return SerialTransport(port)
    return ThreadedSerialTransport(port)


async def open_port(name: str, read_s: float = 0) -> serial.Serial:
    """Open a port within 10 s, for this process alone. Raises DeviceNotFound, DeviceBusy, LinkError, LinkTimeout."""
    opening = asyncio.ensure_future(asyncio.to_thread(_open, name, read_s))
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
    """Nobody waits for this port any more."""
    if not opening.cancelled() and opening.exception() is None:
        opening.result().close()


def _open(name: str, read_s: float) -> serial.Serial:
    import serial

    try:
        # Only native ports know about locking; a URL handler refuses the word.
        exclusive: dict[str, Any] = {} if "://" in name else {"exclusive": True}
        return serial.serial_for_url(
            name, baudrate=BAUD, timeout=read_s, write_timeout=WRITE_S, **exclusive
        )
    except (serial.SerialException, *_REFUSALS) as error:
        raise _open_error(name, error) from error


def _open_error(name: str, error: Exception) -> LinkError:
    """What a person can do about a port that does not open."""
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
                _permission_remedy(),
            )
        case errno.EBUSY | errno.EAGAIN:
            return DeviceBusy(
                f"{address} is in use by another program",
                "Close it there first; `fuser` names the program. `massager-ctl status` shows sessions of ours.",
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


def _permission_remedy() -> str:
    if sys.platform.startswith("linux"):
        return "Add yourself to the group that owns the port, then log in again: sudo usermod -aG dialout $USER"
    return "Check the permissions of the port."


def lost_port(address: str, error: Exception | None) -> LinkLost:
    """The link-lost error of a serial port; None = the port hung up."""
    why = "" if error is None or _errno(error) == errno.EIO else f" ({error})"
    return LinkLost(
        f"{address} is gone{why}",
        "Was it unplugged or switched off? The device stops by itself; plug it in and start again.",
    )

"""The home of mpremote: Python that runs on a board, over the raw REPL of its serial port."""

from __future__ import annotations

import ast
import contextlib
import io
import os
import struct
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any, Final, cast

from massager_ctl.errors import (
    DeviceBusy,
    DeviceNotFound,
    FirmwareError,
    LinkError,
    LinkLost,
    LinkTimeout,
)

_ANSWERS_WITHIN_S: Final = 3.0
"""A prompt comes in milliseconds; a board that collects garbage takes some tens."""
_PROMPT: Final = b"raw REPL; CTRL-B to exit\r\n"
_CHUNK: Final = 1024
_NO_SPACE: Final = ("ENOSPC", "OSError: 28", "Errno 28")
_DOOR: Final = (
    "A massager that runs speaks its protocol there, and no Python. Unplug it, hold its button, plug it in with the "
    "button held, let go after two seconds, and run this again. A new board needs MicroPython first."
)


class BoardFailed(LinkError):
    """What was run on the board raised there; `message` ends with its last line."""

    code = "board_failed"


class NoSpace(BoardFailed):
    """The board's file system is full."""


class Repl:
    """A board that waits for Python."""

    def __init__(self, transport: Any, port: str) -> None:
        self._transport = transport
        self._port = port

    def run(self, code: str) -> str:
        """Run statements; returns what they print. `BoardFailed` if they raise, `LinkLost` if the board is gone."""
        from mpremote.transport import TransportExecError

        with self._translated():
            try:
                out: bytes = self._transport.exec(code)
            except TransportExecError as error:
                last = str(cast("object", error.error_output)).strip().rsplit("\n", 1)[-1]
                kind = NoSpace if any(word in last for word in _NO_SPACE) else BoardFailed
                raise kind(f"the board at {self._port} says: {last}", "") from None
        return out.decode(errors="replace")

    def value(self, expression: str) -> Any:
        """The value of an expression, as a literal."""
        text = self.run(f"print(repr({expression}))").strip()
        try:
            return ast.literal_eval(text)
        except (ValueError, SyntaxError):
            raise LinkLost(
                f"the answer of the board at {self._port} makes no sense: {text[:60]}",
                "Look at the cable, and try again.",
            ) from None

    def write(self, path: str, data: bytes) -> None:
        """Write a file."""
        self.run(f"_f=open({path!r},'wb')\n_w=_f.write")
        for start in range(0, len(data), _CHUNK):
            self.run(f"_w({data[start : start + _CHUNK]!r})")
        self.run("_f.close()")

    def restart(self) -> None:
        """Let it boot; it answers no more."""
        with self._translated():
            self._transport.exec_raw_no_follow("import machine\nmachine.reset()")

    @contextlib.contextmanager
    def _translated(self) -> Generator[None]:
        import serial
        from mpremote.transport import TransportError

        try:
            # mpremote prints what it did not understand.
            with contextlib.redirect_stdout(io.StringIO()):
                yield
        except (TransportError, serial.SerialException, OSError, struct.error) as error:
            raise LinkLost(
                f"the board at {self._port} is gone, or answers no more ({_short(error)})",
                "Look at the cable.",
            ) from None


@contextlib.contextmanager
def open_repl(port: str) -> Generator[Repl]:
    """Open a port and wait for the prompt of the raw REPL; `LinkError` says what there is instead."""
    try:
        from mpremote.transport import TransportError
        from mpremote.transport_serial import SerialTransport
    except ImportError:
        raise FirmwareError(
            "mpremote is not installed", "Install it with: pip install 'massager-ctl[firmware]'"
        ) from None
    import serial

    _look_at(port)
    try:
        transport: Any = SerialTransport(port, timeout=1.0)
    except (TransportError, serial.SerialException, OSError, ValueError) as error:
        raise DeviceBusy(
            f"cannot open {port} ({_short(error)})",
            "Close what uses it, such as 'massager-ctl serve' or a terminal program.",
        ) from None
    try:
        try:
            prompted = _enter(transport)
        except (serial.SerialException, OSError) as error:
            raise LinkLost(f"the board at {port} is gone ({_short(error)})", _DOOR) from None
        if not prompted:
            raise LinkTimeout(f"nothing at {port} answers as a board does", _DOOR)
        yield Repl(transport, port)
        with contextlib.suppress(TransportError, serial.SerialException, OSError):
            transport.exit_raw_repl()
    finally:
        with contextlib.suppress(TransportError, serial.SerialException, OSError):
            transport.close()


def _enter(transport: Any) -> bool:
    """Ask for the raw REPL, with no soft reset, which would run the board's own files. False if none answers.

    mpremote's own way waits for ever where a device talks all the time.
    """
    line = transport.serial
    line.write(b"\r\x03\r\x01")
    until = time.monotonic() + _ANSWERS_WITHIN_S
    heard = b""
    while time.monotonic() < until:
        heard = (heard + line.read(1))[-len(_PROMPT) :]
        if heard == _PROMPT:
            transport.in_raw_repl = True
            return True
    return False


def _look_at(port: str) -> None:
    if "://" in port or os.name == "nt":
        return
    if not Path(port).exists():
        raise DeviceNotFound(
            f"there is no port {port}", "See which there are with: massager-ctl scan"
        )
    if not os.access(port, os.R_OK | os.W_OK):
        raise DeviceBusy(
            f"no permission for {port}",
            "Let your user use serial ports, as 'massager-ctl doctor' says.",
        )


def _short(error: BaseException) -> str:
    text = str(error).splitlines()
    return text[0][:80] if text else type(error).__name__

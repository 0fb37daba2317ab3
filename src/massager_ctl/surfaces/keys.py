"""Keys from a terminal, one at a time; the terminal is always given back as it was found."""

from __future__ import annotations

import asyncio
import atexit
import codecs
import contextlib
import os
import sys
import termios
import tty
from collections.abc import Callable
from types import TracebackType
from typing import Any, Final, Self

ESCAPE: Final = "\x1b"


class Keys:
    """Calls `on_key` with each key of the terminal on `descriptor`, from the event loop.

    Where there is no terminal, or this process is in its background, no key ever comes. The end of the input is no
    key. An escape sequence (an arrow) is one key. Ctrl-C stays a signal.
    """

    def __init__(self, on_key: Callable[[str], None], descriptor: int | None = None) -> None:
        self._on_key = on_key
        self._descriptor = _standard_input() if descriptor is None else descriptor
        self._before: list[Any] | None = None
        self._decoder = codecs.getincrementaldecoder("utf-8")("ignore")

    def open(self) -> bool:
        """Begin; False where there is no terminal to read."""
        descriptor = self._descriptor
        if descriptor < 0 or not os.isatty(descriptor):
            return False
        try:
            if os.tcgetpgrp(descriptor) != os.getpgrp():
                return False  # in the background any change of the terminal would suspend us
            self._before = termios.tcgetattr(descriptor)
            tty.setcbreak(descriptor, termios.TCSANOW)
        except (OSError, termios.error):
            self._before = None
            return False
        atexit.register(self.close)
        asyncio.get_running_loop().add_reader(descriptor, self._read)
        return True

    def close(self) -> None:
        """Give the terminal back; may be called twice."""
        before, self._before = self._before, None
        if before is None:
            return
        self._forget()
        with contextlib.suppress(OSError, termios.error):
            termios.tcsetattr(self._descriptor, termios.TCSANOW, before)
        atexit.unregister(self.close)

    def _forget(self) -> None:
        with contextlib.suppress(RuntimeError):
            asyncio.get_running_loop().remove_reader(self._descriptor)

    def _read(self) -> None:
        try:
            data = os.read(self._descriptor, 1024)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._forget()
            return
        for key in split_keys(self._decoder.decode(data)):
            self._on_key(key)

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def split_keys(text: str) -> list[str]:
    """The keys in what a terminal sent."""
    keys: list[str] = []
    at = 0
    while at < len(text):
        end = at + 1
        if text[at] == ESCAPE and text[end : end + 1] in ("[", "O"):
            end += 1
            while end < len(text) and not "@" <= text[end] <= "~":
                end += 1
            end += 1
        keys.append(text[at:end])
        at = end
    return keys


def _standard_input() -> int:
    try:
        return sys.stdin.fileno()
    except (AttributeError, OSError, ValueError):
        return -1

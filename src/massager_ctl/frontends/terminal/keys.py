"""Reads keys from a terminal, one at a time, and always restores the terminal."""

from __future__ import annotations

import asyncio
import atexit
import codecs
import contextlib
import os
import re
import sys
import termios
import tty
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Any, Final, Self

from massager_ctl.frontends.terminal.bindings import PAIN_KEYS, STOP_KEYS

ESCAPE: Final = "\x1b"

READ_MAX: Final = 65_536
"""Bytes of one read: all that a terminal holds, so that a stop in it is seen (R6)."""

KEYS_A_TURN: Final = 16
"""Keys handled in one turn of the loop."""

HALF_S: Final = 0.1
"""Seconds within which the rest of an escape sequence comes; what has not come then was a key of its own."""

_HALF: Final = re.compile(r"\x1b(?:\[[0-?]*|O)?\Z")

_PRESS: Final = re.compile(r"\x1b\[<0;(\d{1,4});(\d{1,4})M")

NAMES: Final = {
    " ": "space",
    "\r": "enter",
    "\n": "enter",
    "\t": "tab",
    "\x1b[Z": "shift+tab",
    "\x1b[5~": "pageup",
    "\x1b[6~": "pagedown",
    **{
        f"\x1b{form}{letter}": name
        for form in "[O"
        for letter, name in zip("ABCD", ("up", "down", "right", "left"), strict=True)
    },
}
"""Names of keys other than characters; any other escape sequence is its own name."""


class Keys:
    """Calls `on_key` with the name of each key of the terminal on `descriptor`, from the event loop.

    A character is its own name; the others are `space`, `enter`, `up` and so on. `on_click` gets the column and row of
    a press of the left mouse button, both from 0. Without a terminal, or in the background, no key comes. The end of
    the input is not a key. Ctrl-C stays a signal. A key that stops passes all that were typed before it, which are void
    then, but for reports of pain (R6).
    """

    def __init__(
        self,
        on_key: Callable[[str], None],
        descriptor: int | None = None,
        on_click: Callable[[int, int], None] | None = None,
    ) -> None:
        self._on_key = on_key
        self._on_click = on_click
        self._descriptor = _standard_input() if descriptor is None else descriptor
        self._before: list[Any] | None = None
        self._decoder = codecs.getincrementaldecoder("utf-8")("ignore")
        self._half = ""
        self._waiting: deque[str] = deque()
        self._later: asyncio.Handle | None = None

    def open(self) -> bool:
        """Start; False if there is no terminal to read."""
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
        """Restore the terminal; may be called twice."""
        before, self._before = self._before, None
        if before is None:
            return
        self._forget()
        self._waiting.clear()
        if self._later is not None:
            self._later.cancel()
        with contextlib.suppress(OSError, termios.error):
            termios.tcsetattr(self._descriptor, termios.TCSANOW, before)
        atexit.unregister(self.close)

    def _forget(self) -> None:
        with contextlib.suppress(RuntimeError):
            asyncio.get_running_loop().remove_reader(self._descriptor)

    def _read(self) -> None:
        try:
            data = os.read(self._descriptor, READ_MAX)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._forget()
            return
        text = self._half + self._decoder.decode(data)
        half = _HALF.search(text)
        self._half = "" if half is None else half[0]
        self._take(text.removesuffix(self._half))

    def _take(self, text: str) -> None:
        """Handle keys, a few in a turn."""
        self._waiting.extend(NAMES.get(key, key) for key in split_keys(text))
        stops = [at for at, key in enumerate(self._waiting) if key in STOP_KEYS]
        if stops:
            waiting = list(self._waiting)
            reports = [key for key in waiting[: stops[-1]] if key in PAIN_KEYS]
            self._waiting = deque((waiting[stops[-1]], *reports, *waiting[stops[-1] + 1 :]))
        self._work()

    def _work(self) -> None:
        for _ in range(min(KEYS_A_TURN, len(self._waiting))):
            self._pressed(self._waiting.popleft())
            if self._before is None:
                return  # closed by that key
        if self._later is not None:
            self._later.cancel()
            self._later = None
        loop = asyncio.get_running_loop()
        if self._waiting:
            self._later = loop.call_soon(self._work)
        elif self._half:
            self._later = loop.call_later(HALF_S, self._whole)

    def _whole(self) -> None:
        half, self._half = self._half, ""
        self._take(half)

    def _pressed(self, key: str) -> None:
        if (pressed := _PRESS.fullmatch(key)) is not None:
            if self._on_click is not None:
                self._on_click(int(pressed[1]) - 1, int(pressed[2]) - 1)
        elif not key.startswith("\x1b[<"):
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
            while "0" <= text[end : end + 1] <= "?":
                end += 1
            end += "@" <= text[end : end + 1] <= "~"
        keys.append(text[at:end])
        at = end
    return keys


def _standard_input() -> int:
    try:
        return sys.stdin.fileno()
    except (AttributeError, OSError, ValueError):
        return -1

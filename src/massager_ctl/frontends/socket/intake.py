"""Sorts what arrives from one client by urgency; pure, and bounded whatever is sent (R6)."""

from __future__ import annotations

from collections import deque
from typing import Final, Generic, TypeVar

import msgspec
from msgspec import Struct

_T = TypeVar("_T")

LINE_MAX: Final = 256 * 1024
"""Maximum bytes of one request: a profile of 64 KiB as JSON, with room."""

WAITING_MAX: Final = 256
"""Requests of one client that may wait for their turn."""

WAITING_BYTES_MAX: Final = 2 * LINE_MAX
"""Bytes of them."""


STOPPING: Final = frozenset({"stop", "pain"})
"""Names of the requests that stop."""


def may_stop(data: bytes) -> bool:
    """Whether a line must be read at once because it may ask for a stop; it may contain JSON escapes."""
    return b"stop" in data or b"pain" in data or b"\\u" in data


def may_start(data: bytes) -> bool:
    """Whether a line must be recorded at once because a later stop would cancel it; with JSON escapes as well."""
    return b"start" in data or b"\\u" in data


class _Named(Struct):
    request: str


def name_in(line: bytes) -> str:
    """The request in a line, read as far as that takes, which is cheap enough for a flood; empty if there is none."""
    try:
        return msgspec.json.decode(line, type=_Named).request
    except UnicodeDecodeError:
        return name_in(line.decode(errors="replace").encode())
    except (msgspec.MsgspecError, RecursionError):
        return ""


class LineTooLong(Exception):
    """More than LINE_MAX bytes without a newline."""


class Intake(Generic[_T]):
    """Splits a stream into lines and queues them; what is too much is counted and dropped."""

    __slots__ = ("_partial", "_size", "_waiting")

    def __init__(self) -> None:
        self._partial = b""
        self._waiting: deque[tuple[_T, int]] = deque()
        self._size = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def lines(self, data: bytes) -> list[bytes]:
        """The lines that are complete now. Raises LineTooLong, and drops the incomplete line."""
        *lines, self._partial = (self._partial + data).split(b"\n")
        if len(self._partial) > LINE_MAX:
            self._partial = b""
            raise LineTooLong
        return [line for line in lines if line and not line.isspace()]

    def skip(self, lines: list[bytes]) -> int:
        """Keep as many lines of a batch as may wait, if none of them is urgent; returns the number of the others.

        It makes a flood cheap.
        """
        room = WAITING_MAX - len(self._waiting)
        if len(lines) <= room or may_stop(whole := b"\n".join(lines)) or may_start(whole):
            return 0
        skipped = len(lines) - room
        del lines[room:]
        return skipped

    def put(self, item: _T, size: int) -> bool:
        """Queue it; False if too much already waits."""
        if len(self._waiting) >= WAITING_MAX or self._size + size > WAITING_BYTES_MAX:
            return False
        self._waiting.append((item, size))
        self._size += size
        return True

    def take(self) -> _T:
        """The one that has waited longest. Raises IndexError if nothing waits."""
        item, size = self._waiting.popleft()
        self._size -= size
        return item

"""What every kind of capture file comes down to: packets with a time and a direction."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import IntEnum
from typing import BinaryIO, Final

from massager_ctl.errors import CaptureError

CHUNK: Final = 1 << 20
LONGEST: Final = 1 << 18
"""Longer than any packet of Bluetooth: a greater length means that the file is damaged there."""

Progress = Callable[[int], None]
"""Called with how many bytes of the file have been read."""


class Carrier(IntEnum):
    """What a packet is; the first four are the numbers of the H4 transport."""

    COMMAND = 1
    ACL = 2
    SYNCHRONOUS = 3
    EVENT = 4
    ISO = 5
    AIR = 16
    """A link layer packet that a sniffer took from the air, from its access address on."""


Packet = tuple[float, bool | None, int, bytes]
"""Seconds since 1970 (or since an unknown moment), whether the phone sent it, its carrier, its bytes.

A plain tuple: millions of them go by.
"""


class Source:
    """Reads a capture from its start to its end in chunks, and knows what was wrong with it."""

    def __init__(self, file: BinaryIO, progress: Progress | None = None) -> None:
        self._file = file
        self._progress = progress
        self._buffer = b""
        self._at = 0
        self._done = 0
        self.cut_off: int | None = None
        """Where the file ends in the middle of a packet, or is damaged, in bytes from its start."""
        self.shortened = 0
        """Packets of which the phone kept only the beginning."""

    @property
    def position(self) -> int:
        """Bytes read so far."""
        return self._done + self._at

    def take(self, size: int) -> bytes | None:
        """The next bytes, or None at the end of the file; half of them count as cut off."""
        end = self._at + size
        if end > len(self._buffer):
            self._fill(size)
            end = self._at + size
            if end > len(self._buffer):
                if self._at < len(self._buffer):
                    self.cut_off = self._done + len(self._buffer)
                return None
        piece = self._buffer[self._at : end]
        self._at = end
        return piece

    def ahead(self, size: int) -> tuple[bytes, int]:
        """The bytes that are in memory and where the next one stands; at least `size` of them, but at the end."""
        if self._at + size > len(self._buffer):
            self._fill(size)
        return self._buffer, self._at

    def move(self, at: int) -> None:
        """Go on at a place in what `ahead` gave."""
        self._at = at

    def damaged(self) -> None:
        """Say that nothing sensible follows."""
        self.cut_off = self.position

    def _fill(self, size: int) -> None:
        self._done += self._at
        rest = self._buffer[self._at :]
        try:
            self._buffer = rest + self._file.read(max(CHUNK, size - len(rest)))
        except OSError as error:
            raise CaptureError(
                f"the capture cannot be read ({error.strerror or error})", "Check the file."
            ) from None
        self._at = 0
        if self._progress is not None:
            self._progress(self._done + len(self._buffer))


Packets = Iterator[Packet]

"""The byte of a frame that tells how long it is, where frames of several lengths show it.

Shown to a person, and no more: every frame that is sent was captured whole, with its length in it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from msgspec import Struct

FURTHEST: Final = 6
"""Bytes from the start within which a length stands."""

MOST_BESIDE: Final = 16
"""Bytes of a frame that its length may leave out."""


class LengthAt(Struct, frozen=True):
    """`at`: from the frame's start, 0 for its first byte; `beside`: bytes that it does not count."""

    at: int
    beside: int

    def __str__(self) -> str:
        counted = "the whole frame" if not self.beside else f"all but {self.beside} of its bytes"
        return f"length: byte {self.at + 1} counts {counted}"


def length_field(frames: Iterable[bytes]) -> LengthAt | None:
    """Where it stands, if there is one place alone that tells the length of each of these frames.

    None if they are all of one length: then any byte that never changes could be it.
    """
    different = set(frames)
    if len({len(frame) for frame in different}) < 2:
        return None
    shortest = min(len(frame) for frame in different)
    found = [
        LengthAt(at, beside.pop())
        for at in range(min(FURTHEST, shortest))
        if len(beside := {len(frame) - frame[at] for frame in different}) == 1
        and 0 <= min(beside) <= MOST_BESIDE
    ]
    return found[0] if len(found) == 1 else None

"""Parts of a frame that are not the same each time: where they stand, and the frame without them."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from massager_ctl.drivers.described.schema import ChecksumField, CounterField
from massager_ctl.drivers.described.template import Literal, Part, Slot


class Spot(Struct, frozen=True):
    """A place in a frame: from its start, or from its end where `at` is negative."""

    at: int
    size: int
    """Bytes; 0 for as many decimal digits as there are."""

    def find(self, frame: bytes) -> tuple[int, int] | None:
        """Where it begins and ends in a frame, or None if the frame has no such place."""
        start = self.at if self.at >= 0 else len(frame) + self.at
        if start < 0 or start >= len(frame):
            return None
        if self.size:
            end = start + self.size
            return (start, end) if end <= len(frame) else None
        end = start
        while end < len(frame) and 0x30 <= frame[end] <= 0x39:
            end += 1
        return (start, end) if start < end <= start + 9 else None


class CountAt(Struct, frozen=True):
    """A counter and its place; only frames of `length` (0 for any) that begin with `head` have it."""

    spot: Spot
    field: CounterField
    length: int = 0
    head_at: int = -1
    head: int = 0
    steps: int = 0
    """How many steps were seen."""
    wrapped: bool = False
    besides: tuple[bytes, ...] = ()
    """Frames that never change, and so have none."""

    def has(self, frame: bytes) -> bool:
        """Whether this frame is one of them."""
        if frame in self.besides:
            return False
        if self.length and len(frame) != self.length:
            return False
        if self.head_at >= 0 and (len(frame) <= self.head_at or frame[self.head_at] != self.head):
            return False
        return self.spot.find(frame) is not None

    def read(self, frame: bytes) -> int:
        """The counter's value; its base bits are left out."""
        start, end = self.spot.find(frame) or (0, 0)
        return read_count(self.field, frame[start:end])


class SumAt(Struct, frozen=True):
    """A checksum and its place."""

    spot: Spot
    field: ChecksumField


def read_count(field: CounterField, piece: bytes) -> int:
    """A counter's value from its bytes; -1 where they are none."""
    if field.text == "binary":
        value = int.from_bytes(piece, field.order) >> field.shift
        return value & 0x0F if field.shift or field.high <= 0x0F else value
    if not piece.isalnum():
        return -1
    try:
        return int(piece, 10 if field.text == "decimal" else 16)
    except ValueError:
        return -1


Symbol = tuple[bytes | str | tuple[str, int], ...]
"""A frame without its changing parts: bytes, and in their places the fields' names (with a half byte's other half)."""


class Cutter(Struct, frozen=True):
    """Takes the changing parts out of frames."""

    counts: tuple[tuple[str, CountAt], ...] = ()
    sums: tuple[tuple[str, SumAt], ...] = ()

    def symbol(self, frame: bytes) -> Symbol:
        """The frame without its changing parts."""
        holes: list[tuple[int, int, str | tuple[str, int]]] = []
        counted = False
        for name, count in self.counts:
            if count.has(frame):
                start, end = count.spot.find(frame) or (0, 0)
                holes.append((start, end, _named(name, count.field, frame[start:end])))
                counted = True
        if counted or not self.counts:
            for name, found in self.sums:
                place = found.spot.find(frame)
                if place is not None and not any(
                    s < place[1] and place[0] < e for s, e, _ in holes
                ):
                    holes.append((*place, name))
        out: list[bytes | str | tuple[str, int]] = []
        at = 0
        for start, end, hole in sorted(holes, key=lambda hole: hole[0]):
            if at < start:
                out.append(frame[at:start])
            out.append(hole)
            at = end
        if at < len(frame):
            out.append(frame[at:])
        return tuple(out)

    def counters(self, frame: bytes) -> dict[str, int]:
        """What each counter in the frame stands at."""
        return {name: count.read(frame) for name, count in self.counts if count.has(frame)}


def _named(name: str, field: CounterField, piece: bytes) -> str | tuple[str, int]:
    if field.text != "binary" or field.size != 1 or (field.high > 0x0F and not field.shift):
        return name
    other = piece[0] & (0x0F if field.shift else 0xF0)
    return (name, other) if other else name


def parts_of(symbol: Symbol) -> tuple[Part, ...]:
    """The symbol as a template's parts."""
    out: list[Part] = []
    for piece in symbol:
        match piece:
            case bytes():
                out.append(Literal(piece))
            case str():
                out.append(Slot(piece))
            case (name, base):
                out.append(Slot(name, base))
    return tuple(out)


def distinct(frames: Sequence[bytes]) -> list[bytes]:
    """Each frame once, in the order of their first appearance."""
    return list(dict.fromkeys(frames))

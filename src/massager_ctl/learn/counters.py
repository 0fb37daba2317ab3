"""Which part of the frames counts: every step of the same size, over enough of them to be no accident."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

from massager_ctl.drivers.described.schema import CounterField
from massager_ctl.learn.fields import CountAt, Spot, read_count

MIN_STEPS: Final = 4
_DEPTH: Final = 24
_MOST_HEADS: Final = 24
_LARGEST_STEP: Final = 16
_USUAL_ENDS: Final = frozenset({9, 99, 7, 15, 31, 63, 100, 127, 200, 250, 254, 255, 9999})


def find_counters(frames: Sequence[bytes], least: int = MIN_STEPS) -> list[CountAt]:
    """Every counter that the frames, in their order, could have; the widest scope first.

    With fewer steps than MIN_STEPS as `least` it tells what cannot be ruled out, not what is.
    """
    found: list[CountAt] = []
    looked: set[tuple[bytes, ...]] = set()
    for scope in _scopes(frames, least):
        inside = [frame for frame in frames if scope.has(frame)]
        if len(inside) > least and tuple(inside) not in looked:
            looked.add(tuple(inside))
            for candidate in _in_scope(inside, scope, least):
                if not any(_covers(known, candidate) for known in found):
                    found.append(candidate)
    return found


def _covers(known: CountAt, other: CountAt) -> bool:
    """Whether `other` says the same of fewer frames."""
    a, b = known.field, other.field
    return (
        known.spot == other.spot
        and not known.besides
        and (a.size, a.text, a.order, a.shift, a.low, a.high, a.step)
        == (b.size, b.text, b.order, b.shift, b.low, b.high, b.step)
        and known.head_at < 0
        and known.length in (0, other.length)
    )


class _Scope(CountAt, frozen=True):
    """A scope is a counter without a place yet."""

    def has(self, frame: bytes) -> bool:
        if frame in self.besides or (self.length and len(frame) != self.length):
            return False
        return self.head_at < 0 or (len(frame) > self.head_at and frame[self.head_at] == self.head)


_NOWHERE: Final = Spot(0, 1)
_NO_FIELD: Final = CounterField()


def _scopes(frames: Sequence[bytes], least: int) -> Iterator[_Scope]:
    yield _Scope(_NOWHERE, _NO_FIELD)
    counts = Counter(frames)
    before: tuple[bytes, ...] = ()
    for times in (3, 2):
        often = tuple(frame for frame, count in counts.items() if count >= times)
        if often != before:
            yield _Scope(_NOWHERE, _NO_FIELD, besides=often)
        before = often
    lengths = Counter(len(frame) for frame in frames)
    if len(lengths) > 1:
        for length, count in lengths.most_common():
            if count > least:
                yield _Scope(_NOWHERE, _NO_FIELD, length)
    heads: Counter[tuple[int, int]] = Counter()
    for frame in frames:
        heads.update((at, frame[at]) for at in range(min(len(frame), 8)))
    for (at, value), count in heads.most_common(_MOST_HEADS):
        if least < count < len(frames):
            yield _Scope(_NOWHERE, _NO_FIELD, 0, at, value)


def _in_scope(frames: Sequence[bytes], scope: _Scope, least: int) -> Iterator[CountAt]:
    shortest = min(len(frame) for frame in frames)
    places = list(range(min(shortest, _DEPTH)))
    if any(len(frame) != shortest for frame in frames):
        places += list(range(-1, -min(shortest, _DEPTH) - 1, -1))
    taken: set[int] = set()
    for at in places:
        for spot, field in _kinds(at, frames):
            if at in taken:
                continue
            candidate = _tested(frames, spot, field, scope, least)
            if candidate is not None:
                taken.update(range(at, at + max(spot.size, 1)))
                yield candidate


def _kinds(at: int, frames: Sequence[bytes]) -> Iterator[tuple[Spot, CounterField]]:
    """The ways to read a counter at a place, the wider before the narrower."""
    if all(_digits(frame, at, 1, b"0123456789ABCDEFabcdef") for frame in frames):
        for size in (4, 2):
            for text in ("hex", "hex_lower"):
                if at >= 0 or -at >= size:
                    yield (
                        Spot(at, size),
                        CounterField(high=16**size - 1, text=text, digits=size),
                    )
        if all(_digits(frame, at, 1, b"0123456789") for frame in frames):
            for size in (4, 3, 2, 1):
                if at >= 0 or -at >= size:
                    yield (
                        Spot(at, size),
                        CounterField(high=10**size - 1, text="decimal", digits=size),
                    )
            if at >= 0:
                yield Spot(at, 0), CounterField(high=99_999, text="decimal", digits=0)
    for order in ("big", "little"):
        if at >= 0 or -at >= 2:
            yield Spot(at, 2), CounterField(high=0xFFFF, size=2, order=order)
    yield Spot(at, 1), CounterField(high=0xFF)
    yield Spot(at, 1), CounterField(high=0x0F)
    yield Spot(at, 1), CounterField(high=0x0F, shift=4)


def _digits(frame: bytes, at: int, size: int, known: bytes) -> bool:
    start = at if at >= 0 else len(frame) + at
    piece = frame[start : start + size]
    return len(piece) == size and all(byte in known for byte in piece)


def _tested(
    frames: Sequence[bytes], spot: Spot, field: CounterField, scope: _Scope, least: int
) -> CountAt | None:
    """The counter with its step and its range, if every step fits."""
    pieces: list[bytes] = []
    for frame in frames:
        place = spot.find(frame)
        if place is None:
            return None
        pieces.append(frame[place[0] : place[1]])
    values = [read_count(field, piece) for piece in pieces]
    if -1 in values or _foreign(pieces, field):
        return None
    again = [a == b for a, b in pairwise(frames)]
    kept = [values[0]] + [v for v, same in zip(values[1:], again, strict=True) if not same]
    steps = list(pairwise(kept))
    if len(steps) < least:
        return None
    step, often = Counter(b - a for a, b in steps).most_common(1)[0]
    if not 0 < step <= _LARGEST_STEP:
        return None
    wraps = [(a, b) for a, b in steps if b - a != step]
    ends = (0, field.high)
    if not wraps:
        if _too_wide(field, kept):
            return None
    elif any((a + step) % (field.high + 1) != b for a, b in wraps):
        if often < least or (field.high > 0x0F and _too_wide(field, kept)):
            return None
        found = _ends(wraps, kept, step)
        if found is None:
            return None
        ends = found
    low, high = ends
    counted = CounterField(
        low=low,
        high=high,
        first=values[0],
        step=step,
        size=field.size,
        shift=field.shift,
        order=field.order,
        text=field.text,
        digits=field.digits,
        on="change" if any(again) else "frame",
    )
    return CountAt(
        spot,
        counted,
        scope.length,
        scope.head_at,
        scope.head,
        len(steps),
        bool(wraps),
        scope.besides,
    )


def _too_wide(field: CounterField, kept: Sequence[int]) -> bool:
    """Whether nothing that was seen shows the upper part to be more than a constant, or a half byte to end there."""
    if field.text == "binary":
        if field.size == 2:
            return len({value >> 8 for value in kept}) == 1
        return field.high <= 0x0F
    if field.digits < 2 or (field.digits == 2 and field.text != "decimal"):
        return False
    leading = 10 ** (field.digits - 1) if field.text == "decimal" else 16 ** (field.digits // 2)
    return len({value // leading for value in kept}) == 1


def _ends(
    wraps: Sequence[tuple[int, int]], kept: Sequence[int], step: int
) -> tuple[int, int] | None:
    """The least and the greatest value of a counter that starts over at a number of its own."""
    if len(set(wraps)) != 1 or step != 1:
        return None
    end, start = wraps[0]
    if start >= end or max(kept) != end or min(kept[1:]) < start:
        return None
    # Once alone it may be a level that was taken back.
    if len(wraps) == 1 and not (start <= 1 and end in _USUAL_ENDS):
        return None
    return start, end


def _foreign(pieces: Sequence[bytes], field: CounterField) -> bool:
    """Whether text is not written as the field would write it."""
    if field.text == "binary":
        return False
    if field.text == "hex" and any(piece != piece.upper() for piece in pieces):
        return True
    if field.text == "hex_lower" and any(piece != piece.lower() for piece in pieces):
        return True
    if field.text != "decimal" or field.digits:
        return False
    padded = any(len(piece) > 1 and piece[:1] == b"0" for piece in pieces)
    return padded or len({len(piece) for piece in pieces}) < 2

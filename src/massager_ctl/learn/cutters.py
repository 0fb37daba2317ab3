"""Which bytes may count and which may be a checksum: every way to cut the frames that explains them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from massager_ctl.drivers.described.schema import Field
from massager_ctl.drivers.described.template import Template
from massager_ctl.learn.counters import find_counters
from massager_ctl.learn.fields import (
    CountAt,
    Cutter,
    Spot,
    SumAt,
    distinct,
    parts_of,
)
from massager_ctl.learn.sums import all_vary, find_sums

COUNT: Final = "count"
_BESIDE: Final = "beat"
_MOSTLY: Final = 0.9
_MOST_COUNTS: Final = 40
SUM_SPOTS: Final = tuple(
    Spot(at, size)
    for size, at in (
        (1, -1),
        (2, -2),
        (4, -4),
        (1, -2),
        (2, -3),
        (2, -4),
        (4, -6),
        (4, -5),
        (1, -3),
        (8, -8),
        (8, -9),
        (8, -10),
        (1, 1),
        (1, 2),
        (1, 3),
        (2, 1),
        (2, 2),
        (1, 0),
        (2, 0),
        (1, 4),
    )
)


def cutters(contents: Sequence[bytes]) -> list[Cutter]:
    """Nothing changes on its own; or one counter does, with each checksum that goes with it."""
    out = [Cutter()]
    for counts in _counts(contents):
        count = counts[0][1]
        counted = distinct([frame for frame in contents if count.has(frame)])
        out.append(Cutter(counts))
        explained = _explained(counted, count.spot)
        out += [Cutter(counts, (("sum", fit),)) for fit in explained]
        # Two of them, as where a byte's complement goes along and is summed as well.
        for index, inner in enumerate(explained):
            out += [
                Cutter(counts, (("inner", inner), ("sum", outer)))
                for outer in explained[:index] + explained[index + 1 :]
                if inner.field.until == "itself"
                and not _overlap(inner.spot, outer.spot, counted)
                and _comes_out(Cutter(counts, (("inner", inner), ("sum", outer))), counted)
            ]
    return out


def _counts(contents: Sequence[bytes]) -> list[tuple[tuple[str, CountAt], ...]]:
    """Each counter on its own; then a counter of all frames with one that only a keep-alive has besides."""
    found = find_counters(contents)
    out: list[tuple[tuple[str, CountAt], ...]] = [((COUNT, count),) for count in found]
    for wide in found:
        inside = [frame for frame in contents if wide.has(frame)]
        if len(inside) < _MOSTLY * len(contents) or wide.head_at >= 0:
            continue
        for narrow in found:
            own = distinct([frame for frame in inside if narrow.has(frame)])
            scoped = narrow.head_at >= 0 or narrow.length
            if scoped and own and not _overlap(narrow.spot, wide.spot, own):
                out.append(((COUNT, wide), (_BESIDE, narrow)))
    return out[:_MOST_COUNTS]


def _comes_out(cutter: Cutter, frames: Sequence[bytes]) -> bool:
    """Whether the frames can be made again: two checksums must not wait for each other."""
    fields: dict[str, Field] = {name: count.field for name, count in cutter.counts}
    fields |= {name: found.field for name, found in cutter.sums}
    return all(
        Template(parts_of(cutter.symbol(frame)), fields, {}).encode({}, cutter.counters(frame))
        == frame
        for frame in frames[:20]
    )


def _explained(frames: Sequence[bytes], taken: Spot) -> list[SumAt]:
    """A checksum for each spot that has one, without those that are a part of a wider one."""
    found = [
        fits[0]
        for spot in SUM_SPOTS
        if not _meets(spot, taken, frames) and (fits := find_sums(frames, spot))
    ]
    wide = [fit for fit in found if fit.spot.size > 1 and all_vary(frames, fit.spot)]
    return [
        fit
        for fit in found
        if not any(
            fit.spot.size < other.spot.size and _overlap(fit.spot, other.spot, frames)
            for other in wide
        )
    ]


def _meets(spot: Spot, other: Spot, frames: Sequence[bytes]) -> bool:
    return _overlap(spot, other, frames) or any(spot.find(frame) is None for frame in frames)


def _overlap(spot: Spot, other: Spot, frames: Sequence[bytes]) -> bool:
    for frame in frames[:50]:
        a, b = spot.find(frame), other.find(frame)
        if a is not None and b is not None and a[0] < b[1] and b[0] < a[1]:
            return True
    return False


def is_last(spot: Spot, frames: Sequence[bytes]) -> bool:
    """Whether nothing that changes comes after it."""
    return (
        bool(spot.size) and len({frame[(spot.find(frame) or (0, 0))[1] :] for frame in frames}) == 1
    )


def loose_bytes(frames: Sequence[bytes]) -> int:
    """How many bytes change that are not letters and no checksum at the end."""
    shortest = min(len(frame) for frame in frames)
    if len({len(frame) for frame in frames}) > 1:
        return 0
    changing = [at for at in range(shortest) if len({frame[at] for frame in frames}) > 1]
    text = all(0x20 <= frame[at] < 0x7F for frame in frames for at in changing)
    summed = max((spot.size for spot in SUM_SPOTS if find_sums(frames, spot)), default=0)
    return 0 if text else len(changing) - summed

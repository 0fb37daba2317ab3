"""The moments of a connection at which the app did something: what a person is asked about, one by one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise
from statistics import median
from typing import Final, NamedTuple

from massager_ctl.learn.capture import Connection, Message
from massager_ctl.learn.cutters import cutters
from massager_ctl.learn.fields import Symbol
from massager_ctl.learn.study import written

_GAP_S: Final = 0.25
_MOST_FRAMES: Final = 4000


class Moment(NamedTuple):
    """A change in what the app sends: when, and the frames."""

    time: float
    frames: tuple[bytes, ...]


def moments(connection: Connection) -> list[Moment]:
    """Every change, without what repeats all along."""
    writes = written(connection)[:_MOST_FRAMES]
    by_handle: defaultdict[int, list[int]] = defaultdict(list)
    for index, message in enumerate(writes):
        by_handle[message.handle].append(index)
    symbols: dict[int, Symbol] = {}
    for places in by_handle.values():
        frames = [writes[index].value for index in places]
        # The reading with the fewest kinds of frames explains most of what changes on its own.
        cut = min(
            ([cutter.symbol(frame) for frame in frames] for cutter in cutters(frames)),
            key=lambda one: len(set(one)),
        )
        symbols |= dict(zip(places, cut, strict=True))
    steady = _steady([message.time for message in writes], [symbols[i] for i in range(len(writes))])
    found: list[Moment] = []
    before: tuple[Symbol, ...] = ()
    group: list[int] = []
    for index, message in enumerate(writes):
        if symbols[index] in steady:
            continue
        if group and message.time - writes[group[-1]].time > _GAP_S:
            before = _add(found, group, symbols, before, writes)
            group = []
        group.append(index)
    if group:
        _add(found, group, symbols, before, writes)
    return found


def _add(
    found: list[Moment],
    group: Sequence[int],
    symbols: dict[int, Symbol],
    before: tuple[Symbol, ...],
    writes: Sequence[Message],
) -> tuple[Symbol, ...]:
    content = tuple(dict.fromkeys(symbols[index] for index in group))
    if content != before:
        frames = tuple(writes[index].value for index in group)
        found.append(Moment(writes[group[0]].time, frames))
    return content


def _steady(times: Sequence[float], symbols: Sequence[Symbol]) -> set[Symbol]:
    """What is sent at even intervals over most of the time."""
    by_symbol: defaultdict[Symbol, list[float]] = defaultdict(list)
    for time, symbol in zip(times, symbols, strict=True):
        by_symbol[symbol].append(time)
    span = times[-1] - times[0] if times else 0.0
    steady: set[Symbol] = set()
    for symbol, at in by_symbol.items():
        gaps = [b - a for a, b in pairwise(at)]
        if len(gaps) < 4 or at[-1] - at[0] < 0.5 * span:
            continue
        usual = median(gaps)
        if sum(abs(gap - usual) <= 0.25 * usual for gap in gaps) >= 0.7 * len(gaps):
            steady.add(symbol)
    return steady

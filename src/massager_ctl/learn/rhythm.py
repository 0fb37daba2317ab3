"""What repeats in a capture: at which period, and during which levels."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import pairwise
from statistics import median
from typing import Final

from msgspec import Struct

from massager_ctl.learn.fields import Symbol
from massager_ctl.learn.labels import Action, Label

NEAR_S: Final = 1.5
SHIFT_S: Final = 3.0
BURST_S: Final = 0.25
"""Writes closer than this belong to one action; no one presses twice so fast."""
SETTLE_S: Final = 0.3
_REGULAR: Final = 0.25
_MOSTLY: Final = 0.7


class Act(Struct, frozen=True):
    """What a labelled action sent: the places of its writes."""

    label: Label
    writes: tuple[int, ...]


class Segment(Struct):
    """A stretch between two labels, and the level during it. Seconds."""

    begin: float
    end: float
    value: int

    @property
    def length(self) -> float:
        """Seconds."""
        return self.end - self.begin


class Rhythm(Struct):
    """How often something repeats. `every`: seconds."""

    every: float
    values: frozenset[int]
    """The levels during which it repeats; 0 is off."""
    absent: frozenset[int]


def segments_of(times: Sequence[float], labels: Sequence[Label], end: float) -> list[Segment]:
    """The stretches between actions, and the level that was on in each."""
    out = [Segment(times[0], labels[0].time, 0)]
    value = 0
    for index, label in enumerate(labels):
        if label.action in (Action.LEVEL, Action.STOP):
            value = label.level
        until = labels[index + 1].time if index + 1 < len(labels) else max(end, label.time)
        out.append(Segment(label.time, until, value))
    return out


def find_rhythms(
    times: Sequence[float], symbols: Sequence[Symbol], segments: Sequence[Segment]
) -> dict[Symbol, Rhythm]:
    """The frames that repeat, with their rhythms."""
    by_symbol: defaultdict[Symbol, list[float]] = defaultdict(list)
    for time, symbol in zip(times, symbols, strict=True):
        by_symbol[symbol].append(time)
    found: dict[Symbol, Rhythm] = {}
    for symbol, moments in by_symbol.items():
        if len(moments) >= 3 and (rhythm := _rhythm(moments, segments, times)) is not None:
            found[symbol] = rhythm
    return found


def _rhythm(
    moments: Sequence[float], segments: Sequence[Segment], times: Sequence[float]
) -> Rhythm | None:
    inside = [
        [t for t in moments if segment.begin + SETTLE_S < t < segment.end - SETTLE_S]
        for segment in segments
    ]
    gaps = [b - a for part in inside for a, b in pairwise(part)]
    if len(gaps) < 2:
        return _slow_rhythm(moments, segments)
    every, share = _period(gaps), 0.6
    if every is None:
        # Its timer may restart with whatever else is sent: then it comes less often than its period says.
        every, share = _since_any(times, [t for part in inside for t in part]), 0.3
    if every is None:
        return None
    seen: defaultdict[int, list[bool]] = defaultdict(list)
    for segment, part in zip(segments, inside, strict=True):
        expected = (segment.length - 2 * SETTLE_S) / every
        if expected >= 1.6:
            seen[segment.value].append(len(part) >= share * (expected - 0.5))
    # A label that lies off can let it seem to go on into another level, once.
    present = frozenset(value for value, found in seen.items() if 2 * sum(found) >= len(found))
    return Rhythm(every, present, frozenset(seen) - present) if present else None


def _slow_rhythm(moments: Sequence[float], segments: Sequence[Segment]) -> Rhythm | None:
    """One that is slower than the person: it goes on whatever is pressed, so the stretches do not matter."""
    every = _regular([b - a for a, b in pairwise(moments)])
    near = Counter(s.value for moment in moments for s in segments if _begins(s, moment))
    # A key that the person pressed in an even rhythm is sent near its label each time.
    if every is None or max(near.values(), default=0) >= _MOSTLY * len(moments):
        return None
    met = {
        s.value
        for s in segments
        if any(s.begin + SETTLE_S < moment < s.end - SETTLE_S for moment in moments)
    }
    return Rhythm(every, frozenset(met), frozenset()) if len(met) > 1 else None


def _begins(segment: Segment, moment: float) -> bool:
    return abs(moment - segment.begin) <= SHIFT_S


def find_families(
    times: Sequence[float],
    symbols: Sequence[Symbol],
    segments: Sequence[Segment],
    fixed: set[Symbol],
    said: set[Symbol],
) -> tuple[float, dict[int, tuple[Symbol, ...]]]:
    """Frames of one shape that repeat, each while its level is on: their period, and the frame for each level."""
    by_shape: defaultdict[tuple[object, ...], list[int]] = defaultdict(list)
    for index, symbol in enumerate(symbols):
        if symbol not in said and symbol not in fixed:
            by_shape[_shape(symbol)].append(index)
    for places in by_shape.values():
        if len({symbols[index] for index in places}) < 2:
            continue
        by_level: defaultdict[int, list[Symbol]] = defaultdict(list)
        gaps: list[float] = []
        for segment in segments:
            inside = [i for i in places if segment.begin <= times[i] < segment.end]
            by_level[segment.value] += [symbols[i] for i in inside]
            gaps += [times[b] - times[a] for a, b in pairwise(inside)]
        every = _regular(gaps)
        if every is None:
            continue
        # A frame near an action may still tell the level before it.
        usual = {v: Counter(found).most_common(1)[0] for v, found in by_level.items() if found}
        strays = sum(len(by_level[v]) - count for v, (_, count) in usual.items())
        one_each = len({symbol for symbol, _ in usual.values()}) == len(usual)
        often = sum(count for _, count in usual.values()) >= 2 * len(usual)
        if len(usual) > 1 and one_each and often and strays <= len(segments):
            return every, {value: (symbol,) for value, (symbol, _) in usual.items()}
    return 1.0, {}


def _regular(gaps: Sequence[float]) -> float | None:
    """The period of these gaps, if they are enough to show one."""
    return None if len(gaps) < 3 else _period(gaps)


def _period(gaps: Sequence[float]) -> float | None:
    every = median(gaps)
    near = sum(abs(gap - every) <= _REGULAR * every for gap in gaps)
    return every if every > 0.01 and near >= _MOSTLY * len(gaps) else None


def _since_any(times: Sequence[float], moments: Sequence[float]) -> float | None:
    """The time that these writes come after whatever was sent before, if it is always the same."""
    before = [time - times[bisect_left(times, time) - 1] for time in moments if time > times[0]]
    every = _regular(before)
    return every if every is not None and every > BURST_S else None


def find_resend(
    times: Sequence[float],
    symbols: Sequence[Symbol],
    acts: Sequence[Act],
    labels: Sequence[Label],
    end: float,
    fixed: set[Symbol],
) -> tuple[Rhythm | None, bool]:
    """Whether commands are sent again until the next action, and in what rhythm; or in none that was seen."""
    gaps: list[float] = []
    again: list[float] = []
    spans: list[tuple[int, float, int]] = []
    borders = [act.writes[0] for act in acts] + [len(times)]
    for act, border in zip(acts, borders[1:], strict=True):
        last = symbols[act.writes[-1]]
        if last in fixed or act.label.action is Action.ON:
            continue
        here = [times[i] for i in range(act.writes[-1], border) if symbols[i] == last]
        if not here:
            continue
        pressed = [one.time for one in labels if here[0] + NEAR_S < one.time]
        until = min([end, *pressed]) if border == len(times) else times[border]
        # The log may end with the last command itself.
        here = here[:1] + [time for time in here[1:] if time < until]
        gaps += [b - a for a, b in pairwise(here)]
        again += here[1:]
        spans.append((act.label.level, until - here[0], len(here) - 1))
    if not gaps:
        return None, False
    # From each command on; or by a clock that no command sets; or so long after whatever was sent last.
    between = [b - a for a, b in pairwise(again)]
    every = _regular(gaps) or _regular(between) or _since_any(times, again)
    if every is None:
        return None, True
    due = [(level, count) for level, span, count in spans if span >= 1.6 * every]
    on = {level for level, count in due if count}
    off = {level for level, count in due if not count}
    if (on - {0}) & off or not on - {0} or off - {0}:
        return None, True
    return Rhythm(every, frozenset(on), frozenset(off)), False


def _shape(symbol: Symbol) -> tuple[object, ...]:
    return tuple(len(piece) if isinstance(piece, bytes) else piece for piece in symbol)

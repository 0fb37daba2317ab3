"""One hypothesis about what the writes mean, and how much of them it explains."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from massager_ctl.drivers.described.schema import Field
from massager_ctl.learn.fields import (
    Cutter,
    Symbol,
)
from massager_ctl.learn.labels import Action, Label
from massager_ctl.learn.timeline import Timeline, explain
from massager_ctl.learn.views import View


class Doubt(Struct, frozen=True):
    """What is not proved: a part and why; `stands` means that nothing may be driven before it is settled."""

    part: str
    why: str
    stands: bool = True


class Sent(Struct, frozen=True):
    """The writes of one connection to one place, in their order."""

    times: tuple[float, ...]
    frames: tuple[bytes, ...]


class Model(Struct, frozen=True):
    """What the writes mean."""

    view: View
    cutter: Cutter
    contents: tuple[bytes, ...]
    symbols: tuple[Symbol, ...]
    timeline: Timeline
    levels: dict[int, tuple[Symbol, ...]]
    stop: tuple[Symbol, ...]
    wake: tuple[Symbol, ...]
    doubts: tuple[Doubt, ...]
    remarks: tuple[str, ...] = ()

    @property
    def fields(self) -> dict[str, Field]:
        """The changing parts by name: counters first, then checksums."""
        found: dict[str, Field] = {name: count.field for name, count in self.cutter.counts}
        return found | {name: at.field for name, at in self.cutter.sums}


class Trial(Struct):
    """One hypothesis about the changing parts, followed to its end."""

    view: View
    cutter: Cutter
    contents: list[bytes]
    symbols: list[Symbol]
    timeline: Timeline
    cost: tuple[int, int, int, int]


def as_good(trial: Trial, best: Trial) -> bool:
    """Whether it explains as much; what was seen to count over more frames is the better seen."""
    cost, _, bad, steps = trial.cost
    return cost <= best.cost[0] + 1 and bad <= best.cost[2] and steps <= best.cost[3]


def tried(
    view: View,
    cutter: Cutter,
    times: Sequence[float],
    contents: list[bytes],
    labels: Sequence[Label],
    end: float,
) -> Trial:
    """This cut, followed to its end, and what it costs: what does not agree, and what it leaves open."""
    symbols = [cutter.symbol(content) for content in contents]
    timeline = explain(times, symbols, labels, end)
    levels, _, bad = gathered(symbols, timeline)
    sets = list(levels.values())
    bad += len(timeline.missing) + len(sets) - len({*sets})
    open_ = len({symbols[i] for i in timeline.unlabelled}) + len(
        {symbols[i] for i in timeline.start}
    )
    # A counter that was not seen as one makes as many slow keep-alives as it has values.
    open_ += len(timeline.beats)
    fields = 2 * len(cutter.counts) + 2 * len(cutter.sums)
    if view != View():
        fields -= 1
    steps = sum(count.steps for _, count in cutter.counts)
    cost = (4 * bad + open_ + fields, fields, bad, -steps)
    return Trial(view, cutter, contents, symbols, timeline, cost)


def gathered(
    symbols: Sequence[Symbol], timeline: Timeline
) -> tuple[dict[int, tuple[Symbol, ...]], tuple[Symbol, ...], int]:
    """What sets each level (0: off), what wakes the device before a level, and how much does not agree."""
    seen: dict[tuple[int, bool], list[tuple[Symbol, ...]]] = {}
    on: list[tuple[Symbol, ...]] = []
    level = 0
    for act in timeline.acts:
        sent = tuple(symbols[i] for i in act.writes)
        if act.label.action is Action.ON:
            on.append(sent)
            continue
        # A second stop may be sent otherwise than the first, so it counts like a level that was on.
        seen.setdefault((act.label.level, level == 0), []).append(sent)
        level = act.label.level
    levels: dict[int, tuple[Symbol, ...]] = {}
    bad = 0
    wakes = set(on)
    lonely = only_from_off(symbols, timeline)
    for number in sorted({number for number, _ in seen}):
        from_off = seen.get((number, True), [])
        from_on = seen.get((number, False), [])
        usual = _common(from_on or from_off)
        from_on = [sent if usual != _shared(sent, usual) else usual for sent in from_on]
        bad += sum(sent != usual for sent in from_on)
        for sent in from_off:
            if sent == usual:
                continue
            if from_on and sent[-len(usual) :] == usual and number > 0:
                wakes.add(sent[: -len(usual)])
            else:
                bad += 1
        levels[number] = usual
    others = [usual for number, usual in levels.items() if number and number not in lonely]
    for sent in lonely.values():
        if switch := _switches_on(sent, levels.get(0, ()), others):
            wakes.add(switch)
    wake = next(iter(wakes), ())
    if wake:
        levels = {
            number: sent[len(wake) :] if number and sent[: len(wake)] == wake else sent
            for number, sent in levels.items()
        }
    return levels, wake, bad + max(len(wakes) - 1, 0)


def only_from_off(symbols: Sequence[Symbol], timeline: Timeline) -> dict[int, tuple[Symbol, ...]]:
    """The levels of which no one has seen what is theirs and what switches the device on: they came from off alone."""
    from_off: dict[int, tuple[Symbol, ...]] = {}
    from_on: dict[int, tuple[Symbol, ...]] = {}
    before = 0
    for act in timeline.acts:
        sent = tuple(symbols[i] for i in act.writes)
        if act.label.action is Action.ON:
            before = -1
            continue
        (from_on if before else from_off)[act.label.level] = sent
        before = act.label.level
    usual = [sent for number, sent in from_on.items() if number]
    most = max(map(len, usual), default=0)
    return {
        number: sent
        for number, sent in from_off.items()
        if number and number not in from_on and len(sent) > most > 0
    }


def _switches_on(
    sent: tuple[Symbol, ...], stop: tuple[Symbol, ...], others: Sequence[tuple[Symbol, ...]]
) -> tuple[Symbol, ...]:
    """What of these frames switches on: it is to the stop as on is to off, and the rest is as other levels are."""
    if len(sent) != 2 or len(stop) != 1 or any(len(other) != 1 for other in others) or not others:
        return ()
    on, level = (_bytes(symbol) for symbol in sent)
    off = _bytes(stop[0])
    usual = [_bytes(other[0]) for other in others]
    if len(on) != len(off) or any(len(level) != len(other) for other in usual):
        return ()
    own = _alike(on, off)
    command = min(_alike(level, other) for other in usual)
    # The bytes that tell a switch from a level are in both places before what differs.
    apart = max(_alike(on, other) for other in [level, *usual])
    return sent[:1] if own > apart < command else ()


def _bytes(symbol: Symbol) -> list[int]:
    """A symbol byte by byte; -1 for what changes."""
    return [byte for piece in symbol for byte in (piece if isinstance(piece, bytes) else (-1,))]


def _alike(one: Sequence[int], other: Sequence[int]) -> int:
    """How many bytes are the same at the beginning."""
    size = min(len(one), len(other))
    return next((at for at in range(size) if one[at] != other[at]), size)


def _common(groups: Sequence[tuple[Symbol, ...]]) -> tuple[Symbol, ...]:
    """What is in all of them, in order: what only came close once is not in the others."""
    found = tuple(symbol for symbol in groups[0] if all(symbol in sent for sent in groups))
    return found or groups[0]


def _shared(sent: tuple[Symbol, ...], usual: tuple[Symbol, ...]) -> tuple[Symbol, ...]:
    return tuple(symbol for symbol in sent if symbol in usual)

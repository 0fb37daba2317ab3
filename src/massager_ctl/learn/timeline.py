"""The writes beside the labels: what repeats on its own, what each action sent, and what stays unexplained."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Sequence, Set
from itertools import pairwise
from statistics import median
from typing import Final

import msgspec
from msgspec import Struct

from massager_ctl.learn.fields import Symbol
from massager_ctl.learn.labels import Action, Label
from massager_ctl.learn.rhythm import (
    BURST_S,
    NEAR_S,
    SETTLE_S,
    SHIFT_S,
    Act,
    Rhythm,
    find_families,
    find_resend,
    find_rhythms,
    segments_of,
)

_ONE_KEY_S: Final = 1.0
"""What follows so soon is of the same key: some apps switch on first, and wait a little."""
_CLOSE_S: Final = 0.6
"""So close to its label a burst has to be that is like the one before and is one of several."""
_OFF: Final = frozenset((0,))
Burst = tuple[Symbol, ...]


class Beat(Struct, frozen=True):
    """A frame that is sent again and again, whatever the level."""

    symbol: Symbol
    every: float
    always: bool


class Timeline(Struct, frozen=True):
    """The writes of a connection, explained as far as they are."""

    start: tuple[int, ...]
    beats: tuple[Beat, ...]
    resend: float | None
    resend_off: bool
    unclear: bool
    """Whether commands are sent again, but in no rhythm that was seen."""
    acts: tuple[Act, ...]
    alive_every: float
    alive: dict[int, tuple[Symbol, ...]]
    """By level: what repeats while it is on, and is not what set it."""
    unlabelled: tuple[int, ...]
    missing: tuple[Label, ...]
    idle_only: tuple[Symbol, ...]
    """What repeats only while the device is off."""
    shift: float


def explain(
    times: Sequence[float], symbols: Sequence[Symbol], labels: Sequence[Label], end: float
) -> Timeline:
    """The timeline of these writes. There is at least one write and one label.

    A label is where the person looked at a watch: first all of them are moved by what they lie off in general, then
    each to what was sent with it, and the timeline is built again with those moments.
    """
    firsts = {(label.action, label.level): label for label in reversed(labels)}
    shift = _shift(_first_times(times, symbols), list(firsts.values()))
    moved = [label._replace(time=label.time + shift) for label in labels]
    timeline = _explained(times, symbols, moved, end)
    exact = {act.label: times[act.writes[0]] for act in timeline.acts}
    again = sorted(
        label._replace(time=exact.get(label, label.time + timeline.shift)) for label in moved
    )
    repeating = {symbol for found in timeline.alive.values() for symbol in found}
    explained = _explained(times, symbols, again, end, repeating)
    return msgspec.structs.replace(explained, shift=shift + timeline.shift)


def _first_times(times: Sequence[float], symbols: Sequence[Symbol]) -> list[float]:
    """When each frame was sent for the first time."""
    first: dict[Symbol, float] = {}
    for time, symbol in zip(times, symbols, strict=True):
        first.setdefault(symbol, time)
    return list(first.values())


def _explained(
    times: Sequence[float],
    symbols: Sequence[Symbol],
    labels: Sequence[Label],
    end: float,
    repeating: Set[Symbol] = frozenset(),
) -> Timeline:
    segments = segments_of(times, labels, end)
    rhythms = find_rhythms(times, symbols, segments)
    fixed = {symbol for symbol, rhythm in rhythms.items() if len(rhythm.values) > 1}
    gaps = [rhythm.every for symbol, rhythm in rhythms.items() if symbol not in fixed]
    bursts = _bursts(
        times, symbols, fixed | repeating, min([BURST_S, *(0.4 * gap for gap in gaps)])
    )
    runs = _of_one_key(_runs(bursts, symbols), times, labels)
    shift = _shift([times[run[0]] for run in runs], labels)
    acts, missing, used = _acts(times, symbols, labels, bursts, runs, shift, set(rhythms))
    said = {symbols[index] for act in acts for index in act.writes}
    first = min((act.writes[0] for act in acts), default=len(times))
    free = [index for run in runs if run[0] not in used for index in run]
    commands = _commands(acts, symbols)
    every, alive = find_families(times, symbols, segments, fixed, commands)
    acts = _without(acts, symbols, {one for found in alive.values() for one in found})
    said = {symbols[index] for act in acts for index in act.writes}
    family = {one for found in alive.values() for one in found}
    beats, idle, partial = _beats(rhythms, fixed, said, family)
    resend, unclear = find_resend(times, symbols, acts, labels, end, fixed)
    repeated = {symbol for symbol in rhythms if symbol not in said}
    repeated |= {symbol for found in alive.values() for symbol in found}
    levels = {symbols[i] for act in acts if act.label.level for i in act.writes}
    return Timeline(
        # What a label stands for is not a greeting: the app may send its stop again before anything was pressed.
        start=tuple(i for i in free if i < first and symbols[i] not in repeated | said),
        beats=beats,
        resend=resend.every if resend else None,
        resend_off=resend is not None and 0 in resend.values,
        unclear=unclear or partial,
        acts=acts,
        alive_every=every,
        alive=alive,
        unlabelled=tuple(
            i
            for i in free
            if symbols[i] not in repeated
            and ((i > first and symbols[i] not in said) or (i < first and symbols[i] in levels))
        ),
        missing=missing,
        idle_only=idle,
        shift=shift,
    )


def _commands(acts: Sequence[Act], symbols: Sequence[Symbol]) -> set[Symbol]:
    """What actions send: what comes first with each most often, or each time; and what is sent with actions alone."""
    places = {index for act in acts for index in act.writes}
    elsewhere = {symbol for index, symbol in enumerate(symbols) if index not in places}
    by_label: defaultdict[tuple[Action, int], list[list[Symbol]]] = defaultdict(list)
    for act in acts:
        by_label[act.label.action, act.label.level].append([symbols[i] for i in act.writes])
    first = {Counter(s[0] for s in sent).most_common(1)[0][0] for sent in by_label.values()}
    each = {
        s for sent in by_label.values() if len(sent) > 1 for s in set(sent[0]).intersection(*sent)
    }
    return first | each | {symbols[index] for index in places if symbols[index] not in elsewhere}


def _without(
    acts: Sequence[Act], symbols: Sequence[Symbol], family: set[Symbol]
) -> tuple[Act, ...]:
    """The acts without what repeats on its own and only came close."""
    kept: list[Act] = []
    for act in acts:
        own = tuple(index for index in act.writes if symbols[index] not in family)
        kept.append(Act(act.label, own or act.writes))
    return tuple(kept)


def _bursts(
    times: Sequence[float], symbols: Sequence[Symbol], fixed: set[Symbol], gap: float
) -> list[list[int]]:
    """The writes that no rhythm explains, those together that follow closely."""
    out: list[list[int]] = []
    last = -1e9
    for index, (time, symbol) in enumerate(zip(times, symbols, strict=True)):
        if symbol in fixed:
            continue
        if time - last <= gap:
            out[-1].append(index)
        else:
            out.append([index])
        last = time
    return out


def _runs(bursts: Sequence[list[int]], symbols: Sequence[Symbol]) -> list[list[int]]:
    """The bursts that are not the same as the one before."""
    out: list[list[int]] = []
    before: Burst = ()
    for burst in bursts:
        if tuple(dict.fromkeys(symbols[index] for index in burst)) == before:
            continue
        # What was sent before and is sent again at its head is a repetition that came close.
        fresh = list(burst)
        while len(fresh) > 1 and symbols[fresh[0]] in before:
            fresh.pop(0)
        content = tuple(dict.fromkeys(symbols[index] for index in fresh))
        if content != before:
            out.append(fresh)
        before = content
    return out


def _of_one_key(
    runs: Sequence[list[int]], times: Sequence[float], labels: Sequence[Label]
) -> list[list[int]]:
    """The runs, with those together that are too close for two keys of this person."""
    rests = [b.time - a.time for a, b in pairwise(labels)]
    room = min([_ONE_KEY_S, *(0.1 * rest for rest in rests)])
    out: list[list[int]] = []
    for run in runs:
        if out and times[run[-1]] - times[out[-1][0]] <= room:
            out[-1] = [*out[-1], *run]
        else:
            out.append(run)
    return out


def _shift(starts: Sequence[float], labels: Sequence[Label]) -> float:
    """How far the labels lie from what was sent, in general: a watch that is off, a slow hand."""
    if not starts:
        return 0.0
    offsets = [
        min((start - label.time for start in starts), key=abs)
        for label in labels
        if label.action is not Action.OTHER
    ]
    near = [offset for offset in offsets if abs(offset) <= SHIFT_S]
    return median(near) if 2 * len(near) >= len(offsets) and near else 0.0


def _acts(
    times: Sequence[float],
    symbols: Sequence[Symbol],
    labels: Sequence[Label],
    bursts: Sequence[list[int]],
    runs: Sequence[list[int]],
    shift: float,
    rhythmic: set[Symbol],
) -> tuple[tuple[Act, ...], tuple[Label, ...], set[int]]:
    """Each label with the change that lies nearest; the first write of each change that was used."""
    acts: list[Act] = []
    missing: list[Label] = []
    used: set[int] = set()
    for index, label in enumerate(labels):
        at = label.time + shift
        room = NEAR_S
        for other in (index - 1, index + 1):
            if 0 <= other < len(labels):
                room = min(room, 0.48 * abs(labels[other].time - label.time) + 0.05)
        near = [run for run in runs if abs(times[run[0]] - at) <= room and run[0] not in used]
        if near:
            chosen = min(near, key=lambda run: _distance(times[run[0]] - at))
        else:
            again = [burst for burst in bursts if abs(times[burst[0]] - at) <= room]
            if len(again) > 1:
                again = [burst for burst in again if abs(times[burst[0]] - at) <= _CLOSE_S]
            if not again:
                if label.action is not Action.OTHER:
                    missing.append(label)
                continue
            chosen = min(again, key=lambda burst: _distance(times[burst[0]] - at))
        used.add(chosen[0])
        if label.action is not Action.OTHER:
            since = labels[index - 1].time + shift - SETTLE_S if index else times[0]
            going = {
                symbols[i]
                for i in range(bisect_left(times, since), chosen[0])
                if symbols[i] in rhythmic
            }
            acts.append(Act(label, _once(chosen, symbols, going)))
    return tuple(acts), tuple(missing), used


def _distance(offset: float) -> float:
    return offset if offset >= 0 else -1.5 * offset


def _once(burst: Sequence[int], symbols: Sequence[Symbol], going: set[Symbol]) -> tuple[int, ...]:
    """The writes of a burst without immediate repetitions, and without what was going on and only came close."""
    single = [index for index in burst if symbols[index] not in going]
    seen: set[Symbol] = set()
    out: list[int] = []
    for index in single or burst:
        if symbols[index] not in seen:
            seen.add(symbols[index])
            out.append(index)
    return tuple(out)


def _beats(
    rhythms: dict[Symbol, Rhythm], fixed: set[Symbol], said: set[Symbol], family: set[Symbol]
) -> tuple[tuple[Beat, ...], tuple[Symbol, ...], bool]:
    """What repeats whatever the level, what does while off alone, and whether something does in part of the levels."""
    partial = False
    beats: list[Beat] = []
    idle: list[Symbol] = []
    for symbol, rhythm in rhythms.items():
        if symbol in fixed:
            beats.append(Beat(symbol, rhythm.every, 0 in rhythm.values))
        elif symbol in said or symbol in family:
            continue
        elif rhythm.values == _OFF:
            if rhythm.absent:
                idle.append(symbol)
            else:
                beats.append(Beat(symbol, rhythm.every, always=True))
        else:
            partial = partial or bool(rhythm.absent - _OFF)
            beats.append(Beat(symbol, rhythm.every, always=False))
    return tuple(beats), tuple(idle), partial

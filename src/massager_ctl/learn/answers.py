"""Finds the answer in which the device reports its level."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from msgspec import Struct

from massager_ctl.drivers.described.template import Anything, Literal, Part, Slot

_FRESH_S: Final = 0.35
"""So long after an action an answer may still tell the level before."""
_PREFIX: Final = 4
_MOST: Final = 20_000


class Notification(NamedTuple):
    """One notification."""

    time: float
    handle: int
    frame: bytes


class StateForm(Struct, frozen=True):
    """A frame from the device with the level in it."""

    handle: int
    parts: tuple[Part, ...]
    levels: dict[int, bytes]
    example: tuple[Notification, ...]
    after_stop: bool
    """Whether one reported level 0 after each stop."""
    within_s: float


class _Group(Struct):
    handle: int
    length: int
    prefix: bytes
    notifications: list[Notification]


def find_state(
    notifications: Sequence[Notification],
    changes: Sequence[tuple[float, int]],
    known: Mapping[int, bytes],
) -> StateForm | None:
    """The form that fits every notification of its kind, or None.

    `changes` are the moments of the actions with the level from then on; `known` is what stands for each level in
    what is sent, which a device often tells back.
    """
    notifications = notifications[:_MOST]
    if not notifications or len({level for _, level in changes}) < 2:
        return None
    best: tuple[tuple[int, int, int], StateForm] | None = None
    for group in _groups(notifications):
        for at, size in _spots(group):
            form = _form(group, at, size, changes, notifications)
            if form is None:
                continue
            score = (
                int(_natural(form.levels, known)),
                int(form.after_stop),
                len(form.levels) * 1000 + min(len(group.notifications), 900) - at,
            )
            if best is None or score > best[0]:
                best = score, form
    if best is None:
        return None
    score, form = best
    # A byte that was seen once a level and looks like nothing known may be anything.
    return form if score[0] or _repeated(form, changes) else None


def _groups(notifications: Sequence[Notification]) -> list[_Group]:
    """The notifications by place, length and beginning; the finer groups last."""
    out: list[_Group] = []
    for size in range(_PREFIX + 1):
        by_key: defaultdict[tuple[int, int, bytes], list[Notification]] = defaultdict(list)
        for one in notifications:
            if len(one.frame) > size:
                by_key[one.handle, len(one.frame), one.frame[:size]].append(one)
        for (handle, length, prefix), members in by_key.items():
            if len(members) >= 2:
                out.append(_Group(handle, length, prefix, members))
    return out


def _spots(group: _Group) -> list[tuple[int, int]]:
    """Bytes that change, one by one, and digits of text together."""
    frames = [one.frame for one in group.notifications]
    changing = [
        at
        for at in range(len(group.prefix), group.length)
        if any(frame[at] != frames[0][at] for frame in frames)
    ]
    spots = [(at, 1) for at in changing]
    for size in (3, 2):
        for at in range(len(group.prefix), group.length - size + 1):
            digits = all(frame[at : at + size].isdigit() for frame in frames)
            wide = size == 2 and any(a in changing for a in (at, at + 1))
            if (digits or wide) and any(a in changing for a in range(at, at + size)):
                spots.append((at, size))
    return spots


def _form(
    group: _Group,
    at: int,
    size: int,
    changes: Sequence[tuple[float, int]],
    notifications: Sequence[Notification],
) -> StateForm | None:
    moments = [time for time, _ in changes]
    values: dict[int, bytes] = {}
    unclear: list[tuple[int, int, bytes]] = []
    for one in group.notifications:
        index = bisect_right(moments, one.time) - 1
        level = changes[index][1] if index >= 0 else 0
        value = one.frame[at : at + size]
        if index >= 0 and one.time - moments[index] < _FRESH_S:
            before = changes[index - 1][1] if index else 0
            if before != level:
                unclear.append((before, level, value))
                continue
        if values.setdefault(level, value) != value:
            return None
    for before, level, value in unclear:
        if value in (values.get(before), values.get(level)):
            continue
        if level in values:
            return None
        values[level] = value
    # What does not tell every level that was set tells something else.
    if set(values) != {0, *(level for _, level in changes)}:
        return None
    if len(set(values.values())) != len(values):
        return None
    return StateForm(
        group.handle,
        _parts(group, at, size, notifications),
        dict(sorted(values.items())),
        _examples(group, at, size, values),
        *_confirmed(group, at, size, changes, values[0]),
    )


def _parts(
    group: _Group, at: int, size: int, notifications: Sequence[Notification]
) -> tuple[Part, ...]:
    """The frame with its level. What comes after the level may hold what a short capture does not show, such as the
    minutes that are left: it may be anything, unless that would take in other notifications.
    """
    frames = [one.frame for one in group.notifications]
    still = [len({frame[index] for frame in frames}) == 1 for index in range(group.length)]
    loose = still[:at] + [False] * (group.length - at)
    ours = set(frames)
    if not any(still[:at]) or any(
        one.handle == group.handle
        and one.frame not in ours
        and len(one.frame) == group.length
        and all(one.frame[i] == frames[0][i] for i in range(at) if still[i])
        for one in notifications
    ):
        loose = still
    parts: list[Part] = []
    index = 0
    while index < group.length:
        if index == at:
            parts.append(Slot("level"))
            index += size
            continue
        parts.append(Literal(frames[0][index : index + 1]) if loose[index] else Anything())
        index += 1
    return tuple(parts)


def _examples(
    group: _Group, at: int, size: int, values: Mapping[int, bytes]
) -> tuple[Notification, ...]:
    """One frame for each level."""
    found: dict[bytes, Notification] = {}
    for one in group.notifications:
        value = one.frame[at : at + size]
        if value in values.values():
            found.setdefault(value, one)
    return tuple(found.values())


def _confirmed(
    group: _Group, at: int, size: int, changes: Sequence[tuple[float, int]], off: bytes
) -> tuple[bool, float]:
    """Whether level 0 was reported after each stop, and after at most how long."""
    longest = 0.0
    stops = [index for index, (_, level) in enumerate(changes) if level == 0]
    for index in stops:
        begin = changes[index][0]
        end = changes[index + 1][0] if index + 1 < len(changes) else float("inf")
        waits = [
            one.time - begin
            for one in group.notifications
            if begin <= one.time < end and one.frame[at : at + size] == off
        ]
        if not waits:
            return False, 0.0
        longest = max(longest, waits[0])
    return bool(stops), longest


def _natural(levels: Mapping[int, bytes], known: Mapping[int, bytes]) -> bool:
    """Whether the device tells levels as they are sent, as numbers, or as digits."""
    if all(known.get(level) == value for level, value in levels.items() if level):
        return True
    numbers = {level: int.from_bytes(value, "big") for level, value in levels.items()}
    if all(number == level for level, number in numbers.items()):
        return True
    return all(value.isdigit() and int(value) == level for level, value in levels.items())


def _repeated(form: StateForm, changes: Sequence[tuple[float, int]]) -> bool:
    """Whether some level came a second time and was reported alike."""
    levels = [level for _, level in changes if level in form.levels]
    return len(levels) > len(set(levels)) or len(form.levels) >= 4

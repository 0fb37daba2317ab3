"""Plain words for times, places, motions and reasons, the same in every front end, without rule ids."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from massager_ctl.model.device import Pattern
from massager_ctl.model.status import Held
from massager_ctl.model.units import Direction, Motion, Zone

_RULES: Final = re.compile(r" ?\((?:[RPTZDK]\d+(?:, | and | to )?)+\)")
"""A rule's id in parentheses, as errors and events carry it for logs and `--json`."""

_MOTIONS: Final[dict[Motion, str]] = {
    Motion.VIBRATE: "vibration",
    Motion.KNEAD: "kneading",
    Motion.GLIDE: "gliding",
    Motion.CIRCLE: "circling",
    Motion.HOLD: "holding still",
    Motion.REST: "at rest",
}

_WAYS: Final[dict[Direction, str]] = {
    Direction.NONE: "",
    Direction.CW: "clockwise",
    Direction.CCW: "anticlockwise",
    Direction.ALTERNATE: "both ways",
    Direction.UP: "upwards",
    Direction.DOWN: "downwards",
}


def plain(text: str) -> str:
    """The text without rule ids, which mean nothing to the user."""
    return _RULES.sub("", text)


def lasting(seconds: float) -> str:
    """A time that is left or planned: `45 s`, `4 min 5 s`; rounded up, so that 0 s is shown only at the end."""
    return _time(-int(-max(0.0, seconds) // 1))


def passed(seconds: float) -> str:
    """A time that has passed, in the same words, rounded down."""
    return _time(int(max(0.0, seconds)))


def _time(whole: int) -> str:
    minutes, rest = divmod(whole, 60)
    if not minutes:
        return f"{rest} s"
    return f"{minutes} min {rest} s" if rest else f"{minutes} min"


def place(zone: Zone) -> str:
    """A zone in words: `neck, left`."""
    muscle, _, side = zone.value.rpartition("_")
    return f"{muscle}, {side}"


def percent(level: float) -> str:
    """A level in percent of the rated output, without needless digits: `15.5 %`, `20 %`."""
    return f"{level:.1f}".removesuffix(".0") + " %"


def motion(pattern: Pattern) -> str:
    """A motion and its direction: `kneading, both ways`."""
    way = _WAYS[pattern.direction]
    return f"{_MOTIONS[pattern.motion]}, {way}" if way else _MOTIONS[pattern.motion]


def held(one: Held) -> str:
    """Why a zone is lower than wanted, and until when."""
    where = place(one.zone)
    if one.ready_in_s is None:
        _, _, reason = one.rule.partition(", ")
        return f"{where}: {percent(one.wanted)} is above the cap of {percent(one.allowed)}" + (
            f" ({plain(reason)})" if reason else ""
        )
    return f"{where}: {percent(one.allowed)} now, {percent(one.wanted)} in {lasting(one.ready_in_s)}; it climbs slowly"


def longest_held(held_back: Iterable[Held]) -> str:
    """The longest wait, in one line; empty if nothing is held back."""
    found = max(
        held_back, key=lambda one: (one.ready_in_s or 0.0, one.wanted - one.allowed), default=None
    )
    return "" if found is None else held(found)

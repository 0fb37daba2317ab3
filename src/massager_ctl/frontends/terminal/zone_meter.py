"""Draws the zones as bars: the reported level, what is allowed now, the cap, and the wanted level."""

from __future__ import annotations

from typing import Final

from massager_ctl.frontends import words
from massager_ctl.frontends.terminal.layout import Glyphs, Line, bar, beside
from massager_ctl.frontends.terminal.manual_input import Link, ManualInput
from massager_ctl.model.status import Status
from massager_ctl.model.units import ZONES, Zone

SCALE: Final = 70.0
"""Percent at the right end of a bar in manual control: no cap is higher (R1)."""

BAR_AT: Final = 17
"""Columns to the left of a bar in manual control."""

BEHIND: Final = 22
"""Columns to the right of it."""

WIDE: Final = BAR_AT + BEHIND + 10
"""Minimum columns for bars; a narrower screen shows only numbers."""

_NAME: Final = 15
_NUMBERS: Final = 13


def meters(status: Status, hand: ManualInput | None, width: int, glyphs: Glyphs) -> list[Line]:
    """One row per zone, or one for left and right; rows of numbers on a narrow screen."""
    if width < WIDE:
        return [
            row
            for zone in ZONES
            if zone.is_left
            for row in _narrow(status, hand, zone, width, glyphs)
        ]
    if hand is not None:
        rows = [_by_hand(status, hand, zone, width, glyphs) for zone in ZONES]
        return [*rows, *beside(_moving(hand), width, 3)]
    half = (width - _NAME) // 2
    head: Line = [("dim", " " * _NAME + "left".ljust(half) + "right")]
    return [head, *(_pair(status, zone, half, glyphs) for zone in ZONES if zone.is_left)]


def bar_width(width: int) -> int:
    """Width of a bar in manual control on a screen of `width` columns."""
    return max(10, width - BAR_AT - BEHIND)


def percent_at(column: int, width: int) -> float | None:
    """The level at a column of a bar in manual control, for the mouse; None outside the bar."""
    at = column - BAR_AT
    if width < WIDE or not 0 <= at < bar_width(width):
        return None
    return round(at / (bar_width(width) - 1) * SCALE)


def _narrow(
    status: Status, hand: ManualInput | None, left: Zone, width: int, glyphs: Glyphs
) -> list[Line]:
    """Left and right of a muscle as numbers, for a screen without room for bars."""
    parts: list[Line] = [[("plain", f"{left.value.removesuffix('_left'):<12}")]]
    for zone in (left, left.mirror):
        actual, aim = status.actual[zone.index], aimed(status, zone)
        if hand is not None:
            aim = hand.asked[zone.index]
        chosen = hand is not None and zone in hand.zones
        heading = f"{glyphs.arrow}{aim:.0f}" if held_back(actual, aim) else ""
        text = f"{glyphs.chosen if chosen else ''}{actual:.0f}{heading}"
        parts.append([("bold" if chosen else "plain", f"{text:<8}")])
    return beside(parts, width, 1)


def aimed(status: Status, zone: Zone) -> float:
    """The level that the zone approaches: the target, or the cap if that is lower."""
    return min(status.target[zone.index], status.caps[zone.index])


def _pair(status: Status, left: Zone, half: int, glyphs: Glyphs) -> Line:
    name = left.value.removesuffix("_left")
    line: Line = [("plain", f"  {name}".ljust(_NAME)[:_NAME])]
    scale = max(10.0, *status.caps)
    for zone in (left, left.mirror):
        actual, aim = status.actual[zone.index], aimed(status, zone)
        numbers = _numbers(actual, aim, glyphs)
        mark = aim / scale if held_back(actual, aim) else None
        line += bar(actual / scale, mark, half - len(numbers) - 2, "bar", glyphs)
        line.append(("plain" if actual or aim else "dim", f" {numbers} "))
    return line


def _numbers(actual: float, aim: float, glyphs: Glyphs) -> str:
    if not actual and not aim:
        return glyphs.none.rjust(5).ljust(_NUMBERS)
    heading = f"{glyphs.arrow} {aim:.1f}" if held_back(actual, aim) else ""
    return f"{actual:5.1f} {heading}".ljust(_NUMBERS)


def held_back(actual: float, aim: float) -> bool:
    """Whether to mark the target: while climbing, the level is always a tenth below it."""
    return abs(aim - actual) >= 0.5


def _by_hand(status: Status, hand: ManualInput, zone: Zone, width: int, glyphs: Glyphs) -> Line:
    i = zone.index
    actual, allowed, cap = status.actual[i], status.allowed[i], status.caps[i]
    asked = hand.asked[i]
    pointer = " "
    if zone is hand.zone:
        pointer = glyphs.chosen
    elif zone in hand.zones:
        pointer = glyphs.mirror
    muscle, _, side = zone.value.rpartition("_")
    name = f"{pointer} {muscle:<12} {side[0].upper()} "
    numbers = f"{actual:4.1f} of {asked:4.1f}"
    columns = bar_width(width)

    def column(percent: float) -> int:
        return min(columns - 1, round(percent / SCALE * (columns - 1)))

    letters = [glyphs.closed] * columns
    if allowed > 0:
        for at in range(column(allowed) + 1):
            letters[at] = glyphs.free
    if actual > 0:
        for at in range(column(actual) + 1):
            letters[at] = glyphs.actual
    if cap > 0:
        letters[column(cap)] = glyphs.cap
    if asked > 0:
        letters[column(asked)] = glyphs.aim
    style = "bold" if zone in hand.zones else "plain"
    return [(style, f"{name}{''.join(letters)}  {numbers}  cap {cap:2.0f}")]


def _moving(hand: ManualInput) -> list[Line]:
    heat = "off" if hand.heat is None else f"{hand.heat:.0f} °C"
    sides = "left and right together" if hand.link is Link.LINKED else "one side alone"
    return [[("dim", part)] for part in (words.motion(hand.pattern), f"heat {heat}", sides)]

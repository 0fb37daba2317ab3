"""Draws a plan in characters, for a terminal."""

from __future__ import annotations

from typing import Final

from massager_ctl.profile.draw.drawing import Drawing, Lane
from massager_ctl.profile.plan.curve import value_at

LANE_ROWS: Final = 3
LABEL: Final = 19

_BLOCKS: Final = " ▁▂▃▄▅▆▇█"
_PLAIN: Final = " ..::==##"


def chart(drawing: Drawing, width: int = 80, plain: bool = False) -> str:
    """A lane of three rows for each zone, `width` columns wide.

    Blocks are the level, dots the envelope, a line the cap, shade the hands-only steps. `plain`: ASCII only.
    """
    columns = max(width - LABEL - 2, 20)
    lines: list[str] = []
    for lane in drawing.lanes:
        lines.extend(_lane(lane, drawing, columns, plain))
    if not drawing.lanes:
        lines.append("every motor stays off: " + "manual control")
    lines.append(" " * LABEL + _axis(drawing, columns, plain))
    lines.append(f"{'minutes':<{LABEL}}" + _minutes(drawing, columns))
    level, cap, off = ("#", "-", "%") if plain else ("█", "─", "░")
    lines.append(f"{'':{LABEL}} {level} level   . envelope   {cap} cap   {off} by hand, motors off")
    return "\n".join(line.rstrip() for line in lines)


def _lane(lane: Lane, drawing: Drawing, columns: int, plain: bool) -> list[str]:
    blocks = _PLAIN if plain else _BLOCKS
    dot, line, shade = (".", "-", "%") if plain else ("·", "─", "░")
    cells: list[list[str]] = [[] for _ in range(LANE_ROWS)]
    for column in range(columns):
        start = drawing.duration_s * column / columns
        end = drawing.duration_s * (column + 1) / columns
        middle = (start + end) / 2
        hands = any(band.t <= middle < band.t + band.duration_s for band in drawing.bands)
        height = _eighths(_peak(lane, start, end), drawing.top)
        allowed = _eighths(value_at(lane.envelope, middle), drawing.top)
        cap = _eighths(lane.cap, drawing.top)
        for row in range(LANE_ROWS):
            bottom = 8 * (LANE_ROWS - 1 - row)
            filled = min(max(height - bottom, 0), 8)
            if hands:
                cell = shade
            elif filled:
                cell = blocks[filled]
            elif bottom < allowed <= bottom + 8:
                cell = dot
            elif bottom < cap <= bottom + 8:
                cell = line
            else:
                cell = " "
            cells[row].append(cell)
    peak = max(level for _, level in lane.level)
    labels = (lane.name, f"peak {peak:.3g} %", f"cap {lane.cap:.3g} %")
    return [f"{label:<{LABEL}}│{''.join(row)}│" if not plain else f"{label:<{LABEL}}|{''.join(row)}|"
            for label, row in zip(labels, cells, strict=True)]  # fmt: skip


def _peak(lane: Lane, start: float, end: float) -> float:
    inside = [level for t, level in lane.level if start <= t <= end]
    return max([*inside, value_at(lane.level, start), value_at(lane.level, end)])


def _eighths(percent: float, top: float) -> int:
    """A level's height in eighths of a row, at least one if it is above zero."""
    if percent <= 0.0:
        return 0
    return max(round(8 * LANE_ROWS * percent / top), 1)


def _axis(drawing: Drawing, columns: int, plain: bool) -> str:
    marks = ["-" if plain else "─"] * columns
    tick, duration_s = drawing.tick_s, drawing.duration_s
    for index in range(int(duration_s / tick) + 1):
        at = min(int(index * tick / duration_s * columns), columns - 1)
        marks[at] = "+" if plain else "┬"
    left, right = ("+", "+") if plain else ("└", "┘")
    return left + "".join(marks) + right


def _minutes(drawing: Drawing, columns: int) -> str:
    text = [" "] * (columns + 8)
    tick, duration_s = drawing.tick_s, drawing.duration_s
    for index in range(int(duration_s / tick) + 1):
        at = min(int(index * tick / duration_s * columns), columns - 1) + 1
        label = f"{index * tick / 60:g}"
        text[at : at + len(label)] = label
    return "".join(text).rstrip()

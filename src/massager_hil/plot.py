"""A check's waveform as an SVG drawing: the levels that the device reported, and what was done when."""

from __future__ import annotations

from html import escape
from typing import Final

from massager_hil.model import Mark
from massager_hil.tables import ZONES
from massager_hil.wire import Telemetry

_WIDTH: Final = 720
_HEIGHT: Final = 172
_LEFT: Final = 40
_BOTTOM: Final = 24
_TOP: Final = 26
_LEGEND: Final = 100
_MOST_POINTS: Final = 600
_COLOURS: Final = ("#0b6", "#4c9", "#06c", "#6af", "#a4c", "#d8e")


def waveform(wave: list[tuple[float, Telemetry]], marks: list[Mark]) -> str:
    """The drawing, or nothing if no level ever rose."""
    if len(wave) < 2 or not any(any(telemetry.level) for _, telemetry in wave):
        return ""
    start, end = wave[0][0], wave[-1][0]
    span = max(end - start, 0.1)
    top = max(max(telemetry.level) for _, telemetry in wave) / 10
    top = next(bound for bound in (2, 5, 10, 20, 50, 75, 100, 7000) if bound >= top)
    width, height = _WIDTH - _LEFT - 8, _HEIGHT - _TOP - _BOTTOM

    def x(t: float) -> float:
        return round(_LEFT + (t - start) / span * width, 1)

    def y(level: float) -> float:
        return round(_TOP + height * (1 - level / top), 1)

    parts = [
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="levels over time">',
        f'<path class="axis" d="M{_LEFT} {_TOP}V{_TOP + height}H{_LEFT + width}"/>',
        f'<text x="{_LEFT - 4}" y="{_TOP + 8}" text-anchor="end">{top} %</text>',
        f'<text x="{_LEFT - 4}" y="{_TOP + height}" text-anchor="end">0</text>',
        f'<text x="{_LEFT + width}" y="{_HEIGHT - 8}" text-anchor="end">{span:.1f} s</text>',
    ]
    kept = _thinned(wave)
    drawn: set[tuple[int, ...]] = set()
    legend = float(_LEFT)
    for zone, name in enumerate(ZONES):
        levels = tuple(telemetry.level[zone] for _, telemetry in kept)
        if not any(levels) or levels in drawn:
            continue  # Zones that do the same lie under one line.
        drawn.add(levels)
        parts.append(f'<text x="{legend}" y="{_HEIGHT - 8}" fill="{_COLOURS[zone]}">{name}</text>')
        legend += _LEGEND
        points = " ".join(
            f"{x(t)},{y(level / 10)}" for (t, _), level in zip(kept, levels, strict=True)
        )
        parts.append(
            f'<polyline stroke="{_COLOURS[zone]}" points="{points}"><title>{name}</title></polyline>'
        )
    shown = [mark for mark in marks if start <= mark.t <= end]
    parts += [_mark(mark, x(mark.t), height, row % 2) for row, mark in enumerate(shown)]
    return "\n".join([*parts, "</svg>"])


def _thinned(wave: list[tuple[float, Telemetry]]) -> list[tuple[float, Telemetry]]:
    step = max(1, len(wave) // _MOST_POINTS)
    return wave[::step] if wave[::step][-1] is wave[-1] else [*wave[::step], wave[-1]]


def _mark(mark: Mark, x: float, height: int, row: int) -> str:
    """A dashed line with its words; neighbours' words stand in two rows, and those on the right to its left."""
    anchor, place = ("end", x - 2) if x > _WIDTH * 0.8 else ("start", x + 2)
    return (
        f'<path class="mark" d="M{x} {_TOP}V{_TOP + height}"/>'
        f'<text x="{place}" y="{_TOP - 4 - 10 * row}" text-anchor="{anchor}">{escape(mark.text)}</text>'
    )

"""The person's record as one HTML page without scripts: a bar for each of 28 days, every session, every pain report."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from html import escape
from typing import TYPE_CHECKING, Final

from massager_ctl.cli.history_record import (
    Record,
    dose_lines,
    local_minute,
    pain_words,
    what,
    when,
)
from massager_ctl.model.text import visible

if TYPE_CHECKING:
    from massager_ctl.ledger.base import HistoryEntry

DAYS: Final = 28
LIMIT_MIN: Final = 30
"""Minutes that any 24 hours may hold (R9)."""
_STEP_MIN: Final = 10
"""Minutes between two lines of the scale."""

_LEFT, _TOP, _WIDTH, _HEIGHT = 34, 14, 26, 130
"""The picture's margins, a day's width and the height of the scale, in its own units."""

_STYLE: Final = """
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222;background:#fff}
table{border-collapse:collapse;width:100%}
th,td{text-align:left;padding:.3rem .8rem .3rem 0;border-bottom:1px solid #ddd}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}rect{fill:#2a6f97}text{font-size:11px;fill:#555}
line{stroke:#ddd}line.axis{stroke:#555}line.limit{stroke:#b23;stroke-dasharray:6 4}text.limit{fill:#b23}
@media(prefers-color-scheme:dark){body{color:#ddd;background:#181818}th,td{border-color:#444}rect{fill:#61a5c2}
text{fill:#aaa}line{stroke:#444}line.axis{stroke:#aaa}line.limit{stroke:#f78}text.limit{fill:#f78}}
"""


def page(record: Record, now: datetime) -> str:
    """The whole page. `now`: local time."""
    locked = (
        "<p><strong>Sessions are locked after a report of pain, until the screening is answered again.</strong></p>"
        if record.lock is not None
        else ""
    )
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Massage sessions</title><style>{_STYLE}</style></head><body>
<h1>Massage sessions</h1>
<p>Written on {now:%Y-%m-%d %H:%M}. Minutes of running motors, as charged to the day. This is not a medical record.</p>
<p>{"<br>".join(escape(line) for line in dose_lines(record.dose))}</p>
{locked}
<h2>Pain reports</h2>
{_pains(record)}
<h2>Minutes a day, last {DAYS} days</h2>
{_bars(per_day(record.sessions, now))}
<h2>All sessions</h2>
{_sessions(record.sessions)}
</body></html>
"""


def _pains(record: Record) -> str:
    return _table(
        ("When", "What was reported"),
        ((local_minute(report.at), pain_words(report)) for report in record.pains),
        "No pain was reported.",
    )


def _sessions(entries: Sequence[HistoryEntry]) -> str:
    return _table(
        ("When", "What", "Device", "End", "Minutes"),
        (
            (
                when(entry),
                what(entry),
                entry.device,
                "running" if entry.open else entry.end_reason.replace("_", " "),
                f"{entry.charged_s / 60:.1f}",
            )
            for entry in entries
        ),
        "No sessions yet.",
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], none: str) -> str:
    """A table whose last column is right-aligned where it holds minutes; `none` where there is no row."""

    def line(cells: Sequence[str], tag: str) -> str:
        number = [' class="n"' if name == "Minutes" else "" for name in head]
        whole = "".join(
            f"<{tag}{kind}>{escape(visible(cell))}</{tag}>"
            for cell, kind in zip(cells, number, strict=True)
        )
        return f"<tr>{whole}</tr>"

    body = "\n".join(line(row, "td") for row in rows)
    if not body:
        return f"<p>{escape(none)}</p>"
    return f"<table><thead>{line(head, 'th')}</thead><tbody>\n{body}\n</tbody></table>"


def per_day(entries: Sequence[HistoryEntry], now: datetime) -> list[tuple[str, float]]:
    """Month and day, and minutes charged, for each of the last `DAYS` days, the oldest first."""
    days = [(now - timedelta(days=back)).date() for back in range(DAYS - 1, -1, -1)]
    minutes = dict.fromkeys(days, 0.0)
    for entry in entries:
        day = datetime.fromtimestamp(entry.started_at, now.tzinfo).date()
        if day in minutes:
            minutes[day] += entry.charged_s / 60
    return [(f"{day:%m-%d}", minutes[day]) for day in days]


def _bars(days: Sequence[tuple[str, float]]) -> str:
    """One bar per day over a scale in minutes, with a line at the maximum of 24 hours."""
    most = max(LIMIT_MIN + _STEP_MIN, *(minutes for _, minutes in days))
    top = math.ceil(most / _STEP_MIN) * _STEP_MIN
    right, bottom = _LEFT + _WIDTH * len(days), _TOP + _HEIGHT

    def y(minutes: float) -> float:
        return bottom - minutes / top * _HEIGHT

    parts = [
        f'<svg role="img" aria-label="Minutes a day" viewBox="0 0 {right} {bottom + 20}" width="100%">',
        f'<text x="0" y="{_TOP - 4}">minutes</text>',
    ]
    for minutes in range(0, top + 1, _STEP_MIN):
        kind = ' class="axis"' if minutes == 0 else ""
        parts.append(
            f'<line{kind} x1="{_LEFT}" x2="{right}" y1="{y(minutes):.1f}" y2="{y(minutes):.1f}"/>'
            f'<text x="{_LEFT - 6}" y="{y(minutes) + 4:.1f}" text-anchor="end">{minutes}</text>'
        )
    for index, (label, minutes) in enumerate(days):
        x = _LEFT + index * _WIDTH
        parts.append(
            f'<rect x="{x + 4}" y="{y(minutes):.1f}" width="{_WIDTH - 8}" height="{bottom - y(minutes):.1f}">'
            f"<title>{label}: {minutes:.1f} min</title></rect>"
        )
        if index % 7 == 0:
            parts.append(f'<text x="{x}" y="{bottom + 14}">{label}</text>')
    limit = y(LIMIT_MIN)
    parts.append(
        f'<line class="axis" x1="{_LEFT}" x2="{_LEFT}" y1="{_TOP}" y2="{bottom}"/>'
        f'<line class="limit" x1="{_LEFT}" x2="{right}" y1="{limit:.1f}" y2="{limit:.1f}"/>'
        f'<text class="limit" x="{right - 4}" y="{limit - 4:.1f}" text-anchor="end">'
        f"{LIMIT_MIN} min: the most in 24 hours</text>"
    )
    return "".join((*parts, "</svg>"))

"""The sessions as one HTML page without scripts: a bar for each of the last 28 days, and the list."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from html import escape
from typing import TYPE_CHECKING, Final

from massager_ctl.cli.history import what, when

if TYPE_CHECKING:
    from massager_ctl.store.base import HistoryEntry

DAYS: Final = 28
_DAY_MAX_MIN: Final = 30
"""Minutes at the top of the picture: the most that a day may hold (R9)."""

_STYLE: Final = """
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222;background:#fff}
table{border-collapse:collapse;width:100%}
th,td{text-align:left;padding:.3rem .8rem .3rem 0;border-bottom:1px solid #ddd}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}rect{fill:#2a6f97}text{font-size:11px;fill:#555}
@media(prefers-color-scheme:dark){body{color:#ddd;background:#181818}th,td{border-color:#444}rect{fill:#61a5c2}
text{fill:#aaa}}
"""


def page(entries: Sequence[HistoryEntry], dose: Sequence[str], now: datetime) -> str:
    """The whole page. `entries`: the newest first; `dose`: what is left, in sentences; `now`: local time."""
    rows = "\n".join(
        f"<tr><td>{escape(when(entry))}</td><td>{escape(what(entry))}</td><td>{escape(entry.device)}</td>"
        f'<td class="n">{entry.charged_s / 60:.1f}</td><td>{escape(entry.end_reason)}</td></tr>'
        for entry in entries
    )
    listed = (
        '<table><thead><tr><th>When</th><th>What</th><th>Device</th><th class="n">Minutes</th><th>End</th></tr>'
        f"</thead><tbody>\n{rows}\n</tbody></table>"
        if entries
        else "<p>No sessions yet.</p>"
    )
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Massage sessions</title><style>{_STYLE}</style></head><body>
<h1>Massage sessions</h1>
<p>Written on {now:%Y-%m-%d %H:%M}. Times of running motors, as charged to the dose; no medical record.</p>
<p>{"<br>".join(escape(line) for line in dose)}</p>
<h2>Minutes a day, last {DAYS} days</h2>
{_bars(per_day(entries, now))}
<h2>All sessions</h2>
{listed}
</body></html>
"""


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
    width, height = 26, 120
    parts = [
        f'<svg role="img" aria-label="Minutes a day" viewBox="0 0 {width * len(days)} {height + 20}" width="100%">'
    ]
    for index, (label, minutes) in enumerate(days):
        tall = min(1.0, minutes / _DAY_MAX_MIN) * height
        parts.append(
            f'<rect x="{index * width + 4}" y="{height - tall:.1f}" width="{width - 8}" height="{tall:.1f}">'
            f"<title>{label}: {minutes:.1f} min</title></rect>"
        )
        if index % 7 == 0:
            parts.append(f'<text x="{index * width}" y="{height + 14}">{label}</text>')
    return "".join((*parts, "</svg>"))

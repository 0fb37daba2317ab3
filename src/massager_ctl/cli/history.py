"""`massager-ctl history`: sessions, what they cost, and what is left (R9)."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

import click

from massager_ctl.cli.border import json_text
from massager_ctl.cli.history_record import (
    Record,
    dose_lines,
    iso,
    local_minute,
    minutes,
    pain_words,
    read_record,
    what,
    when,
)
from massager_ctl.cli.number import Whole
from massager_ctl.model.text import visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from massager_ctl.ledger.base import HistoryEntry, PainReport


@click.command(
    "history",
    epilog="""\b
Examples:
  massager-ctl history
  massager-ctl history --limit 5
  massager-ctl history --json
  massager-ctl history --csv > sessions.csv""",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--csv", "as_csv", is_flag=True, help="Print comma-separated values.")
@click.option("--limit", type=Whole(1, 1_000_000), help="Only the newest N entries.")
def history(as_json: bool, as_csv: bool, limit: int | None) -> None:
    """Show your sessions and reports of pain, and how much of the day's dose is left.

    The built-in simulator's sessions are not counted: no one wears it.
    """
    from massager_ctl import config as settings

    if as_json and as_csv:
        raise click.UsageError("--json and --csv exclude each other.")
    record = read_record(settings.data_path(), limit)
    if as_json:
        click.echo(json_text(document(record)))
    elif as_csv:
        click.echo(_csv(record.sessions), nl=False)
    else:
        click.echo("\n".join(_table(record.sessions)))
        click.echo()
        if record.pains:
            click.echo("\n".join(_pains(record.pains[:limit])))
            click.echo()
        click.echo("\n".join(dose_lines(record.dose)))


def document(record: Record) -> dict[str, Any]:
    """What `--json` prints. Seconds; times are unix seconds, and in ISO 8601 beside."""
    import msgspec

    state = record.dose
    return {
        "dose": {
            "left_s": state.left_s,
            "sessions_left": state.sessions_left,
            "used_s": state.used_s,
            "rest_s": state.rest_s,
            "sessions": state.sessions,
            "sessions_ever": state.sessions_ever,
            "days_in_7": state.days,
            "open": state.open,
        },
        "sessions": [
            {**msgspec.to_builtins(entry), "started": iso(entry.started_at)}
            for entry in record.sessions
        ],
        "pain_reports": [
            {**msgspec.to_builtins(report), "reported": iso(report.at)} for report in record.pains
        ],
    }


def _table(entries: Sequence[HistoryEntry]) -> list[str]:
    if not entries:
        return ["No sessions yet."]
    head = ("when", "what", "device", "ran", "charged", "end")
    rows = [head, *(_row(entry) for entry in entries)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def _row(entry: HistoryEntry) -> tuple[str, ...]:
    return (
        when(entry),
        visible(what(entry), 60),
        visible(entry.device, 60),
        minutes(entry.delivered_s),
        minutes(entry.charged_s),
        "running" if entry.open else visible(entry.end_reason.replace("_", " "), 60),
    )


def _pains(reports: Sequence[PainReport]) -> list[str]:
    """Each report of pain, also where no session ran (R22)."""
    rows = (f"  {local_minute(report.at)}  {pain_words(report)}" for report in reports)
    return ["Pain was reported:", *rows]


def _csv(entries: Sequence[HistoryEntry]) -> str:
    import msgspec

    from massager_ctl.ledger.base import HistoryEntry

    written = io.StringIO()
    table = csv.writer(written, lineterminator="\n")
    names = [field.name for field in msgspec.structs.fields(HistoryEntry)]
    table.writerow([*names, "started"])
    for entry in entries:
        row = msgspec.to_builtins(entry)
        table.writerow([*(row[name] for name in names), iso(entry.started_at)])
    return written.getvalue()

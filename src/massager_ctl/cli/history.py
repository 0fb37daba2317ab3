"""`massager-ctl history` and `report`: sessions, what they cost, and what is left (R9)."""

from __future__ import annotations

import asyncio
import csv
import io
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Sequence

    from massager_ctl.safety.dose import DoseState
    from massager_ctl.store.base import HistoryEntry


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
@click.option("--limit", type=click.IntRange(1), help="Only the newest N entries.")
def history(as_json: bool, as_csv: bool, limit: int | None) -> None:
    """Show your sessions, and how much of the day's dose is left.

    The built-in simulator's sessions are not counted: nobody wears it.
    """
    from massager_ctl import config as settings

    if as_json and as_csv:
        raise click.UsageError("--json and --csv exclude each other.")
    state, entries = look(settings.data_path(), limit)
    if as_json:
        import msgspec

        click.echo(msgspec.json.encode(document(state, entries)).decode())
    elif as_csv:
        click.echo(_csv(entries), nl=False)
    else:
        click.echo("\n".join(_table(entries)))
        click.echo()
        click.echo("\n".join(dose_lines(state)))


@click.command(
    "report",
    epilog="""\b
Examples:
  massager-ctl report
  massager-ctl report -o sessions.html""",
)
@click.option(
    "--output",
    "-o",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("report.html"),
    show_default=True,
    help="Where to write it.",
)
def report(output: Path) -> None:
    """Write your sessions and their trend as one HTML page, for yourself or for a doctor."""
    from massager_ctl import config as settings
    from massager_ctl.cli.history_page import page
    from massager_ctl.errors import InputError

    state, entries = look(settings.data_path(), None)
    text = page(entries, dose_lines(state), datetime.now().astimezone())
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"{output}: cannot be written ({error.strerror})", "Name another file with -o."
        ) from None
    click.echo(f"Written to {output}")


def look(folder: Path, limit: int | None) -> tuple[DoseState, tuple[HistoryEntry, ...]]:
    """What is left, and the newest entries. A ledger that is not there yet is not made. Raises StoreError."""
    from massager_ctl.clock import SystemClock
    from massager_ctl.safety.dose import DoseState
    from massager_ctl.store.moment import ClockMoments
    from massager_ctl.store.sqlite import FILE, open_store

    if not (folder / FILE).exists():
        return DoseState(), ()

    async def work() -> tuple[DoseState, tuple[HistoryEntry, ...]]:
        store = open_store(folder, ClockMoments(SystemClock()))
        try:
            return await store.recent(), await store.history(limit)
        finally:
            await store.close()

    return asyncio.run(work())


def document(state: DoseState, entries: Sequence[HistoryEntry]) -> dict[str, Any]:
    """What `--json` prints. Seconds; times are unix seconds."""
    import msgspec

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
        "sessions": [msgspec.to_builtins(entry) for entry in entries],
    }


def dose_lines(state: DoseState) -> list[str]:
    """What is left of the day, and when the next session may start."""
    from massager_ctl.safety.dose import in_words, warnings

    lines = [
        f"Used in the last 24 hours: {_minutes(state.used_s)} in {_sessions(state.sessions)}.",
    ]
    if state.open:
        lines.append("A session is running now.")
    elif not state.sessions_left:
        lines.append(
            f"No session is left; the oldest stops counting in {in_words(state.session_free_in_s)}."
        )
    elif state.left_s < 1:
        lines.append(
            f"No time is left; the oldest stops counting in {in_words(state.time_free_in_s)}."
        )
    else:
        lines.append(f"Left: {_minutes(state.left_s)}, in {_sessions(state.sessions_left)}.")
        if state.rest_s > 0:
            lines.append(f"Your neck rests for another {in_words(state.rest_s)}.")
    return [*lines, *(f"Note: {warning}." for warning in warnings(state))]


def _sessions(count: int) -> str:
    return "1 session" if count == 1 else f"{count} sessions"


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.1f} min"


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
        what(entry),
        entry.device,
        _minutes(entry.delivered_s),
        _minutes(entry.charged_s),
        "running" if entry.open else entry.end_reason.replace("_", " "),
    )


def when(entry: HistoryEntry) -> str:
    """The start in local time."""
    return datetime.fromtimestamp(entry.started_at).astimezone().strftime("%Y-%m-%d %H:%M")


def what(entry: HistoryEntry) -> str:
    """The profile, or who else it was."""
    from massager_ctl.store.base import EntryKind

    match entry.kind:
        case EntryKind.OWN:
            return entry.profile
        case EntryKind.FOREIGN:
            return "(another program)"
        case EntryKind.RENEWAL:
            return "(ledger renewed)"


def _csv(entries: Sequence[HistoryEntry]) -> str:
    import msgspec

    from massager_ctl.store.base import HistoryEntry

    written = io.StringIO()
    table = csv.writer(written, lineterminator="\n")
    names = [field.name for field in msgspec.structs.fields(HistoryEntry)]
    table.writerow(names)
    for entry in entries:
        row = msgspec.to_builtins(entry)
        table.writerow([row[name] for name in names])
    return written.getvalue()

"""R9 at the command line: sessions, what they cost and what is left."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from datetime import datetime
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner, Result

from massager_ctl.aio.clock import SystemClock
from massager_ctl.cli.history import history
from massager_ctl.cli.history_record import Record, dose_lines
from massager_ctl.cli.report import report
from massager_ctl.cli.report_page import DAYS, page, per_day
from massager_ctl.cli.root import run_command_line
from massager_ctl.config import ENV_DATA
from massager_ctl.errors import ExitCode, InputError
from massager_ctl.ledger.base import EntryKind, HistoryEntry, PainReport, Reservation
from massager_ctl.ledger.clock_reading import ClockReader
from massager_ctl.ledger.sqlite import open_store
from massager_ctl.model.requests import PainKind
from massager_ctl.safety.dose import DoseState


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(ENV_DATA, str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture
def played(folder: Path) -> Path:
    """One session of five minutes, and 100 s by another host."""

    async def play() -> None:
        store = open_store(folder, ClockReader(SystemClock()))
        await store.record_external_use("MS-1", 1000.0)
        session = await store.reserve(Reservation("MS-1", "gentle", 600.0))
        await store.settle(session, 300.0, "time_limit")
        await store.record_external_use("MS-1", 1400.0)
        await store.close()

    asyncio.run(play())
    return folder


def run(*arguments: str, command: object = history) -> Result:
    return CliRunner().invoke(command, arguments, standalone_mode=False)  # type: ignore[arg-type]


def test_before_the_first_session_nothing_is_made(folder: Path) -> None:
    output = run().output
    assert "No sessions yet." in output
    assert "Left: 30.0 min, in 3 sessions." in output
    assert not folder.exists()


def test_a_table_and_what_is_left(played: Path) -> None:
    lines = run().output.splitlines()
    assert lines[0].split() == ["when", "what", "device", "ran", "charged", "end"]
    assert "(another program)" in lines[1]
    assert "gentle" in lines[2]
    assert lines[2].endswith("time limit")
    assert "Used in the last 24 hours: 6.7 min in 1 session." in lines
    assert "Left: 23.3 min, in 2 sessions." in lines
    assert lines[-1].startswith(
        ("Your neck rests for another 10 min", "Your neck rests for another 9 min")
    )


def test_json(played: Path) -> None:
    found = json.loads(run("--json").output)
    assert found["dose"]["left_s"] == 1400.0
    assert [entry["kind"] for entry in found["sessions"]] == ["foreign", "own"]
    assert len(json.loads(run("--json", "--limit", "1").output)["sessions"]) == 1


def test_csv(played: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(run("--csv").output)))
    assert [row["charged_s"] for row in rows] == ["100.0", "300.0"]
    for row in rows:
        started = datetime.fromisoformat(row["started"])
        assert started.tzinfo is not None
        assert started.timestamp() == int(float(row["started_at"]))


def test_one_format_at_a_time(folder: Path) -> None:
    assert "exclude each other" in str(run("--json", "--csv").exception)


def test_an_open_session_and_a_spent_day_say_so(folder: Path) -> None:
    async def begin() -> int:
        store = open_store(folder, ClockReader(SystemClock()))
        session = await store.reserve(Reservation("MS-1", "gentle", 1800.0))
        await store.close()
        return session

    async def end(session: int) -> None:
        store = open_store(folder, ClockReader(SystemClock()))
        await store.settle(session, 1800.0, "finished")
        await store.close()

    session = asyncio.run(begin())
    output = run().output
    assert "A session is running now." in output
    assert "running" in output.splitlines()[1]
    asyncio.run(end(session))
    assert "No time is left; the oldest stops counting in 2" in run().output


def test_the_report_is_one_page_without_scripts(played: Path, tmp_path: Path) -> None:
    target = tmp_path / "report.html"
    assert "Written to" in run("-o", str(target), command=report).output
    text = target.read_text()
    assert "gentle" in text
    assert "Left: 23.3 min" in text
    assert "<script" not in text
    assert "http" not in text
    with_error = run("-o", str(tmp_path / "none" / "report.html"), command=report)
    assert isinstance(with_error.exception, InputError)


def test_a_day_with_three_sessions_says_when_the_next_may_be() -> None:
    spent = DoseState(sessions=3, used_s=600.0, session_free_in_s=7200.0)
    assert dose_lines(spent)[1] == "No session is left; the oldest stops counting in 2 h."
    assert dose_lines(DoseState(days=6))[-1].startswith("Note: used on 6 of the last 7 days")


def entry(started: datetime, charged_s: float, profile: str = "gentle") -> HistoryEntry:
    return HistoryEntry(
        1,
        EntryKind.OWN,
        "MS-1",
        profile,
        started.timestamp(),
        600.0,
        charged_s,
        charged_s,
        False,
        "finished",
    )


def test_minutes_are_summed_by_day() -> None:
    now = datetime(2026, 3, 29, 18, 0).astimezone()
    days = per_day(
        [
            entry(now.replace(hour=9), 300.0),
            entry(now.replace(hour=12), 300.0),
            entry(now.replace(day=2), 60.0),
            entry(now.replace(day=1), 60.0),
        ],
        now,
    )
    assert len(days) == DAYS
    assert days[-1] == ("03-29", 10.0)
    assert days[0] == ("03-02", 1.0)
    assert sum(minutes for _, minutes in days) == 11.0


def test_what_a_device_or_profile_is_called_is_only_text() -> None:
    now = datetime(2026, 3, 29, 18, 0).astimezone()
    text = page(Record(DoseState(), (entry(now, 60.0, "<img src=x>"),)), now)
    assert "<img" not in text
    assert "&lt;img src=x&gt;" in text
    empty = page(Record(DoseState()), now)
    assert "No sessions yet" in empty
    assert "No pain was reported" in empty


def test_the_report_tells_a_doctor_of_pain(played: Path, tmp_path: Path) -> None:
    async def hurt() -> None:
        store = open_store(played, ClockReader(SystemClock()))
        for kind in PainKind:
            await store.report_pain(kind)
        await store.close()

    asyncio.run(hurt())
    target = tmp_path / "report.html"
    run("-o", str(target), command=report)
    text = target.read_text()
    for words in ("soreness", "numbness", "not described further", "Sessions are locked"):
        assert words in text
    assert [one["kind"] for one in json.loads(run("--json").output)["pain_reports"]] == [
        "unclassified",
        "warning_sign",
        "mild",
    ]


def test_pain_that_was_reported_at_rest_is_in_the_table_as_well(folder: Path) -> None:
    async def hurt() -> None:
        store = open_store(folder, ClockReader(SystemClock()))
        await store.report_pain(PainKind.MILD)
        await store.report_pain(PainKind.WARNING_SIGN)
        await store.close()

    asyncio.run(hurt())
    lines = run().output.splitlines()
    assert lines[:3] == ["No sessions yet.", "", "Pain was reported:"]
    assert lines[3].endswith("  a warning sign, such as sharp pain, numbness or dizziness")
    assert lines[4].endswith("  mild: soreness, too strong, or irritated skin")
    assert lines[5] == ""
    newest = run("--limit", "1").output
    assert "a warning sign" in newest
    assert "soreness" not in newest


def test_pain_that_damage_took_is_told_as_well() -> None:
    now = datetime(2026, 3, 29, 18, 0).astimezone()
    record = Record(DoseState(), pains=(PainReport(None, now.timestamp()),))
    assert "lost with a damaged ledger" in page(record, now)


def svg(*minutes: float) -> ET.Element:
    now = datetime(2026, 3, 29, 18, 0).astimezone()
    entries = tuple(entry(now.replace(day=29 - day), 60.0 * m) for day, m in enumerate(minutes))
    text = page(Record(DoseState(), entries), now)
    return ET.fromstring(text[text.index("<svg") : text.index("</svg>") + 6])


@pytest.mark.parametrize(("minutes", "top"), [((15.0,), 40), ((45.0, 12.0), 50)])
def test_the_chart_has_an_axis_a_scale_and_the_line_of_30_minutes(
    minutes: tuple[float, ...], top: int
) -> None:
    picture = svg(*minutes)
    labels = {text.text: float(text.get("y", "")) for text in picture.iter("text")}
    assert [str(number) in labels for number in range(0, top + 1, 10)] == [True] * (top // 10 + 1)
    assert "minutes" in labels
    (limit,) = [line for line in picture.iter("line") if line.get("class") == "limit"]
    assert float(limit.get("y1", "")) == pytest.approx(labels["30"] - 4)
    assert "30 min: the most in 24 hours" in labels
    bars = {bar[0].text or "": bar for bar in picture.iter("rect")}
    unit = (labels["0"] - labels["10"]) / 10
    for number, high in enumerate(minutes):
        bar = bars[f"03-{29 - number}: {high:.1f} min"]
        assert float(bar.get("height", "")) == pytest.approx(high * unit, abs=0.1)
        assert float(bar.get("y", "")) >= 0


def test_a_report_never_writes_over_a_file_unasked(played: Path, tmp_path: Path) -> None:
    target = tmp_path / "report.html"
    target.write_text("mine")
    refused = run("-o", str(target), command=report)
    assert isinstance(refused.exception, InputError)
    assert "--force" in refused.exception.remedy
    assert target.read_text() == "mine"
    assert "Written" in run("-o", str(target), "--force", command=report).output


@pytest.mark.parametrize("command", ["history", "report"])
@pytest.mark.parametrize("kind", ["long", "file", "circle"])
def test_r9_a_folder_that_cannot_be_used_is_not_a_day_without_sessions(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    kind: str,
    command: str,
) -> None:
    folder = tmp_path / ("x" * 300 if kind == "long" else kind)
    if kind == "file":
        folder.touch()
    elif kind == "circle":
        folder.symlink_to(folder.name)
    monkeypatch.setenv(ENV_DATA, str(folder))
    monkeypatch.chdir(tmp_path)
    assert run_command_line([command]) == ExitCode.REFUSED
    output = capsys.readouterr()
    assert "cannot be opened" in output.err
    assert output.out == ""


def test_a_limit_that_no_ledger_can_have_is_bad_input(folder: Path) -> None:
    assert run_command_line(["history", "--limit", "9" * 20]) == ExitCode.USAGE

"""Nothing that comes from a device, a radio neighbour, a broker or a file reaches a terminal or a log raw.

Every text field of every surface is fed with escapes, marks that turn the direction of writing, NUL and ten thousand
letters; what comes out is looked at letter by letter.
"""

from __future__ import annotations

import asyncio
import io
import json
import logging
import os
import re
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from tests.devices import device_info, telemetry
from tests.support.hostile import HOSTILE, harmless

from massager_ctl.cli import report_page
from massager_ctl.cli import scan as scan_command
from massager_ctl.cli.error_block import block, report, report_fault
from massager_ctl.cli.history_record import Record
from massager_ctl.cli.result import Outcome, tell
from massager_ctl.cli.root import run_command_line
from massager_ctl.errors import LinkError, MassagerError, ProfileError
from massager_ctl.frontends.logs import set_up_logs
from massager_ctl.frontends.socket import owners, stop
from massager_ctl.frontends.terminal.layout import ASCII, LINES, Glyphs, painted, text_of
from massager_ctl.frontends.terminal.manual_input import ManualInput
from massager_ctl.frontends.terminal.news import NewsLines
from massager_ctl.frontends.terminal.screen import Screen
from massager_ctl.frontends.terminal.session_view import page, view
from massager_ctl.ledger.base import EntryKind, HistoryEntry, PainReport
from massager_ctl.model.device import Cause
from massager_ctl.model.outcome import SessionEnd
from massager_ctl.model.requests import PainKind
from massager_ctl.model.status import GuidedStep, Held, LinkState, Phase, Status
from massager_ctl.model.text import visible, visible_lines
from massager_ctl.model.units import Zone
from massager_ctl.safety.dose import DoseState
from massager_ctl.transports import scan as scanning
from massager_ctl.transports.found import Found
from massager_ctl.transports.runtime_folder import ensure_runtime_dir
from massager_ctl.transports.scan import Scan

MARK: Final = "\\u001b"
"""How an escape looks once it is visible."""

_COLOUR: Final = re.compile(r"\x1b\[[0-9;]*m")
_OWN: Final = re.compile(r"\x1b\[(?:[0-9;]*[mKAB]|\?[0-9]+[lh]|[HJ]|2J)|\r\n|\r|\a")
"""What the screen itself sends."""


@given(st.text(max_size=400))
def test_a_foreign_text_becomes_one_line_of_visible_letters(text: str) -> None:
    shown = visible(text)
    harmless(shown, 6 * 300 + 40)
    assert "\n" not in shown
    if text.isprintable() and len(text) <= 300:
        assert shown == text
    harmless(visible_lines(text), 12 * 400)


@given(st.text(max_size=50))
def test_json_stays_json(text: str) -> None:
    written = json.dumps({"name": text}, ensure_ascii=False)
    assert json.loads(visible_lines(written)) == {"name": text}


def hostile_status() -> Status:
    """A status with every text in it hostile."""
    info = device_info(serial=HOSTILE, firmware=HOSTILE)
    held = Held(zone=Zone.NECK_LEFT, wanted=20.0, allowed=10.0, rule=HOSTILE)
    status = Status(
        info=info,
        telemetry=telemetry(),
        link=LinkState.UP,
        phase=Phase.RUNNING,
        held=(held,),
        guided=GuidedStep(HOSTILE, 1.0, 2.0, cue=HOSTILE, following=HOSTILE),
        notes=(HOSTILE,),
        duration_s=600.0,
    )
    texts = [field.name for field in msgspec.structs.fields(Status) if field.type in (str, "str")]
    assert {"address", "title", "profile", "step", "end_reason", "message"} <= set(texts)
    return msgspec.structs.replace(status, **dict.fromkeys(texts, HOSTILE))


@pytest.mark.parametrize("width", [20, 80, 200, 5000])
@pytest.mark.parametrize("phase", list(Phase))
def test_the_picture_of_a_session(width: int, phase: Phase) -> None:
    status = msgspec.structs.replace(hostile_status(), phase=phase)
    for hand in (None, ManualInput()):
        rows = view(status, width, 50, LINES, hand=hand, said=(HOSTILE,))
        harmless("\n".join(painted(row, colour=False) for row in rows), width)
        harmless("\n".join(_COLOUR.sub("", painted(row, colour=True)) for row in rows), width)
    harmless(text_of(page(HOSTILE, width, 50, 0.0)), max(width, 6 * 1000))


def read_all(descriptor: int) -> str:
    data = b""
    while piece := os.read(descriptor, 65536):
        data += piece
    return data.decode()


def shown_by(show: Callable[[int], None]) -> str:
    """What is written to a descriptor."""
    reading, writing = os.pipe()
    reader: list[str] = []
    thread = threading.Thread(target=lambda: reader.append(read_all(reading)))
    thread.start()
    show(writing)
    os.close(writing)
    thread.join()
    os.close(reading)
    return reader[0]


@pytest.mark.parametrize("glyphs", [LINES, ASCII])
def test_the_screen(glyphs: Glyphs) -> None:
    def show(descriptor: int) -> None:
        rows = view(hostile_status(), 200, 50, glyphs)
        screen = Screen(descriptor, lambda *_: rows, colour=True, glyphs=glyphs, full=True)
        screen.draw(now=True)
        screen.close()

    text = shown_by(show)
    assert MARK in text
    harmless(_OWN.sub("\n", text))


def test_the_lines_of_a_session() -> None:
    def show(descriptor: int) -> None:
        lines = NewsLines(descriptor)
        lines.update(hostile_status())
        lines.say(HOSTILE, 1.0)
        lines.close()

    text = shown_by(show)
    assert MARK in text
    harmless(text)


def out_of(capsys: pytest.CaptureFixture[str]) -> str:
    said = capsys.readouterr()
    return said.out + said.err


@pytest.mark.parametrize("options", [[], ["--all"], ["--json"]])
def test_scan(
    options: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = Found(HOSTILE, "ble", f"{HOSTILE}\n{HOSTILE}", supported=True, note=HOSTILE, rssi=-40)
    found = msgspec.structs.replace(found, firmware=HOSTILE)

    async def neighbours(*_: Any, **__: Any) -> Scan:
        return Scan((found, msgspec.structs.replace(found, supported=False)), (HOSTILE,))

    monkeypatch.setattr(scanning, "scan", neighbours)
    assert run_command_line(["scan", *options]) == 0
    text = out_of(capsys)
    assert MARK in text
    harmless(text, 200_000)
    if not options:
        assert len(scan_command.table([found])) == 2  # a name with a line end forges no line
        assert "\n" not in "".join(scan_command.table([found]))


HISTORY: Final = Record(
    DoseState(sessions=1, used_s=300.0),
    (HistoryEntry(1, EntryKind.OWN, HOSTILE, HOSTILE, 1e9, 1.0, 1.0, 1.0, False, HOSTILE),),
    (PainReport(PainKind.MILD, 1e9),),
)


@pytest.mark.parametrize("options", [[], ["--json"], ["--csv"]])
def test_history(
    options: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("massager_ctl.cli.history.read_record", lambda *_: HISTORY)
    assert run_command_line(["history", *options]) == 0
    text = out_of(capsys)
    assert MARK in text
    harmless(text, 200_000)


def test_the_report() -> None:
    from datetime import UTC, datetime

    harmless(report_page.page(HISTORY, datetime.fromtimestamp(1e9, UTC)))


def test_an_error_and_a_fault(capsys: pytest.CaptureFixture[str]) -> None:
    for error in (MassagerError(HOSTILE, HOSTILE), ProfileError(HOSTILE, HOSTILE, (HOSTILE,))):
        report(error)
        harmless(_COLOUR.sub("", block(error.message, error.remedy, colour=True)), 20_000)
    report_fault(ValueError(HOSTILE))
    harmless(out_of(capsys), 20_000)


@pytest.mark.parametrize("as_json", [False, True])
def test_the_end_of_a_session(as_json: bool, capsys: pytest.CaptureFixture[str]) -> None:
    from massager_ctl.cli.border import guarded_output

    with guarded_output():
        for error in (None, LinkError(HOSTILE, HOSTILE)):
            end = SessionEnd(Cause.PERSON, HOSTILE, 1.0, 1.0, error)
            tell(Outcome(HOSTILE, HOSTILE, device_info(serial=HOSTILE), end), as_json=as_json)
    harmless(out_of(capsys), 200_000)


@pytest.mark.parametrize("as_json", [False, True])
def test_logs(as_json: bool) -> None:
    stream = io.StringIO()
    before = logging.getLogger().handlers[:]
    try:
        set_up_logs(as_json=as_json, stream=stream)
        log = structlog.get_logger().bind(device=HOSTILE)
        log.warning(HOSTILE, text=HOSTILE, several=[HOSTILE, {HOSTILE: HOSTILE}], raw=b"\x1b[2J")
        logging.getLogger("a.library").warning("it said %s", HOSTILE)
        try:
            raise ValueError(HOSTILE)
        except ValueError:
            log.exception("a fault", text=HOSTILE)
            logging.getLogger("a.library").exception("a fault: %s", HOSTILE)
    finally:
        structlog.reset_defaults()
        logging.getLogger().handlers[:] = before
    text = stream.getvalue()
    assert MARK in text or "\\\\u001b" in text
    harmless(text, 200_000)
    if as_json:
        for line in text.splitlines():
            json.loads(line)


def test_cards_and_answers_of_owners(own_folders: Path, capsys: pytest.CaptureFixture[str]) -> None:
    card = owners.Card(HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE)
    harmless(str(card))
    error = {"message": HOSTILE, "remedy": HOSTILE}
    harmless(stop.describe(str(card), {"ok": False, "error": error}), 200_000)
    ensure_runtime_dir()
    for command in (["status"], ["stop", HOSTILE.replace("\x00", "").replace("\ud800", "")]):
        run_command_line(command)
    harmless(out_of(capsys), 200_000)


@pytest.mark.parametrize(
    "command",
    [
        ["profiles", "list"],
        ["profiles", "list", "--json"],
        ["profiles", "show", "hostile.yaml"],
        ["profiles", "validate", "hostile.yaml"],
        ["profiles", "plot", "hostile.yaml"],
        ["run", "hostile.yaml", "--dry-run"],
        ["run", "hostile.yaml", "--speed", "max"],
        ["run", "hostile.yaml", "--speed", "max", "--json"],
        ["run", "\x1b[2Jnothing"],
        ["config", "show"],
        ["doctor"],
        ["doctor", "--json"],
        ["\x1b[2J"],
        ["run", "gentle", "--\x1b[2J"],
        ["set", "\x1b[2J", "5"],
        ["status", "--device", "\x1b[2J"],
    ],
)
def test_commands_with_hostile_files_and_words(
    command: list[str],
    own_folders: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = HOSTILE.replace("\ud800", "")
    for folder in (own_folders, own_folders / "config" / "massager-ctl" / "profiles"):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "hostile.yaml").write_text(
            "version: 1\nid: hostile\n"
            f"title: {json.dumps(text[:60])}\nsummary: {json.dumps(text[:400])}\n"
            "steps:\n  - hold: 60 s\n    level: 5\n",
            encoding="utf-8",
        )
    monkeypatch.chdir(own_folders)
    monkeypatch.setenv(
        "MASSAGER_CTL_DEVICE",
        "sim:?battery=\x1b[2J\u202e" if command[0] in ("config", "doctor") else "sim:",
    )
    run_command_line(command)
    harmless(out_of(capfd), 200_000)


def test_the_streams_are_given_back(capsys: pytest.CaptureFixture[str]) -> None:
    before = sys.stdout, sys.stderr
    run_command_line(["--version"])
    assert (sys.stdout, sys.stderr) == before
    with pytest.raises(RuntimeError):
        asyncio.run(_fails())
    assert (sys.stdout, sys.stderr) == before
    assert capsys.readouterr().out.endswith("\\u001b[2J\ufffd")


async def _fails() -> None:
    from massager_ctl.cli.border import guarded_output

    with guarded_output():
        assert sys.stdout.buffer.write(b"\x1b[2J\xff") == 5
        with pytest.raises(TypeError):
            sys.stdout.write(b"raw")  # type: ignore[arg-type]
        raise RuntimeError

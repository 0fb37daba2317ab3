"""`--debug` and MASSAGER_CTL_LOG show every frame both ways; `log decode` reads it back; answers are never in it."""

from __future__ import annotations

import json
import re
from pathlib import Path

from tests.e2e.programs import Workstation

ROOT = Path(__file__).resolve().parents[2]
STAMP = re.compile(r"^\d\d:\d\d:\d\d\.\d{3} ", re.MULTILINE)


def test_what_passed_is_kept_and_read_back(desk: Workstation) -> None:
    log = desk.folder / "wire.jsonl"
    desk.env["MASSAGER_CTL_LOG"] = str(log)
    with (
        desk.simulator(),
        desk.running("run", "restorative", "--simulated", "--device", desk.device),
    ):
        desk.wait_until_it_moves()
        assert desk.ctl("stop").returncode == 0
    assert log.stat().st_mode & 0o777 == 0o600
    shown = desk.ctl("log", "decode", str(log))
    assert shown.returncode == 0
    for frame in (
        r"-> GetInfo\(",
        r"<- Info\(",
        r"-> Arm\(",
        r"-> SetpointFrame\(",
        r"=> StopFrame|=> Stop\(",
    ):
        assert re.search(frame, shown.stdout), frame
    assert "no frame" not in shown.stdout
    assert len(STAMP.findall(shown.stdout)) == shown.stdout.count("\n")


def test_debug_shows_it_on_stderr_and_leaves_the_answer_alone(desk: Workstation) -> None:
    done = desk.ctl("--debug", "run", "desk-break", "--speed", "max", "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout.splitlines()[-1])["end_reason"] == "finished"
    assert " -> SetpointFrame(" in done.stderr
    assert " <- TelemetryFrame(" in done.stderr


def test_no_answer_to_a_question_is_kept(desk: Workstation) -> None:
    log = desk.folder / "wire.jsonl"
    desk.env["MASSAGER_CTL_LOG"] = str(log)
    answers = desk.folder / "answers.toml"
    answers.write_text('stroke = "yes"\n')
    assert desk.ctl("screen", "--answers", str(answers)).returncode == 3
    assert log.read_bytes() == b""


def test_a_file_that_is_no_such_log_is_told(desk: Workstation) -> None:
    other = desk.folder / "other"
    for content in (
        b"nonsense\n",
        b'{"time":1e99,"device":"x","direction":"sent","framed":false,"hex":"0"}\n',
        b"\xff\n",
    ):
        other.write_bytes(content)
        done = desk.ctl("log", "decode", str(other))
        assert done.returncode == 2
        assert "no line of a log of the wire" in " ".join(done.stderr.split())
    assert desk.ctl("log", "decode", "/nowhere").returncode == 2
    desk.env["MASSAGER_CTL_LOG"] = "/nowhere/wire.jsonl"
    refused = desk.ctl("run", "desk-break", "--speed", "max")
    assert refused.returncode == 2
    assert "MASSAGER_CTL_LOG" in refused.stderr


def test_a_log_that_takes_nothing_holds_nothing_up(desk: Workstation) -> None:
    desk.env["MASSAGER_CTL_LOG"] = "/dev/full"
    done = desk.ctl("run", "desk-break", "--speed", "max")
    assert done.returncode == 0
    assert "were not written" in done.stderr
    endless = desk.ctl("log", "decode", "/dev/zero")
    assert (endless.returncode, "no line of a log" in endless.stderr) == (2, True)

"""`massager-ctl learn` from its arguments to its exit code: nothing is sent, and no bad input is a traceback."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from tests.learn_devices.capture import capture
from tests.learn_devices.device import make
from tests.learn_devices.snoop_log import Log

from massager_ctl.cli.root import run_command_line

SURE = 37
"""A made-up device that is learned for sure."""


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    monkeypatch.chdir(tmp_path)
    path, marks = capture(make(SURE), tmp_path)
    return str(path), str(marks)


def test_from_a_capture_to_a_description_that_verifies(
    log: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    path, marks = log
    assert run_command_line(["learn", path, "--labels", marks, "-o", "mine.yaml"]) == 0
    out = capsys.readouterr().out
    assert "keep-alive: every" in out
    assert "for the bench only" in out
    assert run_command_line(["learn", "check", "mine.yaml"]) == 0
    output = capsys.readouterr().out
    assert "for the bench only" in output
    assert "at most 15 %" in output
    assert run_command_line(["learn", "verify", "mine.yaml"]) == 0
    assert "nothing strange" in capsys.readouterr().out


def test_the_list_of_connections(log: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command_line(["learn", log[0], "--list"]) == 0
    out = capsys.readouterr().out
    assert "C0:FF:EE:12:34:56" in out
    assert "service FFF0" in out
    assert run_command_line(["learn", log[0], "--list", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["connections"]
    assert row["writes"] > 10


def test_json_says_whether_it_is_sure(
    log: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    path, marks = log
    assert run_command_line(["learn", path, "--labels", marks, "--json"]) == 0
    output = json.loads(capsys.readouterr().out)
    assert output["sure"] is True
    assert Path(output["description"]).exists()
    lines = Path(marks).read_text().splitlines()
    Path("few.txt").write_text("\n".join([lines[0], lines[-1]]) + "\n")
    args = ["learn", path, "--labels", "few.txt", "--json", "-o", "few.yaml"]
    assert run_command_line(args) == 3
    output = json.loads(capsys.readouterr().out)
    assert output["sure"] is False
    assert output["unsure"]
    assert run_command_line(["learn", "check", "few.yaml"]) == 0
    assert run_command_line(["learn", "verify", "few.yaml"]) == 3
    Path("none.txt").write_text(lines[0] + "\n")
    args = ["learn", path, "--labels", "none.txt", "--json", "-o", "none.yaml"]
    assert run_command_line(args) == 3
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["description"] is None
    assert not Path("none.yaml").exists()


def test_a_file_is_not_written_over(
    log: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    path, marks = log
    Path("mine.yaml").write_text("precious")
    assert run_command_line(["learn", path, "--labels", marks, "-o", "mine.yaml"]) == 2
    assert "there already" in capsys.readouterr().err
    assert Path("mine.yaml").read_text() == "precious"


def test_several_connections_have_to_be_told_apart(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = Log()
    for handle in (0x40, 0x41):
        log.connect(0.0, bytes((1, 2, 3, 4, 5, handle)), "Relax", handle=handle)
        log.att(1.0, b"\x52\x22\x00\xaa", sent=True, handle=handle)
    (tmp_path / "log").write_bytes(log.out)
    assert run_command_line(["learn", str(tmp_path / "log")]) == 2
    err = capsys.readouterr().err
    assert "--connection" in err
    assert run_command_line(["learn", str(tmp_path / "log"), "--connection", "7"]) == 2


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "Take the log again"),
        (b"\x00\x01\x02", "not a capture"),
        (b"btsnoop\0\0\0\0\x01\0\0\x03\xea", "no connection"),
    ],
)
def test_what_nothing_can_be_learned_from(
    content: bytes, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "log").write_bytes(content)
    assert run_command_line(["learn", str(tmp_path / "log")]) == 2
    err = capsys.readouterr().err
    assert words in err
    assert "Traceback" not in err
    assert not list(tmp_path.glob("*.yaml"))


def test_without_labels_and_without_a_terminal_it_says_what_to_do(
    log: tuple[str, str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with Path(os.devnull).open() as nothing:
        monkeypatch.setattr("sys.stdin", nothing)
        assert run_command_line(["learn", log[0]]) == 2
    assert "--labels" in capsys.readouterr().err


def test_labels_are_asked_one_by_one(log: tuple[str, str], tmp_path: Path) -> None:
    """At a terminal: each change is shown, and the answers make the same description as the file does."""
    path, marks = log
    device = make(SURE)
    deeds = [line.split(" ", 1)[1] for line in Path(marks).read_text().splitlines()]
    answers = (["other"] if device.hello else []) + deeds
    mine, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "massager_ctl.cli.entry", "learn", path, "-o", "asked.yaml"],
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
    ) as process:
        os.write(mine, ("\n".join(answers) + "\n" * 20).encode())
        out, err = process.communicate(timeout=60)
    os.close(mine)
    os.close(theirs)
    assert process.returncode == 0, err.decode()
    assert b"levels: 1, 2" in out

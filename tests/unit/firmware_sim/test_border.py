"""What `massager-sim` prints of a file, a command line or a device steers no terminal."""

from __future__ import annotations

import io
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.support.hostile import HOSTILE, harmless

from firmware_sim.border import Border
from firmware_sim.cli import main
from massager_hil import wire

WORD = "\x1b[2J\u202e\x9b31m"
MARK = "\\x1b[2J\\u202e\\x9b31m"


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    "arguments",
    [
        [WORD],
        ["serve", f"--{WORD}"],
        ["serve", "--tcp", WORD],
        ["serve", "--tcp", "127.0.0.1:0", "--fault", WORD],
        ["serve", "--tcp", "127.0.0.1:0", "--option", WORD],
        ["serve", "--tcp", "127.0.0.1:0", "--mutant", WORD],
        ["serve", "--tcp", "127.0.0.1:0", "--scenario", "hostile.yaml"],
        ["serve", "--tcp", "127.0.0.1:0", "--trace", f"{WORD}/none"],
        ["serve", "--ble", WORD],
        ["completion", WORD],
        ["hil", "--device", WORD],
        ["hil", "--device", f"sim:?{WORD}"],
        ["hil", "-k", WORD],
        ["hil", "--last-failed", "hostile.yaml"],
    ],
)
def test_a_wrong_word_is_told_without_obeying_it(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text = HOSTILE[:40].replace("\ud800", "").replace("\x00", "")
    Path("hostile.yaml").write_text(f"faults:\n  - {text!r}: '{text}'\n", encoding="utf-8")
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 2, done.output
    harmless(done.output, 20_000)


def test_a_name_that_is_taken_is_shown_where_it_is_ready(tmp_path: Path) -> None:
    port = f"{tmp_path}/m{WORD}"
    with subprocess.Popen(
        [Path(sys.executable).parent / "massager-sim", "serve", "--pty", port],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    ) as process:
        assert process.stdout is not None
        ready = process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        harmless(ready)
        assert ready.endswith("\\u202e\\x9b31m\n")


def test_a_colour_of_ours_is_kept_and_one_from_outside_is_not() -> None:
    screen = Screen()
    border = Border(screen)
    border.coloured(f"PASSED {WORD}\n", "green")
    border.coloured("one that is not ours\n", "mauve")
    border.writelines([WORD, "\n"])
    assert screen.getvalue() == (f"\x1b[32mPASSED {MARK}\x1b[0m\none that is not ours\n{MARK}\n")
    file = io.StringIO()
    Border(file).coloured("plain\n", "green")
    assert file.getvalue() == "plain\n"


def test_the_suite_takes_no_letter_that_steers_from_a_device() -> None:
    """Its reports are files too, which no border of a terminal guards."""
    assert wire._text(b"\x1b[2J\x07\x7f\x9bA\0\0") == "\ufffd[2J\ufffd\ufffd\ufffdA"

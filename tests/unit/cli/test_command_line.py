"""The command line as a whole: lazy, helpful, and never a traceback."""

from __future__ import annotations

import importlib.util
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from massager_ctl.cli import entry, root
from massager_ctl.cli.error_block import DEBUG_ENV, block, has_colour, report, report_fault
from massager_ctl.cli.lazy import command_of
from massager_ctl.errors import ExitCode, LinkLost, Refused

NAMES = [name for section in root.COMMANDS.values() for name in section]


@pytest.fixture(autouse=True)
def _own_folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, runtime_folder: Path) -> None:
    monkeypatch.setenv("MASSAGER_CTL_RUNTIME", str(runtime_folder))
    monkeypatch.setenv("MASSAGER_CTL_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("MASSAGER_CTL_CONFIG", raising=False)
    monkeypatch.delenv("MASSAGER_CTL_DEVICE", raising=False)


@pytest.mark.parametrize("name", NAMES)
def test_every_command_helps_with_examples(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert root.run_command_line([name, "--help"]) == 0
    text = capsys.readouterr().out
    assert text.startswith(f"Usage: massager-ctl {name}")
    assert "Example" in text
    assert max(len(line) for line in text.splitlines()) <= 80


def test_the_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert root.run_command_line(["--help"]) == 0
    text = capsys.readouterr().out
    for name in NAMES:
        assert f"\n  {name} " in text
    assert max(len(line) for line in text.splitlines()) <= 80


def test_the_line_in_the_overview_is_true_to_the_command() -> None:
    for section in root.COMMANDS.values():
        for name, (module, line) in section.items():
            assert line.endswith(".")
            assert importlib.util.find_spec(module) is not None, name


def test_a_module_without_its_command_is_a_fault() -> None:
    with pytest.raises(LookupError):
        command_of(root, "nothing")


def imported_by(code: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", f"import sys\n{code}\nprint(*sys.modules, file=sys.stderr)"],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stderr.split())


HEAVY = {"asyncio", "rich", "bleak", "aiomqtt", "msgspec", "yaml", "sqlite3", "serial"}


def test_help_loads_nothing_heavy() -> None:
    code = "from massager_ctl.cli.root import run_command_line; run_command_line(['--help'])"
    # What a bare interpreter loads here (coverage, for one) is not ours.
    assert (imported_by(code) - imported_by("")) & HEAVY == set()


def test_stop_needs_nothing_but_socket_and_json(tmp_path: Path) -> None:
    """R6: whatever else is broken or slow, the stop is not."""
    code = (
        "before = set(sys.modules)\n"
        "sys.argv = ['massager-ctl', 'stop']\n"
        "from massager_ctl.frontends.socket import stop\n"
        "import massager_ctl.cli.entry\n"
        "assert stop.stop_quickly([]) == 4\n"
        "for name in before: del sys.modules[name]"
    )
    ours = {name for name in imported_by(code) if name.startswith("massager_ctl")}
    assert ours == {
        "massager_ctl",
        "massager_ctl.cli",
        "massager_ctl.cli.entry",
        "massager_ctl.frontends",
        "massager_ctl.frontends.socket",
        "massager_ctl.frontends.socket.client",
        "massager_ctl.transports.runtime_folder",
        "massager_ctl.frontends.socket.owners",
        "massager_ctl.frontends.socket.paths",
        "massager_ctl.frontends.socket.stop",
        "massager_ctl.model",
        "massager_ctl.model.text",
        "massager_ctl.transports",
        "massager_ctl.transports.address_identity",
    }
    unwanted = {*HEAVY, "click", "typing", "dataclasses", "pathlib"}
    assert imported_by(code) & unwanted == set()


def test_alone_it_says_what_to_do_next(capsys: pytest.CaptureFixture[str]) -> None:
    assert root.run_command_line([]) == 0
    text = capsys.readouterr().out
    assert "Nothing is running." in text
    assert "massager-ctl run restorative --speed 60" in text


def test_with_a_device_in_the_settings_it_says_so(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MASSAGER_CTL_DEVICE", "serial:/dev/ttyUSB0")
    assert root.run_command_line([]) == 0
    text = capsys.readouterr().out
    assert "serial:/dev/ttyUSB0" in text
    assert "massager-ctl screen" in text


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert root.run_command_line(["--version"]) == 0
    assert capsys.readouterr().out.startswith("massager-ctl ")


def test_a_near_miss_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert root.run_command_line(["stpo"]) == ExitCode.USAGE
    assert "Did you mean 'stop'?" in capsys.readouterr().err


def test_status_of_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert root.run_command_line(["status"]) == 0
    assert "No program on this machine owns a device." in capsys.readouterr().out
    assert root.run_command_line(["status", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"devices": []}


@pytest.mark.parametrize("command", ["pause", "resume", "ease", "ready"])
def test_without_an_owner_there_is_nothing_to_ask(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert root.run_command_line([command]) == ExitCode.LINK
    assert "no program on this machine owns a device" in capsys.readouterr().err


def test_stop_without_an_owner_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert root.run_command_line(["stop", "--json"]) == ExitCode.LINK
    document = json.loads(capsys.readouterr().out)
    assert (document["end_reason"], document["exit_code"]) == ("link", 4)
    assert root.run_command_line(["stop", "--device", "sim:"]) == ExitCode.LINK
    assert root.run_command_line(["stop", "massager-nine"]) == ExitCode.LINK
    assert root.run_command_line(["stop", "--device", "what"]) != ExitCode.OK


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert root.run_command_line(["completion", shell]) == 0
    assert "_MASSAGER_CTL_COMPLETE" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("massager-ctl run resto", "restorative"),
        ("massager-ctl set neck_", "neck_left"),
        ("massager-ctl run gentle --device si", "sim:"),
        ("massager-ctl st", "stop"),
    ],
)
def test_completion_of_profiles_zones_devices_and_commands(words: str, offered: str) -> None:
    done = subprocess.run(
        [Path(sys.executable).parent / "massager-ctl"],
        env={
            **os.environ,
            "_MASSAGER_CTL_COMPLETE": "bash_complete",
            "COMP_BEFORE": words,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert offered in done.stdout


def test_an_error_is_one_block_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    assert report(Refused("this is refused " * 8, "Do that instead. " * 8)) is ExitCode.REFUSED
    text = capsys.readouterr().err
    assert text.startswith("error: this is refused")
    assert max(len(line) for line in text.splitlines()) <= 80
    assert report(LinkLost("gone")) is ExitCode.LINK
    assert capsys.readouterr().err == "error: gone\n"


def test_a_fault_says_how_to_report_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(DEBUG_ENV, raising=False)
    assert report_fault(KeyError("x")) == 1
    text = capsys.readouterr().err
    assert "KeyError" in text
    assert DEBUG_ENV in text
    assert "Traceback" not in text
    monkeypatch.setenv(DEBUG_ENV, "1")
    report_fault(KeyError("x"))
    assert "KeyError" in capsys.readouterr().err


def test_the_lines_of_a_list_of_problems_stay_lines() -> None:
    text = block(
        "profile 'x' has 2 problems:\n  x.yaml:1:2: R1: one\n  x.yaml:2:2: R2: two", "Fix."
    )
    assert text.splitlines() == [
        "error: profile 'x' has 2 problems:",
        "  x.yaml:1:2: R1: one",
        "  x.yaml:2:2: R2: two",
        "  Fix.",
    ]


def test_no_message_steers_the_terminal() -> None:
    assert "\x1b" not in block("a\x1b[2J", "b\x1b[2J")
    assert block("a", "", colour=True).startswith("\x1b[1;31merror:\x1b[0m a")


def test_colour_is_for_terminals_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal:
        def isatty(self) -> bool:
            return True

    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert has_colour(Terminal())
    monkeypatch.setenv("TERM", "dumb")
    assert not has_colour(Terminal())
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    assert not has_colour(Terminal())
    assert not has_colour(object())


def test_a_command_in_a_remedy_is_never_cut() -> None:
    text = block("word " * 13 + "`massager-ctl reset`", "word " * 14 + "`massager-ctl reset`")
    assert text.count("massager-ctl") == 2


def test_a_question_without_an_answer_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    assert root.run_command_line(["screen"]) == ExitCode.INTERRUPTED
    assert "Not answered, and nothing was changed." in capsys.readouterr().err


def test_ctrl_c_while_the_program_is_still_loading(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def pressed(_: list[str]) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(root, "run_command_line", pressed)
    monkeypatch.setattr(sys, "argv", ["massager-ctl", "status"])
    assert entry.main() == ExitCode.INTERRUPTED
    assert capsys.readouterr().err == "\n"


@pytest.mark.slow
@pytest.mark.parametrize("closed", [">&-", "<&-", "2>&-", "<&- >&- 2>&-"])
def test_a_stream_that_was_closed_from_the_start_is_no_fault(closed: str) -> None:
    command = f"{sys.executable} -m massager_ctl.cli.entry"
    for arguments in ("profiles list", "run posture --speed max", "status", "stop"):
        done = subprocess.run(
            ["sh", "-c", f"{command} {arguments} {closed}"],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == (4 if arguments == "stop" else 0), done.stderr
        assert "fault" not in done.stderr


def test_an_output_that_is_full_is_said_without_a_traceback() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "massager_ctl.cli.entry", "profiles", "list"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=30,
            check=False,
        )
    assert done.returncode == ExitCode.USAGE
    assert done.stderr.splitlines() == [
        "error: the output cannot be written (No space left on device)",
        "  Free some space, or write it to another place.",
    ]


@pytest.mark.parametrize(
    ("package", "program"), [("massager_ctl", "massager-ctl"), ("firmware_sim", "massager-sim")]
)
def test_the_package_is_a_program(package: str, program: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", package, "--version"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout.split()[0].rstrip(",")) == (0, program)

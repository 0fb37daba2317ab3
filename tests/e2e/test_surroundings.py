"""Odd surroundings: no home, empty variables, folders that take nothing, few letters. Works, or one clear error."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from massager_ctl.frontends.socket import owners, paths
from massager_ctl.frontends.socket.owners import unseen
from tests.e2e.programs import BIN, PATIENCE_S, Workstation

NO_HOME = ("env", "-u", "HOME", "-u", "XDG_CONFIG_HOME", "-u", "MASSAGER_CTL_DATA")
STRANGER = ("unshare", "--user", "--map-user=54321")


def ctl(
    desk: Workstation,
    *arguments: str,
    before: tuple[str, ...] = (),
    env: dict[str, str] | None = None,
) -> tuple[int, str]:
    done = subprocess.run(
        [*before, BIN / "massager-ctl", *arguments],
        env={**desk.env, **(env or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=PATIENCE_S,
        check=False,
    )
    said = done.stdout + done.stderr
    assert "fault in this program" not in said
    assert "Traceback" not in said
    return done.returncode, " ".join(said.split())


def strangers() -> bool:
    if shutil.which("unshare") is None:
        return False
    return subprocess.run([*STRANGER, "true"], capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not strangers(), reason="this system makes no user without an entry")
@pytest.mark.parametrize(
    "arguments",
    [
        "doctor",
        "run gentle --speed max",
        "history",
        "report -o r.html",
        "serve --no-web",
        "config show",
    ],
)
def test_a_user_without_a_home_is_told_what_to_set(desk: Workstation, arguments: str) -> None:
    code, said = ctl(desk, *arguments.split(), before=(*NO_HOME, *STRANGER))
    assert code in (2, 3)
    assert "no home folder" in said
    assert "Set HOME" in said
    assert "MASSAGER_CTL_DATA" in said


@pytest.mark.skipif(not strangers(), reason="this system makes no user without an entry")
def test_a_user_without_a_home_may_name_the_places(desk: Workstation, tmp_path: Path) -> None:
    settings = tmp_path / "config.toml"
    settings.write_text("")
    places = {"MASSAGER_CTL_CONFIG": str(settings), "MASSAGER_CTL_DATA": str(tmp_path)}
    before = ("env", "-u", "HOME", "-u", "XDG_CONFIG_HOME", *STRANGER)
    code, said = ctl(desk, "run", "desk-break", "--speed", "max", before=before, env=places)
    assert (code, "confirmed at zero" in said) == (0, True)
    code, said = ctl(desk, "profiles", "list", before=before)
    assert (code, "restorative" in said) == (0, True)


def test_an_empty_variable_is_one_that_is_not_set(desk: Workstation) -> None:
    empty: dict[str, str] = dict.fromkeys(
        ("MASSAGER_CTL_CONFIG", "MASSAGER_CTL_DEVICE", "MASSAGER_CTL_MQTT_PASSWORD", "TERM"), ""
    )
    code, said = ctl(desk, "run", "desk-break", "--speed", "max", env=empty)
    assert (code, "confirmed at zero" in said) == (0, True)
    assert ctl(desk, "doctor", env=empty)[0] == 0


def a_folder_that_takes_nothing(folder: Path) -> Path:
    """A folder that this user may not write."""
    closed = folder / "closed"
    closed.mkdir(mode=0o500)
    if os.access(closed, os.W_OK):
        pytest.skip("this user may write everywhere")
    return closed


@pytest.mark.parametrize("where", ["read-only", "too long", "a file", "/proc/none"])
def test_doctor_sees_the_runtime_folder_that_a_run_is_refused(
    desk: Workstation, tmp_path: Path, where: str
) -> None:
    match where:
        case "read-only":
            folder = str(a_folder_that_takes_nothing(tmp_path))
        case "too long":
            folder = str(tmp_path / ("x" * 120))
        case "a file":
            (tmp_path / "file").write_text("")
            folder = str(tmp_path / "file")
        case _:
            folder = where
    env = {"MASSAGER_CTL_RUNTIME": folder}
    code, said = ctl(desk, "run", "desk-break", "--speed", "max", env=env)
    assert code == 2
    assert "MASSAGER_CTL_RUNTIME" in said
    code, seen = ctl(desk, "doctor", env=env)
    assert code == 3
    assert "PROBLEM control sockets" in seen
    assert "MASSAGER_CTL_RUNTIME" in seen


def test_a_terminal_of_few_letters_is_shown_plain_signs(desk: Workstation) -> None:
    few = {"LC_ALL": "C", "PYTHONIOENCODING": "latin-1", "PYTHONUTF8": "0"}
    _, said = ctl(desk, "doctor", env=few)
    assert "-> Answer `massager-ctl screen`" in said
    assert "\\u2192" not in said
    code, said = ctl(desk, "run", "desk-break", "--speed", "max", env=few)
    assert (code, "confirmed at zero" in said) == (0, True)


@pytest.mark.parametrize(
    "arguments",
    [
        "run gentle --speed max",
        "doctor",
        "history --csv",
        "scan --seconds 0.1",
        "profiles show gentle",
    ],
)
def test_a_reader_that_goes_ends_it_silently_with_0(desk: Workstation, arguments: str) -> None:
    done = desk.shell(f"{BIN}/massager-ctl {arguments} | head -n 1")
    assert (done.returncode, "rror" in done.stderr) == (0, False)


def test_a_stop_that_nobody_reads_keeps_its_code(desk: Workstation) -> None:
    """Unconfirmed is 5 whoever reads, and confirmed is 0."""
    with (
        desk.simulator(),
        desk.running("run", "restorative", "--device", desk.device, "--simulated"),
    ):
        desk.wait_until_it_moves()
        line = f"set -o pipefail; {BIN}/massager-ctl stop | true"
        done = subprocess.run(
            ["bash", "-c", line], env=desk.env, capture_output=True, timeout=PATIENCE_S, check=False
        )
        assert (done.returncode, done.stderr.decode()[-900:]) == (0, "")


def test_a_system_without_terminals_is_told_where_it_runs(desk: Workstation) -> None:
    code = "import sys; sys.modules['fcntl'] = None; from massager_ctl.cli.entry import main; sys.exit(main())"
    done = subprocess.run(
        [sys.executable, "-c", code, "status"],
        env=desk.env,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 2
    assert "Linux and macOS" in done.stderr
    assert "WSL" in done.stderr
    assert "fault" not in done.stderr


def test_root_is_told_what_it_does_not_see(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MASSAGER_CTL_RUNTIME", raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 0)
    assert "MASSAGER_CTL_RUNTIME are seen only where it is set" in unseen()
    monkeypatch.setenv("MASSAGER_CTL_RUNTIME", "/run/mine")
    monkeypatch.setattr(owners, "others_dirs", lambda *, named: [] if named else ["/run/user/7/m"])
    monkeypatch.setattr(paths, "socket_paths", lambda _: ["/run/user/7/m/sim_1.sock"])
    assert "Programs of other users are there" in unseen()
    monkeypatch.setattr(paths, "socket_paths", lambda _: [])
    assert unseen() == ""
    monkeypatch.delenv("MASSAGER_CTL_RUNTIME")
    monkeypatch.setattr(os, "getuid", lambda: 1000)
    assert unseen() == ""


@pytest.mark.parametrize("command", ["status", "stop", "pause"])
def test_each_command_that_finds_no_program_tells_root_what_it_does_not_see(
    desk: Workstation, command: str
) -> None:
    """As root of a namespace, where this is not root."""
    root = () if os.getuid() == 0 else ("unshare", "--user", "--map-root-user")
    if root and subprocess.run([*root, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this system makes no namespace of users")
    without = ("env", "-u", "MASSAGER_CTL_RUNTIME", f"XDG_RUNTIME_DIR={desk.folder}")
    _, said = ctl(desk, command, before=(*root, *without))
    assert "started with MASSAGER_CTL_RUNTIME are seen only where it is set" in said

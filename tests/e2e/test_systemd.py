"""The systemd unit: its command runs under its own restrictions, tells that it is ready and alive, and is valid."""

from __future__ import annotations

import configparser
import contextlib
import os
import shlex
import shutil
import signal
import socket
import subprocess
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from massager_ctl.runtime.notify import ServiceManager
from tests.e2e.programs import BIN, PATIENCE_S, Workstation

ROOT = Path(__file__).resolve().parents[2]
UNIT = ROOT / "packaging" / "systemd" / "massager-ctl.service"
RULES = ROOT / "packaging" / "udev" / "60-massager.rules"

pytestmark = pytest.mark.checkout

# What ProtectSystem=strict does: all is read-only but what the unit names. $1: the home, $2: the runtime folder.
STRICT = """
for folder in $WRITABLE; do mount --bind "$folder" "$folder"; done
mount -o remount,bind,ro / || exit 77
exec "$@"
"""


def namespaces() -> bool:
    if shutil.which("unshare") is None:
        return False
    command = ["unshare", "--user", "--map-root-user", "--mount", "true"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def unit() -> configparser.SectionProxy:
    parser = configparser.RawConfigParser(strict=False)
    parser.read_string(UNIT.read_text())
    return parser["Service"]  # names in any case


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    """The service manager's end."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(f"\0{tmp_path}")
        sock.settimeout(PATIENCE_S)
        yield sock


@pytest.fixture
def home(desk: Workstation) -> Path:
    """A home after `pipx install`: the program is there, the ledger's folder is not."""
    (desk.folder / ".local" / "bin").mkdir(parents=True)
    (desk.folder / ".local" / "bin" / "massager-ctl").symlink_to(BIN / "massager-ctl")
    (desk.folder / "user" / "massager-ctl").mkdir(parents=True)
    return desk.folder


@contextlib.contextmanager
def started(
    desk: Workstation, home: Path, manager: socket.socket, *, strict: bool
) -> Generator[subprocess.Popen[str]]:
    said = unit()
    command = [
        *said["ExecStart"].replace("%h", str(home)).split(),
        "--no-web",
        "--device",
        "neck=sim:",
    ]
    writable = [said["ReadWritePaths"].replace("%h", str(home)), f"{home}/user/massager-ctl"]
    env = {
        name: value
        for name, value in desk.env.items()
        if not name.startswith(("MASSAGER", "XDG_", "COV"))
    }
    env |= {
        "XDG_RUNTIME_DIR": f"{home}/user",
        "NOTIFY_SOCKET": f"@{manager.getsockname()[1:].decode()}",
        "WATCHDOG_USEC": "600000",
        "WRITABLE": " ".join(writable),
    }
    around = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", STRICT, "sh"]
    with subprocess.Popen(
        [*(around if strict else []), *command], env=env, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGCONT)
            process.terminate()
            process.wait(PATIENCE_S)


def heard(manager: socket.socket, what: str) -> None:
    while what not in manager.recv(4096).decode().splitlines():
        pass


@pytest.mark.skipif(not namespaces(), reason="this system allows no namespaces")
def test_its_command_starts_under_its_restrictions_with_no_folder_made(
    desk: Workstation, home: Path, manager: socket.socket
) -> None:
    assert unit()["ProtectSystem"] == "strict"
    assert unit()["RuntimeDirectory"] == "massager-ctl"
    with started(desk, home, manager, strict=True) as process:
        heard(manager, "READY=1")
        heard(manager, "WATCHDOG=1")
        sockets = list((home / "user" / "massager-ctl").glob("*.sock"))
        assert len(sockets) == 1
        process.terminate()
        heard(manager, "STOPPING=1")
        assert process.wait(PATIENCE_S) == 0


def test_a_service_that_hangs_shows_no_life(
    desk: Workstation, home: Path, manager: socket.socket
) -> None:
    assert unit()["Type"] == "notify"
    assert float(unit()["WatchdogSec"]) <= 10
    with started(desk, home, manager, strict=False) as process:
        heard(manager, "READY=1")
        heard(manager, "WATCHDOG=1")
        process.send_signal(signal.SIGSTOP)
        manager.settimeout(1.5)
        with pytest.raises(TimeoutError):
            heard(manager, "nothing more")
        manager.settimeout(PATIENCE_S)
        process.send_signal(signal.SIGCONT)
        heard(manager, "WATCHDOG=1")


def test_after_a_kill_the_stop_is_sent_once_more(desk: Workstation, home: Path) -> None:
    command = shlex.split(unit()["ExecStopPost"].removeprefix("-"))

    def after(result: str) -> subprocess.CompletedProcess[str]:
        env = {**desk.env, "HOME": str(home), "SERVICE_RESULT": result}
        return subprocess.run(
            command, env=env, capture_output=True, text=True, timeout=PATIENCE_S, check=False
        )

    device = f"neck={desk.device}"
    with (
        desk.simulator(),
        desk.running("serve", "--no-web", "--log", "json", "--device", device) as service,
    ):
        assert service.stderr is not None
        while "device.connected" not in service.stderr.readline():
            assert service.poll() is None
        service.kill()
        service.wait(PATIENCE_S)
        in_good_order = after("success")
        assert (in_good_order.returncode, in_good_order.stdout) == (0, "")
        killed = after("signal")
        assert (killed.returncode, killed.stderr) == (0, "")
        assert "confirmed at zero" in killed.stdout


def test_no_child_speaks_for_the_service() -> None:
    env = {
        "NOTIFY_SOCKET": "/nowhere",
        "WATCHDOG_USEC": "3000000",
        "WATCHDOG_PID": str(os.getpid()),
    }
    manager = ServiceManager(env)
    assert (env, manager.period_s) == ({}, 3.0)
    manager.tell("READY=1")  # no one listens
    assert (
        ServiceManager({"NOTIFY_SOCKET": "/x", "WATCHDOG_USEC": "1", "WATCHDOG_PID": "1"}).period_s
        is None
    )
    assert ServiceManager({"WATCHDOG_USEC": "1000000"}).period_s is None


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_takes_the_unit(home: Path, tmp_path: Path) -> None:
    copy = tmp_path / UNIT.name
    copy.write_text(UNIT.read_text().replace("%h", str(home)))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--recursive-errors=no", copy],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_the_udev_rule_keeps_modemmanager_away_and_names_the_port() -> None:
    rules = [line for line in RULES.read_text().splitlines() if line and not line.startswith("#")]
    assert len(rules) == 2
    for rule in rules:
        assert "_IGNORE}=" in rule
        for part in rule.split(", "):
            assert part.count('"') == 2, part
    assert 'SYMLINK+="massager-$attr{serial}"' in rules[1]

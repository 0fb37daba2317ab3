"""Hooks on a bench: a simulator in another process, reached through its port and through programs alone."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner, Result

from firmware_sim.cli import main

PATIENCE_S = 60.0
RIG = Path(__file__).with_name("rig.py")
ACTS = (
    *("power-cycle", "power-off", "reset", "button-down", "button-up"),
    *("charger-in", "charger-out", "fault", "mend"),
)
DONE_BY_HOOKS = (
    "reset-keeps-e-stop",
    "power-cycle",
    "stall",
    "battery-low",
    "charging",
    "watchdog",
    "memory",
    "reboot",
)


@dataclass
class Rig:
    """A bench in a folder of its own."""

    folder: Path

    def bench(self, *without: str, **hooks: list[str]) -> Path:
        """A bench's file, with some hooks left out, and some instead of the rig's own."""
        argv = {act: [sys.executable, str(RIG), ".", act] for act in ACTS if act not in without}
        argv |= {name.replace("_", "-"): words for name, words in hooks.items()}
        lines = [f"{name} = {json.dumps(words)}" for name, words in argv.items()]
        limits = [f"{name.replace('_', '-')} = 0.5" for name in hooks]
        path = self.folder / "bench.toml"
        text = ['serial = "SIM-00000001"', 'faults = ["stall", "battery-low", "hang", "memory"]']
        text += ["[hooks]", *lines, "[timeouts]", *limits]
        path.write_text("\n".join(text), encoding="utf-8")
        return path

    def arguments(self, bench: Path, checks: str, *more: str) -> list[str]:
        """What comes after `massager-sim`."""
        device = ("--device", f"serial:{self.folder / 'port'}", "--bench", str(bench))
        return ["hil", *device, "-k", checks, *more]

    def hil(self, bench: Path, checks: str, *more: str) -> Result:
        """Run the suite."""
        return CliRunner().invoke(main, self.arguments(bench, checks, *more))

    def do(self, act: str) -> None:
        """Do something on the bench."""
        subprocess.run([sys.executable, RIG, self.folder, act], check=True, timeout=PATIENCE_S)

    @property
    def acts(self) -> list[str]:
        """What was done on it so far."""
        return (self.folder / "acts").read_text(encoding="utf-8").splitlines()


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    (tmp_path / "options").write_text("--seed 3", encoding="utf-8")
    made = Rig(tmp_path)
    yield made
    made.do("power-off")


def verdicts(path: Path) -> dict[str, str]:
    checks = json.loads(path.read_text(encoding="utf-8"))["checks"]
    return {check["id"]: check["verdict"] for check in checks}


def test_what_needs_hands_runs_on_a_device_over_a_link(rig: Rig) -> None:
    # Each act takes longer than the dead-man does: a session has to be kept meanwhile.
    (rig.folder / "slow").write_text("0.7", encoding="utf-8")
    record = rig.folder / "out.json"
    result = rig.hil(rig.bench(), " or ".join(DONE_BY_HOOKS), "--json", str(record))
    assert "Traceback" not in result.output
    assert result.exit_code == 0, result.output
    came_out = verdicts(record)
    assert {came_out[name] for name in DONE_BY_HOOKS} == {"passed"}
    assert list(came_out)[-1] == "memory"
    acts = rig.acts
    assert set(acts) >= {"reset", "button-down", "fault stall", "mend stall", "charger-out"}
    assert (acts[0], acts[-1]) == ("power-cycle", "power-off")
    assert acts.count("power-cycle") == 2


def test_what_the_bench_cannot_do_is_skipped_and_says_how(rig: Rig) -> None:
    bench = rig.bench("reset", "fault", "mend", "charger-in", "charger-out")
    record = rig.folder / "out.json"
    result = rig.hil(
        bench, "stop-idle or boots-charge or battery-low or charging", "--json", str(record)
    )
    assert result.exit_code == 0, result.output
    came_out = verdicts(record)
    assert came_out.pop("stop-idle") == "passed"
    assert set(came_out.values()) == {"skipped"}
    assert "run with the hook reset" in result.output


def test_a_broken_device_is_found_by_a_hook(rig: Rig) -> None:
    (rig.folder / "options").write_text("--mutant slow-watchdog", encoding="utf-8")
    result = rig.hil(rig.bench(), "watchdog")
    assert result.exit_code == 3, result.output
    assert "R24" in result.output


@pytest.mark.parametrize(
    ("reset", "said"),
    [
        (["sleep", "60"], "the hook reset did not end within 0.5 s, and was killed"),
        (["sh", "-c", "echo no relay there >&2; exit 4"], "exit code 4: no relay there"),
        (["/nowhere/at/all"], "the hook reset cannot be started: /nowhere/at/all: No such file"),
    ],
)
def test_a_hook_that_fails_or_hangs_leaves_its_check_not_run(
    rig: Rig, reset: list[str], said: str
) -> None:
    record, junit = rig.folder / "out.json", rig.folder / "out.xml"
    result = rig.hil(
        rig.bench(reset=reset),
        "boot-latch or stop-idle",
        *("--json", str(record), "--junit", str(junit)),
    )
    assert result.exit_code == 4, result.output
    assert said in result.output
    assert "Traceback" not in result.output
    assert verdicts(record) == {"stop-idle": "passed", "boot-latch": "not run"}
    error = ET.parse(junit).getroot().find(".//error")
    assert error is not None
    assert said in error.get("message", "")
    assert rig.acts[-1] == "power-off"


def test_a_bench_that_does_not_let_go_of_the_button_ends_the_run(rig: Rig) -> None:
    record = rig.folder / "out.json"
    result = rig.hil(
        rig.bench(button_up=["false"]), "button-idle or latch-held", "--json", str(record)
    )
    assert result.exit_code == 4, result.output
    assert "the bench does not put the device at rest: the hook button-up" in result.output
    assert set(verdicts(record).values()) == {"not run"}
    assert rig.acts[-1] == "power-off"


def test_a_device_that_does_not_switch_on_is_lost_and_switched_off(rig: Rig) -> None:
    result = rig.hil(rig.bench(power_cycle=["false"]), "stop-idle")
    assert result.exit_code == 4
    assert "the hook power-cycle ended with the exit code 1" in result.output
    assert rig.acts == ["power-off"]


def test_the_wrong_device_is_switched_off_too(rig: Rig) -> None:
    bench = rig.bench()
    bench.write_text(bench.read_text().replace("SIM-00000001", "NM-0042"), encoding="utf-8")
    result = rig.hil(bench, "stop-idle")
    assert result.exit_code == 2, result.output
    assert "NM-0042" in result.output
    assert rig.acts == ["power-cycle", "power-off"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_run_has_its_report_and_switches_off(rig: Rig, number: int) -> None:
    junit = rig.folder / "out.xml"
    arguments = rig.arguments(rig.bench(), "stop-idle or stall", "--junit", str(junit))
    with subprocess.Popen(
        [sys.executable, "-m", "firmware_sim", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as child:
        assert child.stdout is not None
        said = ""
        while "stop-idle" not in said:
            said += child.stdout.readline()
        os.kill(child.pid, number)
        said += child.stdout.read()
        assert child.wait(PATIENCE_S) == 130, said
    assert "Traceback" not in said
    assert "The run was interrupted." in said
    assert ET.parse(junit).getroot().find(".//error") is not None
    assert rig.acts[-1] == "power-off"


def test_a_run_in_simulated_time_ends_in_order_too(tmp_path: Path) -> None:
    record = tmp_path / "out.json"
    with subprocess.Popen(
        [sys.executable, "-u", "-m", "firmware_sim", "hil", "--json", str(record)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as child:
        assert child.stdout is not None
        said = child.stdout.readline()
        child.terminate()
        said += child.stdout.read()
        assert child.wait(PATIENCE_S) == 130, said
    assert "Traceback" not in said
    written = json.loads(record.read_text(encoding="utf-8"))
    assert written["interrupted"] is True
    assert written["checks"][-1]["verdict"] == "not run"


def test_what_does_not_switch_off_is_said(rig: Rig) -> None:
    junit = rig.folder / "out.xml"
    bench = rig.bench(power_off=["sh", "-c", "exit 6"])
    result = rig.hil(bench, "stop-idle", "--junit", str(junit))
    assert result.exit_code == 4, result.output
    assert "exit code 6. Switch the device off by hand." in result.output
    assert "bench failed" in junit.read_text(encoding="utf-8")


def test_flash_comes_first(rig: Rig) -> None:
    flash = ["sh", "-c", "echo flash >> acts"]
    result = rig.hil(rig.bench(flash=flash), "stop-idle")
    assert result.exit_code == 0, result.output
    assert rig.acts == ["flash", "power-cycle", "power-off"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("serial = 5", "serial is missing"),
        ("[hooks", "is not TOML"),
        ("hooks = " + "1" * 5000, "is not TOML"),
        ("hooks = " + "[" * 20_000, "is not TOML"),
        ('serial = "A"\nhook = 1', "there is no key 'hook'"),
        ('serial = "A"\n[hooks]\nboot = ["a"]', "there is no hook 'boot'"),
        ('serial = "A"\n[hooks]\nreset = "rm -rf x"', "no shell reads it"),
        ('serial = "A"\n[hooks]\nreset = []', "hooks.reset is a program"),
        ('serial = "A"\n[hooks]\nreset = ["a", 1]', "hooks.reset is a program"),
        ('serial = "A"\n[hooks]\nfault = ["a"]', "the hook fault needs the hook mend"),
        ('serial = "A"\n[hooks]\nbutton-up = ["a"]', "button-up needs the hook button-down"),
        ('serial = "A"\nfaults = ["fire"]', "there is no fault 'fire'"),
        ('serial = "A"\nfaults = "stall"', "faults is a list"),
        ('serial = "A"\n[timeouts]\nreset = 1', "is none of the hooks here"),
        ('serial = "A"\n[hooks]\nreset = ["a"]\n[timeouts]\nreset = nan', "from 0.1 to 3600"),
        ('serial = "A"\nhooks = 3', "hooks is a table"),
        ('serial = "A"\nwitness = "tail"', "witness is a program"),
        ('serial = "A"\ndrive_tolerance = true', "drive_tolerance is a number"),
    ],
)
def test_a_wrong_file_is_one_clear_error(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "bench.toml"
    path.write_text(text, encoding="utf-8")
    arguments = ("hil", "--device", "serial:/nowhere", "--bench", str(path))
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2, result.output
    assert said in result.output
    assert "Traceback" not in result.output
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe")
    for other in ("none.toml", "binary.toml"):
        arguments = ("hil", "--device", "serial:/nowhere", "--bench", str(tmp_path / other))
        assert CliRunner().invoke(main, arguments).exit_code == 2

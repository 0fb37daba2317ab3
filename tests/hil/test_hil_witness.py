"""Outputs measured from outside: a device that lies by the book is found, and a sound one passes."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from firmware_sim.cli import main
from massager_hil import wire
from massager_hil.oracle.sheet import Sheet
from massager_hil.tables import SUM_CAP
from massager_hil.witness.judge import WitnessJudge
from massager_hil.witness.lines import ACTUATORS, BadLine, Clock, read

HERE = Path(__file__).parent
PATIENCE_S = 60.0
TAIL = (sys.executable, str(HERE / "tail_trace.py"), "trace")


@contextmanager
def device(folder: Path, *argv: str) -> Generator[str]:
    """A device in a process of its own, with its port and its trace in `folder`; the address."""
    with subprocess.Popen(
        [sys.executable, *argv],
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline().startswith("ready")
        yield f"serial:{folder / 'port'}"
        child.kill()
        child.wait(PATIENCE_S)


def sound(folder: Path) -> AbstractContextManager[str]:
    return device(folder, "-m", "firmware_sim", "serve", "--pty", "port", "--trace", "trace")


def hil(address: str, checks: str, *more: str) -> Result:
    return CliRunner().invoke(main, ["hil", "--device", address, "-k", checks, *more])


@pytest.mark.parametrize(
    ("mutant", "check", "rule"),
    [
        ("arm-cap-ignored", "arm-cap", "R1"),
        # R3 is shown on the judge alone: of a slow rise, a late computer asks for a second look.
        ("tireless", "deadman-running", "R4"),
        ("tireless deaf", "stop-running", "R6"),
    ],
)
def test_a_device_that_lies_by_the_book_is_found(
    tmp_path: Path, mutant: str, check: str, rule: str
) -> None:
    record = tmp_path / "out.json"
    with device(tmp_path, str(HERE / "liar.py"), "port", "trace", *mutant.split()) as address:
        assert hil(address, check).exit_code == 0
        bench = tmp_path / "bench.toml"
        # A trace is exact; with more room, what is seen in the last quarter of a second would decide.
        settings = f'serial = "SIM-00000001"\ndrive_tolerance = 0.2\nwitness = {json.dumps(TAIL)}'
        bench.write_text(settings, encoding="utf-8")
        result = hil(address, check, "--bench", str(bench), "--json", str(record))
    assert result.exit_code == 3, result.output
    broken = json.loads(record.read_text(encoding="utf-8"))["rules_broken"]
    assert {rule, "R14"} <= set(broken)
    assert "measured outside" in result.output


def test_a_sound_device_passes(tmp_path: Path) -> None:
    with sound(tmp_path) as address:
        folder = (sys.executable, str(HERE / "tail_trace.py"), str(tmp_path / "trace"))
        checks = "deadman-running or stop-running or arm-cap or stop-idle"
        result = hil(address, checks, "--witness", shlex.join(folder))
    assert result.exit_code == 0, result.output
    assert "The witness gave" in result.output


@pytest.mark.parametrize(
    ("says", "said"),
    [
        ("echo hello", "the witness says what cannot be read: it is not JSON: 'hello'"),
        ("echo '[1]'", "it is not an object"),
        ("""echo '{"time": 1, "actuator": "nose", "drive": 1}'""", "actuator is ZONE.vibration"),
        ("exit 9", "the witness ended with the exit code 9"),
        ("head -c 9000 /dev/zero | tr '\\0' x", "a line of more than 4096 bytes"),
    ],
)
def test_a_witness_that_is_none_ends_the_run(tmp_path: Path, says: str, said: str) -> None:
    with sound(tmp_path) as address:
        result = hil(address, "stop-idle", "--witness", shlex.join(("sh", "-c", says)))
    assert result.exit_code == 4, result.output
    assert said in result.output
    assert "Traceback" not in result.output


def test_a_witness_that_falls_silent_leaves_the_checks_not_run(tmp_path: Path) -> None:
    record = tmp_path / "out.json"
    line = json.dumps({"time": 1, "actuator": "neck_left.vibration", "drive": 0})
    says = f"echo {shlex.quote(line)}; sleep 60"
    with sound(tmp_path) as address:
        result = hil(
            address,
            "stop-idle or info-again",
            *("--witness", shlex.join(("sh", "-c", says)), "--json", str(record)),
        )
    assert result.exit_code == 4, result.output
    assert "the witness has been silent for" in result.output
    checks = json.loads(record.read_text(encoding="utf-8"))["checks"]
    assert {check["verdict"] for check in checks} == {"not run"}


def test_what_cannot_be_witnessed_is_bad_input(tmp_path: Path) -> None:
    assert hil("sim:", "stop-idle", "--witness", "true").exit_code == 2
    assert hil("serial:/nowhere", "stop-idle", "--witness", "'").exit_code == 2
    with sound(tmp_path) as address:
        result = hil(address, "stop-idle", "--witness", "/nowhere/at/all")
    assert result.exit_code == 4
    assert "the witness /nowhere/at/all cannot be started" in result.output


# --- lines and clocks


def test_lines_are_read_strictly() -> None:
    line = read(b'{"time": 2.5, "actuator": "suboccipital_right.kneading", "drive": 12.5}\n')
    assert (line.time, line.actuator, line.drive) == (2.5, 11, 125.0)
    assert len(ACTUATORS) == 12
    for key, value in (
        ("time", True),
        ("time", 1e999),
        ("drive", 101),
        ("drive", -1),
        ("drive", "1"),
    ):
        fields = {"time": 1.0, "actuator": "neck_left.vibration", "drive": 1.0, key: value}
        with pytest.raises(BadLine):
            read(json.dumps(fields).encode())


def test_clocks_are_matched_by_the_fastest_line() -> None:
    clock = Clock()
    late = (0.05, 0.03, 0.002, 0.4, 0.02)
    at = [clock.match(float(k), 100.0 + k + delay) for k, delay in enumerate(late)]
    assert at[2:] == pytest.approx([102.002, 103.002, 104.002])
    assert clock.spread_s == pytest.approx(0.398)
    assert clock.match(0.0, 110.0) == pytest.approx(110.0)  # it has started again


# --- the judge, in simulated time


class Outputs:
    """A judge, and outputs that change 50 times a second."""

    def __init__(self, **info: Any) -> None:
        self.sheet = Sheet()
        fields: dict[str, Any] = dict.fromkeys(wire.Info.__struct_fields__, 0)
        fields |= {"serial": "A", "firmware": (1, 0, 0), "rise": 20, "sum_cap": 200}
        fields["caps"] = (70, 70, 50, 50, 35, 35)
        fields |= info
        self.judge = WitnessJudge(self.sheet, wire.Info(**fields), "serial", 0.5, lambda: 0.0)
        self.now = 0.0
        self.drives = [0.0] * 12

    def run(self, seconds: float, level: int, rise: float = 2.0, *, ask: bool = True) -> None:
        """Ask for so much in all zones every 200 ms, while they rise or fall at once."""
        for step in range(round(50 * seconds)):
            if ask and step % 10 == 0:
                self.judge.commands.setpoint(self.now, (level,) * 6)
            self.now += 0.02
            for zone in range(6):
                self.drives[zone] = min(self.drives[zone] + 10 * rise * 0.02, level)
            for zone in range(6):
                self.judge.line(self.now, zone, self.drives)

    @property
    def broken(self) -> set[str]:
        return {finding.rule for finding in self.sheet.take()}


def started() -> Outputs:
    made = Outputs()
    made.judge.commands.arm(1000)
    return made


def test_sound_outputs_break_nothing() -> None:
    outputs = started()
    outputs.run(6.0, 100)
    outputs.run(1.0, 0)
    outputs.run(5.0, 80)
    outputs.judge.stop(outputs.now)
    outputs.drives = [0.0] * 12
    outputs.run(1.0, 0, ask=False)
    assert outputs.broken == set()


def test_each_rule_is_judged_by_the_outputs_alone() -> None:
    outputs = started()
    outputs.run(2.0, 100, rise=4.0)
    assert outputs.broken == {"R3"}

    outputs = started()
    outputs.run(1.0, 15)
    outputs.drives = [30.0] * 12
    outputs.judge.line(outputs.now, 0, outputs.drives)
    assert "R1" in outputs.broken

    outputs = started()
    outputs.run(2.0, 40)
    outputs.run(2.0, 40, ask=False)
    assert outputs.broken == {"R4"}

    outputs = started()
    outputs.run(2.0, 40)
    outputs.judge.stop(outputs.now)
    outputs.run(0.4, 40, ask=False)
    assert outputs.broken == {"R6"}

    outputs = started()
    outputs.run(10.0, 180)
    assert outputs.broken == {"R2"}

    outputs = Outputs(caps=(255,) * 6, rise=255)
    outputs.judge.commands.arm(1000)
    outputs.drives = [SUM_CAP / 5] * 6 + [0.0] * 6
    outputs.judge.line(0.0, 0, outputs.drives)
    assert "R1" in outputs.broken

    outputs = Outputs()
    outputs.drives[0] = 20.0
    outputs.judge.line(5.0, 0, outputs.drives)
    assert "R14" in outputs.broken

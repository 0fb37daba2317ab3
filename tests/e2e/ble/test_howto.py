"""The page on BLE without hardware says what is true: its Python runs, its options exist."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from firmware_sim.cli import main as massager_sim
from massager_ctl.aio.simulated_time import SimulatedTimeLoop
from massager_ctl.cli.scan import scan
from massager_ctl.transports.address import BleAddress, parse_address

PAGE = (Path(__file__).parents[3] / "docs/how-to/ble-without-hardware.md").read_text()


def test_its_python_runs_in_simulated_time() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.S)
    space: dict[str, Any] = {}
    exec(compile(code, "ble-without-hardware.md", "exec"), space)  # noqa: S102 - our own page
    with asyncio.Runner(loop_factory=SimulatedTimeLoop) as runner:
        runner.run(space["scenario"]())


def test_its_addresses_and_options_exist() -> None:
    (address,) = set(re.findall(r"--device '(ble:[^']*)'", PAGE))
    assert parse_address(address) == BleAddress("Massager", "tcp:127.0.0.1:6402")
    help_of_serve = CliRunner().invoke(massager_sim, ["serve", "--help"]).output
    for option in ("--ble", "--name", "--fault"):
        assert option in PAGE
        assert option in help_of_serve
    assert "--hci" in CliRunner().invoke(scan, ["--help"]).output

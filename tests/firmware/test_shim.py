"""What machine code reaches on MicroPython: its constants, and arrays of 32-bit numbers (R24)."""

from __future__ import annotations

from tests.support.micropython import SCRIPTS, needs_micropython, run_micropython


@needs_micropython
def test_r24_constants_and_arrays_on_micropython() -> None:
    said = run_micropython(SCRIPTS / "shim.py", "7", "1073741823")
    assert said.splitlines() == ["7", "array('i', [7, 1073741823])"]

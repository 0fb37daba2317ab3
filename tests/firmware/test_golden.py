"""R16: the golden frames by the firmware's codec on MicroPython, machine code and all."""

from __future__ import annotations

import json

from tests.support.micropython import ROOT, SCRIPTS, needs_micropython, run_micropython

GOLDEN = ROOT / "tests" / "golden" / "frames.json"


@needs_micropython
def test_golden_frames_on_micropython() -> None:
    held = json.loads(GOLDEN.read_text(encoding="utf-8"))
    counts = [len(held[part]) for part in ("frames", "bad", "streams")]
    assert run_micropython(SCRIPTS / "golden.py", str(GOLDEN)).split() == [str(n) for n in counts]

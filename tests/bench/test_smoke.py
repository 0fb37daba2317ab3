"""Every row of the benchmark runs and prints its line; what it measures is not judged here."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.unmeasured

ROOT = Path(__file__).resolve().parents[2]
ROWS = sorted((ROOT / "bench" / "rows").glob("r[0-9]*.py"))


def test_there_is_a_row_for_each_number() -> None:
    assert [int(path.stem[1:3]) for path in ROWS] == list(range(1, 16))


@pytest.mark.parametrize("number", range(1, 16))
def test_a_row_runs_and_prints_its_line(number: int) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench", str(number), "--quick"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()
    assert re.match(rf" ?{number} \S.*: \S.*  (ok|MISS)$", line), line
    assert "no result" not in line, done.stderr

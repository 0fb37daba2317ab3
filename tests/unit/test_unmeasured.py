"""Coverage that is paused counts nothing, here and in child processes, and goes on afterwards."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

_PROGRAM = """\
import os, coverage
os.environ["COVERAGE_PROCESS_CONFIG"] = "children"
measured = coverage.Coverage(data_file=None, include=["steps.py"], config_file=False)
measured.start()
import steps
from tests.support.unmeasured import paused
steps.before()
with paused():
    assert "COVERAGE_PROCESS_CONFIG" not in os.environ
    steps.between()
steps.after()
measured.stop()
assert os.environ["COVERAGE_PROCESS_CONFIG"] == "children"
data = measured.get_data()
[file] = data.measured_files()
print(*sorted(data.lines(file)))
"""
_STEPS = """\
def before():
    return 1
def between():
    return 2
def after():
    return 3
"""


def test_only_what_is_paused_is_not_measured(tmp_path: Path) -> None:
    (tmp_path / "steps.py").write_text(_STEPS)
    root = Path(__file__).parents[2]
    env = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    env["PYTHONPATH"] = os.pathsep.join((str(root), str(tmp_path)))
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM],
        cwd=tmp_path,
        env=env,
        check=False,
        capture_output=True,
        text=True,
    )
    assert (done.stdout, done.stderr) == ("1 2 3 5 6\n", "")

"""The example project passes from an installed wheel in a clean environment, as it would anywhere else."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 600


def run(*command: str | Path, cwd: Path) -> str:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        list(map(str, command)),
        cwd=cwd,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout}"
    return done.stdout


def test_the_example_project_passes_from_a_wheel(tmp_path: Path) -> None:
    dist, clean = tmp_path / "dist", tmp_path / "venv"
    run(
        *(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", dist, ROOT),
        cwd=tmp_path,
    )
    (wheel,) = dist.glob("massager_ctl-*.whl")
    venv.create(clean, with_pip=True)
    python = clean / "bin" / "python"
    run(python, "-m", "pip", "install", "--quiet", str(wheel), "pytest>=8.4,<9", cwd=tmp_path)
    project = tmp_path / "project"
    shutil.copytree(
        ROOT / "examples" / "third-party-ci",
        project,
        ignore=shutil.ignore_patterns("__pycache__", ".pytest_cache"),
    )
    said = run(python, "-m", "pytest", "-p", "no:cacheprovider", "--junit-xml=r.xml", cwd=project)
    assert " passed" in said
    assert "skipped" not in said
    hil = run(clean / "bin" / "massager-sim", "hil", "-k", "stop and not link", cwd=project)
    assert "0 failed" in hil

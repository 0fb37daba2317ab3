"""Makes the environment of the benchmark, `.venv-bench`, and runs the rows in it: `bench/run.py [NUMBER...] [--quick]`.

It needs nothing but a Python with venv, so that the peers stay out of the project's own environment.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv-bench"
LOCK = ROOT / "requirements-bench.lock"
READY = VENV / ".ready"


def main() -> None:
    digest = hashlib.sha256(LOCK.read_bytes() + (ROOT / "pyproject.toml").read_bytes()).hexdigest()
    if not READY.exists() or READY.read_text(encoding="ascii") != digest:
        subprocess.run([ROOT / "tools" / "install", str(VENV), LOCK.name], cwd=ROOT, check=True)
        READY.write_text(digest, encoding="ascii")
    python = VENV / "bin" / "python"
    os.chdir(ROOT)
    os.execv(python, [str(python), "-m", "bench", *sys.argv[1:]])


if __name__ == "__main__":
    main()

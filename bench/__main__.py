"""Measures rows of the table: `python -m bench [NUMBER...]`; `bench/run.py` makes its environment first."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import pkgutil
import signal
import subprocess
import sys
import tempfile
import time
from typing import Any

from bench import rows, table
from bench.figures import QUICK, Row, Scale

NICE = -15
PATIENCE_S = 150
"""Seconds that a row may take."""


def main() -> int:
    options = argparse.ArgumentParser(prog="bench", description=__doc__)
    options.add_argument("numbers", nargs="*", type=int, help="rows; all if none is named")
    options.add_argument("--quick", action="store_true", help="only see that each row runs")
    options.add_argument("--write", action="store_true", help="write results.json and the document")
    options.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    chosen = options.parse_args()
    scale = QUICK if chosen.quick else Scale()
    if chosen.here:
        return _measure_here(chosen.numbers[0], scale)
    _take_precedence()
    began = time.monotonic()
    results = [
        _measure_apart(module, quick=chosen.quick) for module in modules(chosen.numbers or None)
    ]
    if not chosen.quick:
        missed = sum(not result["ok"] for result in results)
        print(f"{len(results)} rows, {missed} missed, {time.monotonic() - began:.0f} s")
    if chosen.write:
        table.write(results)
    return 0


def modules(numbers: list[int] | None) -> list[str]:
    """The modules of the rows, in order."""
    names = sorted(info.name for info in pkgutil.iter_modules(rows.__path__))
    return [name for name in names if numbers is None or int(name[1:3]) in numbers]


def _take_precedence() -> None:
    """What else runs on this machine should disturb as little as the system allows; ours and peers inherit it alike."""
    try:
        os.nice(NICE)
    except OSError:
        pass  # For that a user needs the right to it.


def _measure_here(number: int, scale: Scale) -> int:
    (name,) = modules([number])
    row: Row = importlib.import_module(f"bench.rows.{name}").measure(scale)
    print(json.dumps({**row.to_json(), "line": row.line()}))
    return 0


def _measure_apart(name: str, *, quick: bool) -> dict[str, Any]:
    """A row in a process of its own, without this user's settings, so that no row disturbs the next."""
    number = int(name[1:3])
    command = [sys.executable, "-m", "bench", str(number), "--here"]
    if quick:
        command.append("--quick")
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as home:
        private = dict.fromkeys(
            ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR"), home
        )
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            env={**os.environ, **private},
            start_new_session=True,
            text=True,
        )
        try:
            output, _ = process.communicate(timeout=PATIENCE_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            output, _ = process.communicate()
    try:
        result: dict[str, Any] = json.loads(output.splitlines()[-1])
    except (IndexError, ValueError):
        why = f"no result after {time.monotonic() - began:.0f} s"
        row = Row(number, name[4:].replace("_", " "), (), note=why)
        result = {**row.to_json(), "line": row.line()}
    result["took_s"] = round(time.monotonic() - began, 1)
    print(result.pop("line"), flush=True)
    return result


if __name__ == "__main__":
    sys.exit(main())

"""What the firmware costs a small processor: instructions on MicroPython, as ratios to a loop of known cost.

`python -m bench.firmware_costs` needs valgrind. A ratio holds on any machine; the milliseconds are an estimate, until a
board measures them: the loop of known cost takes 10.1 ms on an RP2040 at 125 MHz (measured on an emulated one).
"""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Final

from firmware_sim.unix_port import boards, command, environment

ROOT: Final = Path(__file__).resolve().parent.parent
SCRIPTS: Final = ROOT / "tests" / "firmware" / "scripts"
KNOWN_MS: Final = 10.1
BUDGET_MS: Final = 10.0
NUMBER: Final = 1000
BOARD: Final = ("sense", "drive", "slow", "store")
"""What the simulated board does is not the firmware's: in a tick, in a frame and in a checkpoint."""
HOST: Final = "build"
SHOWN: Final = ("tick", "frame", "telemetry", "setpoint", "checkpoint")
WHAT: Final = ("known", "tick", "frame", "telemetry", "setpoint", "checkpoint", *BOARD, HOST)
_COLLECTED: Final = re.compile(r"Collected : (\d+)")


def instructions(what: str, number: int) -> int:
    """Instructions of a whole run that does `what` so many times."""
    env = environment()
    env["PYTHONHASHSEED"] = "0"  # or starting Python takes another number of instructions each time
    env["MICROPYPATH"] = os.pathsep.join((env["MICROPYPATH"], str(SCRIPTS)))
    done = subprocess.run(
        [
            "valgrind",
            "--tool=callgrind",
            "--callgrind-out-file=/dev/null",
            *command(SCRIPTS / "costs.py", what, str(number)),
        ],
        env=env,
        capture_output=True,
        text=True,
        check=True,
    )
    found = _COLLECTED.search(done.stderr)
    if found is None:
        raise RuntimeError(f"valgrind counted nothing: {done.stderr[-500:]}")
    return int(found[1])


def ratios() -> dict[str, float]:
    """Each cost as a multiple of the loop of known cost."""
    start = instructions("known", 0)
    costs = {what: (instructions(what, NUMBER) - start) / NUMBER for what in WHAT}
    known = costs["known"]
    found = {what: cost / known for what, cost in costs.items()}
    found["tick"] -= found["sense"] + found["drive"]
    found["frame"] -= found["slow"]
    found["checkpoint"] -= found["store"]
    found["setpoint"] -= found[HOST]
    return {what: found[what] for what in SHOWN}


def main() -> None:
    """Print the table, and how it stands to the budget."""
    found = ratios()
    for what, ratio in found.items():
        print(f"{what:10} {ratio:5.2f} x   about {ratio * KNOWN_MS:4.1f} ms at 125 MHz (estimate)")
    worst = (found["tick"] + found["setpoint"]) * KNOWN_MS
    print(f"a tick and a SETPOINT, whose TELEMETRY to two links is in it: {worst:.1f} ms of 20;")
    print(f"the budget is {BUDGET_MS:.0f}. Board files: {boards()}")
    every = sum(found[what] for what in SHOWN) * KNOWN_MS
    print(f"All of it in one tick, which the 10 s checkpoint makes once in 500: {every:.1f} ms")


if __name__ == "__main__":
    main()

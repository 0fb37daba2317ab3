"""A witness: follows a simulator's trace, which tells what really drives the motors: `tail_trace.py FILE`."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path


def main(path: Path) -> None:
    """Print what the trace says, sample by sample, as soon as it is there."""
    while not path.exists():
        time.sleep(0.02)
    with path.open(encoding="utf-8") as trace:
        rest = ""
        while True:
            rest += trace.readline()
            if not rest.endswith("\n"):
                time.sleep(0.005)
                continue
            sample, rest = json.loads(rest), ""
            if sample["type"] != "sample":
                continue
            for kind in ("vibration", "kneading"):
                for zone, drive in sample[kind].items():
                    line = {"time": sample["t"], "actuator": f"{zone}.{kind}", "drive": drive}
                    sys.stdout.write(json.dumps(line) + "\n")
            sys.stdout.flush()


main(Path(sys.argv[1]))

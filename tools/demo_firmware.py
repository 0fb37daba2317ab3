"""`make demo-firmware`: the firmware on MicroPython behind a serial port, played for a minute and then judged."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Final

from firmware_sim.unix_board import UnixBoard
from firmware_sim.unix_port import MicroPythonError

MINUTE_S: Final = 60.0
PATIENCE_S: Final = 60.0
"""For the confirmed stop and the way out, also beside other work."""


def play(address: str, home: str) -> None:
    """The first minute of `restorative`, then Ctrl-C, which stops it."""
    words = ["run", "restorative", "--device", address, "--simulated"]
    with subprocess.Popen(
        [sys.executable, "-m", "massager_ctl", *words], env={"HOME": home, "PATH": ""}
    ) as playing:
        with suppress(subprocess.TimeoutExpired):
            playing.wait(MINUTE_S)
        playing.send_signal(signal.SIGINT)
        playing.wait(PATIENCE_S)


def main() -> int:
    """The suite's exit code."""
    with tempfile.TemporaryDirectory(prefix="massager-demo-") as folder:
        port = Path(folder) / "massager"
        try:
            board = UnixBoard(port)
        except MicroPythonError as error:
            print(error, file=sys.stderr)
            return 1
        with board:
            address = f"serial:{port}"
            print(f"The firmware runs on MicroPython, behind {address}. A session's first minute:")
            play(address, folder)
            print("Now the conformance suite's quick checks, in real time: about ten minutes.")
            judge = [sys.executable, "-m", "firmware_sim", "hil", "--quick", "--device", address]
            return subprocess.run(judge, check=False).returncode


if __name__ == "__main__":
    raise SystemExit(main())

"""`make demo-firmware`: the firmware on MicroPython behind serial ports, played for a minute and judged meanwhile.

The suite's quick checks take two minutes of a device's time, half of that a random walk, so two boards share them.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Final

from firmware_sim.unix_board import UnixBoard
from firmware_sim.unix_port import MicroPythonError
from massager_hil.suite import all_checks

MINUTE_S: Final = 60.0
PATIENCE_S: Final = 60.0
"""For the confirmed stop and the way out, also beside other work."""
WALK: Final = "walk"
"""The longest quick check: it has a board, and the others have another one."""


def shares() -> list[str]:
    """For each board an expression that chooses its checks."""
    walk: list[str] = []
    others: list[str] = []
    for check in all_checks():
        # Its name alone may be a word of another check's title.
        word = f"{check.id} {check.title.split(maxsplit=1)[0]}"
        (walk if check.id == WALK else others).append(word)
    return [" or ".join(words) for words in (walk, others)]


def judge(port: Path, checks: str) -> subprocess.Popen[str]:
    """Start the suite on one board, with a record beside its port."""
    words = ["hil", "--quick", "--device", f"serial:{port}", "-k", checks]
    return subprocess.Popen(
        [sys.executable, "-m", "firmware_sim", *words, "--json", f"{port}.json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


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


def verdicts(ports: list[Path]) -> Iterator[tuple[str, str]]:
    """Each check with its verdict, from the records."""
    seen: set[str] = set()
    for port in ports:
        with suppress(OSError):  # a suite that ended early has said why
            for check in json.loads(Path(f"{port}.json").read_text("utf-8"))["checks"]:
                if check["id"] not in seen:
                    yield check["id"], check["verdict"]
                seen.add(check["id"])


def main() -> int:
    """0, or the first exit code of a suite that is none."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="massager-demo-") as name, ExitStack() as boards:
        folder = Path(name)
        chosen = shares()
        ports = [folder / f"board-{number}" for number in range(len(chosen))]
        try:
            for port in [folder / "massager", *ports]:
                boards.enter_context(UnixBoard(port))
        except MicroPythonError as error:
            print(error, file=sys.stderr)
            return 1
        print(f"{len(ports)} boards run on MicroPython and are judged in real time.")
        suites = [judge(port, checks) for port, checks in zip(ports, chosen, strict=True)]
        address = f"serial:{folder / 'massager'}"
        print(f"One more plays, behind {address}. A session's first minute:", flush=True)
        play(address, name)
        print("Now what the conformance suite found:", flush=True)
        codes: list[int] = []
        for suite in suites:
            said, _ = suite.communicate()
            codes.append(suite.returncode)
            if suite.returncode:
                print(said)
        counted = Counter(verdict for _, verdict in verdicts(ports))
    totals = ", ".join(f"{count} {verdict}" for verdict, count in sorted(counted.items()))
    print(f"{totals}, in {time.monotonic() - started:.0f} s.")
    return next(filter(None, codes), 0)


if __name__ == "__main__":
    raise SystemExit(main())

"""A bench around a simulator in another process: `rig.py FOLDER ACT [NAME]` is what its hooks call.

Nothing here is imported by a test: these are programs, as a bench's hooks are.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

FAULTS = {
    "stall": "stall=all",
    "short": "over_current=all",
    "stuck-output": "pwm_stuck=all",
    "sensor-open": "sensor_open=pad",
    "battery-low": "battery_sag=1.5",
    "battery-empty": "battery_sag=1.8",
    "hang": "hang",
    "memory": "nvm_flip=allowance",
}
WORDS = {
    "button-down": "press",
    "button-up": "release",
    "reset": "reset",
    "charger-in": "fault charging",
    "charger-out": "mend charging",
}

SLOW = ("fault", "button-down")
"""What is done amid a session: a relay, or a supply on a network, may take a while."""


def start(folder: Path) -> None:
    """Switch the device on, and wait until it can be reached."""
    said = folder / "said"
    (folder / "control").unlink(missing_ok=True)
    options = (folder / "options").read_text(encoding="utf-8").split()
    links = ("--pty", folder / "port", "--control", folder / "control")
    files = ("--nvm", folder / "nvm", "--trace", folder / "trace", "--force")
    with said.open("w") as out:
        child = subprocess.Popen(
            [sys.executable, "-m", "firmware_sim", "serve", *links, *files, *options],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    (folder / "pid").write_text(str(child.pid), encoding="utf-8")
    while "ready: control" not in said.read_text(encoding="utf-8"):
        if child.poll() is not None:
            sys.exit(said.read_text(encoding="utf-8"))
        time.sleep(0.02)


def cut(folder: Path) -> None:
    """The supply is gone, from one moment to the next."""
    pid = folder / "pid"
    if pid.exists():
        os.kill(int(pid.read_text(encoding="utf-8")), signal.SIGKILL)
        pid.unlink()


def main(folder: Path, act: str, name: str = "") -> None:
    """Do one act, and keep a line of it."""
    with (folder / "acts").open("a", encoding="utf-8") as acts:
        acts.write(f"{act} {name}".strip() + "\n")
    if act in SLOW and (folder / "slow").exists():
        time.sleep(float((folder / "slow").read_text(encoding="utf-8")))
    if act in ("power-cycle", "power-off"):
        cut(folder)
        if act == "power-cycle":
            start(folder)
        return
    word = WORDS.get(act) or f"{act} {FAULTS[name]}"
    with (folder / "control").open("w", encoding="utf-8") as control:
        control.write(f"{word}\n")


main(Path(sys.argv[1]), *sys.argv[2:])

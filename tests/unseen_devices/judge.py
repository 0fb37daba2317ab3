"""Learn a made-up device as the how-to says, drive it by what came of that, and say whether it was right."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from massager_ctl.aio.simulated_time import SimulatedTimeLoop
from massager_ctl.cli.root import run_command_line
from massager_ctl.drivers.described.load import load_file
from massager_ctl.errors import ExitCode
from tests.unseen_devices.device import make_device
from tests.unseen_devices.drive import drive
from tests.unseen_devices.phone import capture

_T = TypeVar("_T")


class Verdict(StrEnum):
    """What came of one device."""

    RIGHT = "sure and right"
    NOT_SURE = "not sure"
    WRONG = "wrong but sure"
    FAULT = "a fault of the program"


class Judged(NamedTuple):
    """A verdict, and its reasons where it is not right."""

    seed: int
    verdict: Verdict
    why: tuple[str, ...]
    device: str


def judge(seed: int, folder: Path) -> Judged:
    """Capture the device of this seed, run `learn`, and play a session by the description."""
    device = make_device(seed)
    log, notes, file = (folder / f"{seed}.{kind}" for kind in ("log", "txt", "yaml"))
    taken = _simulated(capture(device))
    log.write_bytes(taken.log)
    notes.write_text(taken.labels)
    code = run_command_line(["learn", str(log), "--labels", str(notes), "-o", str(file)])
    if code in (ExitCode.REFUSED, ExitCode.USAGE):
        why = load_file(file).file.unsure if file.exists() else ()
        told = tuple(f"{unsure.part}: {unsure.why}" for unsure in why)
        return Judged(seed, Verdict.NOT_SURE, told, device.summary())
    if code != ExitCode.OK:
        return Judged(seed, Verdict.FAULT, (f"exit code {code}",), device.summary())
    faults = [
        f"learn {command} ends with {code}"
        for command in ("check", "verify")
        if (code := run_command_line(["learn", command, str(file)])) != ExitCode.OK
    ]
    faults += _simulated(drive(device, load_file(file)))
    verdict = Verdict.WRONG if faults else Verdict.RIGHT
    return Judged(seed, verdict, tuple(faults), device.summary())


def _simulated(work: Coroutine[Any, Any, _T]) -> _T:
    with asyncio.Runner(loop_factory=SimulatedTimeLoop) as runner:
        return runner.run(work)

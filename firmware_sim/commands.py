"""What can be said to a simulator that serves: at its terminal, or through its control pipe."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import click

from firmware_sim.device import SimulatedDevice
from firmware_sim.faults.catalog import FaultError, apply_fault
from firmware_sim.faults.plan import Undo
from firmware_sim.names import cause_name, state_name

PRESS_S: Final = 0.2
HOLD_S: Final = 2.5
PAIR_S: Final = 5.5
_MOST: Final = 4096


class ControlError(Exception):
    """The control pipe cannot be made; the message says why."""


def press(devices: list[SimulatedDevice], seconds: float = PRESS_S) -> None:
    """The button of each is pressed for so long."""
    for device in devices:
        device.press()
        device.later(seconds, device.release)


class Commands:
    """Does what a line says, to all devices of this process."""

    def __init__(self, devices: list[SimulatedDevice], over: asyncio.Event) -> None:
        self._devices = devices
        self._undo: dict[str, list[Undo]] = {}
        self._acts: dict[str, Callable[[], None]] = {
            "press": self._hold_down,
            "release": lambda: self._each(SimulatedDevice.release),
            "hold": lambda: press(devices, HOLD_S),
            "pair": self._pair,
            "status": self._status,
            "reset": lambda: self._fault("reboot"),
            "fault SPEC": lambda: None,
            "mend SPEC": lambda: None,
            "quit": over.set,
        }

    def line(self, text: str) -> None:
        """One line; what it is that it cannot do is said."""
        word, _, spec = text.strip().partition(" ")
        if word == "fault":
            self._fault(spec.strip())
        elif word == "mend":
            self._mend(spec.strip())
        elif word in self._acts and not spec:
            self._acts[word]()
        elif word:
            click.echo(f"unknown: {text.strip()}. There are: {', '.join(self._acts)}")

    def _each(self, do: Callable[[SimulatedDevice], None]) -> None:
        for device in self._devices:
            do(device)

    def _hold_down(self) -> None:
        self._each(SimulatedDevice.press)
        click.echo("The button is held down; `release` lets it go.")

    def _pair(self) -> None:
        """Hold the button long enough to open pairing, then again to clear the latch that a press sets."""
        press(self._devices, PAIR_S)
        for device in self._devices:
            device.later(PAIR_S + PRESS_S, device.press)
            device.later(PAIR_S + PRESS_S + HOLD_S, device.release)
        click.echo(f"The button is held for {PAIR_S} s, then for {HOLD_S} s.")
        after = PAIR_S + PRESS_S + HOLD_S
        self._devices[0].later(after, lambda: click.echo("Pairing is open for a minute."))

    def _fault(self, spec: str) -> None:
        """Bring it about now, until `mend` names it."""
        for device in self._devices:
            try:
                _, steps = apply_fault(device.firmware.config, spec)
            except FaultError as error:
                click.echo(str(error))
                return
            device.catch_up()
            for step in steps:
                undo = step.start(device)
                if undo is not None:
                    self._undo.setdefault(spec, []).append(undo)
            device.catch_up()

    def _mend(self, spec: str) -> None:
        if spec not in self._undo:
            there = ", ".join(self._undo) or "none"
            click.echo(f"there is no fault {spec!r} to mend. There are: {there}")
        for undo in self._undo.pop(spec, []):
            undo()

    def _status(self) -> None:
        for device in self._devices:
            core = device.firmware.core
            levels = " ".join(f"{level / 100:.1f}" for level in core.levels.level)
            click.echo(
                f"{core.config.serial}: {state_name(core.state)}, cause {cause_name(core.cause)}, "
                f"levels {levels}"
            )


@contextmanager
def control_pipe(
    path: Path, loop: asyncio.AbstractEventLoop, take: Callable[[str], None]
) -> Generator[None]:
    """A named pipe at `path`, each line of which goes to `take`. Raises `ControlError`."""
    waiting = bytearray()
    try:
        if not path.exists():
            os.mkfifo(path, 0o600)
        elif not stat.S_ISFIFO(path.stat().st_mode):
            raise ControlError(f"{path}: there is a file of that name, and it is not a pipe")
        # Open for both, so that it stays open when a writer has gone.
        pipe = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise ControlError(f"cannot make the control pipe {path}: {error.strerror}") from error

    def read() -> None:
        waiting.extend(os.read(pipe, _MOST))
        *lines, rest = bytes(waiting).split(b"\n")
        waiting[:] = rest[:_MOST]
        for line in lines:
            take(line.decode(errors="replace"))

    loop.add_reader(pipe, read)
    try:
        yield
    finally:
        loop.remove_reader(pipe)
        os.close(pipe)
        path.unlink(missing_ok=True)

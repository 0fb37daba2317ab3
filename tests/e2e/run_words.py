"""The words of `run` as these tests give them to a program."""

from __future__ import annotations

from tests.e2e.programs import Workstation


def run_arguments(desk: Workstation, *more: str) -> tuple[str, ...]:
    return ("run", "restorative", "--device", desk.device, "--simulated", *more)


def view_arguments(desk: Workstation, *more: str) -> tuple[str, ...]:
    """The same where another program owns the device, which knows that it is simulated."""
    return ("run", "restorative", "--device", desk.device, *more)

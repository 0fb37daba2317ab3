"""The displays on real descriptors, and a writer that never blocks the loop (R24)."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import msgspec
import pytest

from massager_ctl.status import GuidedStep, Phase, Status
from massager_ctl.surfaces.live import LiveDisplay, PlainDisplay
from massager_ctl.surfaces.writer import Writer

STATUS = Status(
    address="sim:",
    phase=Phase.RUNNING,
    title="Restorative session",
    step="warm-up",
    duration_s=600.0,
    remaining_s=600.0,
    target=(10.0, 0.0, 0.0, 0.0, 0.0, 0.0),
    notes=("your cap: capped at 20",),
)


def changed(**fields: object) -> Status:
    return msgspec.structs.replace(STATUS, **fields)


def plain(tmp_path: Path, statuses: list[Status]) -> list[str]:
    path = tmp_path / "out"
    with path.open("wb") as out:
        display = PlainDisplay(out.fileno())
        for status in statuses:
            display.update(status)
        display.close()
    return path.read_text().splitlines()


def test_plain_lines_say_what_changed_and_nothing_twice(tmp_path: Path) -> None:
    guided = GuidedStep("Breathe.", 10.0, 10.0)
    lines = plain(
        tmp_path,
        [
            changed(phase=Phase.ARMING),
            STATUS,
            changed(elapsed_s=1.0),
            changed(elapsed_s=2.0, guided=guided),
            changed(elapsed_s=3.0, guided=guided),
            changed(elapsed_s=4.0, phase=Phase.PAUSED),
            changed(elapsed_s=4.0),
            changed(elapsed_s=5.0, eased=5.0),
            changed(elapsed_s=61.0, remaining_s=539.0),
            changed(elapsed_s=62.0, attention_in_s=20.0),
            changed(elapsed_s=62.0, phase=Phase.ENDED),
        ],
    )
    assert lines == [
        " 0:00  Restorative session, 10:00, on sim:",
        " 0:00  your cap: capped at 20",
        " 0:00  warm-up",
        " 0:02  Breathe. (0:10)",
        " 0:04  paused",
        " 0:04  running",
        " 0:05  eased by 5 points",
        " 1:01  eased by 0 points",
        " 1:01  8:59 left; trapezius_left 0 of 10",
        " 1:02  Are you all right? Press any key.",
    ]


def test_the_live_display_draws_and_gives_the_cursor_back(tmp_path: Path) -> None:
    path = tmp_path / "out"
    with path.open("wb") as out:
        display = LiveDisplay(out.fileno(), colour=False, unicode=True)
        display.update(STATUS)
        display.update(changed(phase=Phase.PAUSED))
        display.close()
    text = path.read_text()
    assert text.startswith("\x1b[?25l")
    assert text.endswith("\x1b[?25h")
    assert "paused, p to go on" in text


def test_the_bell_rings_once_for_a_step_that_has_one(tmp_path: Path) -> None:
    path = tmp_path / "out"
    with path.open("wb") as out:
        display = LiveDisplay(out.fileno(), colour=False, unicode=True)
        for left in (10.0, 5.0):
            display.update(changed(guided=GuidedStep("Turn.", left, 10.0, bell=True)))
        display.close()
    assert path.read_bytes().count(b"\a") == 1


def test_a_terminal_that_is_held_up_does_not_hold_up_the_loop() -> None:
    read, write = os.pipe()
    display = LiveDisplay(write, colour=False, unicode=True)
    began = time.monotonic()
    for second in range(2000):
        display.update(changed(elapsed_s=float(second), phase=list(Phase)[second % 2]))
    # Two thousand pictures are far more than a pipe holds; nobody reads.
    assert time.monotonic() - began < 5
    os.close(read)
    display.close()
    os.close(write)


def test_a_terminal_that_is_gone_is_told_once() -> None:
    read, write = os.pipe()
    os.close(read)
    told = threading.Event()
    display = PlainDisplay(write, on_broken=told.set)
    display.update(STATUS)
    assert told.wait(5)
    display.update(changed(step="ramp"))
    display.close()
    os.close(write)


def test_a_fault_in_a_piece_is_not_swallowed(tmp_path: Path) -> None:
    def piece() -> str:
        raise LookupError("wrong")

    told = threading.Event()
    with (tmp_path / "out").open("wb") as out:
        writer = Writer(out.fileno(), told.set)
        writer.put(piece)
        assert told.wait(5)
        with pytest.raises(LookupError):
            writer.close()

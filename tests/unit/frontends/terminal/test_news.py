"""A session as lines, for pipes, logs and screen readers."""

from __future__ import annotations

from pathlib import Path

import msgspec

from massager_ctl.frontends.terminal.news import NewsLines
from massager_ctl.model.status import GuidedStep, Phase, Status

STATUS = Status(
    address="sim:",
    phase=Phase.RUNNING,
    title="Restorative session",
    step="warm-up",
    duration_s=600.0,
    remaining_s=600.0,
    caps=(40.0,) * 6,  # type: ignore[arg-type]
    target=(10.0, 0.0, 0.0, 0.0, 0.0, 0.0),
    notes=("your cap: capped at 20 (R1)",),
)


def changed(**fields: object) -> Status:
    return msgspec.structs.replace(STATUS, **fields)


def test_lines_say_what_changed_and_nothing_twice(tmp_path: Path) -> None:
    guided = GuidedStep("Breathe.", 10.0, 10.0)
    path = tmp_path / "out"
    with path.open("wb") as out:
        news = NewsLines(out.fileno())
        for status in (
            changed(phase=Phase.ARMING),
            STATUS,
            changed(elapsed_s=1.0),
            changed(elapsed_s=2.0, guided=guided),
            changed(elapsed_s=3.0, guided=guided),
            changed(elapsed_s=4.0, phase=Phase.PAUSED),
            changed(elapsed_s=4.0),
            changed(elapsed_s=5.0, eased=5.0),
            changed(elapsed_s=61.0, remaining_s=539.0),
            changed(elapsed_s=62.0, presence_due_in_s=20.0),
            changed(elapsed_s=62.0, phase=Phase.ENDED),
        ):
            news.update(status)
        news.say("the device \x1b[2J is gone (R15)", 62.0)
        news.close()
    assert [line.lstrip() for line in path.read_text().splitlines()] == [
        "0 s  Restorative session, 10 min, on sim:",
        "0 s  your cap: capped at 20",
        "0 s  warm-up",
        "2 s  Breathe. (10 s)",
        "4 s  Paused, everything at zero. p goes on, gently.",
        "4 s  going on",
        "5 s  eased by 5 points",
        "1 min 1 s  eased by 0 points",
        "1 min 1 s  8 min 59 s left; trapezius, left 0 of 10 %",
        "1 min 2 s  Are you all right? Press any key.",
        "1 min 2 s  the device \\u001b[2J is gone",
    ]

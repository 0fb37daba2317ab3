"""The display of `run`: a calm picture on a terminal, plain lines anywhere else."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Final, Protocol

from massager_ctl.safety.attention import ASK_S
from massager_ctl.status import Phase, Status
from massager_ctl.surfaces.picture import (
    ASCII,
    LINES,
    Glyphs,
    Line,
    cropped,
    in_ascii,
    minutes,
    painted,
    picture,
    played,
    why_held,
)
from massager_ctl.surfaces.writer import Writer
from massager_ctl.units import ZONES

REDRAW_S: Final = 0.05
"""Real seconds between two pictures at the least."""

REPORT_S: Final = 60.0
"""Seconds of the session between two plain lines that say how far it is."""


class Display(Protocol):
    """Shows statuses."""

    def update(self, status: Status) -> None: ...

    def close(self) -> None:
        """Show the last status, and give the terminal back."""
        ...


class NoDisplay:
    """Shows nothing (`--json`)."""

    def update(self, status: Status) -> None:
        pass

    def close(self) -> None:
        pass


class LiveDisplay:
    """Redraws in place what has changed, twenty times a second at most."""

    def __init__(
        self,
        descriptor: int,
        *,
        colour: bool,
        unicode: bool,
        keys: bool = True,
        on_broken: Callable[[], None] | None = None,
    ) -> None:
        self._descriptor = descriptor
        self._colour = colour
        self._keys = keys
        self._glyphs: Glyphs = LINES if unicode else ASCII
        self._writer = Writer(descriptor, on_broken, kept=1)
        self._shown: list[str] = []
        self._width = 0
        self._drawn_at = 0.0
        self._status: Status | None = None
        self._belled = ""

    def update(self, status: Status) -> None:
        before, self._status = self._status, status
        now = time.monotonic()
        urgent = before is None or before.phase is not status.phase
        if urgent or now - self._drawn_at >= REDRAW_S:
            self._drawn_at = now
            self._draw(status)

    def close(self) -> None:
        if self._status is not None:
            last = self._status
            self._writer.put(lambda: self._frame(last) + "\x1b[?25h")
        self._writer.close()

    def _draw(self, status: Status) -> None:
        self._writer.put(lambda: self._frame(status))

    def _frame(self, status: Status) -> str:
        """The letters that turn what is on the screen into this status; called in the writer's thread."""
        size = _size(self._descriptor)
        rows = picture(status, size.columns, size.lines, self._glyphs, keys=self._keys)
        lines = [painted(row, colour=self._colour) for row in rows]
        if self._glyphs is ASCII:
            lines = [in_ascii(line) for line in lines]
        start = "\x1b[?25l" if not self._shown else ""
        if size.columns != self._width and self._shown:
            start += "\x1b[H\x1b[2J"  # what the terminal made of the old lines is anybody's guess
            self._shown = []
        self._width = size.columns
        out = start + difference(self._shown, lines) + self._bell(status)
        self._shown = lines
        return out

    def _bell(self, status: Status) -> str:
        step = status.guided
        text = step.text if step is not None and step.bell else ""
        rings = text and text != self._belled
        self._belled = text
        return "\a" if rings else ""


def difference(shown: list[str], wanted: list[str]) -> str:
    """What to write so that `shown` (the cursor is on the line below it) becomes `wanted`."""
    if not shown:
        return "".join(f"{line}\x1b[K\r\n" for line in wanted)
    out: list[str] = []
    height = max(len(shown), len(wanted))
    for row in range(height):
        line = wanted[row] if row < len(wanted) else ""
        if row < len(shown) and shown[row] == line:
            continue
        if row >= len(shown):
            out.append(f"{line}\x1b[K\r\n")
            continue
        up = len(shown) - row
        out.append(f"\x1b[{up}A\r{line}\x1b[K\x1b[{up}B\r")
    if len(wanted) < len(shown):
        out.append(f"\x1b[{len(shown) - len(wanted)}A\r")
    return "".join(out)


class PlainDisplay:
    """One line whenever something changes that a person would want to know, for pipes, logs and screen readers."""

    def __init__(self, descriptor: int, on_broken: Callable[[], None] | None = None) -> None:
        self._writer = Writer(descriptor, on_broken)
        self._last: Status | None = None
        self._reported_s = 0.0
        self._held = ""

    def update(self, status: Status) -> None:
        last, self._last = self._last, status
        for text in self._news(last, status):
            line = painted(cropped([("plain", text)], 500), colour=False)
            self._writer.put(lambda line=line: f"{played(status.elapsed_s):>5}  {line}\n")

    def close(self) -> None:
        self._writer.close()

    def _news(self, last: Status | None, status: Status) -> list[str]:
        news: list[str] = []
        if not status.phase.in_session:
            return news
        began = last is None or not last.phase.in_session
        if began or last is None:
            news.append(f"{status.title}, {minutes(status.duration_s)}, on {status.address}")
            last = Status()
        if status.notes and status.notes != last.notes:
            news += status.notes
        if status.phase is not last.phase and (
            status.phase in (Phase.PAUSED, Phase.FADING) or last.phase is Phase.PAUSED
        ):
            news.append(status.phase.value)
        if status.step != last.step and status.step:
            news.append(status.step)
        if status.guided and (last.guided is None or last.guided.text != status.guided.text):
            whole = status.guided.total_s >= status.duration_s - 1.0
            timed = "" if whole else f" ({minutes(status.guided.total_s)})"
            news.append(status.guided.text + timed)
        if status.eased != last.eased:
            news.append(f"eased by {status.eased:g} points")
        if _asks(status) and not _asks(last):
            news.append("Are you all right? Press any key.")
        if status.elapsed_s - self._reported_s >= REPORT_S:
            self._reported_s = status.elapsed_s
            news.append(self._report(status))
        return news

    def _report(self, status: Status) -> str:
        levels = ", ".join(
            f"{zone} {_pair(status.actual[zone.index], status.target[zone.index])}"
            for zone in ZONES
            if status.actual[zone.index] or status.target[zone.index]
        )
        reason = why_held(status.held)
        held = f"; {reason}" if reason and reason.split(":")[0] != self._held else ""
        self._held = reason.split(":")[0] if reason else ""
        return f"{minutes(status.remaining_s)} left; {levels or 'all at zero'}{held}"


def _pair(actual: float, target: float) -> str:
    """`16` or, where it is held back, `16 of 25`."""
    return f"{actual:.0f}" if abs(target - actual) < 0.5 else f"{actual:.0f} of {target:.0f}"


def _asks(status: Status) -> bool:
    return status.attention_in_s is not None and status.attention_in_s <= ASK_S


def _size(descriptor: int) -> os.terminal_size:
    try:
        found = os.get_terminal_size(descriptor)
    except OSError:
        return os.terminal_size((80, 24))
    return found if found.columns and found.lines else os.terminal_size((80, 24))


def text_of(rows: list[Line]) -> str:
    """The picture as bare text."""
    return "\n".join(painted(row, colour=False) for row in rows)

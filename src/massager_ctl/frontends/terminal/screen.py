"""Draws rows on a terminal from a separate thread, so that a terminal that is not read delays nothing (R24)."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Final

from massager_ctl.frontends.terminal.layout import ASCII, LINES, Glyphs, Line, in_ascii, painted
from massager_ctl.frontends.terminal.writer import Writer

REDRAW_S: Final = 0.05
"""Minimum real seconds between two redraws."""

Frame = Callable[[int, int, Glyphs, float], list[Line]]
"""The rows for a width, a height, the glyphs, and the seconds of a monotonic clock."""

_ENTER: Final = "\x1b[?1049h\x1b[?1000h\x1b[?1006h\x1b[H\x1b[2J"
_LEAVE: Final = "\x1b[?1006l\x1b[?1000l\x1b[?1049l"


class Screen:
    """Redraws in place what has changed, at most twenty times a second.

    `full`: the whole terminal with the mouse, restored at the end; otherwise the rows are below the cursor and stay.
    `on_broken` is called from the writer's thread once the terminal is gone.
    """

    def __init__(
        self,
        descriptor: int,
        frame: Frame,
        *,
        colour: bool,
        glyphs: Glyphs = LINES,
        full: bool = False,
        on_broken: Callable[[], None] | None = None,
    ) -> None:
        self._descriptor = descriptor
        self._frame = frame
        self._colour = colour
        self._glyphs = glyphs
        self._full = full
        self._writer = Writer(descriptor, on_broken, kept=1)
        self._shown: list[str] | None = None
        self._size: os.terminal_size | None = None
        self._drawn_at = 0.0
        self._ring = False

    def draw(self, *, now: bool = False) -> None:
        """Schedule a redraw: at once, or when the next one is due."""
        at = time.monotonic()
        if now or at - self._drawn_at >= REDRAW_S:
            self._drawn_at = at
            self._writer.put(self._letters)

    def bell(self) -> None:
        """Ring the bell once, with the next redraw."""
        self._ring = True
        self.draw(now=True)

    def close(self) -> None:
        """Draw the last picture and restore the terminal."""
        self._writer.put(lambda: self._letters() + self._end())
        self._writer.close()

    def _end(self) -> str:
        return (_LEAVE if self._full else "\r\n") + "\x1b[?25h"

    def _letters(self) -> str:
        """The output that updates the screen; called in the writer's thread."""
        size = size_of(self._descriptor)
        rows = self._frame(size.columns, size.lines, self._glyphs, time.monotonic())
        lines = [painted(row, colour=self._colour) for row in rows]
        if self._glyphs is ASCII:
            lines = [in_ascii(line) for line in lines]
        start = ""
        if self._shown is None:
            start = "\x1b[?25l" + (_ENTER if self._full else "")
        elif size != self._size:
            start = "\x1b[H\x1b[2J"  # how the terminal changed the old rows is unknown
            self._shown = None
        self._size = size
        out = start + difference(self._shown or [], lines)
        self._shown = lines or [""]
        if self._ring:
            self._ring = False
            out += "\a"
        return out


def difference(shown: list[str], wanted: list[str]) -> str:
    """The output that turns the rows `shown` into `wanted`; the cursor stays on the last row."""
    if not shown:
        return "\r\n".join(f"{line}\x1b[K" for line in wanted)
    out: list[str] = []
    at = len(shown) - 1
    height = max(len(shown), len(wanted))
    for row in range(height):
        line = wanted[row] if row < len(wanted) else ""
        if row < len(shown) and shown[row] == line:
            continue
        if row >= len(shown):
            out.append(
                f"{_move(at, len(shown) - 1)}\r\n{line}\x1b[K"
                if row == len(shown)
                else f"\r\n{line}\x1b[K"
            )
        else:
            out.append(f"{_move(at, row)}\r{line}\x1b[K")
        at = row
    last = max(0, len(wanted) - 1)
    if at != last:
        out.append(_move(at, last))
    return "".join(out)


def _move(row: int, to: int) -> str:
    if to < row:
        return f"\x1b[{row - to}A"
    return f"\x1b[{to - row}B" if to > row else ""


def size_of(descriptor: int) -> os.terminal_size:
    """Columns and rows of a terminal; 80 by 24 if it does not say."""
    try:
        found = os.get_terminal_size(descriptor)
    except OSError:
        return os.terminal_size((80, 24))
    return found if found.columns and found.lines else os.terminal_size((80, 24))

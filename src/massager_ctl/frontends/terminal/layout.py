"""Lays out blocks of styled text on a screen; vital blocks are never cut off."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from typing import Final

from msgspec import Struct

from massager_ctl.model.text import visible

Span = tuple[str, str]
"""A style and its text."""

Line = list[Span]

STYLES: Final[dict[str, str]] = {
    "plain": "",
    "dim": "2",
    "bold": "1",
    "bar": "36",
    "full": "32",
    "mark": "1;37",
    "ask": "1;33",
    "warn": "33",
    "alarm": "1;31",
    "stop": "1;7",
}
"""Style names and their terminal codes. Words carry the meaning; a colour only repeats it."""

SHOWN_MAX: Final = 1000
"""Maximum characters of one text; no text of this program is as long."""

PAGE_S: Final = 3.0
"""Seconds for each page of a text that is longer than the screen."""


class Glyphs(Struct, frozen=True):
    """The characters for drawing."""

    full: str
    half: str
    track: str
    target: str
    arrow: str
    none: str
    prompt: str
    dot: str
    actual: str
    free: str
    closed: str
    aim: str
    cap: str
    chosen: str
    mirror: str


LINES: Final = Glyphs("━", "╸", "─", "│", "→", "–", "▸", "·", "█", "░", "·", "◆", "┃", "▶", "▷")
ASCII: Final = Glyphs("=", "", "-", "|", ">", "-", ">", "|", "#", "-", ".", "O", "|", ">", ")")


class Block(Struct, frozen=True):
    """Rows that belong together. On a small screen the lowest rank is dropped first; `VITAL` never is."""

    rank: int
    rows: list[Line]


VITAL: Final = 10


def fitted(blocks: Sequence[Block], height: int, t: float) -> list[Line]:
    """The rows of the blocks, at most `height`, in their order.

    Whole blocks of low rank are left out until the rest fits. If the vital ones alone are higher than the screen, they
    are shown page by page, each for `PAGE_S`; `t`: seconds, monotonic.
    """
    height = max(1, height)
    kept = [block for block in blocks if block.rows]
    for rank in sorted({block.rank for block in kept if block.rank < VITAL}):
        if sum(len(block.rows) for block in kept) <= height:
            break
        kept = [block for block in kept if block.rank != rank]
    rows = [row for block in kept for row in block.rows]
    if len(rows) <= height:
        return rows
    pages = -(-len(rows) // height)
    page = int(t / PAGE_S) % pages
    return rows[page * height : (page + 1) * height]


def wrapped(text: str, width: int, style: str = "plain", indent: str = "") -> list[Line]:
    """The text in rows of at most `width` columns; a longer word is broken, nothing is lost."""
    width = max(1, width)
    indent = indent if cells(indent) < width // 2 else ""
    rows: list[str] = []
    for paragraph in text.splitlines() or [""]:
        row, empty = "", True
        for word in printable(paragraph).split():
            if not empty and cells(row) + 1 + cells(word) > width:
                rows.append(row)
                row, empty = indent, True
            piece = word if empty or row == indent else f" {word}"
            if cells(row) + cells(piece) <= width:
                row, empty = row + piece, False
                continue
            for letter in piece:
                if cells(row) + cells(letter) > width and not empty:
                    rows.append(row)
                    row = indent
                row, empty = row + letter, False
        rows.append(row)
    return [[(style, row)] if row else [] for row in rows]


def beside(parts: Iterable[Line], width: int, gap: int = 2) -> list[Line]:
    """Short parts side by side, in as many rows as needed; a part wider than a row is wrapped."""
    rows: list[Line] = []
    row: Line = []
    for part in parts:
        if row and length(row) + gap + length(part) > width:
            rows.append(row)
            row = []
        if row:
            row = [*row, ("plain", " " * gap), *part]
        elif length(part) > width:
            style = part[0][0]
            *whole, row = wrapped("".join(text for _, text in part), width, style)
            rows += whole
        else:
            row = part
    return [*rows, row] if row else rows


def ends(left: Line, right: Line, width: int) -> list[Line]:
    """`left` and `right` at the two ends of a row, or in two rows if one is too short."""
    left = [(style, printable(text)) for style, text in left]
    right = [(style, printable(text)) for style, text in right]
    if not right:
        return [cropped(left, width)]
    gap = width - length(left) - length(right)
    if gap >= 1:
        return [[*left, ("plain", " " * gap), *right]]
    return [cropped(left, width), cropped(right, width)]


def length(line: Line) -> int:
    """Width of a line in columns."""
    return sum(cells(text) for _, text in line)


def cells(text: str) -> int:
    """Width of a text in a terminal, in columns."""
    if text.isascii():
        return len(text)
    return sum(
        0
        if unicodedata.combining(letter)
        else 2
        if unicodedata.east_asian_width(letter) in "WF"
        else 1
        for letter in text
    )


def printable(text: str) -> str:
    """The text without control characters and of bounded length, so that foreign text cannot control the terminal."""
    return visible(text, SHOWN_MAX)


def cropped(line: Line, width: int) -> Line:
    """The line cut to `width` columns, for what may be cut: names, bars, repeated numbers."""
    kept: Line = []
    for style, text in line:
        clean = _cut(printable(text), width)
        if clean:
            kept.append((style, clean))
        width -= cells(clean)
    return kept


def _cut(text: str, width: int) -> str:
    """The start of the text that fits `width` columns."""
    for at, letter in enumerate(text):
        width -= cells(letter)
        if width < 0:
            return text[:at]
    return text


def bar(share: float, mark: float | None, columns: int, style: str, glyphs: Glyphs) -> Line:
    """A bar of that many cells, filled to `share` (0 to 1), with a mark at its target."""
    columns = max(1, columns)
    share = min(1.0, max(0.0, share))
    halves = round(share * columns * (2 if glyphs.half else 1)) / (2 if glyphs.half else 1)
    whole = int(halves)
    filled = glyphs.full * whole + (glyphs.half if halves > whole else "")
    track = glyphs.track * (columns - len(filled))
    if mark is None or mark <= 0 or mark <= share:
        return [(style, filled), ("dim", track)]
    at = min(columns - 1, int(mark * columns))
    if at < len(filled):
        return [(style, filled), ("dim", track)]
    before = at - len(filled)
    return [
        (style, filled),
        ("dim", track[:before]),
        ("mark", glyphs.target),
        ("dim", track[before + 1 :]),
    ]


def in_ascii(text: str) -> str:
    """The text for an ASCII terminal: no degree signs, and `?` for characters without a substitute."""
    return text.translate(_IN_ASCII).encode("ascii", "replace").decode()


_IN_ASCII: Final = str.maketrans({"°": "", "–": "-", "…": "...", "→": ">", "’": "'", "·": "|"})


def painted(line: Line, *, colour: bool) -> str:
    """The line as text for a terminal, with our own control codes only, or plain."""
    shown = [(style, printable(text)) for style, text in line]
    if not colour:
        return "".join(text for _, text in shown).rstrip()
    return "".join(
        f"\x1b[{STYLES[style]}m{text}\x1b[0m" if STYLES[style] and text.strip() else text
        for style, text in shown
    ).rstrip()


def text_of(rows: Iterable[Line]) -> str:
    """The rows as plain text."""
    return "\n".join(painted(row, colour=False) for row in rows)

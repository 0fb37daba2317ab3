"""The screen on real descriptors, and a writer that never blocks the loop (R24)."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from massager_ctl.frontends.terminal.layout import ASCII, Glyphs, Line
from massager_ctl.frontends.terminal.screen import Screen, difference
from massager_ctl.frontends.terminal.writer import Writer


def written(tmp_path: Path, frames: list[list[Line]], **options: object) -> str:
    path = tmp_path / "out"
    waiting = iter(frames)
    drawn = threading.Event()

    def frame(_width: int, _height: int, _glyphs: Glyphs, _t: float) -> list[Line]:
        drawn.set()
        return next(waiting, frames[-1])

    with path.open("wb") as out:
        screen = Screen(out.fileno(), frame, colour=False, **options)  # type: ignore[arg-type]
        for _ in frames:
            drawn.clear()
            screen.draw(now=True)
            assert drawn.wait(5)
        screen.close()
    return path.read_bytes().decode()


def test_it_draws_below_what_is_there_and_gives_the_cursor_back(tmp_path: Path) -> None:
    text = written(tmp_path, [[[("plain", "one")], []], [[("plain", "two")], []]])
    assert text.startswith("\x1b[?25l")
    assert text.endswith("\r\n\x1b[?25h")
    assert "one" in text
    assert "two" in text
    assert "1049" not in text


def test_the_full_screen_is_left_as_it_was_found(tmp_path: Path) -> None:
    text = written(tmp_path, [[[("plain", "one")]]], full=True)
    assert text.index("\x1b[?1049h") < text.index("one") < text.index("\x1b[?1049l")
    assert text.index("\x1b[?1000h") < text.index("\x1b[?1000l")


def test_letters_that_the_terminal_does_not_know_are_replaced(tmp_path: Path) -> None:
    assert written(tmp_path, [[[("plain", "5 °C → 日")]]], glyphs=ASCII).isascii()


def test_a_terminal_that_nobody_reads_does_not_hold_up_the_loop() -> None:
    read, write = os.pipe()
    screen = Screen(write, lambda *_: [[("plain", str(time.monotonic()) * 50)]], colour=False)
    began = time.monotonic()
    for _ in range(2000):
        screen.draw(now=True)
    # Two thousand pictures are far more than a pipe holds; no one reads.
    assert time.monotonic() - began < 5
    os.close(read)
    screen.close()
    os.close(write)


def test_a_terminal_that_is_gone_is_told_once() -> None:
    read, write = os.pipe()
    os.close(read)
    notified = threading.Event()
    screen = Screen(write, lambda *_: [[("plain", "x")]], colour=False, on_broken=notified.set)
    screen.draw(now=True)
    assert notified.wait(5)
    screen.draw(now=True)
    screen.close()
    os.close(write)


def test_a_fault_in_a_piece_is_not_swallowed(tmp_path: Path) -> None:
    def piece() -> str:
        raise LookupError("wrong")

    notified = threading.Event()
    with (tmp_path / "out").open("wb") as out:
        writer = Writer(out.fileno(), notified.set)
        writer.put(piece)
        assert notified.wait(5)
        with pytest.raises(LookupError):
            writer.close()


LINE_LISTS = st.lists(st.text("abc ", max_size=6), max_size=8)


def on_screen(rows: list[str], text: str, at: int) -> tuple[list[str], int]:
    """A very small terminal: what is on its rows after `text`, and the row of the cursor."""
    screen = dict(enumerate(rows))
    column = index = 0
    while index < len(text):
        if text[index] == "\x1b":
            end = index + 2
            while text[end].isdigit():
                end += 1
            count = int(text[index + 2 : end] or 1)
            match text[end]:
                case "A":
                    at -= count
                case "B":
                    at += count
                case _:
                    screen[at] = screen.get(at, "")[:column]
            index = end + 1
            continue
        letter = text[index]
        index += 1
        if letter == "\r":
            column = 0
        elif letter == "\n":
            at += 1
        else:
            row = screen.get(at, "")
            screen[at] = row[:column].ljust(column) + letter + row[column + 1 :]
            column += 1
    return [screen.get(row, "") for row in range(max([*screen, 0]) + 1)], at


@given(LINE_LISTS.filter(bool), LINE_LISTS.filter(bool))
def test_a_redraw_leaves_exactly_the_new_picture(before: list[str], after: list[str]) -> None:
    screen, at = on_screen([], difference([], before), 0)
    assert screen[: len(before)] == before
    assert at == len(before) - 1
    screen, at = on_screen(screen, difference(before, after), at)
    assert screen[: len(after)] == after
    assert not "".join(screen[len(after) :])
    assert at == len(after) - 1


def test_a_redraw_writes_only_what_changed() -> None:
    assert difference(["a", "b"], ["a", "b"]) == ""
    assert "a" not in difference(["a", "b"], ["a", "c"])

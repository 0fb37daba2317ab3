"""Keys from a real terminal (a PTY), and the terminal given back."""

from __future__ import annotations

import asyncio
import os
import termios
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from massager_ctl.frontends.terminal.keys import Keys, split_keys


@pytest.fixture
def pty() -> Iterator[tuple[int, int]]:
    ours, theirs = os.openpty()
    yield ours, theirs
    os.close(ours)
    os.close(theirs)


def read_keys(
    pty: tuple[int, int],
    monkeypatch: pytest.MonkeyPatch,
    writes: list[bytes],
    *,
    count: int,
    clicks: list[tuple[int, int]] | None = None,
) -> list[str]:
    ours, theirs = pty
    # The PTY is not this process's controlling terminal, so it has no foreground group of its own.
    monkeypatch.setattr(os, "tcgetpgrp", lambda _: os.getpgrp())

    async def main() -> list[str]:
        heard: asyncio.Queue[str] = asyncio.Queue()
        pressed = [] if clicks is None else clicks
        with Keys(heard.put_nowait, theirs, lambda column, row: pressed.append((column, row))):
            for data in writes:
                os.write(ours, data)
                await asyncio.sleep(0)
            async with asyncio.timeout(5):
                return [await heard.get() for _ in range(count)]

    return asyncio.run(main())


def test_each_key_comes_at_once(pty: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_keys(pty, monkeypatch, [b"s", b"p-", b"!"], count=4) == ["s", "p", "-", "!"]


def test_keys_that_are_no_letter_have_names(
    pty: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = [b" \r\t\x1b[Z", b"\x1b[A\x1bOB\x1b[C\x1b[D", b"\x1b[5~\x1b[6~\x1b[15~"]
    assert read_keys(pty, monkeypatch, sent, count=11) == [
        *("space", "enter", "tab", "shift+tab"),
        *("up", "down", "right", "left"),
        *("pageup", "pagedown", "\x1b[15~"),
    ]


def test_a_press_of_the_mouse_is_no_key(
    pty: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    clicks: list[tuple[int, int]] = []
    sent = [b"\x1b[<0;33;4M\x1b[<0;33;4m", b"\x1b[<64;1;1M", b"x"]
    assert read_keys(pty, monkeypatch, sent, count=1, clicks=clicks) == ["x"]
    assert clicks == [(32, 3)]


@pytest.mark.parametrize(
    "halves",
    [(b"\x1b[<0;33", b";4M"), (b"\x1b", b"[<0;33;4M"), (b"\x1b[", b"<0;33;4M")],
)
def test_r19_a_press_of_the_mouse_in_two_parts_is_no_digit(
    pty: tuple[int, int], monkeypatch: pytest.MonkeyPatch, halves: tuple[bytes, bytes]
) -> None:
    clicks: list[tuple[int, int]] = []
    sent = [halves[0], b"", halves[1], b"x"]
    assert read_keys(pty, monkeypatch, sent, count=1, clicks=clicks) == ["x"]
    assert clicks == [(32, 3)]


def test_escape_alone_is_a_key_once_nothing_follows(
    pty: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert read_keys(pty, monkeypatch, [b"\x1b"], count=1) == ["\x1b"]


def test_r6_a_stop_passes_all_keys_before_it_but_reports_of_pain(
    pty: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = [b"5" * 1500 + b"!\r" + b"5" * 1500 + b" x"]
    assert read_keys(pty, monkeypatch, sent, count=3) == ["space", "!", "x"]


def test_r6_a_stop_passes_keys_that_were_read_before_it(
    pty: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = pty
    monkeypatch.setattr(os, "tcgetpgrp", lambda _: os.getpgrp())

    async def main() -> int:
        heard: asyncio.Queue[str] = asyncio.Queue()
        with Keys(heard.put_nowait, theirs):
            os.write(ours, b"5" * 3000)
            before = 1
            async with asyncio.timeout(5):
                assert await heard.get() == "5"
                os.write(ours, b"s")
                while await heard.get() != "s":
                    before += 1
        return before

    assert asyncio.run(main()) < 300, "a few in a turn, and those that wait are void"


def test_the_terminal_is_given_back(pty: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    before = termios.tcgetattr(pty[1])
    read_keys(pty, monkeypatch, [b"x"], count=1)
    assert termios.tcgetattr(pty[1]) == before


def test_the_terminal_is_given_back_after_an_error(
    pty: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "tcgetpgrp", lambda _: os.getpgrp())
    before = termios.tcgetattr(pty[1])

    async def main() -> None:
        with Keys(lambda _: None, pty[1]):
            assert termios.tcgetattr(pty[1]) != before
            raise RuntimeError

    with pytest.raises(RuntimeError):
        asyncio.run(main())
    assert termios.tcgetattr(pty[1]) == before


def test_the_end_of_input_is_no_key() -> None:
    async def main(descriptor: int) -> bool:
        heard: list[str] = []
        keys = Keys(heard.append, descriptor)
        opened = keys.open()
        await asyncio.sleep(0.01)
        keys.close()
        assert heard == []
        return opened

    with Path(os.devnull).open("rb") as nothing:
        assert asyncio.run(main(nothing.fileno())) is False


def test_a_background_process_leaves_the_terminal_alone(pty: tuple[int, int]) -> None:
    async def main() -> bool:
        keys = Keys(lambda _: None, pty[1])
        before = termios.tcgetattr(pty[1])
        opened = keys.open()
        assert termios.tcgetattr(pty[1]) == before
        return opened

    assert asyncio.run(main()) is False


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("", []),
        ("\x1b", ["\x1b"]),
        ("\x1b[A", ["\x1b[A"]),
        ("\x1b[1;5Cq", ["\x1b[1;5C", "q"]),
        ("\x1bOPs", ["\x1bOP", "s"]),
        ("\x1b[ s", ["\x1b[", " ", "s"]),
        ("ä s", ["ä", " ", "s"]),
    ],
)
def test_splitting(text: str, keys: list[str]) -> None:
    assert split_keys(text) == keys


@given(st.text(st.characters(exclude_characters="\x1b", exclude_categories=["Cs"]), max_size=20))
def test_every_letter_is_a_key(text: str) -> None:
    assert split_keys(text) == list(text)


def test_half_a_letter_waits_for_its_other_half(
    pty: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert read_keys(pty, monkeypatch, [b"\xc3", b"\xa4x"], count=2) == ["ä", "x"]

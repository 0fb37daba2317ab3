"""Rows of text: wrapped without a loss, with every letter visible, and what gives way on a small screen."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from massager_ctl.frontends.terminal.layout import (
    LINES,
    PAGE_S,
    VITAL,
    Block,
    Line,
    bar,
    beside,
    cells,
    cropped,
    fitted,
    in_ascii,
    painted,
    printable,
    text_of,
    wrapped,
)


def rows(*texts: str) -> list[Line]:
    return [[("plain", text)] for text in texts]


def test_blocks_of_the_lowest_rank_give_way_first() -> None:
    blocks = [
        Block(1, rows("a")),
        Block(VITAL, rows("b")),
        Block(0, rows("c")),
        Block(1, rows("d")),
    ]
    assert text_of(fitted(blocks, 4, 0.0)) == "a\nb\nc\nd"
    assert text_of(fitted(blocks, 3, 0.0)) == "a\nb\nd"
    assert text_of(fitted(blocks, 2, 0.0)) == "b"


def test_what_is_vital_is_shown_page_by_page() -> None:
    blocks = [Block(VITAL, rows("a", "b", "c")), Block(1, rows("d"))]
    pages = [text_of(fitted(blocks, 2, t * PAGE_S)) for t in range(3)]
    assert pages == ["a\nb", "c", "a\nb"]


@given(st.text(max_size=200), st.integers(1, 60), st.sampled_from(["", "  ", "      "]))
def test_wrapping_loses_nothing_and_stays_within_the_width(
    text: str, width: int, indent: str
) -> None:
    found = wrapped(text, width, indent=indent)
    seen = "".join(part for row in found for _, part in row)
    kept = "".join(map(printable, text.splitlines()))
    assert "".join(seen.split()) == "".join(kept.split())
    for row in found:
        assert sum(cells(part) for _, part in row) <= max(2, width)


def test_words_stay_whole_where_they_fit() -> None:
    assert text_of(wrapped("take it off and unplug it", 11)) == "take it off\nand unplug\nit"


def test_parts_that_do_not_fit_go_to_the_next_row() -> None:
    parts = [[("bold", "space"), ("dim", " stop")], [("bold", "!"), ("dim", " it hurts")]]
    assert text_of(beside(parts, 40)) == "space stop  ! it hurts"
    assert text_of(beside(parts, 12)) == "space stop\n! it hurts"
    assert text_of(beside(parts, 5)) == "space\nstop\n! it\nhurts"


def test_no_text_can_steer_the_terminal() -> None:
    line = cropped([("plain", "a\x1b[2Jb\nc\u202ed")], 80)
    assert painted(line, colour=True) == r"a\u001b[2Jb\u000ac\u202ed"
    assert text_of(wrapped("a\x1b[2Jb\u202ec", 80)) == r"a\u001b[2Jb\u202ec"


def test_what_stays_of_a_text_in_ascii() -> None:
    assert in_ascii("pad 24.0 °C · 3 → 5 – 日") == "pad 24.0 C | 3 > 5 - ?"


@pytest.mark.parametrize(
    ("share", "mark", "drawn"),
    [
        (0.0, None, "──────────"),
        (0.5, None, "━━━━━─────"),
        (0.55, None, "━━━━━╸────"),
        (0.5, 0.8, "━━━━━───│─"),
        (0.5, 0.5, "━━━━━─────"),
        (2.0, None, "━━━━━━━━━━"),
        (0.0, 1.0, "─────────│"),
    ],
)
def test_bars(share: float, mark: float | None, drawn: str) -> None:
    assert painted(bar(share, mark, 10, "bar", LINES), colour=False) == drawn

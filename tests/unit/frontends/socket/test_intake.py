"""What arrives is cut into lines wherever it was cut before, and never takes more than its room."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from massager_ctl.frontends.socket import intake
from massager_ctl.frontends.socket.intake import Intake, LineTooLong, may_stop


@given(st.binary(max_size=300), st.lists(st.integers(1, 20), max_size=40))
def test_lines_are_the_same_however_they_come(data: bytes, cuts: list[int]) -> None:
    whole, pieces = Intake[bytes](), Intake[bytes]()
    expected = whole.lines(data)
    found: list[bytes] = []
    for cut in cuts:
        found += pieces.lines(data[:cut])
        data = data[cut:]
    found += pieces.lines(data)
    assert found == expected
    assert all(line.strip() and b"\n" not in line for line in found)


def test_a_line_has_an_end() -> None:
    lines = Intake[bytes]()
    assert lines.lines(b"x" * intake.LINE_MAX) == []
    with pytest.raises(LineTooLong):
        lines.lines(b"x")
    assert lines.lines(b"stop\n") == [b"stop"]


def test_what_waits_is_bounded_in_number_and_size_and_comes_in_order() -> None:
    waiting = Intake[int]()
    taken = [waiting.put(number, 10) for number in range(intake.WAITING_MAX + 5)]
    assert taken == [True] * intake.WAITING_MAX + [False] * 5
    assert [waiting.take() for _ in range(len(waiting))] == list(range(intake.WAITING_MAX))
    assert waiting.put(1, intake.WAITING_BYTES_MAX)
    assert not waiting.put(2, 1)
    waiting.take()
    assert waiting.put(2, 1)


@pytest.mark.parametrize(
    ("line", "urgent"),
    [
        (b'{"request":"stop"}', True),
        (b'{"request":"pain","kind":"mild"}', True),
        (b'{"request":"\\u0073top"}', True),
        (b'{"request":"p\\u0061in"}', True),
        (b'{"request":"pause"}', False),
        (b'{"request":"set","zone":"all","percent":5}', False),
    ],
)
def test_a_line_that_may_stop_is_read_at_once(line: bytes, urgent: bool) -> None:
    assert may_stop(line) is urgent


def test_a_line_of_spaces_is_none() -> None:
    assert Intake[bytes]().lines(b" \n\t\r\n\n{} \n") == [b"{} "]

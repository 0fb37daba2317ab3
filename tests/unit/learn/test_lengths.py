"""The length field that is shown to a person."""

from __future__ import annotations

import pytest

from massager_ctl.learn.lengths import length_field

ONE, TWO = bytes.fromhex("aa0401020304"), bytes.fromhex("aa020102")


@pytest.mark.parametrize(
    ("frames", "said"),
    [
        ([ONE, TWO], "length: byte 2 counts all but 2 of its bytes"),
        ([bytes((3, 1, 1)), bytes((4, 1, 1, 1))], "length: byte 1 counts the whole frame"),
        ([ONE, ONE], None),
        ([ONE, bytes.fromhex("aa050102")], None),
        ([bytes((3, 3, 0)), bytes((4, 4, 0, 0))], None),
        ([], None),
    ],
)
def test_it_is_told_where_one_place_alone_fits(frames: list[bytes], said: str | None) -> None:
    found = length_field(frames)
    assert (None if found is None else str(found)) == said

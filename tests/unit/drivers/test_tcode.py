"""T-Code: which answers make a device one that this driver may drive (R25), and what goes out to it."""

from __future__ import annotations

import pytest

from massager_ctl.drivers.tcode import TCode


@pytest.mark.parametrize(
    ("answers", "known"),
    [
        (b"SR6 v1.2\nTCode v0.3\nV0 0 9999 Vibe\n", True),
        (b"V0 0 9999 Vibe\nTCode v0.3\n", True),
        (b"TCode v0.3\nL0 0 9999 Up\n", False),
        (b"TCode v0.4\nV0 0 9999 Vibe\n", False),
        (b"v0.3\nV0 0 9999 Vibe\n", False),
        (b"V0 0 9999 Vibe\n", False),
        (b"TCode v0.3\nV0 0 9999 Vibe", False),
        (b"", False),
    ],
)
def test_r25_a_device_is_known_by_its_version_and_by_a_channel_for_vibration(
    answers: bytes, known: bool
) -> None:
    dialect = TCode()
    for part in (answers[:7], answers[7:]):
        assert dialect.feed(part, 0.0) is None, "no level is ever reported"
    assert dialect.known is known


def test_its_first_other_answer_names_the_firmware() -> None:
    dialect = TCode()
    dialect.feed(b"\r\nSR6 v1.2\nTCode v0.3\nmore\n", 0.0)
    assert dialect.firmware == "SR6 v1.2"


def test_an_answer_without_an_end_is_cut() -> None:
    dialect = TCode()
    dialect.feed(b"x" * 1000, 0.0)
    dialect.feed(b"\nTCode v0.3\nV0 0 9999 Vibe\n", 0.0)
    assert dialect.known
    assert len(dialect.firmware) == 256


def test_it_asks_who_is_there_which_version_and_which_axes() -> None:
    assert TCode().start(0.0) == [b"D0\n", b"D1\n", b"D2\n"]


def test_a_level_is_sent_again_every_fifth_of_a_second_and_not_after_the_stop() -> None:
    dialect = TCode()
    assert list(dialect.due(0.0)) == []
    assert dialect.levels((35,), 1.0) == [b"V035I200\n"]
    assert list(dialect.due(1.15)) == []
    assert dialect.due(1.2) == [b"V035I200\n"]
    assert dialect.levels((100,), 1.3) == [b"V09999I200\n"]
    assert dialect.stop(1.4) == [b"V00\n", b"DSTOP\n"]
    assert list(dialect.due(2.0)) == []

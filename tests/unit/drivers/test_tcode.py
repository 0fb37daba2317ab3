"""T-Code: which answers make a device one that this driver may drive (R25)."""

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
    dialect.feed(b"SR6 v1.2\nTCode v0.3\nmore\n", 0.0)
    assert dialect.firmware == "SR6 v1.2"

"""What is not laid onto the wire as a description says has no content (R25)."""

from __future__ import annotations

import pytest

from massager_ctl.drivers.described.encoding import Encoding, unwrap


@pytest.mark.parametrize(
    ("frame", "encoding"),
    [
        ("C0 01 DB 00 02 C0", Encoding.SLIP),
        ("C0 01 DB C0", Encoding.SLIP),
        ("C0 01 C0 02 C0", Encoding.SLIP),
        ("01 02", Encoding.SLIP),
        ("7E 01 7D 00 02 7E", Encoding.HDLC),
        ("7E 01 7D 7E", Encoding.HDLC),
        ("05 01 00", Encoding.COBS),
        ("02 01", Encoding.COBS),
        ("30 5A", Encoding.HEX),
        ("30 FF", Encoding.HEX),
        ("30", Encoding.HEX_LOWER),
        ("41 41", Encoding.HEX_LOWER),
    ],
)
def test_what_an_encoding_does_not_make_has_no_content(frame: str, encoding: Encoding) -> None:
    assert unwrap(bytes.fromhex(frame), encoding) is None

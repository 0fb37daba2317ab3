"""How the content of a frame is laid onto the wire: as it is, as hexadecimal text, or with escapes."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Final, cast

from cobs import cobs

_cobs_encode = cast("Callable[[bytes], bytes]", cobs.encode)  # pyright: ignore[reportUnknownMemberType]
_cobs_decode = cast("Callable[[bytes], bytes]", cobs.decode)  # pyright: ignore[reportUnknownMemberType]


class Encoding(StrEnum):
    """`raw` leaves bytes as they are; the others make a frame's borders unmistakable."""

    RAW = "raw"
    HEX = "hex"
    """Hexadecimal digits, upper case, between the bytes of `before` and `after`."""
    HEX_LOWER = "hex_lower"
    SLIP = "slip"
    """RFC 1055, with END before and after."""
    HDLC = "hdlc"
    """Flag 7E before and after, escape 7D with bit 5 turned."""
    COBS = "cobs"
    """Consistent overhead byte stuffing, ended by 00."""


_SLIP: Final = {0xC0: b"\xdb\xdc", 0xDB: b"\xdb\xdd"}
_HDLC: Final = {0x7E: b"\x7d\x5e", 0x7D: b"\x7d\x5d"}


def wrap(content: bytes, encoding: Encoding, before: bytes = b"", after: bytes = b"") -> bytes:
    """The bytes on the wire; `before` and `after` belong to hexadecimal text alone."""
    match encoding:
        case Encoding.RAW:
            return content
        case Encoding.HEX:
            return before + content.hex().upper().encode() + after
        case Encoding.HEX_LOWER:
            return before + content.hex().encode() + after
        case Encoding.SLIP:
            return b"\xc0" + _escape(content, _SLIP) + b"\xc0"
        case Encoding.HDLC:
            return b"\x7e" + _escape(content, _HDLC) + b"\x7e"
        case Encoding.COBS:
            return _cobs_encode(content) + b"\0"


def unwrap(
    frame: bytes, encoding: Encoding, before: bytes = b"", after: bytes = b""
) -> bytes | None:
    """The content of a frame from the wire; None if `wrap` would not have made it so."""
    content = _unwrapped(frame, encoding, before, after)
    if content is None or wrap(content, encoding, before, after) != frame:
        return None
    return content


def _unwrapped(frame: bytes, encoding: Encoding, before: bytes, after: bytes) -> bytes | None:
    match encoding:
        case Encoding.RAW:
            return frame
        case Encoding.HEX | Encoding.HEX_LOWER:
            text = frame.removeprefix(before)
            text = text[: len(text) - len(after)]
            try:
                return bytes.fromhex(text.decode("ascii"))
            except (ValueError, UnicodeDecodeError):
                return None
        case Encoding.SLIP:
            return _unescape(frame[1:-1], _SLIP)
        case Encoding.HDLC:
            return _unescape(frame[1:-1], _HDLC)
        case Encoding.COBS:
            try:
                return _cobs_decode(frame[:-1])
            except cobs.DecodeError:
                return None


def _escape(content: bytes, escapes: dict[int, bytes]) -> bytes:
    return b"".join(escapes.get(byte, bytes((byte,))) for byte in content)


def _unescape(content: bytes, escapes: dict[int, bytes]) -> bytes | None:
    back = {pair[1]: byte for byte, pair in escapes.items()}
    mark = next(iter(escapes.values()))[0]
    out = bytearray()
    rest = iter(content)
    for byte in rest:
        if byte == mark:
            meant = back.get(next(rest, -1))
            if meant is None:
                return None
            out.append(meant)
        else:
            out.append(byte)
    return bytes(out)

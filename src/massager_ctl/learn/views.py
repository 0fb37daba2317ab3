"""How the frames may be laid onto the wire: every encoding that all of them can have."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from massager_ctl.drivers.described.encoding import Encoding, unwrap


class View(Struct, frozen=True):
    """An encoding, and for hexadecimal text what stands before and after the digits."""

    encoding: Encoding = Encoding.RAW
    before: bytes = b""
    after: bytes = b""

    def content(self, frame: bytes) -> bytes | None:
        """What is inside a frame, or None if it is laid otherwise."""
        return unwrap(frame, self.encoding, self.before, self.after)


def views(frames: Sequence[bytes]) -> list[View]:
    """The views that fit all frames; the plain one is always the last."""
    found: list[View] = []
    if not frames:
        return [View()]
    for encoding in (Encoding.SLIP, Encoding.HDLC, Encoding.COBS):
        view = View(encoding)
        if all(len(frame) > 3 and view.content(frame) for frame in frames) and _borders(
            frames, encoding
        ):
            found.append(view)
    found += _hexadecimal(frames)
    return [*found, View()]


def _borders(frames: Sequence[bytes], encoding: Encoding) -> bool:
    match encoding:
        case Encoding.SLIP:
            return all(frame[0] == 0xC0 == frame[-1] for frame in frames)
        case Encoding.HDLC:
            return all(frame[0] == 0x7E == frame[-1] for frame in frames)
        case _:
            return all(frame[-1] == 0 and 0 not in frame[:-1] for frame in frames)


def _hexadecimal(frames: Sequence[bytes]) -> list[View]:
    before = _common_start(frames)
    after = _common_start([frame[::-1] for frame in frames])[::-1]
    before = before[: _until_digit(before)]
    after = after[len(after) - _until_digit(after[::-1]) :]
    out: list[View] = []
    for encoding in (Encoding.HEX, Encoding.HEX_LOWER):
        view = View(encoding, before, after)
        if all(len(view.content(frame) or b"") >= 2 for frame in frames):
            out.append(view)
    return out[:1]


def _common_start(frames: Sequence[bytes]) -> bytes:
    first, last = min(frames), max(frames)
    size = next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), None)
    return first[:size]


def _until_digit(text: bytes) -> int:
    """How many bytes come before the first hexadecimal digit."""
    for index, byte in enumerate(text):
        if byte in b"0123456789ABCDEFabcdef":
            return index
    return len(text)

"""Which checksum the frames carry: every known family over every likely part, the impossible thrown out at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from massager_ctl.drivers.described.checksum import Algorithm, Checksum
from massager_ctl.drivers.described.schema import ChecksumField, Order
from massager_ctl.learn.fields import Spot, SumAt

MIN_BITS: Final = 24
"""How much must agree by chance alone before a checksum is believed: 2^-24 and less."""

_POLYS: Final[dict[int, tuple[int, ...]]] = {
    8: (0x07, 0x31, 0x1D, 0x9B, 0x2F, 0xD5, 0x39, 0xA7, 0x49, 0x8D, 0xCF, 0x4D),
    16: (
        0x1021,
        0x8005,
        0x3D65,
        0x8BB7,
        0xC867,
        0x0589,
        0xA097,
        0x5935,
        0x755B,
        0x1DCF,
        0x6F63,
        0x080B,
    ),
    32: (0x04C11DB7, 0x1EDC6F41, 0xA833982B, 0x814141AB, 0xF4ACFB13, 0x000000AF, 0x741B8CD7),
}
_INITS: Final[dict[int, tuple[int, ...]]] = {
    8: (0, 0xFF, 0xFD, 0xC7),
    16: (0, 0xFFFF, 0x1D0F, 0x800D, 0xB2AA, 0x89EC, 0xC6C6, 0x554D),
    32: (0, 0xFFFFFFFF, 0x52325032),
}
_SKIPS: Final = 5


class _Seen:
    """Frames with a checksum at one spot: the value, and the covered bytes for each part."""

    def __init__(self, frames: Sequence[bytes], spot: Spot, order: Order, text: str) -> None:
        self.spot, self.order, self.text = spot, order, text
        self.width = spot.size * 8 if text == "binary" else spot.size * 4
        self.frames: list[bytes] = []
        self.values: list[int] = []
        self.places: list[tuple[int, int]] = []
        for frame in frames:
            place = spot.find(frame)
            if place is None:
                continue
            self.frames.append(frame)
            self.places.append(place)
            piece = frame[place[0] : place[1]]
            if text == "binary":
                self.values.append(int.from_bytes(piece, order))
            else:
                self.values.append(int(piece, 16))

    def covered(self, until: str, skip: int, short: int) -> list[bytes] | None:
        """What a checksum of this part is made of; None if a frame has nothing in it."""
        out: list[bytes] = []
        for frame, (start, end) in zip(self.frames, self.places, strict=True):
            if until == "itself":
                data = frame[skip : max(start - short, skip)]
            else:
                data = frame[skip:start] + frame[max(end, skip) : len(frame) - short]
            if not data:
                return None
            out.append(data)
        return out


def find_sums(frames: Sequence[bytes], spot: Spot, least_bits: int = MIN_BITS) -> list[SumAt]:
    """All checksums that explain the bytes at a spot in every one of these (different) frames.

    Whoever asks has to look whether they agree on what else will be sent.
    """
    found: list[SumAt] = []
    for order, text in _writings(frames, spot):
        seen = _Seen(frames, spot, order, text)
        if seen.width not in (8, 16, 32) or len(set(seen.values)) < 2:
            continue
        if (len(seen.frames) - 1) * seen.width < least_bits:
            continue
        # Where a byte of it never changes, only a sum without any offset can be meant.
        still = seen.width > 8 and seen.text == "binary" and not all_vary(seen.frames, spot)
        for until, skip, short in _parts(seen):
            covered = seen.covered(until, skip, short)
            if covered is None or len(set(covered)) < 2:
                continue
            for checksum in _fitting(covered, seen.values, seen.width):
                if still and (checksum.algorithm == "crc" or checksum.init):
                    continue
                field = as_field(checksum, until, skip, short, order, text)
                found.append(SumAt(spot, field))
    return found


def all_vary(frames: Sequence[bytes], spot: Spot) -> bool:
    """Whether each of the bytes at a spot changes."""
    pieces = [frame[place[0] : place[1]] for frame in frames if (place := spot.find(frame))]
    return all(len({piece[at] for piece in pieces}) > 1 for at in range(spot.size))


def _writings(frames: Sequence[bytes], spot: Spot) -> Iterator[tuple[Order, str]]:
    pieces = [frame[place[0] : place[1]] for frame in frames if (place := spot.find(frame))]
    if spot.size in (2, 4, 8) and all(_is_hex(piece) for piece in pieces):
        if all(piece == piece.upper() for piece in pieces):
            yield "big", "hex"
        elif all(piece == piece.lower() for piece in pieces):
            yield "big", "hex_lower"
    if spot.size in (1, 2, 4):
        yield "big", "binary"
        if spot.size > 1:
            yield "little", "binary"


def _is_hex(piece: bytes) -> bool:
    return all(byte in b"0123456789ABCDEFabcdef" for byte in piece)


def _parts(seen: _Seen) -> Iterator[tuple[str, int, int]]:
    """The likely parts, the plainest first."""
    shortest = min(len(frame) for frame in seen.frames)
    after = min(len(frame) - end for frame, (_, end) in zip(seen.frames, seen.places, strict=True))
    before = min(start for start, _ in seen.places)
    for skip in range(min(_SKIPS, shortest)):
        if skip < before:
            yield "itself", skip, 0
            if seen.text != "binary" and before - skip > 1:
                yield "itself", skip, 1
    if after:
        start = 0 if before else seen.spot.size
        for skip in range(start, min(before + seen.spot.size + 3, shortest)):
            for short in range(min(after, 3)):
                yield "end", skip, short


def _fitting(covered: Sequence[bytes], values: Sequence[int], width: int) -> Iterator[Checksum]:
    mask = (1 << width) - 1
    sums = [sum(data) for data in covered]
    if _constant((value - total) & mask for value, total in zip(values, sums, strict=True)):
        yield Checksum("sum", width, init=(values[0] - sums[0]) & mask)
    if _constant((value + total) & mask for value, total in zip(values, sums, strict=True)):
        yield _negative((values[0] + sums[0]) & mask, width)
    if width == 8:
        plain = Checksum("xor")
        offset = values[0] ^ plain(covered[0])
        if all(plain(data) ^ offset == value for data, value in zip(covered, values, strict=True)):
            yield Checksum("xor", init=offset)
    yield from _crcs(covered, values, width, _POLYS[width])


def _negative(total: int, width: int) -> Checksum:
    """The sum that is taken away from `total`, by the name that people know."""
    if total == (1 << width) - 1:
        return Checksum("sum", width, xor_out=total)
    return Checksum("sum", width, init=-total & ((1 << width) - 1), negate=True)


def _crcs(
    covered: Sequence[bytes], values: Sequence[int], width: int, polys: Sequence[int]
) -> Iterator[Checksum]:
    one_length = len({len(data) for data in covered}) == 1
    for poly in polys:
        for reflect in (False, True):
            for init in _INITS[width][:1] if one_length else _INITS[width]:
                crc = Checksum("crc", width, poly, init, reflect, reflect)
                out = values[0] ^ crc(covered[0])
                if all(
                    crc(data) ^ out == value
                    for data, value in zip(covered[1:], values[1:], strict=True)
                ):
                    yield _customary(crc, covered[0], values[0])
                    break


def _customary(crc: Checksum, data: bytes, value: int) -> Checksum:
    """The same CRC with a start and an end that are in use, if there are any."""
    mask = crc.mask
    for out in (0, mask):
        for init in _INITS[crc.width]:
            usual = Checksum(
                "crc", crc.width, crc.poly, init, crc.reflect_in, crc.reflect_out, xor_out=out
            )
            if usual(data) == value and (crc.init in (0, init)):
                return usual
    out = value ^ crc(data)
    return Checksum(
        "crc", crc.width, crc.poly, crc.init, crc.reflect_in, crc.reflect_out, xor_out=out
    )


def _constant(values: Iterator[int]) -> bool:
    first = next(values)
    return all(value == first for value in values)


def as_field(
    checksum: Checksum, until: str, skip: int, short: int, order: Order, text: str
) -> ChecksumField:
    """A checksum as a description writes it."""
    algorithm: Algorithm = checksum.algorithm
    return ChecksumField(
        algorithm=algorithm,
        width=checksum.width,  # pyright: ignore[reportArgumentType]  it is 8, 16 or 32
        poly=f"0x{checksum.poly:0{checksum.width // 4}X}" if checksum.poly else 0,
        init=f"0x{checksum.init:02X}" if checksum.init else 0,
        reflect_in=checksum.reflect_in,
        reflect_out=checksum.reflect_out,
        negate=checksum.negate,
        xor_out=f"0x{checksum.xor_out:02X}" if checksum.xor_out else 0,
        skip=skip,
        until=until,  # pyright: ignore[reportArgumentType]
        short=short,
        order=order,
        text=text,  # pyright: ignore[reportArgumentType]
    )


def family(field: ChecksumField) -> str:
    """What people call it: sum, xor or CRC, and its width."""
    name = {"sum": "sum", "xor": "xor", "crc": "CRC-"}[field.algorithm]
    return f"{name}{field.width}"

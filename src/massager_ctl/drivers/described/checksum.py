"""Sums, exclusive-ors and CRCs by their parameters, as one function."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

from msgspec import Struct

Algorithm = Literal["sum", "xor", "crc"]


class Checksum(Struct, frozen=True):
    """The parameters of a checksum of `width` bits.

    A sum or exclusive-or starts at `init`; `negate` gives its two's complement, and `xor_out` is applied last
    (all ones for the one's complement). A CRC follows the usual model: `poly` in its normal form, `reflect_in` and
    `reflect_out`.
    """

    algorithm: Algorithm
    width: int = 8
    poly: int = 0
    init: int = 0
    reflect_in: bool = False
    reflect_out: bool = False
    negate: bool = False
    xor_out: int = 0

    @property
    def mask(self) -> int:
        """All bits of its width."""
        return (1 << self.width) - 1

    @property
    def size(self) -> int:
        """Bytes that the value takes."""
        return self.width // 8

    def __call__(self, data: bytes) -> int:
        """The sum over these bytes."""
        match self.algorithm:
            case "sum":
                value = self.init + sum(data)
            case "xor":
                value = self.init
                for byte in data:
                    value ^= byte
            case "crc":
                value = self._crc(data)
        if self.negate:
            value = -value
        return (value & self.mask) ^ self.xor_out

    def _crc(self, data: bytes) -> int:
        table = _table(self.width, self.poly, self.reflect_in)
        value = self.init
        if self.reflect_in:
            value = reflected(value, self.width)
            for byte in data:
                value = table[(value ^ byte) & 0xFF] ^ (value >> 8)
        else:
            shift = self.width - 8
            mask = self.mask
            for byte in data:
                value = table[(value >> shift) ^ byte] ^ ((value << 8) & mask)
        if self.reflect_in is not self.reflect_out:
            value = reflected(value, self.width)
        return value


def reflected(value: int, width: int) -> int:
    """The bits of `value` in the other order."""
    return int(f"{value:0{width}b}"[::-1], 2)


@lru_cache(maxsize=1024)
def _table(width: int, poly: int, reflect: bool) -> tuple[int, ...]:
    mask = (1 << width) - 1
    table: list[int] = []
    if reflect:
        turned = reflected(poly, width)
        for byte in range(256):
            value = byte
            for _ in range(8):
                value = (value >> 1) ^ (turned if value & 1 else 0)
            table.append(value)
    else:
        top = 1 << (width - 1)
        for byte in range(256):
            value = byte << (width - 8)
            for _ in range(8):
                value = ((value << 1) & mask) ^ (poly if value & top else 0)
            table.append(value)
    return tuple(table)

"""Checksums that makers put at the end of a frame."""

from __future__ import annotations

import zlib
from collections.abc import Callable


def crc8(data: bytes, poly: int = 0x07, init: int = 0) -> int:
    value = init
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = (value << 1 ^ poly) & 0xFF if value & 0x80 else value << 1
    return value


def crc16_modbus(data: bytes) -> int:
    value = 0xFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ 0xA001 if value & 1 else value >> 1
    return value


def crc16_ccitt(data: bytes) -> int:
    value = 0xFFFF
    for byte in data:
        value ^= byte << 8
        for _ in range(8):
            value = (value << 1 ^ 0x1021) & 0xFFFF if value & 0x8000 else value << 1
    return value


def xor8(data: bytes) -> int:
    value = 0
    for byte in data:
        value ^= byte
    return value


SUMS: dict[str, tuple[Callable[[bytes], int], int]] = {
    "none": (lambda _: 0, 0),
    "sum": (lambda d: sum(d) & 0xFF, 1),
    "sum_offset": (lambda d: (sum(d) + 0x5A) & 0xFF, 1),
    "sum_ones": (lambda d: ~sum(d) & 0xFF, 1),
    "sum_twos": (lambda d: -sum(d) & 0xFF, 1),
    "sum16": (lambda d: sum(d) & 0xFFFF, 2),
    "xor": (xor8, 1),
    "xor_offset": (lambda d: xor8(d) ^ 0xA5, 1),
    "crc8": (crc8, 1),
    "crc8_maxim_poly": (lambda d: crc8(d, 0x31, 0xFF), 1),
    "crc16_modbus": (crc16_modbus, 2),
    "crc16_ccitt": (crc16_ccitt, 2),
    "crc32": (zlib.crc32, 4),
}

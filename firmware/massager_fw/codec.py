"""CRC-16 and COBS over buffers that are there already; docs/protocol.md 2.

On MicroPython these are machine code. CPython has faster ways to the same results, in `codec_cpython`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from massager_fw.shim import MICROPYTHON, micropython

if TYPE_CHECKING:
    from typing import Any

    ptr8 = Any

MAX_BODY = 84
"""Longest frame body in bytes."""
MAX_ENCODED = MAX_BODY + 1
"""... and in COBS, without the closing zero."""
FRAME_CRC = 0xFFFF
"""What the CRC of a frame starts with (CRC-16/IBM-3740)."""
RECORD_CRC = 0x1D0F
"""... and of a record in NVM (CRC-16/SPI-FUJITSU): a frame is never a record."""


@micropython.viper
def crc16_viper(data: ptr8, length: int, crc: int) -> int:
    """The CRC of the first `length` bytes of `data`, going on from `crc`; polynomial 0x1021."""
    for i in range(length):
        x = ((crc >> 8) ^ data[i]) & 0xFF
        x = x ^ (x >> 4)
        crc = ((crc << 8) ^ (x << 12) ^ (x << 5) ^ x) & 0xFFFF
    return crc


@micropython.viper
def cobs_encode_viper(data: ptr8, length: int, out: ptr8) -> int:
    """COBS of `length` bytes and the closing zero into `out`; how many bytes that is. At most 254 bytes."""
    code_at = 0
    o = 1
    for i in range(length):
        byte = data[i]
        if byte:
            out[o] = byte
        else:
            out[code_at] = o - code_at
            code_at = o
        o += 1
    out[code_at] = o - code_at
    out[o] = 0
    return o + 1


@micropython.viper
def cobs_decode_viper(data: ptr8, length: int, out: ptr8) -> int:
    """The body of a run of COBS without its zero, into `out`; its length, or -1 if that is not COBS."""
    i = 0
    o = 0
    while i < length:
        code = data[i]
        end = i + code
        if code == 0 or end > length:
            return -1
        i += 1
        while i < end:
            out[o] = data[i]
            i += 1
            o += 1
        if code < 255 and i < length:
            out[o] = 0
            o += 1
    return o


@micropython.viper
def find_zero_viper(data: ptr8, start: int, end: int) -> int:
    """The place of the first zero from `start` on, or `end`."""
    i = start
    while i < end:
        if data[i] == 0:
            return i
        i += 1
    return end


@micropython.viper
def copy_viper(data: ptr8, start: int, length: int, out: ptr8, place: int) -> int:
    """Copy `length` bytes of `data` from `start` on to `place` in `out`; how many."""
    for i in range(length):
        out[place + i] = data[start + i]
    return length


if MICROPYTHON:
    crc16 = crc16_viper
    cobs_encode = cobs_encode_viper
    cobs_decode = cobs_decode_viper
    find_zero = find_zero_viper
    copy = copy_viper
else:
    from massager_fw.codec_cpython import cobs_decode, cobs_encode, copy, crc16, find_zero

__all__ = ["cobs_decode", "cobs_encode", "copy", "crc16", "find_zero"]

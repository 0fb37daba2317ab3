"""The functions of `codec` by what CPython does in C, so that simulated hours pass quickly; not for a board."""

from __future__ import annotations

from binascii import crc_hqx

from cobs import cobs

Buffer = bytearray | bytes | memoryview


def crc16(data: Buffer, length: int, crc: int) -> int:
    """As `codec.crc16_viper`."""
    return crc_hqx(memoryview(data)[:length], crc)


def cobs_encode(data: Buffer, length: int, out: bytearray) -> int:
    """As `codec.cobs_encode_viper`."""
    encoded = cobs.encode(bytes(data[:length])) + b"\0"  # pyright: ignore[reportUnknownMemberType]
    size = len(encoded)
    out[:size] = encoded
    return size


def cobs_decode(data: Buffer, length: int, out: bytearray) -> int:
    """As `codec.cobs_decode_viper`."""
    try:
        body = cobs.decode(bytes(data[:length]))  # pyright: ignore[reportUnknownMemberType]
    except cobs.DecodeError:
        return -1
    size = len(body)
    out[:size] = body
    return size


def find_zero(data: Buffer, start: int, end: int) -> int:
    """As `codec.find_zero_viper`."""
    place = bytes(data[start:end]).find(0)
    return end if place < 0 else start + place


def copy(data: Buffer, start: int, length: int, out: bytearray, place: int) -> int:
    """As `codec.copy_viper`."""
    out[place : place + length] = data[start : start + length]
    return length

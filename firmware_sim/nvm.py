"""Memory that outlives a reboot: each record with its CRC, and a bad one fails closed (R7, R8, fault 48)."""

from __future__ import annotations

import binascii
from typing import Protocol

_CRC_START = 0x1D0F


class Nvm(Protocol):
    """Named records of bytes; what is read is what was written, or what became of it."""

    stuck: bool
    """Writes have no effect any more (a worn-out cell, fault 48)."""

    def load(self, name: str) -> bytes | None:
        """The raw record, or None if it was never written."""
        ...

    def store(self, name: str, raw: bytes) -> None:
        """Replace the record, unless the memory is stuck."""
        ...

    def flip(self, name: str, bit: int) -> None:
        """Turn one bit of a record over (fault 48)."""
        ...


class MemoryNvm:
    """Records in memory; hand the same one to the next boot."""

    def __init__(self) -> None:
        self.records: dict[str, bytes] = {}
        self.stuck = False

    def load(self, name: str) -> bytes | None:
        """The raw record, or None if it was never written."""
        return self.records.get(name)

    def store(self, name: str, raw: bytes) -> None:
        """Replace the record, unless the memory is stuck."""
        if not self.stuck:
            self.records[name] = raw

    def flip(self, name: str, bit: int) -> None:
        """Turn one bit of a record over (fault 48)."""
        raw = bytearray(self.records[name])
        raw[bit // 8 % len(raw)] ^= 1 << bit % 8
        self.records[name] = bytes(raw)


class Unreadable(ValueError):
    """A record is there, and wrong."""


def seal(payload: bytes) -> bytes:
    """`payload` with its CRC."""
    return payload + binascii.crc_hqx(payload, _CRC_START).to_bytes(2, "little")


def unseal(raw: bytes) -> bytes:
    """The payload of a record; `Unreadable` if its CRC is wrong."""
    payload = raw[:-2]
    if len(raw) < 2 or binascii.crc_hqx(payload, _CRC_START).to_bytes(2, "little") != raw[-2:]:
        raise Unreadable("a record in NVM has a wrong CRC")
    return payload

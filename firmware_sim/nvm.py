"""Memory that outlives a reboot: named records, which the firmware seals (R7, R8, fault 48)."""

from __future__ import annotations

from typing import Protocol


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

    __slots__ = ("records", "stuck")

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

"""What a capture holds: connections, their services, and every message with its time, kept small."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from enum import IntEnum
from typing import Final, NamedTuple

MOST_MESSAGES: Final = 4_000_000
"""Of all connections together; each takes 12 bytes."""
MOST_VALUE_BYTES: Final = 32 << 20


class Op(IntEnum):
    """What a message does; the numbers are ATT's."""

    WRITE_REQUEST = 0x12
    WRITE_COMMAND = 0x52
    NOTIFICATION = 0x1B
    INDICATION = 0x1D
    SENT = 0x100
    """Serial: from the program to the device."""
    RECEIVED = 0x101

    @property
    def to_device(self) -> bool:
        """Whether it goes from the host to the device."""
        return self in (Op.WRITE_REQUEST, Op.WRITE_COMMAND, Op.SENT)


class Message(NamedTuple):
    """One message: seconds since the capture's start, what it does, where, and what it carries."""

    time: float
    op: Op
    handle: int
    value: bytes


class Budget:
    """What all connections of a capture may keep in memory."""

    def __init__(self) -> None:
        self.messages = MOST_MESSAGES
        self.value_bytes = MOST_VALUE_BYTES


class Messages:
    """The messages of one connection. Equal ones share their content, so that millions fit."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._times = array("d")
        self._kinds = array("I")
        self._known: dict[tuple[int, int, bytes], int] = {}
        self.dropped = 0
        """Messages that did not fit any more."""

    def __len__(self) -> int:
        return len(self._times)

    def add(self, time: float, op: int, handle: int, value: bytes) -> None:
        """Keep one of them."""
        budget = self._budget
        key = (op, handle, value)
        kind = self._known.get(key)
        if budget.messages <= 0 or (kind is None and budget.value_bytes <= 0):
            self.dropped += 1
            return
        if kind is None:
            kind = self._known[key] = len(self._known)
            # An entry costs this much beside its bytes.
            budget.value_bytes -= len(value) + 200
        budget.messages -= 1
        self._times.append(time)
        self._kinds.append(kind)

    def __iter__(self) -> Iterator[Message]:
        contents = [(Op(op), handle, value) for op, handle, value in self._known]
        for time, kind in zip(self._times, self._kinds, strict=True):
            yield Message(time, *contents[kind])


class Characteristic(NamedTuple):
    """A characteristic as the device listed it in discovery."""

    handle: int
    uuid: str
    properties: int


class Database:
    """A device's services, as far as the capture shows their discovery."""

    def __init__(self) -> None:
        self.services: dict[int, tuple[int, str]] = {}
        """By first handle: last handle and UUID."""
        self.characteristics: dict[int, Characteristic] = {}
        """By the handle of the value."""

    def service_of(self, handle: int) -> str | None:
        """The service that a handle belongs to."""
        for first, (last, uuid) in self.services.items():
            if first <= handle <= last:
                return uuid
        return None

    def take_over(self, other: Database) -> None:
        """What another connection to the same device has shown."""
        self.services = other.services | self.services
        self.characteristics = other.characteristics | self.characteristics


class Connection:
    """One connection of the phone (or one serial line)."""

    def __init__(self, number: int, opened: float, budget: Budget) -> None:
        self.number = number
        self.opened = opened
        self.closed: float | None = None
        self.address: str | None = None
        self.name: str | None = None
        self.classic = False
        self.encrypted_air = False
        """Taken from the air, and encrypted there: nothing can be read without the keys."""
        self.bonded = False
        """Whether the link was encrypted by the phone; its log shows the plain content all the same."""
        self.from_start = True
        """Whether the capture shows how it began."""
        self.database = Database()
        self.messages = Messages(budget)
        self.writes = 0
        self.answers = 0
        self.serial = False


class Capture(NamedTuple):
    """All that was found in a file."""

    started: float
    """Seconds since 1970 of the first packet, 0 if the file does not tell."""
    length: float
    connections: tuple[Connection, ...]
    packets: int
    cut_off: int | None
    shortened: int

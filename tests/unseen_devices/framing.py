"""How a made-up device lays a command and its payload into bytes, and reads them back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random
from typing import Final

from tests.unseen_devices.checks import Check, choose_check

HEADERS: Final = (
    "55 AA", "AA 55", "A5", "5A", "FE", "FF", "55", "AA", "7E", "3A", "F0", "BB", "CC", "AB CD", "A5 5A", "EE EE",
    "5A A5 01", "FE 01", "55 AA 00", "A0", "02", "68", "FA FA", "C0",
)  # fmt: skip
TAILS: Final = ("55", "AA", "0D", "0D 0A", "FF", "EF", "7E", "16", "FE", "BB", "00", "ED")


@dataclass(frozen=True, slots=True)
class Counter:
    """A number in each frame: its size in bits, and where it starts."""

    bits: int
    first: int
    low: int = 0
    upper: int = 0
    """What stands in the upper half of the byte of a counter of four bits."""

    def at(self, count: int) -> int:
        """The byte of the frame with this number."""
        span = (1 << self.bits) - self.low
        return self.upper << 4 | self.low + (self.first - self.low + count) % span


@dataclass(frozen=True, slots=True)
class Message:
    """What stands in a frame."""

    command: int
    payload: bytes
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Framing:
    """`parts`: header, product, length, counter, command, mirror, payload, late_counter, check, tail, in order."""

    parts: tuple[str, ...]
    header: bytes
    tail: bytes
    product: int
    length: str | None
    """What the length counts: payload, whole, rest (all bytes after it) or command (command and payload)."""
    check: Check
    covers: str
    """Where the check's part starts: all, after_header or command."""
    counter: Counter | None
    pad_to: int = 0
    """Bytes of payload, filled up with zeros; 0 for as many as there are."""

    def _fixed(self, name: str) -> int:
        match name:
            case "header":
                return len(self.header)
            case "tail":
                return len(self.tail)
            case "check":
                return self.check.size
            case _:
                return 1

    def build(self, command: int, payload: bytes, count: int) -> bytes:
        """A frame; `count` is the number of frames before it."""
        filled = payload.ljust(self.pad_to, b"\0")
        sizes = {
            name: len(filled) if name == "payload" else self._fixed(name) for name in self.parts
        }
        frame = b""
        check_from = 0
        for index, name in enumerate(self.parts):
            if (self.covers == "after_header" and name == "header") or (
                self.covers == "command" and self.parts[index + 1 : index + 2] == ("command",)
            ):
                check_from = len(frame) + sizes[name]
            match name:
                case "header":
                    frame += self.header
                case "product":
                    frame += bytes([self.product])
                case "length":
                    frame += bytes([self._length(index, sizes, len(payload))])
                case "counter" | "late_counter":
                    assert self.counter is not None
                    frame += bytes([self.counter.at(count)])
                case "command":
                    frame += bytes([command])
                case "mirror":
                    frame += bytes([command ^ 0xFF])
                case "payload":
                    frame += filled
                case "check":
                    frame += self.check.over(frame[check_from:])
                case _:
                    frame += self.tail
        return frame

    def _length(self, index: int, sizes: dict[str, int], payload: int) -> int:
        match self.length:
            case "payload":
                return payload
            case "whole":
                return sum(sizes.values())
            case "command":
                return sizes["payload"] + 1
            case _:
                return sum(sizes[name] for name in self.parts[index + 1 :])

    def read(self, frame: bytes) -> Message | None:
        """What a frame says, or None where any byte of it is not as it must be."""
        at = {}
        where = self.parts.index("payload")
        position = 0
        for name in self.parts[:where]:
            at[name] = position
            position += self._fixed(name)
        end = len(frame)
        for name in reversed(self.parts[where + 1 :]):
            end -= self._fixed(name)
            at[name] = end
        if end < position:
            return None
        payload = frame[position:end]
        if self.length == "payload":
            payload = payload[: frame[at["length"]]]
        command = frame[at["command"]]
        if self.counter is None:
            shown, same = None, self
        else:
            shown = frame[at["counter" if "counter" in at else "late_counter"]]
            if self.counter.bits == 4 and shown >> 4 != self.counter.upper:
                return None
            same = replace(self, counter=Counter(8, shown))
        return (
            Message(command, payload, shown) if same.build(command, payload, 0) == frame else None
        )


def choose_framing(random: Random) -> Framing:
    """A framing; without a header only where a command byte is all that begins the frame."""
    header = b"" if random.random() < 0.08 else bytes.fromhex(random.choice(HEADERS))
    check = choose_check(random)
    length = random.choices((None, "payload", "whole", "rest", "command"), (35, 25, 15, 15, 10))[0]
    counter = _counter(random) if random.random() < 0.25 else None
    parts = ["header"] if header else []
    if random.random() < 0.2:
        parts.append("product")
    if length is not None and random.random() < 0.5:
        parts.append("length")
    if counter is not None and random.random() < 0.6:
        parts.append("counter")
    parts.append("command")
    if random.random() < 0.06:
        parts.append("mirror")
    if length is not None and "length" not in parts:
        parts.append("length")
    parts.append("payload")
    if counter is not None and "counter" not in parts:
        parts.append("late_counter")
    if check.size:
        parts.append("check")
    tail = bytes.fromhex(random.choice(TAILS)) if random.random() < 0.3 else b""
    if tail:
        parts.append("tail")
    covers = random.choices(("all", "after_header", "command"), (55, 30, 15))[0]
    return Framing(
        tuple(parts),
        header,
        tail,
        random.randrange(1, 0x40),
        length,
        check,
        covers if header else "all",
        counter,
        random.choice((6, 8, 10)) if random.random() < 0.15 else 0,
    )


def _counter(random: Random) -> Counter:
    if random.random() < 0.3:
        return Counter(4, random.choice((0, 0, 1)), 0, random.choice((0, 0, 8, 0xA)))
    low = random.choices((0, 1), (80, 20))[0]
    return Counter(8, random.choice((low, low, 1, random.randrange(1, 256))), low)

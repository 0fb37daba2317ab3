"""Made-up massagers by seed: how their frames are built."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from tests.learn_devices.checksums import SUMS

FRAMINGS = ("fixed", "length", "ascii", "hex", "slip", "hdlc")

CODINGS = ("linear", "times", "scaled", "table", "bcd", "onehot", "digits", "opcode", "percent16")

ALIVE = ("none", "fixed", "counted", "resend", "level")

COUNTERS = ("none", "all", "commands")

STATES = ("none", "ack", "state", "telemetry")

STOPS = ("level0", "opcode", "two")


@dataclass
class Device:
    """One made-up device: how its frames are built, and what it does with them."""

    seed: int
    framing: str
    checksum: str
    coding: str
    alive: str
    counter: str
    state: str
    stop: str
    levels: int
    period: float
    hello: bool
    little: bool
    skip: int
    header: bytes
    opcode: int
    trailer: bytes
    counter_first: int
    counter_low: bool
    response: bool
    table: list[int] = field(default_factory=list)

    def value(self, level: int) -> bytes:
        match self.coding:
            case "linear":
                return bytes((level,))
            case "times":
                return bytes((level * 16,))
            case "scaled":
                return bytes((level * 255 // self.levels,))
            case "table":
                return bytes((self.table[level],))
            case "bcd":
                return bytes((int(str(level * 10 % 100 if level < 10 else 99), 16),))
            case "onehot":
                return bytes((1 << level if level else 0,))
            case "digits":
                return f"{level * 100 // self.levels:03d}".encode()
            case "opcode":
                return b""
            case _:
                return (level * 1000 // self.levels).to_bytes(2, "big")

    def body(self, opcode: int, payload: bytes, count: int | None) -> bytes:
        """Header to checksum."""
        inner = bytes((opcode,)) + payload
        if count is not None:
            inner = bytes((count,)) + inner if self.counter_low else inner + bytes((count,))
        if self.framing == "length":
            inner = bytes((len(inner),)) + inner
        data = self.header + inner
        work, size = SUMS[self.checksum]
        if size:
            data += work(data[self.skip :]).to_bytes(size, "little" if self.little else "big")
        return data

    def wire(self, opcode: int, payload: bytes, count: int | None) -> bytes:
        if self.framing == "ascii":
            text = f"{chr(65 + opcode % 26)}{payload.hex().upper()}"
            if count is not None:
                text += f"#{count:02X}"
            data = text.encode()
            work, size = SUMS[self.checksum]
            if size:
                data += b"*" + f"{work(data):0{2 * size}X}".encode()
            return data + b"\r\n"
        body = self.body(opcode, payload, count)
        match self.framing:
            case "hex":
                return b":" + body.hex().upper().encode() + b"\r\n"
            case "slip":
                out = body.replace(b"\xdb", b"\xdb\xdd").replace(b"\xc0", b"\xdb\xdc")
                return b"\xc0" + out + b"\xc0"
            case "hdlc":
                out = body.replace(b"\x7d", b"\x7d\x5d").replace(b"\x7e", b"\x7d\x5e")
                return b"\x7e" + out + b"\x7e"
            case _:
                return body + self.trailer


def make(seed: int) -> Device:
    r = random.Random(seed)
    levels = r.randint(3, 7)
    table = [0, *sorted(r.sample(range(5, 250), levels))]
    framing = r.choice(FRAMINGS)
    return Device(
        seed=seed,
        framing=framing,
        checksum=r.choice(list(SUMS)),
        coding=r.choice(CODINGS),
        alive=r.choice(ALIVE),
        counter=r.choice(COUNTERS),
        state=r.choice(STATES),
        stop=r.choice(STOPS),
        levels=levels,
        period=r.choice((0.5, 1.0, 2.0, 3.0)),
        hello=r.random() < 0.5,
        little=r.random() < 0.5,
        skip=r.choice((0, 0, 1)),
        header=bytes(r.choice(range(0x20, 0xBF)) for _ in range(r.randint(1, 2))),
        opcode=r.randint(1, 0x60),
        trailer=r.choice((b"", b"", b"\x55")),
        counter_first=r.choice((0, 1, r.randint(0, 255))),
        counter_low=r.random() < 0.5,
        response=r.random() < 0.5,
        table=table,
    )

"""Made-up massagers by seed, each with an app that uses it and a strict peer, for the tests of `learn` alone."""

from __future__ import annotations

import random
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from massager_ctl.drivers.described.dialect import Dialect
from massager_ctl.drivers.described.model import Description


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


class App:
    """What the maker's app would send."""

    def __init__(self, device: Device) -> None:
        self.device = device
        self.count = device.counter_first
        self.last: bytes | None = None

    def _next(self, *, command: bool) -> int | None:
        device = self.device
        if device.counter == "none" or (device.counter == "commands" and not command):
            return None
        count, self.count = self.count, (self.count + 1) & 0xFF
        return count

    def frame(self, opcode: int, payload: bytes, *, command: bool = True) -> bytes:
        return self.device.wire(opcode, payload, self._next(command=command))

    def level(self, level: int) -> list[bytes]:
        d = self.device
        if level == 0 and d.stop != "level0":
            frames = [self.frame(d.opcode + 7, b"")]
            if d.stop == "two":
                frames.append(self.frame(d.opcode + 9, b"\x01"))
            return frames
        if d.coding == "opcode":
            return [self.frame(d.opcode + 20 + level, b"")]
        return [self.frame(d.opcode, d.value(level))]

    def hello(self) -> list[bytes]:
        return [self.frame(self.device.opcode + 3, b"\x01\x02")] if self.device.hello else []

    def beat(self, level: int) -> list[bytes]:
        d = self.device
        match d.alive:
            case "fixed":
                return [d.wire(d.opcode + 5, b"\x00", None)]
            case "counted":
                return [self.frame(d.opcode + 5, b"\x00", command=False)]
            case "resend":
                return self.level(level)
            case "level":
                return [self.frame(d.opcode + 6, bytes((level,)), command=False)]
            case _:
                return []


@dataclass
class Peer:
    """The device itself: it takes only the very frames, in order, and goes to sleep without a keep-alive."""

    device: Device
    level: int = 0
    greeted: bool = False
    count: int | None = None
    fed_at: float = 0.0
    rejected: list[str] = field(default_factory=list)
    slept: int = 0
    frames: dict[bytes, tuple[str, int, int | None]] = field(default_factory=dict)

    def take(self, frame: bytes, now: float) -> list[bytes]:
        """The answers to a frame."""
        self.pass_time(now)
        d = self.device
        found = self._known().get(frame)
        if found is None:
            self.rejected.append(f"{now:.2f} {frame.hex()}")
            return []
        kind, level, count = found
        if count is not None:
            if self.count is not None and count != (self.count + 1) & 0xFF:
                self.rejected.append(f"{now:.2f} count {frame.hex()}")
                return []
            self.count = count
        if kind == "hello":
            self.greeted = True
            self.fed_at = now
            return []
        if d.hello and not self.greeted:
            self.rejected.append(f"{now:.2f} no hello")
            return []
        if kind == "beat" and self.device.alive == "level" and level != self.level:
            self.rejected.append(f"{now:.2f} level {level} kept awake at {self.level}")
        self.fed_at = now
        if kind == "level":
            self.level = level
            return self._ack(level)
        return []

    def _known(self) -> dict[bytes, tuple[str, int, int | None]]:
        """Every frame that this device takes: what it does, its level, and its count."""
        if self.frames:
            return self.frames
        d = self.device
        app = App(d)

        def add(kind: str, level: int, make: Callable[[], list[bytes]], count: int) -> None:
            app.count = count
            frames = make()
            for index, one in enumerate(frames):
                number = (count + index) & 0xFF if app.count != count else None
                self.frames[one] = (kind if index == 0 else "rest", level, number)

        for count in (0,) if d.counter == "none" else range(256):
            for level in range(d.levels + 1):
                add("level", level, lambda level=level: app.level(level), count)
                if d.alive == "level":
                    add("beat", level, lambda level=level: app.beat(level), count)
            add("hello", 0, app.hello, count)
            if d.alive in ("fixed", "counted"):
                add("beat", 0, lambda: app.beat(0), count)
        return self.frames

    def _ack(self, level: int) -> list[bytes]:
        d = self.device
        match d.state:
            case "ack":
                return [d.wire(d.opcode + 0x40, b"\x00", None)]
            case "state":
                return [d.wire(d.opcode + 0x41, bytes((level, 0x10)), None)]
            case _:
                return []

    def telemetry(self, r: random.Random) -> list[bytes]:
        d = self.device
        if d.state != "telemetry":
            return []
        return [d.wire(d.opcode + 0x42, bytes((r.randint(60, 63), self.level)), None)]

    def pass_time(self, now: float) -> None:
        d = self.device
        if d.alive != "none" and self.level and now - self.fed_at > 2.5 * d.period:
            self.slept += 1
            self.level = 0


SERVICE, WRITE, NOTIFY = 0x20, 0x22, 0x24


class Log:
    """Writes a btsnoop file as Android does."""

    def __init__(self) -> None:
        self.out = b"btsnoop\0" + struct.pack(">II", 1, 1002)

    def record(self, time: float, data: bytes, *, sent: bool, control: bool = False) -> None:
        stamp = int((time + 1_700_000_000) * 1e6) + 0x00DCDDB30F2F8000
        flags = (0 if sent else 1) | (2 if control else 0)
        self.out += struct.pack(">IIIIQ", len(data), len(data), flags, 0, stamp) + data

    def event(self, time: float, code: int, body: bytes) -> None:
        self.record(time, bytes((4, code, len(body))) + body, sent=False, control=True)

    def att(
        self, time: float, pdu: bytes, *, sent: bool, handle: int = 0x40, mtu: int = 27
    ) -> None:
        whole = struct.pack("<HH", len(pdu), 4) + pdu
        for at in range(0, len(whole), mtu):
            part = whole[at : at + mtu]
            flag = 0x1000 if at else (0 if sent else 0x2000)
            self.record(
                time, b"\x02" + struct.pack("<HH", handle | flag, len(part)) + part, sent=sent
            )

    def connect(self, time: float, address: bytes, name: str, handle: int = 0x40) -> None:
        raw = name.encode()
        data = bytes((len(raw) + 1, 9)) + raw
        report = b"\x00\x00" + address[::-1] + bytes((len(data),)) + data + b"\xc0"
        self.event(time, 0x3E, b"\x02\x01" + report)
        self.event(
            time + 0.1,
            0x3E,
            b"\x01\x00" + struct.pack("<H", handle) + b"\x00\x00" + address[::-1] + bytes(7),
        )

    def discover(self, time: float, handle: int = 0x40) -> None:
        self.att(time, b"\x10\x01\x00\xff\xff\x00\x28", sent=True, handle=handle)
        groups = struct.pack("<HHH", 1, 9, 0x1800) + struct.pack("<HHH", SERVICE, 0x2F, 0xFFF0)
        self.att(time + 0.02, b"\x11\x06" + groups, sent=False, handle=handle)
        self.att(
            time + 0.04,
            b"\x08" + struct.pack("<HHH", SERVICE, 0x2F, 0x2803),
            sent=True,
            handle=handle,
        )
        found = struct.pack("<HBHH", WRITE - 1, 0x0C, WRITE, 0xFFF2)
        found += struct.pack("<HBHH", NOTIFY - 1, 0x10, NOTIFY, 0xFFF1)
        self.att(time + 0.06, b"\x09\x07" + found, sent=False, handle=handle)
        self.att(time + 0.08, b"\x12" + struct.pack("<H", NOTIFY + 1) + b"\x01\x00", sent=True)
        self.att(time + 0.1, b"\x13", sent=False, handle=handle)


class _Recorder:
    """The app and the device talk, and the log hears it."""

    def __init__(self, device: Device) -> None:
        self.device = device
        self.log = Log()
        self.app, self.peer = App(device), Peer(device)
        self.random = random.Random(device.seed + 1000)

    def tell(self, time: float, frames: list[bytes]) -> None:
        for frame in frames:
            self.log.att(time, b"\x1b" + struct.pack("<H", NOTIFY) + frame, sent=False)

    def send(self, time: float, frames: list[bytes]) -> None:
        code = 0x12 if self.device.response else 0x52
        for index, frame in enumerate(frames):
            when = time + 0.03 * index
            self.log.att(when, bytes((code,)) + struct.pack("<H", WRITE) + frame, sent=True)
            if code == 0x12:
                self.log.att(when + 0.01, b"\x13", sent=False)
            self.tell(when + 0.02, self.peer.take(frame, when))

    def play(self, events: list[tuple[float, str, int]]) -> None:
        device = self.device
        beats, level = 1.5 + device.period, 0
        self.send(1.5, self.app.hello())
        for time, kind, value in sorted(events):
            while beats < time:
                if device.alive != "resend" or level:
                    self.send(beats, self.app.beat(level))
                beats += device.period + self.random.uniform(-0.02, 0.02)
            if kind == "tell":
                self.tell(time, self.peer.telemetry(self.random))
                continue
            level = value
            self.send(time, self.app.level(level))
            if device.alive == "resend":
                beats = time + device.period
        assert not self.peer.rejected, self.peer.rejected


def capture(device: Device, folder: Path, plan: list[int] | None = None) -> tuple[Path, Path]:
    """An app's session with the device as a btsnoop file, and the labels of what the person did."""
    recorder = _Recorder(device)
    r, log = recorder.random, recorder.log
    log.connect(0.0, bytes.fromhex("C0FFEE123456"), f"Relax-{device.seed:04X}")
    log.discover(0.3)
    events: list[tuple[float, str, int]] = []
    now = 3.0
    if plan is None:
        order = list(range(1, device.levels + 1))
        plan = [*order, 0, *r.sample(order, 2), 0]
    labels: list[str] = []
    for level in plan:
        what = "stop" if level == 0 else f"level {level}"
        labels.append(f"{now - r.uniform(0.0, 0.2):.2f} {what}")
        events.append((now, "set", level))
        now += r.uniform(6.0, 9.0)
    at = 2.0
    while at < now and device.state == "telemetry":
        events.append((at + r.uniform(-0.05, 0.05), "tell", 0))
        at += 0.7
    recorder.play(events)
    log.event(now + 0.5, 0x05, b"\x00" + struct.pack("<H", 0x40) + b"\x13")
    path, marks = folder / "log.btsnoop", folder / "labels.txt"
    path.write_bytes(log.out)
    marks.write_text("\n".join(labels) + "\n")
    return path, marks


def play(description: Description, device: Device) -> list[str]:
    """A whole session of the described device against the peer: what went wrong, in words."""
    peer, dialect = Peer(device), Dialect(description)
    wrong: list[str] = []
    now = 0.0

    def send(frames: list[bytes]) -> None:
        for frame in frames:
            for answer in peer.take(frame, now):
                dialect.feed(answer)

    send(dialect.start(now))
    numbers = [level.level for level in description.file.levels]
    plan = [(1.0 + 2.6 * index, number) for index, number in enumerate(numbers)]
    late = plan[-1][0] + 150.0
    plan += [(late, 0), (late + 5.0, numbers[0]), (late + 12.0, 0), (late + 13.0, 0)]
    for when, number in plan:
        while (due := dialect.next_due()) is not None and due < when:
            now = max(now, due)
            send(dialect.due(now))
        now = when
        peer.pass_time(now)
        if dialect.level != peer.level:
            wrong.append(f"{now:.1f} s: the peer left level {dialect.level} for {peer.level}")
        send(dialect.set_level(number, now))
        if peer.level != number:
            wrong.append(f"{now:.1f} s: level {number} left the peer at {peer.level}")
    return wrong + peer.rejected

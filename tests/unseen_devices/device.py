"""What a made-up massager is: drawn from a seed, and nothing in it known to `learn`."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Final

from tests.unseen_devices.framing import Framing, choose_framing

NAMES: Final = (
    "NeckCare", "iRelax", "SmartNeck", "K5 Massager", "Cervical-M", "HX-Neck", "JQ-M9", "U-Neck", "MassagePro", "Comfy",
)  # fmt: skip

LAYOUTS: Final = (
    ("FFE0", "FFE1", "FFE0", "FFE1"),
    ("FFF0", "FFF2", "FFF0", "FFF1"),
    ("FFF0", "FFF1", "FFF0", "FFF2"),
    ("FFE5", "FFE9", "FFE0", "FFE4"),
    ("AE00", "AE01", "AE00", "AE02"),
    ("AE30", "AE01", "AE30", "AE02"),
    ("FFB0", "FFB1", "FFB0", "FFB2"),
    ("FF12", "FF01", "FF12", "FF02"),
    (
        "6E400001-B5A3-F393-E0A9-E50E24DCCA9E",
        "6E400002-B5A3-F393-E0A9-E50E24DCCA9E",
        "6E400001-B5A3-F393-E0A9-E50E24DCCA9E",
        "6E400003-B5A3-F393-E0A9-E50E24DCCA9E",
    ),
    (
        "49535343-FE7D-4AE5-8FA9-9FAFD205E455",
        "49535343-8841-43F4-A8D4-ECBE34729BB3",
        "49535343-FE7D-4AE5-8FA9-9FAFD205E455",
        "49535343-1E4D-4BD9-BA61-23C647249616",
    ),
)
"""Service and characteristic to write to, service and characteristic to listen to."""

UPDATES: Final = (
    ("00010203-0405-0607-0809-0A0B0C0D1912", "00010203-0405-0607-0809-0A0B0C0D2B12"),
    ("FE59", "8EC90003-F315-4F60-9FB8-838830DAEA50"),
    ("F000FFC0-0451-4000-B000-000000000000", "F000FFC1-0451-4000-B000-000000000000"),
    ("FEF5", "8082CAA8-41A6-4021-91C6-56F9B954CC34"),
)
"""Firmware-update services that stand next to the one that is used, each with a characteristic to write to."""

PERIODS_S: Final = (0.5, 0.6, 0.8, 1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0)


@dataclass(frozen=True, slots=True)
class Coding:
    """How a level is written. `kind`: linear, percent, table, wide, zones, apart or combined."""

    kind: str
    before: bytes
    after: bytes
    values: tuple[bytes, ...]
    """By level, 0 first. For `apart` each zone has a frame of its own, with the zone's number in front."""
    zones: tuple[int, ...] = (0,)

    def payloads(self, level: int) -> list[bytes]:
        """The payloads that set this level everywhere."""
        value = self.before + self.values[level] + self.after
        if self.kind != "apart":
            return [value]
        return [bytes([zone]) + value for zone in self.zones]

    def read(self, payload: bytes) -> tuple[int | None, int] | None:
        """The zone (None for all) and the level of a payload; None where it is none."""
        zone: int | None = None
        if self.kind == "apart":
            if payload[:1] not in [bytes([zone]) for zone in self.zones]:
                return None
            zone, payload = payload[0], payload[1:]
        for level, value in enumerate(self.values):
            if payload == self.before + value + self.after:
                return zone, level
        return None


@dataclass(frozen=True, slots=True)
class KeepAlive:
    """`kind`: heartbeat (a frame of its own) or resend (the last command)."""

    kind: str
    every_s: float
    running_only: bool
    free_running: bool
    """Whether it keeps its rhythm whatever else is sent, or waits a period after each frame."""
    counts: bool
    """Whether a heartbeat's payload counts."""


@dataclass(frozen=True, slots=True)
class Commands:
    """The bytes that stand for what; all of them differ."""

    level: int
    power: int
    beat: int
    hello: int
    clock: int
    ask: int
    state: int
    about: int


@dataclass(frozen=True, slots=True)
class Device:
    """A massager and its app's habits."""

    seed: int
    name: str
    layout: tuple[str, str, str, str]
    framing: Framing
    commands: Commands
    levels: int
    coding: Coding
    stop: str
    """zero (level 0), command (its own), or switch (on and off are commands, and off it takes no level)."""
    off_payload: bytes
    """What stands in the frame that switches off, where that is a command."""
    on_key: bool
    """Whether the app has a key of its own that switches on; else its first level does."""
    keep_alive: KeepAlive | None
    answer: str
    """echo, state or none."""
    state_first: bytes
    """What stands in a state frame before the level."""
    state_coded: bool
    """Whether a state frame tells the level as a command does, or as a plain number."""
    state_tells_minutes: bool
    state_every_s: float | None
    hello: bytes | None
    """What the device wants to hear first, after each connection."""
    clock: str | None
    """How the app tells the time at connection: calendar, or unix."""
    asks: bool
    asks_every_s: float | None
    drops_repeats: bool
    """Whether a frame with the number of the last one is taken for the same one and ignored."""
    with_response: bool
    update: tuple[str, str] | None
    battery: bool
    about: bool
    mtu: int | None
    slider: bool
    """Whether the app chooses any level at once; else it has keys for one more and one less."""

    @property
    def silence_s(self) -> float | None:
        """How long it runs on without a frame."""
        return None if self.keep_alive is None else 2.6 * self.keep_alive.every_s + 0.4

    def summary(self) -> str:
        """What it is, on one line."""
        beat = self.keep_alive
        return ", ".join(
            text
            for text in (
                "-".join(self.framing.parts),
                f"length of {self.framing.length}" if self.framing.length else "",
                f"{self.framing.check.name} over {self.framing.covers}",
                f"counter of {self.framing.counter.bits} bits" if self.framing.counter else "",
                f"{self.levels} levels, {self.coding.kind}",
                f"stop by {self.stop}",
                f"{beat.kind} every {beat.every_s:g} s" if beat else "no keep-alive",
                f"answer: {self.answer}",
                "hello" if self.hello is not None else "",
            )
            if text
        )


def make_device(seed: int) -> Device:
    """The massager of this seed."""
    random = Random(f"massager {seed}")
    framing = choose_framing(random)
    levels = random.choice((3, 3, 4, 5, 5, 6, 8, 9, 10, 10, 12))
    stop = random.choices(("zero", "command", "switch"), (50, 30, 20))[0]
    answer = random.choices(("none", "echo", "state"), (35, 25, 40))[0]
    commands = _commands(random)
    name = random.choice(NAMES)
    if random.random() < 0.5:
        name += f"{random.choice('-_ ')}{random.randrange(1 << 16):04X}"
    return Device(
        seed=seed,
        name=name,
        layout=_layout(random),
        framing=framing,
        commands=commands,
        levels=levels,
        coding=_coding(random, levels),
        stop=stop,
        off_payload=random.choice((b"", b"\0")) if stop == "command" else b"\0",
        on_key=stop == "switch" and random.random() < 0.5,
        keep_alive=_keep_alive(random, stop) if random.random() < 0.55 else None,
        answer=answer,
        state_first=random.randbytes(random.choice((0, 0, 1, 2))),
        state_coded=random.random() < 0.5,
        state_tells_minutes=random.random() < 0.3,
        state_every_s=random.choice((1.0, 2.0, 3.0))
        if answer == "state" and random.random() < 0.35
        else None,
        hello=random.randbytes(random.choice((0, 1, 2, 4))) if random.random() < 0.2 else None,
        clock=random.choice(("calendar", "unix")) if random.random() < 0.35 else None,
        asks=random.random() < 0.5,
        asks_every_s=random.choice((2.0, 3.0, 5.0)) if random.random() < 0.15 else None,
        drops_repeats=random.random() < 0.5,
        with_response=random.random() < 0.35,
        update=random.choice(UPDATES) if random.random() < 0.6 else None,
        battery=random.random() < 0.6,
        about=random.random() < 0.5,
        mtu=random.choice((185, 247, 512)) if random.random() < 0.5 else None,
        slider=random.random() < 0.5,
    )


def _layout(random: Random) -> tuple[str, str, str, str]:
    if random.random() < 0.85:
        return random.choice(LAYOUTS)
    base = f"{random.getrandbits(96):024X}"
    rest = f"{base[0:4]}-{base[4:8]}-{base[8:12]}-{base[12:24]}"
    first = random.randrange(1 << 31)
    service, write, notify = (f"{first + step:08X}-{rest}" for step in range(3))
    return service, write, service, notify


def _commands(random: Random) -> Commands:
    if random.random() < 0.5:
        first = random.choice((0x01, 0x10, 0x20, 0x80, 0xA0, 0xC0))
        level, power, beat, hello, clock, ask = (
            first + step for step in random.sample(range(12), 6)
        )
    else:
        level, power, beat, hello, clock, ask = random.sample(range(1, 0x80), 6)
    used = {level, power, beat, hello, clock, ask}
    state = level ^ 0x80
    if state in used or random.random() < 0.4:
        state = random.choice([value for value in range(1, 256) if value not in used])
    about = random.choice([value for value in range(1, 256) if value not in used | {state}])
    return Commands(level, power, beat, hello, clock, ask, state, about)


def _coding(random: Random, levels: int) -> Coding:
    kind = random.choices(
        ("linear", "percent", "table", "wide", "zones", "apart", "combined"),
        (30, 14, 18, 6, 12, 8, 12),
    )[0]
    before = random.randbytes(random.choices((0, 1, 2), (50, 30, 20))[0])
    after = random.randbytes(random.choices((0, 1, 2), (60, 25, 15))[0])
    numbers = [0, *range(1, levels + 1)]
    zones = (0,)
    match kind:
        case "linear":
            base = random.choice((0, 0, 0, 0x10, 0x30))
            steps = (1, 1, 1, 5, 8, 10, 16, 20)
            step = random.choice([step for step in steps if base + step * levels < 0x100])
            values = [bytes([base + step * level]) for level in numbers]
        case "percent":
            values = [bytes([round(100 * level / levels)]) for level in numbers]
        case "table":
            table = sorted(random.sample(range(0x14, 0x100), levels))
            values = [bytes([value]) for value in (0, *table)]
        case "wide":
            order = random.choice(("big", "little"))
            values = [(level * 1000 // levels).to_bytes(2, order) for level in numbers]
        case "zones":
            between = random.choice((b"", b"\0"))
            values = [bytes([level]) + between + bytes([level]) for level in numbers]
        case "apart":
            zones = random.choice(((0, 1), (1, 2)))
            values = [bytes([level]) for level in numbers]
        case _:
            upper = random.choice((None, 1, 2, 3, 8))
            values = [
                bytes([(level if upper is None else upper) << 4 | level]) for level in numbers
            ]
    return Coding(kind, before, after, tuple(values), zones)


def _keep_alive(random: Random, stop: str) -> KeepAlive:
    kind = random.choice(("heartbeat", "resend"))
    return KeepAlive(
        kind,
        random.choice(PERIODS_S),
        running_only=random.random() < 0.4 or (kind == "resend" and stop == "switch"),
        free_running=random.random() < 0.6,
        counts=kind == "heartbeat" and random.random() < 0.25,
    )

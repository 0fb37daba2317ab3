"""Every frame of a host, damaged in every way, has no effect and counts once; but a STOP is obeyed (R16, R6)."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import msgspec

from massager_hil import wire
from massager_hil.bench import Bench
from massager_hil.client import Client
from massager_hil.model import Need, Tier, check
from massager_hil.tables import Motion, State

Damage = Callable[[bytes], bytes]


def _flip(place: int, bit: int) -> Damage:
    def made(body: bytes) -> bytes:
        out = bytearray(body)
        out[place] ^= bit
        return bytes(out)

    return made


_DAMAGES: dict[str, Damage] = {
    "CRC low byte": _flip(-2, 0x01),
    "CRC high byte": _flip(-1, 0x80),
    "CRC bytes exchanged": lambda body: body[:-2] + body[:-3:-1],
    "payload, first byte": _flip(2, 0x10),
    "payload, last byte": _flip(-3, 0x04),
    "version 1": lambda body: wire.seal(b"\x01" + body[1:-2]),
    "version 3": lambda body: wire.seal(b"\x03" + body[1:-2]),
    "one byte more": lambda body: wire.seal(body[:-2] + b"\x00"),
    "one byte less": lambda body: wire.seal(body[:-3]),
    "no payload": lambda body: wire.seal(body[:2]),
    "the type of a device": lambda body: wire.seal(body[:1] + b"\x83" + body[2:-2]),
    "an unknown type": lambda body: wire.seal(body[:1] + b"\x06" + body[2:-2]),
}
_STILL_A_STOP = ("version 1", "version 3", "one byte more")
"""A STOP that is changed so is obeyed all the same."""


def _frames(client: Client) -> dict[str, wire.Message]:
    telemetry = client.latest
    return {
        "GET_INFO": wire.GetInfo(client.next_token()),
        "ARM": client.arm_message(),
        "SETPOINT": client.setpoint((50,) * 6),
        "STOP": wire.Stop(client.next_token(), 1),
        "RESET": wire.Reset(client.next_token(), telemetry.challenge, telemetry.latch),
    }


@check(
    "damaged-frames",
    "Every frame of a host, damaged in every way: counted once, and without effect",
    "R16",
    "R6",
    tier=Tier.FULL,
)
async def damaged_frames(bench: Bench) -> None:
    """Five frames, twelve damages, without a session; a good STOP of any version is obeyed."""
    client = bench.client
    await client.next()
    for name in _frames(client):
        for what, damage in _DAMAGES.items():
            frame = _frames(client)[name]
            body = damage(wire.pack(frame))
            bench.at(f"{name}: {what}")
            before, acks, infos = client.latest, len(client.acks), len(client.infos)
            client.raw(client.framed(body))
            after = await client.next()
            answers = len(client.acks) - acks + len(client.infos) - infos
            if name == "STOP" and what in _STILL_A_STOP:
                bench.same(f"{name}, {what}: answers", answers, 1, "R6")
                continue
            bench.same(f"{name}, {what}: answers", answers, 0)
            same = (before.epoch, before.state, before.latch) == (
                *(after.epoch, after.state, after.latch),
            )
            bench.true(f"{name}, {what}: changes nothing", same)
    await client.next(2)


@check(
    "damaged-while-running",
    "Damaged SETPOINTs and ARMs amid a session change neither levels nor claim",
    "R16",
    tier=Tier.FULL,
    needs=(Need.MOTOR,),
)
async def damaged_while_running(bench: Bench) -> None:
    """Each damage once, with good SETPOINTs between."""
    client = bench.client
    low = (15, 15, 0, 0, 0, 0)
    await client.running(15, 0.4)
    for what, damage in _DAMAGES.items():
        for name in ("SETPOINT", "ARM", "RESET"):
            frame = _frames(client)[name]
            bench.at(f"{name}: {what}")
            client.raw(client.framed(damage(wire.pack(frame))))
            await client.drive(0.2, low)
        await client.drive(0.2, low)
    await client.next()
    bench.true("the session goes on", client.is_open)
    bench.at_most("highest level", max(client.latest.level) / 10, 1.5, "%")


@check("long-then-good", "A good frame behind one that is too long is read", "R16", tier=Tier.FULL)
async def long_then_good(bench: Bench) -> None:
    """Runs of 86, 200 and 2000 bytes, each in one piece with the frame behind it; and in pieces of 20 bytes."""
    client = bench.client
    if not client.is_stream:
        return
    for size in (86, 200, 2000):
        for piece in (0, 20):
            bench.at(f"run of {size} bytes")
            token = client.next_token()
            data = b"\x01" * size + b"\x00" + client.framed(wire.pack(wire.GetInfo(token)))
            before = client.latest.rejected
            for start in range(0, len(data), piece or len(data)):
                client.raw(data[start : start + (piece or len(data))])
            await client.next(2)
            answered = any(info.token == token for info in client.infos)
            bench.true(f"GET_INFO behind {size} bytes is answered", answered)
            counted = (client.latest.rejected - before) & 0xFFFF
            bench.same(f"a run of {size} bytes counts", counted, 1)


@check("longest-frames", "Encoded runs of 84 and 85 bytes are read as runs", "R16")
async def longest_frames(bench: Bench) -> None:
    """A STOP with as much behind it as a body may hold."""
    client = bench.client
    for size in (83, 84):
        token = client.next_token()
        head = b"\x02\x04" + token.to_bytes(4, "little") + b"\x01"
        body = wire.seal(head + b"\x55" * (size - 2 - len(head)))
        bench.at(f"STOP of {size} bytes")
        client.raw(client.framed(body))
        ack = await client.answer(token)
        bench.true(f"a STOP of {size} bytes is obeyed", ack is not None, "R6")


_RANGES: dict[str, tuple[str, tuple[object, ...], tuple[object, ...]]] = {
    "level": (
        "level",
        ((0,) * 6, (1000, 0, 0, 0, 0, 0), (0, 0, 0, 0, 0, 1000)),
        ((1001, 0, 0, 0, 0, 0), (0, 0, 0, 0, 0, 1001), (0, 0, 0x8000, 0, 0, 0)),
    ),
    "mode": ("mode", (0,), (3, 128, 255)),
    "heat": ("heat", (0, 300, 390), (1, 299, 391, 65535)),
    "period": ("period", (1000, 60000), (0, 999, 60001, 65535)),
    "pattern": (
        "pattern",
        tuple((byte,) * 6 for byte in (0x01, 0x05, 0x12, 0x22, 0x32, 0x33, 0x43, 0x53, 0x14, 0x34)),
        (
            *((byte, 1, 1, 1, 1, 1) for byte in (0x06, 0x0F, 0x10, 0x11, 0x15, 0x02)),
            *((byte, 1, 1, 1, 1, 1) for byte in (0x42, 0x13, 0x23, 0x44)),
            *((1, 1, 1, 1, 1, 0x61), (1, 1, 1, 0xF1, 1, 1)),
        ),
    ),
}


def _can_make(bench: Bench, pattern: int) -> bool:
    """Whether the zones can move so: those that cannot stay at zero."""
    info, motion = bench.info, pattern & 15
    if motion in (Motion.KNEAD, Motion.CIRCLE) and not (
        info.kneading & 3 == 3 and info.sensing & 3
    ):
        return False
    return bool(info.motions >> motion & 1)


@check(
    "ranges",
    "Each field of a SETPOINT at its borders: within, it counts; beyond, everything goes to zero",
    "R19",
    tier=Tier.FULL,
    needs=(Need.MOTOR,),
)
async def ranges(bench: Bench) -> None:
    """Levels, mode, heat, period, patterns, out of running each time."""
    client = bench.client
    low = (10, 10, 0, 0, 0, 0)
    await client.running(10, 0.4)
    for name, (field, good, wrong) in _RANGES.items():
        for value in (*good, *wrong):
            bench.at(f"{name} {value}")
            levels = {} if field == "level" else {"level": low}
            heat = field != "heat" or bench.info.flags & 4
            if not heat:
                continue
            setpoint = msgspec.structs.replace(client.setpoint(), **{**levels, field: value})
            client.send(setpoint)
            await client.next()
            if not client.is_open:
                bench.true(f"{name} {value}: the session goes on", holds=False)
                await client.running(10, 0.4)
            moves = any(client.latest.level)
            # The oracle holds the levels to zero; that good ones count is seen here.
            bench.same(f"{name} {value}: seq reported", client.latest.seq, setpoint.seq)
            stays = field != "pattern" or _can_make(bench, cast("tuple[int, ...]", value)[0])
            if field in ("heat", "period", "pattern") and value in good and stays:
                bench.true(f"{name} {value}: the levels stay", moves)
            client.put(low)
            await client.see(lambda t: max(t.level) > 2, 0.4)
    bench.state(client.latest, State.RUNNING)

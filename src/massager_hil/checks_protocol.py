"""Checks of the protocol itself: INFO, TELEMETRY, and frames that mean nothing (R16, R24)."""

from __future__ import annotations

import itertools

from massager_hil import wire
from massager_hil.bench import Bench
from massager_hil.client import VIBRATE
from massager_hil.model import Need, Tier, check
from massager_hil.tables import Cause, State

_CAPS = (70, 70, 50, 50, 35, 35)
_MAX_GAP_S = 0.15


@check("info-bounds", "INFO names limits within the fixed bounds", "R1", "R3", "R4", "R8", "R15")
async def info_bounds(bench: Bench) -> None:
    """A cap above the bounds, or a claim that contradicts another."""
    info = await bench.client.info()
    worst = max(own - bound for own, bound in zip(info.caps, _CAPS, strict=True))
    bench.at_most("caps above the fixed bounds 70, 50, 35", max(0, worst), 0, "%")
    bench.at_most("sum cap", info.sum_cap, 200, "%")
    bench.within("rise", info.rise / 10, 0.1, 2.0, "points/s", "R3")
    bench.at_most("dead-man T on this link", info.deadman / 1000, bench.dead_man_s, "s", "R4")
    bench.at_most("longest session", info.session, 1800, "s", "R8")
    bench.at_most("running in any hour", info.allowance, 1800, "s", "R8")
    bench.true("a serial number in ASCII", info.serial.isascii() and bool(info.serial), "R15")
    made = info.vibration | info.kneading
    bench.true("actuators only in zones that exist", not made & ~info.zones, "R16")


@check("info-again", "GET_INFO is answered each time with its own token and the same facts", "R15")
async def info_again(bench: Bench) -> None:
    """Asked twice, nothing changes but the token and the lifetime."""
    first, second = await bench.client.info(), await bench.client.info()
    same = [
        name
        for name in ("serial", "firmware", "boot", "caps", "sum_cap", "zones", "motions", "deadman")
        if getattr(first, name) == getattr(second, name)
    ]
    bench.same("facts that stay", len(same), 8)


@check(
    "telemetry",
    "TELEMETRY comes ten times a second, each with the next counter",
    "R24",
    "R4",
    "R16",
)
async def telemetry(bench: Bench) -> None:
    """Two seconds of listening."""
    client = bench.client
    await client.next()
    start = len(client.heard) - 1
    await bench.sleep(2.0)
    telemetry = client.since(start)
    passed = max(0.001, (telemetry[-1].uptime - telemetry[0].uptime) / 1000)
    bench.at_least("TELEMETRY a second of the device's clock", (len(telemetry) - 1) / passed, 9.5)
    bench.within("its clock against this one", passed / 2.0, 0.85, 1.15)
    gaps = [(b.uptime - a.uptime) / 1000 for a, b in itertools.pairwise(telemetry)]
    bench.at_most("longest gap on the device's clock", max(gaps, default=9.0), _MAX_GAP_S, "s")
    bench.true("its clock never goes back", all(gap >= 0 for gap in gaps))
    steps = [(b.counter - a.counter) & 0xFFFFFFFF for a, b in itertools.pairwise(telemetry)]
    bench.true("the counter goes up by one", all(step == 1 for step in steps), "R4")
    bench.same("frames from the device that are none", client.garbled, 0, "R16")


@check("challenge", "The challenge is renewed every 5 s and at every STOP", "R16", tier=Tier.FULL)
async def challenge(bench: Bench) -> None:
    """What was announced may not stay."""
    client = bench.client
    before = (await client.next()).challenge
    await client.stop()
    after = (await client.settle()).challenge
    bench.true("a STOP renews it", before != after)
    changed = await client.see(lambda t: t.challenge != after, 6.0 + bench.slack_s)
    bench.true("5 s renew it", changed is not None)


@check("bad-frames", "Corrupt, foreign and misshapen frames are counted and have no effect", "R16")
async def bad_frames(bench: Bench) -> None:
    """Each kind of bad frame once, without a session."""
    client = bench.client
    good = wire.pack(wire.GetInfo(7))
    damaged = bytes((*good[:3], good[3] ^ 0x10, *good[4:]))
    kinds = {
        "wrong CRC": damaged,
        "another version": wire.seal(b"\x03" + good[1:-2]),
        "unknown type": wire.seal(b"\x01\x55" + good[2:-2]),
        "too short": wire.seal(good[:4]),
        "too long": wire.seal(good[:-2] + b"\x00"),
        "a device's own frame": wire.pack(wire.Ack(7, 2, 0, 0, 0)),
    }
    frames = {name: client.framed(body) for name, body in kinds.items()}
    if client.is_stream:
        frames["no COBS"] = b"\x09abc\x00"
        frames["longer than any frame"] = b"\x01" * 90 + b"\x00"
    before = await client.next()
    for name, data in frames.items():
        answers = len(client.infos)
        client.raw(data)
        await client.next()
        after = await client.next()
        bench.ignored(name, before, after)
        bench.same(f"{name}: answers", len(client.infos) - answers, 0)
        before = after
    await client.info()


@check("nothing-is-nothing", "An empty run between two zeros counts as nothing", "R16")
async def nothing(bench: Bench) -> None:
    """Streams only."""
    client = bench.client
    before = await client.next()
    if client.is_stream:
        client.raw(b"\x00\x00\x00")
    after = await client.next(2)
    bench.same("frames counted as bad", after.rejected - before.rejected, 0)


@check("fragments", "A frame is put together again whatever its pieces are", "R16")
async def fragments(bench: Bench) -> None:
    """Byte by byte, and two in one piece; on a link of whole bodies each comes in one."""
    client = bench.client
    tokens = [client.next_token() for _ in range(3)]
    data = [client.framed(wire.pack(wire.GetInfo(token))) for token in tokens]
    if client.is_stream:
        for byte in data[0]:
            client.raw(bytes((byte,)))
            await bench.sleep(0.002)
        client.raw(data[1] + data[2])
    else:
        for body in data:
            client.raw(body)
    await client.until(
        lambda: client.infos[-1:] != [] and client.infos[-1].token == tokens[-1], 0.5
    )
    answered = {info.token for info in client.infos}
    bench.same("frames answered", sum(token in answered for token in tokens), 3)


@check("half-a-frame", "STOP behind half a frame is read", "R6", "R16")
async def half_a_frame(bench: Bench) -> None:
    """A STOP that cuts in begins with a zero."""
    client = bench.client
    await client.next()
    token = client.next_token()
    stop = client.framed(wire.pack(wire.Stop(token, 1)))
    if client.is_stream:
        client.raw(client.framed(wire.pack(wire.GetInfo(1)))[:5])
        client.raw(b"\x00" + stop)
    else:
        client.raw(stop)
    ack = await client.answer(token)
    bench.true("acknowledged", ack is not None)


@check(
    "bad-frames-running",
    "Bad frames do not move a running device",
    "R16",
    tier=Tier.FULL,
    needs=(Need.MOTOR,),
)
async def bad_frames_running(bench: Bench) -> None:
    """Three damaged SETPOINTs among good ones: under half, so the session goes on."""
    client = bench.client
    await client.running(20)
    before = client.latest
    for _ in range(3):
        body = bytearray(wire.pack(client.setpoint((500,) * 6)))
        body[-1] ^= 0x5A
        client.seq -= 1
        client.raw(client.framed(bytes(body)))
        await client.drive(0.4, (20, 20, 0, 0, 0, 0))
    after = await client.next()
    counted = (after.rejected - before.rejected) & 0xFFFF
    bench.same("damaged SETPOINTs counted", counted, 3)
    bench.at_most("highest level after them", max(after.level) / 10, 2.0, "%")
    bench.true("the session goes on", client.is_open)


@check("noise", "Mostly bad frames on the owner's link end the session", "R16", needs=(Need.MOTOR,))
async def noise(bench: Bench) -> None:
    """Two bad frames to each good one, for longer than 2 s."""
    client = bench.client
    await client.running(20)
    rubbish = client.framed(b"\x01\x03rubbish\x00\x01")
    start = len(client.heard)
    end = bench.now() + 3.5
    while bench.now() < end and client.is_open:
        client.put((20, 20, 0, 0, 0, 0))
        for _ in range(4):
            client.raw(rubbish)
        await bench.sleep(0.1)
    over = next((t for t in client.since(start) if t.epoch != client.epoch), None)
    bench.true("the session is over within 3.5 s", over is not None)
    if over is not None:
        bench.cause(over, Cause.FRAME_NOISE)
        bench.at_zero("after it", over)


@check("seq-reported", "TELEMETRY names the last SETPOINT taken, at once on a change", "R16", "R24")
async def seq_reported(bench: Bench) -> None:
    """Nothing needs to move for it."""
    client = bench.client
    await client.arm()
    for period in (2000, 3000, 4000):
        client.put(period=period, pattern=(VIBRATE,) * 6)
        seen = await client.see(lambda t: t.seq == client.seq, 0.1 + bench.slack_s)
        bench.true(f"seq reported after a change to {period} ms", seen is not None)
    bench.state(client.latest, State.ARMED)

"""Checks of the dead-man and of the link: zero by T + 100 ms, and not before T (R4, R15)."""

from __future__ import annotations

import itertools

from massager_hil import tables, wire
from massager_hil.bench import Bench
from massager_hil.client import Client
from massager_hil.model import CannotMeasure, Need, Tier, check
from massager_hil.tables import TICK_S, Cause, State

_OVER_S = 0.1
_ATTEMPTS = 8
_GAPS = 3
_LATE = 0.97
"""Share of T beyond which this computer, not the device, made a gap too long to count."""


async def _silence(bench: Bench, level: tuple[int, ...]) -> None:
    """Send one SETPOINT that changes something, then nothing; how old it was when the session ended."""
    client = bench.client
    client.put(level, period=3500)
    client.mark("last SETPOINT")
    taken = await client.see(lambda t: t.seq == client.seq, 0.2 + bench.slack_s)
    if taken is None:
        raise CannotMeasure("the last SETPOINT is not taken")
    end = await client.see(lambda t: t.epoch != client.epoch, bench.dead_man_s + 1.5)
    if end is None:
        bench.never("silence ends the session", bench.dead_man_s + 1.5, bench.dead_man_s + _OVER_S)
        return
    age = (end.uptime - taken.uptime) / 1000
    low, high = bench.dead_man_s - TICK_S, bench.dead_man_s + _OVER_S
    bench.within("silence that ends the session", age, low, high, "s")
    bench.cause(end, Cause.DEAD_MAN)
    bench.at_zero("after it", end)


@check("deadman-idle", "Silence longer than T ends a session at zero as well", "R4")
async def deadman_idle(bench: Bench) -> None:
    """By age, not by what the levels are."""
    await bench.client.arm()
    await bench.client.drive(0.4)
    await _silence(bench, (0,) * 6)


@check(
    "deadman-running", "Silence longer than T brings everything to zero", "R4", needs=(Need.MOTOR,)
)
async def deadman_running(bench: Bench) -> None:
    """By T + 100 ms, and not before T."""
    await bench.client.running(20)
    await _silence(bench, (30, 30, 0, 0, 0, 0))


@check(
    "deadman-later",
    "Silence ends a session that has run for a minute no later than a young one",
    "R4",
    tier=Tier.FULL,
    needs=(Need.MOTOR,),
)
async def deadman_later(bench: Bench) -> None:
    """T is the same for as long as a session lasts."""
    await bench.client.running(20, 60.0)
    await _silence(bench, (30, 30, 0, 0, 0, 0))


@check("deadman-first", "ARM feeds the dead-man once, and no longer than that", "R4")
async def deadman_first(bench: Bench) -> None:
    """An ARM, and never a SETPOINT."""
    client = bench.client
    await client.arm()
    taken = await client.see(lambda t: t.owner == client.owner, 0.3)
    end = await client.see(lambda t: t.epoch != client.epoch, bench.dead_man_s + 1.5)
    if taken is None:
        raise CannotMeasure("no TELEMETRY tells of the owner after an ARM")
    if end is None:
        what = "an ARM without a SETPOINT ends on its own"
        bench.never(what, bench.dead_man_s + 1.5, bench.dead_man_s + _OVER_S)
        return
    age = (end.uptime - taken.uptime) / 1000
    # The first TELEMETRY with the owner comes at once, or with the next frame.
    bench.within("age at the end", age, bench.dead_man_s - 0.12, bench.dead_man_s + _OVER_S, "s")
    bench.cause(end, Cause.DEAD_MAN)


@check(
    "deadman-not-early",
    "0.9 T between two SETPOINTs is no reason to stop",
    "R4",
    needs=(Need.MOTOR,),
)
async def deadman_not_early(bench: Bench) -> None:
    """Three such gaps, each measured; one that this computer made too long is not counted."""
    client = bench.client
    await client.running(20)
    good = trips = 0
    for _ in range(_ATTEMPTS):
        client.put((20, 20, 0, 0, 0, 0))
        sent = bench.now()
        await bench.sleep(0.9 * bench.dead_man_s)
        client.put((20, 20, 0, 0, 0, 0))
        if bench.now() - sent < _LATE * bench.dead_man_s:
            await client.drive(0.3, (20, 20, 0, 0, 0, 0))
            good += client.is_open
            trips += not client.is_open
        if good >= _GAPS or trips:
            break
        if not client.is_open:
            await client.running(20)
    bench.same("early trips", trips, 0)
    bench.at_least("gaps of 0.9 T outlived", good, _GAPS)


@check(
    "deadman-no-rise",
    "No level rises once the last SETPOINT is older than T/2",
    "R4",
    needs=(Need.MOTOR,),
)
async def deadman_no_rise(bench: Bench) -> None:
    """A high request, then silence."""
    client = bench.client
    await client.running(10, 0.2)
    start = len(client.heard)
    client.put((80, 80, 80, 80, 80, 80))
    taken = await client.see(lambda t: t.seq == client.seq, 0.2 + bench.slack_s)
    if taken is None:
        raise CannotMeasure("the last SETPOINT is not taken")
    await client.see(lambda t: t.epoch != client.epoch, bench.dead_man_s + 1.5)
    half = taken.uptime + 500 * bench.dead_man_s + 2000 * TICK_S
    open_still = [t for t in client.since(start) if t.epoch == client.epoch]
    late = [t for t in open_still if t.uptime >= half]
    early = [t for t in open_still if t.uptime <= half]
    if not late or not early:
        raise CannotMeasure("too little TELEMETRY between T/2 and T")
    most = max(max(t.level) for t in late) / 10
    # What it had reached by T/2, at the slew that INFO allows it.
    by_half = (taken.level[0] + bench.info.rise * (half - taken.uptime) / 1000) / 10 + 0.1
    bench.at_most("highest level between T/2 and T", most, by_half, "%")
    levels = [t.level for t in late]
    rises = [y - x for a, b in itertools.pairwise(levels) for x, y in zip(a, b, strict=True)]
    bench.at_most("rise there", max(rises, default=0) / 10, 0, "points")


async def _after_loss(bench: Bench) -> tuple[Client, wire.Telemetry, int]:
    """Run, lose the link, connect again; the new client, its first TELEMETRY, and the old epoch."""
    client = bench.client
    await client.running(20)
    client.mark("link down")
    again = await bench.reopen()
    start = len(again.heard)
    await again.next()
    return again, again.heard[start][1], client.epoch


@check(
    "link-lost",
    "The link going down ends the session; nothing resumes on its own",
    "R15",
    "R4",
    needs=(Need.MOTOR,),
)
async def link_lost(bench: Bench) -> None:
    """Connected again at once: a new epoch, from zero."""
    again, telemetry, epoch = await _after_loss(bench)
    if bench.kind == "serial":
        # A bare line does not tell the device that no one holds it any more: then the dead-man does.
        telemetry = (
            await again.see(lambda t: t.epoch != epoch, bench.dead_man_s + 0.3) or again.latest
        )
        bench.cause(telemetry, Cause.LINK_LOST, Cause.DEAD_MAN, rule="R4")
    else:
        bench.cause(telemetry, Cause.LINK_LOST, rule="R4")
    bench.at_zero("after it", telemetry, "R4")
    bench.true("a new epoch", telemetry.epoch != epoch)
    again.epoch, again.owner, again.seq = epoch, bench.client.owner, 500_000
    before = await again.next()
    again.put((60, 60, 0, 0, 0, 0))
    after = await again.next(2)
    bench.ignored("SETPOINT of the session before", before, after)
    bench.at_zero("and then", after)


@check(
    "link-back", "A new ARM after a reconnect starts from zero", "R15", "R3", needs=(Need.MOTOR,)
)
async def link_back(bench: Bench) -> None:
    """Same device, same limits, same boot; the first level is a small one."""
    before = bench.info
    again, _, epoch = await _after_loss(bench)
    await again.see(lambda t: t.epoch != epoch, bench.dead_man_s + 0.3)
    info = await again.info()
    same = (info.serial, info.caps, info.boot) == (before.serial, before.caps, before.boot)
    bench.true("the same device, caps and boot", same)
    await again.arm()
    bench.at_most("highest level after ARM", max((await again.next()).level) / 10, 0, "%")
    start = again.latest.uptime
    again.put((100, 100, 0, 0, 0, 0))
    telemetry = await again.see(lambda t: max(t.level) > 0, 0.3)
    if telemetry is None:
        raise CannotMeasure("no level rises after a reconnect and a new ARM")
    bound = bench.info.rise * ((telemetry.uptime - start) / 1000 + 0.1) / 10 + 0.1
    bench.at_most("first level", max(telemetry.level) / 10, bound, "%", "R3")


@check("battery-reported", "Battery and temperatures are within what can be", "R13", "R11")
async def battery_reported(bench: Bench) -> None:
    """A percentage, or mains; sensors that INFO names read something."""
    telemetry = await bench.client.next()
    sensing = bench.info.sensing
    if bench.info.flags & 2:
        bench.same("battery of a mains device", telemetry.battery, tables.MAINS)
    elif sensing & 16:
        bench.at_most("battery", telemetry.battery, 100, "%")
    for name, bit, value in (("pad", 4, telemetry.pad), ("motor", 8, telemetry.motor)):
        if sensing & bit:
            bench.within(f"{name} temperature", value / 10, -20, 80, "°C", "R11")
        else:
            bench.same(f"{name} temperature without a sensor", value, tables.NO_SENSOR, "R11")
    bench.true("at rest the state is idle", telemetry.state == State.IDLE)

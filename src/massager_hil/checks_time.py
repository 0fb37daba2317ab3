"""Checks of the time limits: the ARM's own, the device's, and the hour's allowance (R8)."""

from __future__ import annotations

import msgspec

from massager_hil.bench import Bench
from massager_hil.device_clock import RATE
from massager_hil.model import CannotMeasure, Need, Tier, check
from massager_hil.tables import Cause, Result, State

_LIMIT_S = 4
_SESSION_S = 1800
_WITH_PAUSES_S = 2700
_PAUSE_S = 300
_AN_HOUR_S = 1800
_COUNTED = 0.9
"""Of a long limit, by the device's clock, which may be slow."""
_WINDOW_S = _AN_HOUR_S * 2 / _COUNTED
"""In any so many seconds of the device's clock no more than the allowance may run."""
_LOW = (20, 20, 0, 0, 0, 0)


async def _ends(bench: Bench, limit_s: float, cause: Cause, over_s: float = 0.1) -> None:
    """The session ended after `limit_s` on the device's clock."""
    client = bench.client
    heard = client.since(0)
    mine = (client.epoch, client.owner)
    first = next((i for i, t in enumerate(heard) if (t.epoch, t.owner) == mine), None)
    if first is None:
        raise CannotMeasure("no TELEMETRY tells of the session")
    end = next((t for t in heard[first:] if t.epoch != client.epoch), None)
    if end is None:
        waited = (heard[-1].uptime - heard[first].uptime) / 1000
        bench.never("the session ends on its own", waited, limit_s + over_s)
        return
    length = (end.uptime - heard[first].uptime) / 1000
    bench.within("length of the session", length, limit_s - 0.15, limit_s + over_s, "s")
    bench.cause(end, cause)
    bench.at_zero("after it", end)


@check("clock", "The device's clock runs at 0.9 to 1.1 of true time", "R8")
async def clock(bench: Bench) -> None:
    """Measured over 3 s by `uptime` against this computer's clock, when the run began."""
    low, high = RATE
    rate = round(bench.clock.measured, 3)
    what = "seconds of the device's clock in one of this computer's, by uptime"
    bench.within(what, rate, low - 0.002, high + 0.002)


@check("arm-limit", "The session ends after the ARM's own limit", "R8")
async def arm_limit(bench: Bench) -> None:
    """A limit of 4 s, which is 3.6 s by the device's clock, fed all the time."""
    client = bench.client
    await client.arm(limit_s=_LIMIT_S)
    await client.settle()
    await client.drive(_LIMIT_S + 1.0)
    await client.next()
    await _ends(bench, _LIMIT_S * _COUNTED, Cause.TIME_LIMIT)


@check("arm-limit-pause", "A pause does not count towards the ARM's limit", "R8", tier=Tier.FULL)
async def arm_limit_pause(bench: Bench) -> None:
    """A limit of 4 s with a pause of 3 s in it; a malformed SETPOINT and a repeated ARM give nothing back."""
    client = bench.client
    await client.next()
    arm = client.arm_message(limit_s=_LIMIT_S)
    bench.refused("ARM", await client.try_arm(arm), Result.OK)
    await client.settle()
    began = client.latest.uptime
    await client.drive(1.0)
    await client.drive(3.0, mode=1)
    client.send(msgspec.structs.replace(client.setpoint(), period=1))
    await client.drive(1.0)
    await client.try_arm(arm)
    await client.drive(3.0)
    telemetry = await client.next()
    end = next(
        (t for t in client.since(0) if t.epoch != client.epoch and t.uptime > began), telemetry
    )
    length = (end.uptime - began) / 1000
    due = _LIMIT_S * _COUNTED + 3.0
    bench.within("length of the session, pause and all", length, due - 0.25, due + 0.25, "s")
    bench.cause(end, Cause.TIME_LIMIT)


@check("arm-again", "ARM again in its own session renews no time", "R8", tier=Tier.FULL)
async def arm_again(bench: Bench) -> None:
    """A limit of 4 s, and the same ARM once more after 2 s."""
    client = bench.client
    await client.next()
    arm = client.arm_message(limit_s=_LIMIT_S)
    bench.refused("ARM", await client.try_arm(arm), Result.OK)
    await client.settle()
    await client.drive(2.0)
    before = client.latest.epoch
    bench.refused("the same ARM again", await client.try_arm(arm), Result.OK)
    bench.same("epoch after it", client.latest.epoch, before)
    await client.drive(_LIMIT_S)
    await client.next()
    await _ends(bench, _LIMIT_S * _COUNTED, Cause.TIME_LIMIT)


@check(
    "allowance-counts",
    "Running time is taken off the hour's allowance, and STOP and ARM give none back",
    "R8",
    tier=Tier.FULL,
    needs=(Need.MOTOR,),
)
async def allowance_counts(bench: Bench) -> None:
    """Four seconds of running, STOP, ARM again."""
    client = bench.client
    before = (await client.next()).allowance
    await client.running(20, 4.0)
    ran = client.latest.running / 1000
    left = (await client.next()).allowance
    bench.at_least("seconds taken off", before - left, int(ran) - 1, "s")
    await client.stop()
    bench.at_most("left after STOP", (await client.settle()).allowance, left, "s")
    await client.arm()
    await client.drive(0.3)
    bench.at_most("left after a new ARM", (await client.next()).allowance, left, "s")


@check("lifetime", "Running is added to the lifetime seconds", "R9", needs=(Need.MOTOR,))
async def lifetime(bench: Bench) -> None:
    """A second of running, and STOP: INFO has what TELEMETRY counted, and one second more or less by rounding."""
    client = bench.client
    before = (await client.info()).lifetime
    await client.running(10, 1.2)
    await client.stop()
    ran = (await client.settle()).running / 1000
    added = (await client.info()).lifetime - before
    bench.within("seconds added to the lifetime", added, int(ran), int(ran) + 1, "s")


@check("session-limit", "A session without pauses ends after 1800 s", "R8", tier=Tier.FULL)
async def session_limit(bench: Bench) -> None:
    """At zero, with a limit of 2700 s in the ARM: 1620 s by the device's clock."""
    client = bench.client
    await client.arm()
    await client.settle()
    await client.drive(_SESSION_S)
    await client.next()
    await _ends(bench, min(_SESSION_S, bench.info.session) * _COUNTED, Cause.TIME_LIMIT, 0.2)


@check("pause-limit", "A pause of more than 300 s ends the session", "R8", tier=Tier.FULL)
async def pause_limit(bench: Bench) -> None:
    """Fed all the time."""
    client = bench.client
    await client.arm()
    await client.settle()
    start = client.latest.uptime
    await client.drive(_PAUSE_S, mode=1)
    telemetry = await client.next()
    bench.true("the session is over", telemetry.epoch != client.epoch)
    end = next((t for t in client.since(0) if t.epoch == telemetry.epoch), telemetry)
    bench.at_most(
        "length of the pause", (end.uptime - start) / 1000, _PAUSE_S * _COUNTED + 0.5, "s"
    )
    bench.cause(end, Cause.PAUSE_LIMIT)


@check("pauses-limit", "A session with pauses ends after 2700 s", "R8", tier=Tier.FULL)
async def pauses_limit(bench: Bench) -> None:
    """Pauses of 230 s with 120 s between."""
    client = bench.client
    await client.arm()
    await client.settle()
    first = client.latest.uptime
    for _ in range(8):
        await client.drive(120.0)
        await client.drive(230.0, mode=1)
        if client.latest.epoch != client.epoch:
            break
    telemetry = await client.next()
    bench.true("the session is over", telemetry.epoch != client.epoch)
    end = next((t for t in client.since(0) if t.epoch == telemetry.epoch), telemetry)
    bench.at_most("armed in all", (end.uptime - first) / 1000, _WITH_PAUSES_S * _COUNTED + 0.5, "s")


@check(
    "allowance",
    "No more than 1800 s of running in an hour; then ARM is refused",
    "R8",
    tier=Tier.FULL,
    needs=(Need.MOTOR,),
)
async def allowance(bench: Bench) -> None:
    """Runs until the device ends it, and looks on until some of it comes back: not before it is an hour old."""
    client = bench.client
    ran = 0.0
    before = await client.next()
    spent = _AN_HOUR_S * _COUNTED - before.allowance
    for _ in range(3):
        await client.running(20)
        await client.drive(_AN_HOUR_S / 2, _LOW)
        telemetry = await client.next()
        if telemetry.epoch == client.epoch:
            await client.stop()
            telemetry = await client.settle()
        ran += telemetry.running / 1000
        if telemetry.cause == Cause.ALLOWANCE:
            break
        if telemetry.state != State.IDLE:
            raise CannotMeasure(f"the device stopped for another reason: cause {telemetry.cause}")
        await bench.sleep(0.1)
    bench.at_most("running in this hour", ran, _AN_HOUR_S * _COUNTED, "s")
    bench.cause(client.latest, Cause.ALLOWANCE)
    bench.refused("ARM after it", await client.try_arm(client.arm_message()), Result.ALLOWANCE)
    over, back = 0.0, 0.0
    while back <= 0 and over < _WINDOW_S + 100:
        await bench.sleep(20.0)
        telemetry = await client.next()
        over = (telemetry.uptime - before.uptime) / 1000
        back = telemetry.allowance - spent
    most = max(0.0, over - _WINDOW_S) + 10
    bench.at_most("seconds that came back when it was an hour old", back, most, "s")

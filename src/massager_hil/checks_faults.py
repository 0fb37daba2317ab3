"""Checks of the device's own protections: motors, heat, supply, memory, watchdog (R8, R11 to R14, R24)."""

from __future__ import annotations

from contextlib import suppress

from massager_hil import wire
from massager_hil.bench import Bench
from massager_hil.checks_drives import kneading_zone
from massager_hil.model import CannotMeasure, Need, NotHere, Tier, check
from massager_hil.tables import (
    BATTERY_ARM,
    BATTERY_RUN,
    Cause,
    Direction,
    Flag,
    Motion,
    Result,
    State,
    pattern,
)

_LEVEL = (60, 60, 60, 60, 60, 60)
_LOW = (20, 20, 0, 0, 0, 0)
_SWITCH = 8
_HEAT_ON = 2
_BOTH = (Need.MOTOR, Need.FAULT)


async def _trips(
    bench: Bench, spec: str, cause: Cause, bound_s: float, start_s: float = 2.0
) -> wire.Telemetry:
    """Run, bring the fault about, and see it latch in time; the TELEMETRY that tells it."""
    client = bench.client
    await client.running(60, start_s)
    async with client.kept(_LEVEL):
        client.mark(spec)
        began = client.latest.uptime
        await bench.operator.fault(spec)
        telemetry = await client.see(lambda t: t.state == State.FAULT, bound_s + 0.5)
    if telemetry is None:
        bench.state(client.latest, State.FAULT)
        raise CannotMeasure(f"the fault {spec} does not latch")
    bench.at_most(
        "fault to cut, within one TELEMETRY",
        (telemetry.uptime - began) / 1000,
        bound_s + 0.1 + bench.act_s,
        "s",
    )
    bench.cause(telemetry, cause)
    bench.at_zero("after it", telemetry)
    return telemetry


async def _no_retry(bench: Bench) -> None:
    """Still latched after 2 s and a STOP, whatever is asked for."""
    client = bench.client
    await bench.sleep(2.0)
    before = await client.next()
    bench.state(before, State.FAULT)
    bench.same("STOP in a fault", (await client.stop()).result, Result.OK.value, "R6")
    after = await client.next(2)
    bench.state(after, State.FAULT)
    bench.true("STOP in a fault: a new epoch", after.epoch != before.epoch, "R6")
    bench.refused("ARM", await client.try_arm(client.arm_message()), Result.FAULT)


@check(
    "stall",
    "A motor that is held fast is cut and latched, with no retry",
    *("R12", "R6"),
    needs=_BOTH,
)
async def stall(bench: Bench) -> None:
    """300 ms by current or 500 ms by speed."""
    await _trips(bench, "stall", Cause.STALL, 0.5)
    await _no_retry(bench)


@check(
    "stall-kneading",
    "A kneading motor that is held fast is cut and latched",
    "R12",
    needs=_BOTH,
)
async def stall_kneading(bench: Bench) -> None:
    """While it turns, with the vibration motor free."""
    client, zone = bench.client, kneading_zone(bench)
    await client.arm()
    await client.drive(5.3)
    knead = (pattern(Motion.KNEAD, Direction.CW),) * 6
    await client.drive(4.0, _LEVEL, pattern=knead)
    began = client.latest.uptime
    async with client.kept(_LEVEL, pattern=knead):
        await bench.operator.fault("stall-kneading")
    await client.drive(1.5, _LEVEL, pattern=knead)
    telemetry = client.latest
    bench.state(telemetry, State.FAULT)
    if telemetry.state == State.FAULT:
        first = next(t for t in client.since(0) if t.state == State.FAULT)
        bench.at_most("fault to cut", (first.uptime - began) / 1000, 0.9 + bench.act_s, "s")
        bench.cause(telemetry, Cause.STALL)
    bench.at_most("kneading after it", telemetry.kneading[zone] / 10, 0, "%")


@check(
    "stall-in-bursts",
    "A motor that is held fast and driven in bursts is cut after 800 ms of drive in all",
    "R12",
    needs=_BOTH,
)
async def stall_in_bursts(bench: Bench) -> None:
    """A glide of one second, whose hill passes a zone for a part of it."""
    client = bench.client
    kneading_zone(bench)
    glide = (pattern(Motion.GLIDE, Direction.UP),) * 6
    await client.arm()
    await client.drive(5.3)
    await client.drive(3.0, _LEVEL, pattern=glide, period=1000)
    began = client.latest
    async with client.kept(_LEVEL, pattern=glide, period=1000):
        await bench.operator.fault("stall")
    await client.drive(4.0, _LEVEL, pattern=glide, period=1000)
    telemetry = client.latest
    bench.state(telemetry, State.FAULT)
    bench.at_most(
        "running until it was cut",
        (telemetry.running - began.running) / 1000,
        3.0 + bench.act_s,
        "s",
    )


@check("over-current", "A short is cut and latched", "R12", needs=_BOTH)
async def over_current(bench: Bench) -> None:
    """Within 300 ms."""
    await _trips(bench, "short", Cause.OVER_CURRENT, 0.3)
    await _no_retry(bench)


@check(
    "stuck-output",
    "A power stage that stays on is cut off by the independent switch",
    "R14",
    needs=(Need.FAULT,),
)
async def stuck_output(bench: Bench) -> None:
    """While everything is at zero."""
    client = bench.client
    before = await client.next()
    bench.true("the switch is closed before", bool(before.flags & _SWITCH))
    client.mark("pwm_stuck")
    await bench.operator.fault("stuck-output")
    telemetry = await client.see(lambda t: t.state == State.FAULT, 0.9)
    if telemetry is None:
        bench.state(client.latest, State.FAULT)
        return
    bench.at_most(
        "fault to cut, within one TELEMETRY",
        (telemetry.uptime - before.uptime) / 1000,
        0.5 + bench.act_s,
        "s",
    )
    bench.cause(telemetry, Cause.STUCK_OUTPUT)
    bench.true("the switch is open after", not telemetry.flags & _SWITCH)
    bench.at_most("current after it", (await client.next(3)).current, 30, "mA")
    result = await client.reset()
    if result is Result.OK:
        # With the switch open nothing flows, so that it may look gone: it trips again then.
        again = await client.see(lambda t: t.latch != telemetry.latch, 0.8 + bench.slack_s)
        bench.true("a RESET while it lasts trips again", again is not None)
    else:
        bench.refused("RESET while it lasts", result, Result.CAUSE_PRESENT)


@check(
    "sensor-dead",
    "A temperature sensor that is open or shorted trips, and no RESET clears that while it lasts",
    *("R11", "R7"),
    needs=_BOTH,
)
async def sensor_dead(bench: Bench) -> None:
    """Within 500 ms."""
    await _trips(bench, "sensor-open", Cause.TEMPERATURE_SENSOR, 0.5, 0.5)
    due = Result.CAUSE_PRESENT
    bench.refused("RESET while it lasts", await bench.client.reset(), due, "R7")


@check("overheat", "Too warm a pad cuts everything, heat too", "R11", tier=Tier.FULL, needs=_BOTH)
async def overheat(bench: Bench) -> None:
    """External heat, until the device trips; it may not reach 41.0 °C."""
    client = bench.client
    await client.running(20)
    async with client.kept(_LOW):
        await bench.operator.fault("overheat")
    client.mark("external heat")
    start = len(client.heard)
    await client.drive(300.0, _LOW)
    telemetry = await client.next()
    bench.state(telemetry, State.FAULT)
    bench.cause(telemetry, Cause.OVER_TEMPERATURE)
    warm = max((t.pad for t in client.since(start) if t.state == State.RUNNING), default=0)
    bench.at_most("warmest pad while running", warm / 10, 41.0, "°C")
    hottest = max(t.pad for t in client.since(start))
    bench.at_least("warmest pad reported", hottest / 10, 38.0, "°C")


@check(
    "heat",
    "Heat is off until asked for, holds its target, and ends with the session",
    "R11",
    tier=Tier.FULL,
    needs=(Need.MOTOR,),
)
async def heat(bench: Bench) -> None:
    """38 °C for five minutes."""
    client = bench.client
    if not bench.info.flags & 4:
        raise NotHere("the device has no heat")
    bench.true("off before", not (await client.next()).flags & _HEAT_ON)
    await client.running(20)
    bench.true("off while not asked for", not client.latest.flags & _HEAT_ON)
    start = len(client.heard)
    await client.drive(300.0, _LOW, heat=380)
    telemetry = client.since(start)
    bench.true("on once asked for", any(t.flags & _HEAT_ON for t in telemetry))
    bench.at_most("warmest pad", max(t.pad for t in telemetry) / 10, 39.0, "°C")
    await client.stop()
    bench.true("off after STOP", not (await client.settle()).flags & _HEAT_ON)


@check("battery-low", "A low battery refuses ARM, and lets a session go on", "R13", needs=_BOTH)
async def battery_low(bench: Bench) -> None:
    """Between 8 and 15 %."""
    client = bench.client
    await client.running(20)
    async with client.kept(_LOW):
        await bench.operator.fault("battery-low")
    await client.drive(1.2, _LOW)
    telemetry = await client.next()
    bench.within("battery reported", telemetry.battery, BATTERY_RUN, BATTERY_ARM - 1, "%")
    bench.state(telemetry, State.RUNNING)
    await client.stop()
    await client.settle()
    bench.refused("ARM", await client.try_arm(client.arm_message()), Result.BATTERY)


@check(
    "battery-empty",
    "An empty battery fades and ends the session; recovery restarts nothing",
    "R13",
    needs=_BOTH,
)
async def battery_empty(bench: Bench) -> None:
    """Below 8 %, for a moment."""
    client = bench.client
    await client.running(60, 2.0)
    async with client.kept(_LEVEL):
        began = client.latest.uptime
        client.mark("battery sags")
        await bench.operator.fault("battery-empty")
        sags_s = bench.act_s
        await bench.sleep(0.4)
        await bench.operator.mend("battery-empty")
        telemetry = await client.see(lambda t: t.epoch != client.epoch, 2.0)
        if telemetry is None:
            bench.true("the session is over", holds=False)
            return
    bench.at_most("sag to zero", (telemetry.uptime - began) / 1000, 1.1 + sags_s, "s")
    bench.cause(telemetry, Cause.BATTERY_LOW)
    await bench.sleep(1.0)
    bench.at_zero("after it recovered", await client.next())


@check("charging", "Nothing runs while charging", "R13", needs=(Need.MOTOR, Need.CHARGER))
async def charging(bench: Bench) -> None:
    """Plugged in amid a session."""
    client = bench.client
    if bench.info.flags & 2:
        raise NotHere("the device runs on mains")
    await client.running(20)
    async with client.kept(_LOW):
        await bench.operator.charger(client, plugged=True)
        telemetry = await client.see(lambda t: t.epoch != client.epoch, 1.0 + bench.slack_s)
    if telemetry is None:
        bench.true("the session is over", holds=False)
        return
    bench.cause(telemetry, Cause.CHARGING)
    bench.at_zero("after it", telemetry)
    await client.next()
    bench.refused("ARM", await client.try_arm(client.arm_message()), Result.CHARGING)


@check("watchdog", "A firmware that hangs is reset, with outputs off", "R24", needs=_BOTH)
async def watchdog(bench: Bench) -> None:
    """Silence, then a new boot within 512 ms."""
    client = bench.client
    await client.running(20)
    before = client.latest
    start = bench.now()
    client.mark("hang")
    async with client.kept(_LOW):
        await bench.operator.fault("hang")
    telemetry: wire.Telemetry | None = None
    with suppress(CannotMeasure):
        telemetry = await client.see(lambda t: t.epoch != before.epoch, 3.0)
    if client.lost is not None:
        telemetry = (await bench.back()).latest
    if telemetry is None:
        bench.true("it comes back", holds=False)
        return
    bound = 0.512 + bench.act_s + bench.back_s + bench.slack_s
    bench.at_most("hang to TELEMETRY of the new boot", bench.now() - start, bound, "s")
    bench.at_zero("after it", telemetry)
    bench.cause(telemetry, Cause.WATCHDOG)


@check(
    "reboot",
    "After a reboot nothing of before counts: epoch, session, challenge",
    "R16",
    "R15",
    "R8",
    needs=(Need.MOTOR, Need.RESET),
)
async def reboot(bench: Bench) -> None:
    """A reset amid a session, and the frames from before it."""
    client = bench.client
    await client.running(20, 2.0)
    old = client.latest
    arm = client.arm_message()
    late = client.setpoint((80, 80, 0, 0, 0, 0))
    await bench.operator.reset(client)
    client = await bench.back()
    telemetry = client.latest
    bench.at_zero("after it", telemetry)
    bench.true("a new epoch", telemetry.epoch != old.epoch)
    seen = {t.epoch for t in client.since(0)} - {telemetry.epoch}
    for _ in range(3):
        await client.stop()
        telemetry = await client.settle()
        bench.true("the next epochs are new too", telemetry.epoch not in seen)
    client.send(late)
    bench.refused("ARM from before", await client.try_arm(arm), Result.STALE_EPOCH)
    bench.at_zero("and then", await client.next(2))
    info = await client.info()
    bench.same("boot counter", info.boot, (bench.info.boot + 1) & 0xFFFFFFFF, "R15")
    bench.at_most("allowance after it", telemetry.allowance, old.allowance, "s", "R8")
    bench.at_least("lifetime after it", info.lifetime, bench.info.lifetime, "s", "R9")


@check(
    "fault-kept",
    "A fault latch outlives a reboot",
    "R7",
    needs=(Need.MOTOR, Need.FAULT, Need.RESET),
)
async def fault_kept(bench: Bench) -> None:
    """A short, a reset, and a RESET once the cause is gone."""
    client = bench.client
    telemetry = await _trips(bench, "short", Cause.OVER_CURRENT, 0.3)
    await bench.operator.reset(client)
    client = await bench.back()
    again = client.latest
    bench.state(again, State.FAULT)
    bench.same("latch counter", again.latch, telemetry.latch)
    bench.refused("ARM", await client.try_arm(client.arm_message()), Result.FAULT)
    bench.refused("RESET", await client.reset(), Result.OK)
    bench.state(await client.next(2), State.IDLE)


@check("memory", "A memory that cannot be read fails closed", "R8", "R7", needs=(Need.FAULT,))
async def memory(bench: Bench) -> None:
    """A bit of the allowance flips, and the device is reset."""
    client = bench.client
    await client.next()
    await bench.operator.fault("memory")
    client = await bench.back()
    telemetry = await client.next()
    bench.same("seconds of allowance left", telemetry.allowance, 0)
    bench.true("the hour is reported as unreadable", bool(telemetry.flags & Flag.UNREADABLE))
    if telemetry.state == State.FAULT:
        bench.cause(telemetry, Cause.MEMORY)
    due = Result.FAULT if telemetry.state == State.FAULT else Result.ALLOWANCE
    bench.refused("ARM", await client.try_arm(client.arm_message()), due)

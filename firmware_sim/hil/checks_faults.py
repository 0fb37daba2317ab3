"""Checks of the device's own protections: motors, heat, supply, memory, watchdog (R8, R11 to R14, R24)."""

from __future__ import annotations

import asyncio

from firmware_sim import wire
from firmware_sim.hil.bench import Bench
from firmware_sim.hil.model import CannotMeasure, Need, NotHere, Tier, check
from firmware_sim.states import Cause, Result, State

_LEVEL = (60, 60, 60, 60, 60, 60)
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
        began = client.told.uptime
        await bench.hands.fault(spec)
        told = await client.see(lambda t: t.state == State.FAULT, bound_s + 0.5)
    if told is None:
        bench.state(client.told, State.FAULT)
        raise CannotMeasure(f"the fault {spec} does not latch")
    bench.at_most(
        "fault to cut, within one TELEMETRY", (told.uptime - began) / 1000, bound_s + 0.1, "s"
    )
    bench.cause(told, cause)
    bench.at_zero("after it", told)
    return told


async def _no_retry(bench: Bench) -> None:
    """Still latched after 2 s, whatever is asked for."""
    client = bench.client
    await asyncio.sleep(2.0)
    bench.state(await client.next(), State.FAULT)
    bench.refused("ARM", await client.try_arm(client.arm_message()), Result.FAULT)


@check("stall", "A motor that is held fast is cut and latched, with no retry", "R12", needs=_BOTH)
async def stall(bench: Bench) -> None:
    """300 ms by current or 500 ms by speed."""
    await _trips(bench, "stall=all", Cause.STALL, 0.5)
    await _no_retry(bench)


@check("over-current", "A short is cut and latched", "R12", needs=_BOTH)
async def over_current(bench: Bench) -> None:
    """Within 300 ms."""
    await _trips(bench, "over_current=all", Cause.OVER_CURRENT, 0.3)
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
    await bench.hands.fault("pwm_stuck=all")
    told = await client.see(lambda t: t.state == State.FAULT, 0.9)
    if told is None:
        bench.state(client.told, State.FAULT)
        return
    bench.at_most(
        "fault to cut, within one TELEMETRY", (told.uptime - before.uptime) / 1000, 0.5, "s"
    )
    bench.cause(told, Cause.STUCK_OUTPUT)
    bench.true("the switch is open after", not told.flags & _SWITCH)
    bench.at_most("current after it", (await client.next(3)).current, 30, "mA")
    bench.refused("RESET while it lasts", await client.reset(), Result.CAUSE_PRESENT)


@check("sensor-dead", "A temperature sensor that is open or shorted trips", "R11", needs=_BOTH)
async def sensor_dead(bench: Bench) -> None:
    """Within 500 ms."""
    await _trips(bench, "sensor_open=pad", Cause.TEMPERATURE_SENSOR, 0.5, 0.5)
    bench.refused("RESET while it lasts", await bench.client.reset(), Result.CAUSE_PRESENT)


@check("overheat", "Too warm a pad cuts everything, heat too", "R11", tier=Tier.FULL, needs=_BOTH)
async def overheat(bench: Bench) -> None:
    """Heat from elsewhere, until the device trips; it may not reach 41.0 °C."""
    client = bench.client
    await client.running(20)
    await bench.hands.fault("overheat=40")
    client.mark("heat from elsewhere")
    start = len(client.heard)
    await client.drive(300.0, (20, 20, 0, 0, 0, 0))
    told = await client.next()
    bench.state(told, State.FAULT)
    bench.cause(told, Cause.OVER_TEMPERATURE)
    warm = max((t.pad for t in client.since(start) if t.state == State.RUNNING), default=0)
    bench.at_most("warmest pad while running", warm / 10, 41.0, "°C")


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
    bench.true("off while not asked for", not client.told.flags & _HEAT_ON)
    start = len(client.heard)
    await client.drive(300.0, (20, 20, 0, 0, 0, 0), heat=380)
    told = client.since(start)
    bench.true("on once asked for", any(t.flags & _HEAT_ON for t in told))
    bench.at_most("warmest pad", max(t.pad for t in told) / 10, 39.0, "°C")
    await client.stop()
    bench.true("off after STOP", not (await client.settle()).flags & _HEAT_ON)


@check("battery-low", "A low battery refuses ARM", "R13", needs=(Need.FAULT,))
async def battery_low(bench: Bench) -> None:
    """Below 15 %."""
    client = bench.client
    await bench.hands.fault("battery_sag=1.6")
    told = await client.next(2)
    bench.at_most("battery told", told.battery, 14, "%")
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
        began = client.told.uptime
        client.mark("battery sags")
        await bench.hands.fault("battery_sag=1.8")
        told = await client.see(lambda t: t.epoch != client.epoch, 2.0)
        if told is None:
            bench.true("the session is over", holds=False)
            return
    bench.at_most("sag to zero", (told.uptime - began) / 1000, 1.1, "s")
    bench.cause(told, Cause.BATTERY_LOW)
    await bench.hands.fault("battery_sag=0")
    await asyncio.sleep(1.0)
    bench.at_zero("after it recovered", await client.next())


@check("charging", "Nothing runs while charging", "R13", needs=(Need.MOTOR, Need.CHARGER))
async def charging(bench: Bench) -> None:
    """Plugged in amid a session."""
    client = bench.client
    if bench.info.flags & 2:
        raise NotHere("the device runs on mains")
    await client.running(20)
    async with client.kept((20, 20, 0, 0, 0, 0)):
        await bench.hands.plug_in(client)
        told = await client.see(lambda t: t.epoch != client.epoch, 1.0 + bench.slack_s)
    if told is None:
        bench.true("the session is over", holds=False)
        return
    bench.cause(told, Cause.CHARGING)
    bench.at_zero("after it", told)
    await client.next()
    bench.refused("ARM", await client.try_arm(client.arm_message()), Result.CHARGING)


@check("watchdog", "A firmware that hangs is reset, with outputs off", "R24", needs=_BOTH)
async def watchdog(bench: Bench) -> None:
    """Silence, then a new boot within 512 ms."""
    client = bench.client
    await client.running(20)
    before = client.told
    loop = asyncio.get_running_loop()
    start = loop.time()
    client.mark("hang")
    await bench.hands.fault("hang")
    told = await client.see(lambda t: t.epoch != before.epoch, 3.0)
    if told is None:
        bench.true("it comes back", holds=False)
        return
    bench.at_most(
        "hang to TELEMETRY of the new boot", loop.time() - start, 0.512 + bench.slack_s, "s"
    )
    bench.at_zero("after it", told)
    bench.cause(told, Cause.WATCHDOG)


@check(
    "reboot",
    "After a reboot nothing of before counts: epoch, session, challenge",
    "R16",
    "R15",
    "R8",
    needs=(Need.MOTOR, Need.POWER),
)
async def reboot(bench: Bench) -> None:
    """A reset amid a session, and the frames from before it."""
    client = bench.client
    await client.running(20, 2.0)
    old = client.told
    arm = client.arm_message()
    late = client.setpoint((80, 80, 0, 0, 0, 0))
    await bench.hands.power_cycle(client)
    told = await client.next(2)
    bench.at_zero("after it", told)
    bench.true("a new epoch", told.epoch != old.epoch)
    seen = {t.epoch for t in client.since(0)} - {told.epoch}
    for _ in range(3):
        await client.stop()
        told = await client.settle()
        bench.true("the next epochs are new too", told.epoch not in seen)
    client.send(late)
    bench.refused("ARM from before", await client.try_arm(arm), Result.STALE_EPOCH)
    bench.at_zero("and then", await client.next(2))
    info = await client.info()
    bench.same("boot counter", info.boot, (bench.info.boot + 1) & 0xFFFFFFFF, "R15")
    bench.at_most("allowance after it", told.allowance, old.allowance, "s", "R8")
    bench.at_least("lifetime after it", info.lifetime, bench.info.lifetime, "s", "R9")


@check(
    "fault-kept",
    "A fault latch outlives a reboot",
    "R7",
    needs=(Need.MOTOR, Need.FAULT, Need.POWER),
)
async def fault_kept(bench: Bench) -> None:
    """A short, a reset, and a RESET once the cause is gone."""
    client = bench.client
    told = await _trips(bench, "over_current=all", Cause.OVER_CURRENT, 0.3)
    await bench.hands.power_cycle(client)
    again = await client.next(2)
    bench.state(again, State.FAULT)
    bench.same("latch counter", again.latch, told.latch)
    bench.refused("ARM", await client.try_arm(client.arm_message()), Result.FAULT)
    bench.refused("RESET", await client.reset(), Result.OK)
    bench.state(await client.next(2), State.IDLE)


@check("memory", "A memory that cannot be read fails closed", "R8", "R7", needs=(Need.FAULT,))
async def memory(bench: Bench) -> None:
    """A bit of the allowance flips, and the device is reset."""
    client = bench.client
    await client.next()
    await bench.hands.fault("nvm_flip=allowance")
    told = await client.next(3)
    bench.state(told, State.FAULT)
    bench.cause(told, Cause.MEMORY)
    bench.same("seconds of allowance left", told.allowance, 0)
    bench.refused("ARM", await client.try_arm(client.arm_message()), Result.FAULT)

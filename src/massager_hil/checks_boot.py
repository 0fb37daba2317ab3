"""What outlives a reset and a power cut, and what does not: latches, epochs, challenges, hours (R7, R8, R16, R24)."""

from __future__ import annotations

import msgspec

from massager_hil.bench import Bench
from massager_hil.client import Client
from massager_hil.model import Need, check
from massager_hil.tables import CHECKPOINT_S, Cause, Flag, Result, State

_LOW = (20, 20, 0, 0, 0, 0)


async def _again(bench: Bench, how: str) -> Client:
    """Reset, or off and on; the client on the link after it."""
    if how == "reset":
        await bench.operator.reset(bench.client)
    else:
        await bench.operator.power_cycle(bench.client)
    return await bench.back()


@check(
    "reset-keeps-e-stop",
    "An e-stop latch outlives a reset of the processor",
    "R7",
    "R24",
    needs=(Need.HAND, Need.RESET),
)
async def reset_keeps_e_stop(bench: Bench) -> None:
    """Pressed, reset: still latched, with the counter as it was; then RESET clears it."""
    client = bench.client
    await bench.operator.press(client)
    await bench.operator.release(client)
    before = await client.next()
    client = await _again(bench, "reset")
    bench.state(client.latest, State.LATCHED)
    bench.cause(client.latest, Cause.BUTTON)
    bench.same("latch counter", client.latest.latch, before.latch)
    bench.refused("ARM", await client.try_arm(client.arm_message()), Result.LATCHED)
    bench.refused("RESET", await client.reset(), Result.OK)


@check(
    "power-cycle",
    "Without power an e-stop latch goes, and the latch counter, the hours and the boot counter stay",
    *("R7", "R8", "R9", "R15"),
    needs=(Need.MOTOR, Need.HAND, Need.POWER),
)
async def power_cycle(bench: Bench) -> None:
    """Run for 16 s, press, off and on."""
    client = bench.client
    start = client.latest
    await client.running(20, 16.0)
    ran = client.latest.running / 1000
    async with client.kept(_LOW):
        await bench.operator.press(client)
    on_s = bench.act_s  # it runs on until the button is down
    await bench.operator.release(client)
    before = await client.next()
    client = await _again(bench, "power")
    telemetry = client.latest
    bench.state(telemetry, State.IDLE)
    bench.same("latch counter", telemetry.latch, before.latch, "R7")
    bench.true("a new epoch", telemetry.epoch not in (before.epoch, start.epoch), "R16")
    left = start.allowance - ran - CHECKPOINT_S
    bench.within("allowance left", telemetry.allowance, left - 1.5 - on_s, left + 1.5, "s", "R8")
    info = await client.info()
    bench.same("boot counter", info.boot, (bench.info.boot + 1) & 0xFFFFFFFF, "R15")
    lifetime = info.lifetime - bench.info.lifetime
    bench.within("seconds added to the lifetime", lifetime, int(ran) - 1, ran + 1 + on_s, "s", "R9")


@check(
    "cut-amid-session",
    "A cut in mid-session loses no running time: a checkpoint and one interval are charged",
    *("R8", "R9", "R16", "R24"),
    needs=(Need.MOTOR, Need.RESET),
)
async def cut_amid_session(bench: Bench) -> None:
    """Run for 17 s, and reset; or off and on if there is a hand for it."""
    for how, need in (("reset", Need.RESET), ("power", Need.POWER)):
        if need not in bench.operator.can:
            continue
        client = bench.client
        bench.at(how)
        await client.next()
        start, first = client.latest, (await client.info())
        await client.running(20, 17.0)
        ran = client.latest.running / 1000
        old = client.latest
        late = client.setpoint(_LOW)
        arm = client.arm_message()
        client.send(msgspec.structs.replace(late, seq=old.seq))  # counted, until the boot
        await client.next()
        client = await _again(bench, how)
        telemetry = client.latest
        bench.at_zero(f"after {how}", telemetry)
        bench.true(f"{how}: a new epoch", telemetry.epoch not in (old.epoch, start.epoch), "R16")
        bench.same(f"{how}: frames counted since boot", telemetry.rejected, 0, "R16")
        bench.at_most(f"{how}: uptime", telemetry.uptime / 1000, 2.0 + bench.back_s, "s", "R24")
        bench.at_most(
            f"{how}: allowance left", telemetry.allowance, start.allowance - ran, "s", "R8"
        )
        info = await client.info()
        lifetime = info.lifetime - first.lifetime
        most = ran + CHECKPOINT_S + 1
        bench.within(f"{how}: seconds added to the lifetime", lifetime, int(ran), most, "s", "R9")
        client.owner = old.owner
        client.send(late)
        client.send(
            msgspec.structs.replace(late, epoch=telemetry.epoch, echo=client.latest.counter)
        )
        result = await client.try_arm(arm)
        bench.refused(f"{how}: ARM from before", result, Result.STALE_EPOCH, "R16")
        here = msgspec.structs.replace(arm, epoch=telemetry.epoch, token=client.next_token())
        result = await client.try_arm(here)
        bench.refused(f"{how}: its challenge", result, Result.STALE_CHALLENGE, "R16")
        bench.at_zero(f"after {how} and its late frames", await client.next(2))


@check(
    "boots-charge", "Every boot charges one interval of 10 s to the hour", "R8", needs=(Need.RESET,)
)
async def boots_charge(bench: Bench) -> None:
    """Three resets without a session: 30 s off the hour, nothing on the lifetime."""
    client = bench.client
    before, life = (await client.next()).allowance, (await client.info()).lifetime
    for _ in range(3):
        client = await _again(bench, "reset")
    bench.within("seconds taken off", before - client.latest.allowance, 29, 31, "s")
    bench.same("lifetime", (await client.info()).lifetime, life, "R9")


@check(
    "boot-latch",
    "A boot opens nothing: switch, pairing, attended and heat",
    "R24",
    needs=(Need.RESET,),
)
async def boot_latch(bench: Bench) -> None:
    """What TELEMETRY says after a reset of an idle device."""
    client = await _again(bench, "reset")
    telemetry = client.latest
    bench.state(telemetry, State.IDLE)
    opened = telemetry.flags & (Flag.PAIRING | Flag.ATTENDED | Flag.HEAT | Flag.BUTTON)
    bench.same("flags of pairing, attended, heat and button", opened, 0)
    bench.true(
        "the power switch is closed after the self-test", bool(telemetry.flags & Flag.SWITCH)
    )


@check(
    "press-first",
    "The press that sets a latch clears nothing, however long it is held",
    "R7",
    needs=(Need.HAND,),
)
async def press_first(bench: Bench) -> None:
    """Held for 2.5 s; then two short presses; then one of 2.5 s, which clears."""
    client = bench.client
    before = await client.next()
    await bench.operator.press(client)
    await bench.sleep(2.5)
    await bench.operator.release(client)
    telemetry = await client.next()
    bench.state(telemetry, State.LATCHED)
    bench.true("not attended by it", not telemetry.flags & Flag.ATTENDED)
    for _ in range(2):
        await bench.operator.press(client)
        await bench.operator.release(client)
    bench.same(
        "latch counter after three presses",
        (await client.next()).latch,
        (before.latch + 3) & 0xFFFF,
    )
    await bench.operator.press(client)
    await bench.sleep(2.5)
    await bench.operator.release(client)
    telemetry = await client.next()
    bench.state(telemetry, State.IDLE)
    bench.true("attended by the one that cleared", bool(telemetry.flags & Flag.ATTENDED))


@check(
    "press-over-reset",
    "The press that sets a latch clears nothing, over a reset of the processor either",
    "R7",
    needs=(Need.HAND, Need.RESET),
)
async def press_over_reset(bench: Bench) -> None:
    """Pressed, reset while it is down, held on for 2.5 s and let go."""
    await bench.client.next()
    await bench.operator.press(bench.client)
    client = await _again(bench, "reset")
    await bench.sleep(2.5)
    await bench.operator.release(client)
    telemetry = await client.next()
    bench.state(telemetry, State.LATCHED)
    bench.true("not attended by it", not telemetry.flags & Flag.ATTENDED)


@check(
    "press-in-fault",
    "A press in a fault leaves the fault and its cause latched, over a reset of the processor too",
    "R7",
    needs=(Need.MOTOR, Need.HAND, Need.RESET, Need.FAULT),
)
async def press_in_fault(bench: Bench) -> None:
    """A short, a press, a reset."""
    client = bench.client
    await client.running(60, 2.0)
    async with client.kept((60,) * 6):
        await bench.operator.fault("short")
        await client.see(lambda t: t.state == State.FAULT, 0.8 + bench.act_s)
    before = await client.next()
    bench.state(before, State.FAULT)
    await bench.operator.press(client)
    await bench.operator.release(client)
    telemetry = await client.next()
    bench.state(telemetry, State.FAULT)
    bench.same("latch counter", telemetry.latch, (before.latch + 1) & 0xFFFF)
    client = await _again(bench, "reset")
    bench.state(client.latest, State.FAULT)
    bench.cause(client.latest, Cause.OVER_CURRENT)


@check(
    "attended",
    "Only a hold that cleared a latch sets attended, until an ARM, a latch or a boot",
    "R7",
    needs=(Need.HAND,),
)
async def attended(bench: Bench) -> None:
    """A hold of a first press, RESET by the host, a hold that clears, a press after it."""
    client = bench.client

    async def hold(seconds: float) -> int:
        await bench.operator.press(client)
        await bench.sleep(seconds)
        await bench.operator.release(client)
        return (await client.next()).flags & Flag.ATTENDED

    bench.same("after a first hold", await hold(2.5), 0)
    bench.refused("RESET", await client.reset(), Result.OK)
    bench.same("after a RESET by the host", (await client.next(2)).flags & Flag.ATTENDED, 0)
    await hold(0.2)
    bench.same("after a hold that cleared", await hold(2.3), Flag.ATTENDED)
    bench.same("after a press that latches", await hold(0.2), 0)
    await hold(2.3)
    await client.arm()
    await client.next()
    bench.same("after an ARM", client.latest.flags & Flag.ATTENDED, 0)


@check(
    "pairing",
    "A hold of 5 s opens pairing for 60 s, and nothing less does",
    "R17",
    "R7",
    needs=(Need.HAND,),
)
async def pairing(bench: Bench) -> None:
    """Held for 4 s, then for 5.3 s."""
    client = bench.client
    await bench.operator.press(client)
    await bench.sleep(4.0)
    await bench.operator.release(client)
    bench.true("closed after 4 s", not (await client.next()).flags & Flag.PAIRING)
    await bench.operator.press(client)
    await bench.sleep(5.3)
    await bench.operator.release(client)
    telemetry = await client.next()
    opened = telemetry.uptime
    bench.true("open after 5 s", bool(telemetry.flags & Flag.PAIRING))
    shut = await client.see(lambda t: not t.flags & Flag.PAIRING, 70.0)
    if shut is None:
        bench.never("it closes", bound=60.0)
    else:
        bench.within("it stays open", (shut.uptime - opened) / 1000, 59.0, 60.5, "s")

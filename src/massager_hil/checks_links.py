"""Two links in every combination: who owns, who drops, who asks, who stops (R6, R15, R16, R17)."""

from __future__ import annotations

import msgspec

from massager_hil import wire
from massager_hil.bench import Bench
from massager_hil.model import Need, check
from massager_hil.tables import LINK_ZERO_S, Cause, Result, State

_LOW = (20, 20, 0, 0, 0, 0)
_BOTH = (Need.MOTOR, Need.SECOND_LINK)


@check(
    "links-owner-drops",
    "The owner's link going down ends the session while another stays",
    "R4",
    "R15",
    needs=_BOTH,
)
async def links_owner_drops(bench: Bench) -> None:
    """The other link sees it, and may arm at once."""
    client, other = bench.client, await bench.another()
    await client.running(20, 0.5)
    await other.next()
    began = other.latest.uptime
    client.close()
    telemetry = await other.see(lambda t: t.owner == 0, 0.4 + bench.slack_s)
    if telemetry is None:
        bench.never("the session is over", bound=LINK_ZERO_S)
    else:
        late = (telemetry.uptime - began) / 1000
        bench.at_most("link down to zero", late, LINK_ZERO_S + 0.1 + bench.slack_s, "s")
        bench.at_zero("after it", telemetry)
        bench.cause(telemetry, Cause.LINK_LOST)
    await other.next()
    bench.refused(
        "ARM of the other host", await other.try_arm(other.arm_message()), Result.OK, "R17"
    )
    await other.stop()
    await bench.reopen()


@check(
    "links-other-drops",
    "A link that does not own may go down, and the session goes on",
    "R15",
    "R17",
    needs=_BOTH,
)
async def links_other_drops(bench: Bench) -> None:
    """In the middle of half a frame, too."""
    client = bench.client
    await client.running(20, 0.3)
    for _ in range(2):
        async with client.kept(_LOW):
            other = await bench.another()
            if other.is_stream:
                other.raw(other.framed(wire.pack(wire.GetInfo(1)))[:4])
            other.close()
            await client.next(2)
        bench.true("the session goes on", client.is_open)


@check("links-half-a-frame", "Half a frame is forgotten when its link goes down", "R16", "R15")
async def links_half_a_frame(bench: Bench) -> None:
    """Half a GET_INFO, the link down and up, and the other half."""
    client = bench.client
    if not client.is_stream:
        return
    token = client.next_token() + 500
    frame = client.framed(wire.pack(wire.GetInfo(token)))
    client.raw(frame[:5])
    again = await bench.reopen()
    await again.next()
    again.raw(frame[5:])
    await again.next(2)
    answered = any(info.token == token for info in again.infos)
    bench.same("a frame of two halves is answered", answered, expected=False)
    info = await again.info()
    bench.same("the next frame is read", info.serial, bench.info.serial)


@check(
    "links-telemetry-alike",
    "TELEMETRY goes to all links alike; INFO and ACK to the one that asked",
    "R16",
    "R17",
    needs=(Need.SECOND_LINK,),
)
async def links_telemetry_alike(bench: Bench) -> None:
    """Questions, ARM, STOP and RESET on one link, and silence on the other but for TELEMETRY."""
    client, other = bench.client, await bench.another()
    acks, infos = len(other.acks), len(other.infos)
    await client.info()
    await client.arm()
    await client.drive(0.4)
    await client.stop()
    await client.settle()
    await client.reset()
    await other.next()
    bench.same("ACKs on the other link", len(other.acks) - acks, 0)
    bench.same("INFOs on the other link", len(other.infos) - infos, 0)
    both = {t.counter for t in client.since(0)} & {t.counter for t in other.since(0)}
    bench.at_least("TELEMETRY reported on both", len(both), 5)


@check(
    "links-stop-everywhere",
    "STOP from another link is obeyed in every state, and has its effect on all",
    "R6",
    "R17",
    needs=_BOTH,
)
async def links_stop_everywhere(bench: Bench) -> None:
    """Idle, armed, running, paused, fading."""
    client, other = bench.client, await bench.another()
    for state, mode in (("idle", 0), ("armed", 0), ("running", 0), ("paused", 1), ("fading", 2)):
        bench.at(state)
        await client.next()
        if state in ("running", "fading"):
            await client.running(20, 0.3)
        elif state != "idle":
            await client.arm()
        if mode:
            await client.drive(0.4, (10, 0, 0, 0, 0, 0) if mode == 2 else (0,) * 6, mode=mode)
        before = client.latest.epoch
        ack = await other.stop(4)
        bench.same(f"{state}: result", ack.result, Result.OK.value)
        telemetry = await client.next()
        if telemetry.epoch == before:
            telemetry = await client.next()
        bench.at_zero(state, telemetry)
        bench.true(f"{state}: a new epoch", telemetry.epoch != before)
        if state != "idle":
            bench.cause(telemetry, Cause.SAFETY)


@check(
    "links-foreign",
    "What another link sends of the owner's own frames has no effect on the session",
    "R17",
    "R16",
    needs=_BOTH,
)
async def links_foreign(bench: Bench) -> None:
    """SETPOINTs with right owner, epoch, seq and echo; the same ARM; RESET; noise."""
    client, other = bench.client, await bench.another()
    await client.next()
    arm = client.arm_message()
    bench.refused("ARM", await client.try_arm(arm), Result.OK)
    await client.drive(0.5, _LOW)
    async with client.kept(_LOW):
        for what in ("SETPOINT", "pause", "fade", "malformed"):
            bench.at(f"{what} from another link")
            setpoint = client.setpoint((60, 60, 60, 60, 0, 0))
            changes: dict[str, dict[str, object]] = {
                "SETPOINT": {},
                "pause": {"mode": 1, "level": (0,) * 6},
                "fade": {"mode": 2},
                "malformed": {"mode": 77},
            }
            other.send(msgspec.structs.replace(setpoint, **changes[what]))
            await client.next(2)
            bench.state(client.latest, State.RUNNING)
        bench.at("ARM from another link")
        bench.refused("the owner's ARM", await other.try_arm(arm), Result.BUSY, "R17")
        mine = msgspec.structs.replace(other.arm_message(), owner=client.owner)
        bench.refused("ARM of the same owner", await other.try_arm(mine), Result.BUSY, "R17")
        bench.at("noise on another link")
        for _ in range(30):
            other.raw(other.framed(b"\x02\x03noise"))
            other.raw(other.framed(b"\x02\x03noise"))
            await bench.sleep(0.1)
        await client.next()
        bench.true("noise on another link ends nothing", client.is_open, "R16")
        if other.is_stream:
            bench.at("half a frame on another link")
            other.raw(b"\x05\x01")
            await client.next(3)
            bench.true("half a frame there disturbs nothing", client.is_open, "R16")
    bench.at("")


@check(
    "links-hand-over",
    "After a session the other host may drive, from zero, and the first is foreign",
    "R17",
    "R2",
    needs=_BOTH,
)
async def links_hand_over(bench: Bench) -> None:
    """One runs and stops; the other runs; frames of the first count no more."""
    client, other = bench.client, await bench.another()
    await client.running(40, 1.5)
    late = client.setpoint((80,) * 6)
    await client.stop()
    await other.next(2)
    await other.arm()
    await other.drive(0.6, _LOW)
    bench.at_most("first levels of the other host", max(other.latest.level) / 10, 1.6, "%", "R3")
    client.send(late)
    here = msgspec.structs.replace(late, epoch=other.epoch, echo=other.latest.counter)
    client.send(here)
    await other.drive(0.4, _LOW)
    bench.same("owner reported", other.latest.owner, other.owner)
    bench.true("the session goes on", other.is_open)
    await other.stop()
    await other.settle()


@check(
    "links-silence",
    "The dead-man holds for a session of any link",
    "R4",
    "R17",
    needs=_BOTH,
)
async def links_silence(bench: Bench) -> None:
    """The second link arms and falls silent, while the first asks and stays."""
    client, other = bench.client, await bench.another()
    await other.running(20, 0.4)
    other.put(_LOW, period=3100)
    taken = await other.see(lambda t: t.seq == other.seq, 0.2 + bench.slack_s)
    client.send(wire.GetInfo(client.next_token()))
    end = await other.see(lambda t: t.epoch != other.epoch, bench.dead_man_s + 1.0)
    if taken is None or end is None:
        bench.never(
            "the dead-man ends the session of the second link", bound=bench.dead_man_s + 0.1
        )
        return
    age = (end.uptime - taken.uptime) / 1000
    low, high = bench.dead_man_s - 0.02, bench.dead_man_s + 0.12
    bench.within("silence that ends the session of the second link", age, low, high, "s")
    bench.cause(end, Cause.DEAD_MAN)


@check(
    "links-without-bond",
    "A link without a bond may stop and ask, and command nothing; one with a small MTU may only stop",
    "R17",
    "R6",
    needs=(Need.MOTOR, Need.SECOND_LINK, Need.UNBONDED),
)
async def links_without_bond(bench: Bench) -> None:
    """ARM, SETPOINT, RESET, GET_INFO and STOP on each, amid a session of the first link."""
    client = bench.client
    for kind in ("ble_unbonded", "ble_small"):
        poor = await bench.poor(kind)
        bench.at(f"{kind}, idle")
        telemetry = await client.next()
        arm = msgspec.structs.replace(client.arm_message(), token=poor.next_token(), owner=99)
        bench.refused(f"{kind}: ARM", await poor.try_arm(arm), Result.NOT_ALLOWED)
        reset = wire.Reset(poor.next_token(), telemetry.challenge, telemetry.latch)
        poor.send(reset)
        ack = await poor.answer(reset.token)
        result = None if ack is None else ack.result
        bench.same(f"{kind}: RESET", result, Result.NOT_ALLOWED.value)
        bench.at(f"{kind}, amid a session")
        await client.running(20, 0.4)
        async with client.kept(_LOW):
            poor.send(client.setpoint((60,) * 6))
            token = poor.next_token()
            poor.send(wire.GetInfo(token))
            await client.next(2)
            answered = any(info.token == token for info in poor.infos)
            bench.same(f"{kind}: GET_INFO is answered", answered, kind == "ble_unbonded")
            bench.true(f"{kind}: the session goes on", client.is_open)
            ack = await poor.stop(3)
            bench.same(f"{kind}: STOP", ack.result, Result.OK.value, "R6")
        telemetry = await client.next()
        bench.at_zero(f"{kind}: STOP", telemetry, "R6")
        bench.cause(telemetry, Cause.PAIN, rule="R6")
        poor.close()


@check(
    "links-latched",
    "A reconnect while latched clears nothing",
    "R7",
    "R15",
    needs=(Need.HAND,),
)
async def links_latched(bench: Bench) -> None:
    """Latched, the link down and up: still latched, ARM refused, RESET works."""
    client = bench.client
    await client.next()
    await bench.operator.press(client)
    await bench.operator.release(client)
    latch = (await client.next()).latch
    again = await bench.reopen()
    start = len(again.heard)
    await again.next(2)
    telemetry = again.heard[start][1]
    bench.state(telemetry, State.LATCHED)
    bench.same("latch counter", telemetry.latch, latch)
    bench.refused("ARM", await again.try_arm(again.arm_message()), Result.LATCHED)
    bench.refused("RESET", await again.reset(), Result.OK)
    bench.state(await again.next(), State.IDLE)

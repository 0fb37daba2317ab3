"""Checks of who may drive: ARM, owner, epoch, sequence and echo (R16, R17, R19)."""

from __future__ import annotations

import msgspec

from massager_hil import wire
from massager_hil.bench import Bench
from massager_hil.client import Client
from massager_hil.model import Need, Tier, check
from massager_hil.tables import Result, State

_LOW = (10, 10, 0, 0, 0, 0)
_HIGH = (60, 60, 60, 60, 60, 60)


@check("arm-stale", "ARM needs the present epoch and an unused challenge", "R16")
async def arm_stale(bench: Bench) -> None:
    """Each wrong in turn."""
    client = bench.client
    await client.next()
    arm = client.arm_message()
    wrong = msgspec.structs.replace(arm, epoch=(arm.epoch - 1) & 0xFFFFFFFF)
    bench.refused("another epoch", await client.try_arm(wrong), Result.STALE_EPOCH)
    await client.next()
    arm = client.arm_message()
    wrong = msgspec.structs.replace(arm, challenge=arm.challenge ^ 1)
    bench.refused("another challenge", await client.try_arm(wrong), Result.STALE_CHALLENGE)
    bench.state(await client.next(2), State.IDLE)
    await client.arm()
    used = client.latest.challenge
    await client.settle()
    await client.stop()
    await client.settle()
    again = msgspec.structs.replace(client.arm_message(), challenge=used)
    bench.refused("a challenge from before", await client.try_arm(again), Result.STALE_CHALLENGE)
    bench.state(await client.next(2), State.IDLE)


@check("arm-malformed", "An ARM with a field out of range opens nothing", "R19")
async def arm_malformed(bench: Bench) -> None:
    """Owner 0, caps of 0 and 1001, limits of 0 and 2701 s."""
    client = bench.client
    for field, value in (
        ("owner", 0),
        ("cap", 0),
        ("cap", 1001),
        ("limit_s", 0),
        ("limit_s", 2701),
    ):
        await client.next()
        arm = msgspec.structs.replace(client.arm_message(), **{field: value})
        bench.refused(f"{field} {value}", await client.try_arm(arm), Result.MALFORMED)
        bench.state(await client.next(), State.IDLE)


@check("busy", "A second owner is refused while a session is open", "R17")
async def busy(bench: Bench) -> None:
    """Another owner's ARM on the same link."""
    client = bench.client
    await client.arm()
    await client.settle()
    async with client.kept():
        await client.next()
        mine = client.latest.owner
        other = msgspec.structs.replace(client.arm_message(), owner=client.owner ^ 0xFFFF)
        bench.refused("another owner", await client.try_arm(other), Result.BUSY)
        telemetry = await client.next(2)
        bench.same("owner reported", telemetry.owner, mine)
        bench.true("the session goes on", client.is_open)


@check(
    "busy-second-link",
    "A second host is refused while a session is open",
    "R17",
    needs=(Need.SECOND_LINK,),
)
async def busy_second_link(bench: Bench) -> None:
    """Another owner's ARM on another link."""
    client, other = bench.client, await bench.another()
    await client.arm()
    async with client.kept():
        await other.next(2)
        bench.refused("ARM", await other.try_arm(other.arm_message()), Result.BUSY)
        await client.next(2)
        bench.true("the session goes on", client.is_open)


async def _no_effect(bench: Bench, client: Client, what: str, frame: wire.Setpoint) -> None:
    """A SETPOINT that must be counted and must raise nothing, amid a session that runs low."""
    before = await client.next()
    client.send(frame)
    await client.drive(0.4, _LOW)
    after = await client.next()
    bench.at_most(f"{what}: highest level", max(after.level) / 10, 1.0, "%")
    bench.at_least(f"{what}: counted", (after.rejected - before.rejected) & 0xFFFF, 1)
    bench.true(f"{what}: the session goes on", client.is_open)


@check("foreign-owner", "A SETPOINT of another owner has no effect", "R17", needs=(Need.MOTOR,))
async def foreign_owner(bench: Bench) -> None:
    """Everything right but the owner."""
    client = bench.client
    await client.running(10)
    setpoint = msgspec.structs.replace(client.setpoint(_HIGH), owner=client.owner ^ 1)
    await _no_effect(bench, client, "another owner", setpoint)


@check(
    "foreign-link",
    "A SETPOINT from a link that did not arm has no effect",
    "R17",
    needs=(Need.MOTOR, Need.SECOND_LINK),
)
async def foreign_link(bench: Bench) -> None:
    """Everything right but the link."""
    client, other = bench.client, await bench.another()
    await client.running(10)
    before = await client.next()
    other.send(client.setpoint(_HIGH))
    await client.drive(0.4, _LOW)
    after = await client.next()
    bench.at_most("highest level", max(after.level) / 10, 1.0, "%")
    bench.at_least("counted", (after.rejected - before.rejected) & 0xFFFF, 1)


@check(
    "stale-epoch",
    "A SETPOINT of another epoch has no effect",
    "R16",
    tier=Tier.FULL,
    needs=(Need.MOTOR,),
)
async def stale_epoch(bench: Bench) -> None:
    """Everything right but the epoch, older and newer."""
    client = bench.client
    await client.running(10)
    for change in (-1, 1):
        setpoint = client.setpoint(_HIGH)
        epoch = (setpoint.epoch + change) & 0xFFFFFFFF
        await _no_effect(
            bench, client, f"epoch {change:+}", msgspec.structs.replace(setpoint, epoch=epoch)
        )


@check(
    "old-sequence",
    "A SETPOINT that is older than the last has no effect",
    "R16",
    tier=Tier.FULL,
    needs=(Need.MOTOR,),
)
async def old_sequence(bench: Bench) -> None:
    """Overtaken on its way, and half the numbers ahead."""
    client = bench.client
    await client.running(10)
    overtaken = client.setpoint(_HIGH)
    await client.drive(0.4, _LOW)
    await _no_effect(
        bench,
        client,
        "overtaken",
        msgspec.structs.replace(overtaken, echo=client.latest.counter),
    )
    far = msgspec.structs.replace(client.setpoint(_HIGH), seq=(client.seq + (1 << 31)) & 0xFFFFFFFF)
    await _no_effect(bench, client, "2^31 ahead", far)


@check("sequence-wraps", "The sequence may wrap", "R16")
async def sequence_wraps(bench: Bench) -> None:
    """From 2^32 - 3 over 0."""
    client = bench.client
    client.seq = 0xFFFFFFFC
    await client.arm()
    for period in (2000, 3000, 4000, 5000, 6000):
        client.put(period=period)
        seen = await client.see(lambda t: t.seq == client.seq, 0.15 + bench.slack_s)
        bench.true(f"seq {client.seq} taken", seen is not None)


@check("duplicates", "The same SETPOINT again feeds nothing", "R4", "R16", tier=Tier.FULL)
async def duplicates(bench: Bench) -> None:
    """One frame, repeated every 50 ms for longer than T."""
    client = bench.client
    await client.arm()
    data = client.put(period=2500)
    taken = await client.see(lambda t: t.seq == client.seq, 0.3 + bench.slack_s)
    bench.true("the first is taken", taken is not None)
    end = bench.now() + 1.4 * bench.dead_man_s + bench.slack_s
    while bench.now() < end:
        await bench.sleep(0.05)
        client.raw(data)
    bench.true("the dead-man ends the session all the same", not client.is_open)


@check("arm-feeds-once", "ARM sent again and again feeds nothing", "R4")
async def arm_feeds_once(bench: Bench) -> None:
    """The same ARM every 100 ms, without a SETPOINT, for longer than T."""
    client = bench.client
    await client.next()
    arm = client.arm_message()
    bench.refused("first", await client.try_arm(arm), Result.OK)
    bench.refused("repetition", await client.try_arm(arm), Result.OK)
    end = bench.now() + 1.4 * bench.dead_man_s + bench.slack_s
    while bench.now() < end:
        client.send(arm)
        await bench.sleep(0.1)
    bench.true("the dead-man ends the session all the same", client.latest.epoch != client.epoch)


@check(
    "stale-echo",
    "A SETPOINT that echoes old or unknown TELEMETRY feeds nothing",
    "R4",
    tier=Tier.FULL,
)
async def stale_echo(bench: Bench) -> None:
    """Fresh sequence numbers, but a counter from before, for longer than T."""
    client = bench.client
    await client.arm()
    client.put()
    old = client.latest.counter
    await client.drive(bench.dead_man_s + 0.3)
    bench.true("a session with fresh echoes is open", client.is_open)
    before = await client.next()
    for what, echo in (("too old", old), ("not sent yet", client.latest.counter + 1000)):
        client.send(msgspec.structs.replace(client.setpoint(_HIGH), echo=echo))
        await client.next()
        bench.true(f"echo {what}: not taken", client.latest.seq != client.seq)
        client.put()
        await client.next()
    bench.at_least("counted", (client.latest.rejected - before.rejected) & 0xFFFF, 2, rule="R16")
    end = bench.now() + 1.4 * bench.dead_man_s + bench.slack_s
    while bench.now() < end:
        client.send(msgspec.structs.replace(client.setpoint(), echo=old))
        await bench.sleep(0.1)
    bench.true("the dead-man ends the session all the same", not client.is_open)


@check(
    "replay", "A whole session, replayed into the next, has no effect", "R16", needs=(Need.MOTOR,)
)
async def replay(bench: Bench) -> None:
    """What was recorded before a STOP is sent again after the next ARM."""
    client = bench.client
    await client.running(10, 0.2)
    recorded = [client.put((30, 30, 0, 0, 0, 0)) for _ in range(3)]
    await client.stop()
    await client.settle()
    await client.arm()
    before = await client.next()
    for data in recorded:
        client.raw(data)
    client.put()
    after = await client.next(2)
    bench.at_least("counted", (after.rejected - before.rejected) & 0xFFFF, 3)
    bench.at_most("highest level", max(after.level) / 10, 0, "%")


_MALFORMED: dict[str, dict[str, object]] = {
    "a level of 100.1 %": {"level": (10, 10, 0, 0, 1001, 0)},
    "a level of 6553.5 %": {"level": (65535, 10, 0, 0, 0, 0)},
    "mode 3": {"mode": 3},
    "a pause with a level": {"mode": 1},
    "heat of 29.9 °C": {"heat": 299},
    "heat of 39.1 °C": {"heat": 391},
    "a period of 0.999 s": {"period": 999},
    "a period of 60.001 s": {"period": 60001},
    "an unknown motion": {"pattern": (0x06, 1, 1, 1, 1, 1)},
    "vibration with a direction": {"pattern": (0x11, 1, 1, 1, 1, 1)},
    "rest with a level": {"pattern": (0x00, 1, 1, 1, 1, 1)},
    "kneading without a direction": {"pattern": (0x02, 1, 1, 1, 1, 1)},
}


@check(
    "malformed",
    "A fresh and authentic SETPOINT with a wrong field means zero",
    "R19",
    needs=(Need.MOTOR,),
)
async def malformed(bench: Bench) -> None:
    """Each kind once, out of running; the session goes on, and the next good one works."""
    client = bench.client
    await client.running(10, 0.2)
    for what, change in _MALFORMED.items():
        start = len(client.heard)
        client.send(msgspec.structs.replace(client.setpoint(_LOW), **change))
        telemetry = await client.see(lambda t: t.seq == client.seq, 0.15 + bench.slack_s)
        bench.true(f"{what}: reported at once", telemetry is not None)
        highest = max(max(t.level) for t in client.since(start)[-1:]) if telemetry else 1000
        bench.at_most(f"{what}: highest level", highest / 10, 0, "%")
        bench.true(f"{what}: the session goes on", client.is_open)
        client.put(_LOW)
        await client.see(lambda t: max(t.level) > 0, 0.3)

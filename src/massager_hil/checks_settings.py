"""Settings that change in mid-session, and ARMs that are repeated: levels, caps, fade and pause stay what they are."""

from __future__ import annotations

import msgspec

from massager_hil import wire
from massager_hil.bench import Bench
from massager_hil.model import Need, NotHere, Tier, check
from massager_hil.tables import (
    PATTERNS,
    Direction,
    Feature,
    Flag,
    Motion,
    Result,
    State,
    pattern,
)

_LOW = (30, 30, 30, 30, 30, 30)
_HIGH = (1000,) * 6
_PERIODS = (1000, 60000, 4000)


async def _changes(bench: Bench, what: str, level: tuple[int, ...], mode: int) -> None:
    """Every pattern, three periods and heat, each for a moment, with these levels and this mode."""
    client = bench.client
    heat = 350 if bench.info.flags & Feature.HEAT else 0
    for byte in PATTERNS:
        asked = level if byte & 15 else (0,) * 6
        bench.at(f"{what}: pattern {byte:02x}")
        await client.drive(0.4, asked, pattern=(byte,) * 6, mode=mode)
    for period in _PERIODS:
        bench.at(f"{what}: period {period} ms")
        await client.drive(0.3, level, period=period, mode=mode)
    for value in (heat, 0, heat):
        bench.at(f"{what}: heat {value}")
        await client.drive(0.3, level, heat=value, mode=mode)


@check(
    "settings-running",
    "Motion, direction, period and heat may change in mid-session: levels and caps stay as they are",
    *("R1", "R3", "R11", "R12"),
    tier=Tier.FULL,
    needs=(Need.MOTOR,),
)
async def settings_running(bench: Bench) -> None:
    """With a cap of 3 %, everything asked for, each pattern in turn."""
    client = bench.client
    await client.arm(cap=30)
    await client.drive(1.0, _HIGH)
    start = len(client.heard)
    await _changes(bench, "running", _HIGH, 0)
    most = max(max(t.level) for t in client.since(start)) / 10
    bench.at_most("highest level under a cap of 3 %", most, 3.0, "%", "R1")
    bench.true("the session goes on", client.is_open)


@check(
    "settings-fading",
    "Changed settings make no level rise in a fade, and turn no heat on",
    "R3",
    "R11",
    tier=Tier.FULL,
    needs=(Need.MOTOR,),
)
async def settings_fading(bench: Bench) -> None:
    """A fade at 2 %, then every setting, with everything asked for."""
    client = bench.client
    await client.running(40, 1.0)
    await client.drive(0.4, (20, 20, 0, 0, 0, 0), mode=2)
    start = len(client.heard)
    await _changes(bench, "fading", _HIGH, 0)
    telemetry = client.since(start)
    bench.at_most("highest level", max(max(t.level) for t in telemetry) / 10, 2.0, "%")
    bench.true("heat stays off", not any(t.flags & Flag.HEAT for t in telemetry), "R11")
    bench.state(client.latest, State.FADING)


@check(
    "settings-paused",
    "Changed settings leave a pause a pause, without heat",
    "R8",
    "R11",
    tier=Tier.FULL,
)
async def settings_paused(bench: Bench) -> None:
    """Every setting, at zero."""
    client = bench.client
    await client.arm()
    await client.drive(0.4, mode=1)
    start = len(client.heard)
    await _changes(bench, "paused", (0,) * 6, 1)
    telemetry = client.since(start)
    bench.true("heat stays off", not any(t.flags & Flag.HEAT for t in telemetry), "R11")
    bench.state(client.latest, State.PAUSED)


def _is_hot(t: wire.Telemetry) -> bool:
    return bool(t.flags & Flag.HEAT)


@check(
    "heat-modes",
    "Heat alone works, and is off in a pause, in a fade, after a malformed SETPOINT and after the end",
    "R11",
)
async def heat_modes(bench: Bench) -> None:
    """One after the other, at zero."""
    client = bench.client
    if not bench.info.flags & Feature.HEAT:
        raise NotHere("the device has no heat")
    await client.arm()
    bench.at("heat alone")
    bench.true("heat alone is on", await client.drive_until(_is_hot, 1.5, heat=390))
    bench.at("pause")
    await client.drive(0.5, heat=390, mode=1)
    bench.true("off in a pause", not (await client.next()).flags & Flag.HEAT)
    bench.true("on again after it", await client.drive_until(_is_hot, 1.0, heat=390))
    bench.at("malformed")
    client.send(msgspec.structs.replace(client.setpoint(heat=390), period=1))
    bench.true("off after a malformed SETPOINT", not (await client.next()).flags & Flag.HEAT)
    bench.true("on after a good one", await client.drive_until(_is_hot, 1.0, heat=390))
    bench.at("fade")
    await client.drive(0.5, heat=390, mode=2)
    bench.true("off in a fade", not (await client.next()).flags & Flag.HEAT)
    await client.stop()
    bench.true("off after the end", not (await client.settle()).flags & Flag.HEAT)


@check(
    "arm-repeated",
    "An ARM that is repeated changes neither cap, limit, seq nor running time, and only the owner can repeat it",
    *("R1", "R8", "R16", "R17"),
    tier=Tier.FULL,
    needs=(Need.MOTOR,),
)
async def arm_repeated(bench: Bench) -> None:
    """The same owner, token and epoch with a higher cap, a longer limit and an older seq."""
    client = bench.client
    await client.next()
    arm = client.arm_message(cap=20, limit_s=6)
    bench.refused("ARM", await client.try_arm(arm), Result.OK)
    await client.settle()
    began = client.latest.uptime
    await client.drive(1.5, _HIGH)
    again = msgspec.structs.replace(arm, cap=1000, limit_s=2700, seq=(arm.seq - 5) & 0xFFFFFFFF)
    for _ in range(2):
        client.acks.clear()  # They bear the token of the first one.
        bench.refused("repeated, with other fields", await client.try_arm(again), Result.OK, "R17")
        bench.same("seq reported after it", (await client.next()).seq, client.seq, "R16")
        await client.drive(0.3, _HIGH)
    for field, what in (("owner", "another owner's, with its token"), ("token", "another token's")):
        other = msgspec.structs.replace(arm, **{field: getattr(arm, field) ^ 0x40})
        client.acks.clear()
        bench.refused(f"{what}", await client.try_arm(other), Result.BUSY, "R17")
        await client.drive(0.2, _HIGH)
    await client.drive(6.0, _HIGH)
    telemetry = await client.next()
    most = max(max(t.level) for t in client.since(0)) / 10
    bench.at_most("highest level under the first cap of 2 %", most, 2.0, "%", "R1")
    end = next(
        (t for t in client.since(0) if t.epoch != client.epoch and t.uptime > began), telemetry
    )
    bench.within("length of the session", (end.uptime - began) / 1000, 5.25, 5.6, "s", "R8")


@check(
    "arm-again-envelope",
    "Neither a pause, a malformed SETPOINT nor a repeated ARM earns anything of the envelope",
    "R2",
    tier=Tier.FULL,
    needs=(Need.MOTOR,),
)
async def arm_again_envelope(bench: Bench) -> None:
    """70 s of running with all of these in it; then what may be reached by then, and no more."""
    client = bench.client
    await client.next()
    arm = client.arm_message()
    bench.refused("ARM", await client.try_arm(arm), Result.OK)
    for turn in range(7):
        bench.at(f"turn {turn}")
        await client.drive(10.0, _HIGH)
        await client.drive(3.0, mode=1)
        client.send(msgspec.structs.replace(client.setpoint(), period=1))
        await client.drive(2.0)
        await client.try_arm(arm)
    await client.drive(12.0, _HIGH)
    running = client.latest.running / 1000
    bench.within("running time reported", running, 80.0, 84.0, "s", "R2")
    bench.at_least("it does climb: highest level", max(client.latest.level) / 10, 11.0, "%")


@check(
    "zones-alone",
    "Each zone alone: the level that is asked of it is its own",
    "R1",
    tier=Tier.FULL,
    needs=(Need.MOTOR,),
)
async def zones_alone(bench: Bench) -> None:
    """One zone after the other at 1 %, with the others at zero; then all with levels of their own."""
    client = bench.client
    await client.arm()
    for zone in range(6):
        if not bench.info.zones >> zone & 1 or not bench.info.caps[zone]:
            continue
        bench.at(f"zone {zone}")
        level = tuple(10 if number == zone else 0 for number in range(6))
        await client.drive(1.6, level, pattern=(pattern(Motion.HOLD),) * 6)
        telemetry = client.latest
        moved = tuple(number for number in range(6) if telemetry.level[number])
        bench.same(f"zone {zone} asked: zones that have a level", moved, (zone,))
        driven = tuple(n for n in range(6) if telemetry.vibration[n] or telemetry.kneading[n])
        bench.same(f"zone {zone} asked: zones that are driven", driven, (zone,))
        bench.same(f"level of zone {zone}", telemetry.level[zone], 10)
    level = (12, 10, 8, 6, 4, 2)
    bench.at("all at once")
    await client.drive(1.5, level, pattern=(pattern(Motion.VIBRATE),) * 6)
    bench.same("levels, each its own", client.latest.level, _there(bench, level))
    await client.drive(0.8, level[::-1], pattern=(pattern(Motion.VIBRATE),) * 6)
    bench.same("levels, exchanged", client.latest.level, _there(bench, level[::-1]))


def _there(bench: Bench, level: tuple[int, ...]) -> tuple[int, ...]:
    """The levels that a device with these zones can have."""
    info = bench.info
    return tuple(
        one if info.zones >> zone & 1 and info.caps[zone] else 0 for zone, one in enumerate(level)
    )


@check(
    "patterns-alone",
    "Each zone makes the pattern that is asked of it",
    "R12",
    tier=Tier.FULL,
    needs=(Need.MOTOR,),
)
async def patterns_alone(bench: Bench) -> None:
    """One zone kneads while those that can vibrate do, after the 5 s that a boot counts for."""
    client = bench.client
    info = bench.info
    able = [zone for zone in range(6) if info.kneading >> zone & info.zones >> zone & 1]
    able = [zone for zone in able if info.caps[zone]]
    if not able or not info.sensing & 3 or not info.motions >> Motion.KNEAD & 1:
        raise NotHere("no zone kneads")
    await client.arm()
    await client.drive(6.0)
    vibrate, knead = pattern(Motion.VIBRATE), pattern(Motion.KNEAD, Direction.CW)
    for zone in able:
        bench.at(f"zone {zone} kneads")
        made = tuple(knead if number == zone else vibrate for number in range(6))
        start = len(client.heard)
        # A zone with a kneading motor alone would make any motion with that.
        asked = tuple(10 * (n == zone or info.vibration >> n & 1) for n in range(6))
        await client.drive(1.5, asked, pattern=made)
        kneaded = tuple(n for n in range(6) if any(t.kneading[n] for t in client.since(start)))
        bench.same(f"zone {zone} asked to knead: zones that do", kneaded, (zone,))
        await client.drive(0.5, pattern=(vibrate,) * 6)

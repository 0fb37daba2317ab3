"""Checks of what the levels may do: caps, sum, envelope, slew, and whether TELEMETRY is true (R1, R2, R3, R14)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import pairwise

from massager_hil import wire
from massager_hil.bench import Bench
from massager_hil.model import CannotMeasure, Need, NotHere, Tier, check
from massager_hil.tables import PATTERNS, TICK_S, ZONES, Motion, State

_CAPS = (70, 70, 50, 50, 35, 35)
_SUM = 200
_GENTLE = 10.0
_GENTLE_S = 60.0
_RAMP_S = 300.0
_ROUNDING = 0.11
_ALL = (1000,) * 6
_IDLE_MA = 30
"""More than this through motors at zero is not rest (R14)."""


def _envelope(running_s: float, cap: float) -> float:
    """R2, from docs/safety.md."""
    if running_s <= _GENTLE_S or cap <= _GENTLE:
        return min(_GENTLE, cap)
    return min(cap, _GENTLE + (cap - _GENTLE) * (running_s - _GENTLE_S) / (_RAMP_S - _GENTLE_S))


def _over_slew(telemetry: Sequence[wire.Telemetry], rise: float = 2.0) -> float:
    """The most by which a level rose above what the slew allows, in points."""
    worst = 0.0
    for a, b in pairwise(telemetry):
        allowed = rise * ((b.uptime - a.uptime) / 1000 + TICK_S) + _ROUNDING
        worst = max(worst, *((y - x) / 10 - allowed for x, y in zip(a.level, b.level, strict=True)))
    return max(0.0, worst)


def _over_envelope(telemetry: Sequence[wire.Telemetry], first_s: float = 0.0) -> float:
    """The most by which a level stood above the envelope, by the device's uptime since the first level."""
    worst = 0.0
    started: int | None = None
    ran = first_s
    before: wire.Telemetry | None = None
    for t in telemetry:
        if before is not None and any(before.level):
            ran += (t.uptime - before.uptime) / 1000
        elif any(t.level) and started is None:
            ran += 0.1  # It may have begun at any time since the TELEMETRY before.
        started = t.uptime if any(t.level) and started is None else started
        for level, cap in zip(t.level, _CAPS, strict=True):
            worst = max(worst, level / 10 - _envelope(ran, cap) - _ROUNDING)
        before = t
    return max(0.0, worst)


@check(
    "slew",
    "A level rises by 2 points/s at most, and falls at once",
    "R3",
    "R2",
    tier=Tier.FULL,
    needs=(Need.MOTOR,),
)
async def slew(bench: Bench) -> None:
    """Everything asked for at once; then down, and up again. For these seconds R2 says 10 % at most."""
    client = bench.client
    await client.arm()
    start = len(client.heard)
    await client.drive(3.0, _ALL)
    client.put((10, 10, 10, 10, 10, 10))
    fell = await client.see(lambda t: max(t.level) <= 10, 0.15 + bench.slack_s)
    bench.true("a fall is reported at once", fell is not None)
    await client.drive(4.5, _ALL)
    telemetry = client.since(start)
    bench.at_most("rise above 2 points/s", _over_slew(telemetry), 0, "points")
    bench.at_least(
        "it does rise: highest level", max(max(t.level) for t in telemetry) / 10, 2.0, "%"
    )
    bench.at_most("level above the envelope", _over_envelope(telemetry), 0, "points", "R2")


@check(
    "slew-again",
    "A pause and a new ARM earn nothing: the rise starts from zero",
    "R3",
    needs=(Need.MOTOR,),
)
async def slew_again(bench: Bench) -> None:
    """Pause and resume, then STOP and ARM again, each time asking for everything."""
    client = bench.client
    await client.running(100, 1.5)
    start = len(client.heard)
    client.put(mode=1)
    paused = await client.see(lambda t: t.state == State.PAUSED, 0.15 + bench.slack_s)
    bench.true("a pause is reported at once", paused is not None)
    highest = max(paused.level) / 10 if paused else 99.0
    bench.at_most("highest level in a pause", highest, 0, "%")
    await client.drive(0.4, mode=1)
    await client.drive(1.0, _ALL)
    await client.stop()
    await client.settle()
    await client.arm()
    await client.drive(1.0, _ALL)
    bench.at_most("rise above 2 points/s", _over_slew(client.since(start)), 0, "points")


@check(
    "fade",
    "After a fade was asked for no level rises until the session ends",
    "R3",
    needs=(Need.MOTOR,),
)
async def fade(bench: Bench) -> None:
    """Whatever a later SETPOINT asks for."""
    client = bench.client
    await client.running(50, 1.0)
    client.put((20, 20, 0, 0, 0, 0), mode=2)
    seen = await client.see(lambda t: t.state == State.FADING, 0.15 + bench.slack_s)
    bench.true("a fade is reported at once", seen is not None)
    start = len(client.heard) - 1
    await client.drive(1.5, (100,) * 6)
    telemetry = client.since(start)
    bench.at_most("highest level after it", max(max(t.level) for t in telemetry) / 10, 2.0, "%")
    bench.true("the session goes on", client.is_open)


@check("arm-cap", "No level above the cap of the ARM", "R1", needs=(Need.MOTOR,))
async def arm_cap(bench: Bench) -> None:
    """A cap of 1.5 %, and everything asked for, until a level is there and for 0.8 s more."""
    client = bench.client
    await client.arm(cap=15)
    start = len(client.heard)
    await client.drive_until(lambda t: max(t.level) >= 13, 2.5, _ALL)
    await client.drive(0.8, _ALL)
    most = max(max(t.level) for t in client.since(start)) / 10
    bench.within("highest level", most, 1.3, 1.5, "%")


@check("telemetry-true", "Levels and current agree", "R14", needs=(Need.MOTOR,))
async def telemetry_true(bench: Bench) -> None:
    """Current flows where a level is above zero, and none where all are at zero."""
    client = bench.client
    if not bench.info.sensing & 1:
        raise NotHere("the device has no sense of motor current")
    rest = (await client.next(3)).current
    bench.at_most("current at rest", rest, _IDLE_MA, "mA")
    await client.arm()
    start = len(client.heard)
    await client.drive(3.0, (60, 60, 60, 60, 60, 60))
    telemetry = client.since(start)[5:]
    silent = [t.current for t in telemetry if not any(t.level)]
    bench.at_most(
        "current while all levels are reported as zero", max(silent, default=0), _IDLE_MA, "mA"
    )
    bench.at_least("current at the end", telemetry[-1].current, _IDLE_MA + 1, "mA")
    bench.at_least("level at the end", max(telemetry[-1].level) / 10, 4.0, "%")
    bench.true("running time is reported", telemetry[-1].running >= 1500)
    bench.state(telemetry[-1], State.RUNNING)
    await client.stop()
    bench.at_most("current after STOP", (await client.next(3)).current, _IDLE_MA, "mA")


@check(
    "motions",
    "A zone makes the motions that INFO names, and stays at zero for others",
    "R12",
    needs=(Need.MOTOR,),
)
async def motions(bench: Bench) -> None:
    """Each motion for 0.3 s in each zone at once, at 1 %; up to 0.6 s more where a level is not there yet."""
    client, info = bench.client, bench.info
    await client.arm()
    for motion in sorted({byte & 15 for byte in PATTERNS} - {Motion.REST}):
        pattern = min(byte for byte in PATTERNS if byte & 15 == motion)
        name = Motion(motion).name.lower()
        await client.drive(0.25)
        start = len(client.heard)
        able = [_able(info, zone, motion) for zone in range(6)]
        moving = partial(_move, able)
        await client.drive(0.3, (10,) * 6, pattern=(pattern,) * 6)
        if not any(map(moving, client.since(start))):
            await client.drive_until(moving, 0.6, (10,) * 6, pattern=(pattern,) * 6)
        highest = [max(t.level[zone] for t in client.since(start)) for zone in range(6)]
        wrong = [zone for zone in range(6) if highest[zone] and not able[zone]]
        idle = [zone for zone in range(6) if able[zone] and not highest[zone]]
        bench.same(f"{name}: zones that move and should not", len(wrong), 0)
        bench.same(f"{name}: zones that should move and do not", len(idle), 0)


@check(
    "hand-over",
    "No actuator's drive rises by more than 10 points/s when the motion changes",
    "R3",
    tier=Tier.FULL,
    needs=(Need.MOTOR,),
)
async def hand_over(bench: Bench) -> None:
    """Vibrates at 10 %, then kneads, glides and vibrates again, 8 s each."""
    client = bench.client
    if not bench.info.vibration & bench.info.kneading or not bench.info.sensing & 3:
        raise NotHere("no zone kneads and vibrates")
    await client.arm()
    start = len(client.heard)
    for pattern in (0x01, 0x12, 0x43, 0x01):
        await client.drive(8.0, (100,) * 6, pattern=(pattern,) * 6)
    telemetry = client.since(start)
    rise, most = 0.0, 0
    for before, after in pairwise(telemetry):
        seconds = (after.uptime - before.uptime) / 1000
        pairs = zip(
            before.vibration + before.kneading, after.vibration + after.kneading, strict=True
        )
        rise = max(rise, *((now - was) / 10 - 10 * seconds for was, now in pairs))
        each = zip(after.vibration, after.kneading, after.level, strict=True)
        most = max(most, *(a + b - level for a, b, level in each))
    bench.at_most("rise of a drive beyond 10 points/s", rise, 0.3, "points")
    bench.at_most("drives of a zone above its level", most / 10, 0.2, "points")
    bench.at_least("kneading drive reached", max(max(t.kneading) for t in telemetry) / 10, 3.0, "%")


def _move(zones: list[bool], t: wire.Telemetry) -> bool:
    return all(level or not able for level, able in zip(t.level, zones, strict=True))


def _able(info: wire.Info, zone: int, motion: int) -> bool:
    if not info.zones >> zone & 1 or not info.motions >> motion & 1 or not info.caps[zone]:
        return False
    if motion in (Motion.KNEAD, Motion.CIRCLE):
        return bool(info.kneading >> zone & 1) and bool(info.sensing & 3)
    return bool((info.vibration | info.kneading) >> zone & 1)


@check(
    "envelope",
    "R2 and R1 over six minutes: envelope, caps and sum",
    "R2",
    "R1",
    "R3",
    tier=Tier.FULL,
    needs=(Need.MOTOR,),
)
async def envelope(bench: Bench) -> None:
    """Everything asked for in all zones for 330 s, then in two at a time, so that the sum binds no more."""
    client = bench.client
    await client.arm()
    start = len(client.heard)
    await client.drive(330.0, _ALL)
    if not client.is_open:
        raise CannotMeasure("the session ended within 330 s")
    for pair in ((1000, 1000, 0, 0, 0, 0), (0, 0, 1000, 1000, 0, 0), (0, 0, 0, 0, 1000, 1000)):
        await client.drive(38.0, pair)
    telemetry = client.since(start)
    bench.at_most("level above the envelope", _over_envelope(telemetry), 0, "points")
    bench.at_most("sum of all levels", max(sum(t.level) for t in telemetry) / 10, _SUM, "%", "R1")
    for zone, name in enumerate(ZONES):
        most = max(t.level[zone] for t in telemetry) / 10
        there = bench.info.zones >> zone & 1
        bound = min(_CAPS[zone], bench.info.caps[zone]) if there else 0
        bench.at_most(f"highest level, {name}", most, bound, "%", "R1")
        bench.at_least(f"{name} reaches its cap", most, bound - 0.5, "%", "R1")
    bench.at_most("rise above 2 points/s", _over_slew(telemetry), 0, "points", "R3")


@check(
    "envelope-zero",
    "Time at zero earns nothing of the envelope",
    "R2",
    tier=Tier.FULL,
    needs=(Need.MOTOR,),
)
async def envelope_zero(bench: Bench) -> None:
    """Armed at zero for 100 s, paused for 60 s, then everything asked for."""
    client = bench.client
    await client.arm()
    await client.drive(100.0)
    await client.drive(60.0, mode=1)
    start = len(client.heard)
    await client.drive(30.0, _ALL)
    most = max(max(t.level) for t in client.since(start)) / 10
    bench.at_most("highest level in the first 30 s of running", most, _GENTLE, "%")


@check(
    "envelope-over", "A new ARM starts the envelope over", "R2", tier=Tier.FULL, needs=(Need.MOTOR,)
)
async def envelope_over(bench: Bench) -> None:
    """120 s of running, STOP, ARM, and everything asked for."""
    client = bench.client
    await client.arm()
    await client.drive(120.0, _ALL)
    most = max(client.latest.level) / 10
    bench.at_least("level reached before", most, 15.0, "%")
    await client.stop()
    await client.settle()
    await client.arm()
    start = len(client.heard)
    await client.drive(20.0, _ALL)
    most = max(max(t.level) for t in client.since(start)) / 10
    bench.at_most("highest level in the first 20 s after the new ARM", most, _GENTLE, "%")

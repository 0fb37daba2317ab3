"""What the actuators may do: reversals and their rest, a boot that counts for one, start duty, glides (R3, R12)."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

from massager_hil import wire
from massager_hil.bench import Bench
from massager_hil.client import Client
from massager_hil.model import CannotMeasure, Need, NotHere, Tier, check
from massager_hil.tables import (
    REST_BEFORE_REVERSAL_S,
    REVERSALS_APART_S,
    START_DUTY,
    Direction,
    Motion,
    pattern,
)

_LEVEL: Final = 80
_ALL: Final = (_LEVEL,) * 6
_CW: Final = pattern(Motion.KNEAD, Direction.CW)
_CCW: Final = pattern(Motion.KNEAD, Direction.CCW)
_UP: Final = pattern(Motion.GLIDE, Direction.UP)
_DOWN: Final = pattern(Motion.GLIDE, Direction.DOWN)
_VIBRATE: Final = pattern(Motion.VIBRATE)
_REST_MS: Final = REST_BEFORE_REVERSAL_S * 1000 - 100
"""A rest of 300 ms shows at least so long between its first and last TELEMETRY at zero."""


def kneading_zone(bench: Bench) -> int:
    """A zone that kneads, or the check does not apply."""
    info = bench.info
    if not info.sensing & 3 or not info.motions >> Motion.KNEAD & 1:
        raise NotHere("the device does not knead")
    able = info.zones & info.kneading
    zone = next((z for z in range(6) if able >> z & 1 and info.caps[z]), None)
    if zone is None:
        raise NotHere("no zone kneads")
    return zone


def _still(t: wire.Telemetry, zone: int) -> bool:
    return not t.vibration[zone] and not t.kneading[zone]


def _zero_spans(telemetry: list[wire.Telemetry], zone: int) -> list[tuple[int, int]]:
    spans: list[tuple[int, int]] = []
    start: int | None = None
    last = 0
    for t in telemetry:
        if _still(t, zone):
            start = t.uptime if start is None else start
            last = t.uptime
        elif start is not None:
            spans.append((start, last))
            start = None
    if start is not None:
        spans.append((start, last))
    return spans


async def _turning(bench: Bench, zone: int, byte: int = _CW) -> None:
    """Run until the zone's motor turns, past the 5 s that a boot counts for."""
    client = bench.client
    await client.arm()
    await client.drive(REVERSALS_APART_S + 0.3)
    await client.drive(6.0, _ALL, pattern=(byte,) * 6)
    if not any(t.kneading[zone] for t in client.since(0)[-20:]):
        raise CannotMeasure("kneading at 8 % drives nothing", "R12")


async def _turned(client: Client, byte: int, seconds: float) -> tuple[list[wire.Telemetry], int]:
    """Ask for another way; the TELEMETRY from then on, and the uptime of that."""
    await client.next()
    at, start = client.latest.uptime, len(client.heard)
    await client.drive(seconds, _ALL, pattern=(byte,) * 6)
    return client.since(start), at


@check(
    "reversal-rest",
    "A zone rests for 300 ms, both drives at zero, before it turns the other way",
    "R3",
    tier=Tier.FULL,
    needs=(Need.MOTOR,),
)
async def reversal_rest(bench: Bench) -> None:
    """Clockwise, then the other way; and again with vibration between."""
    client, zone = bench.client, kneading_zone(bench)
    await _turning(bench, zone)
    bench.at("cw to ccw")
    telemetry, at = await _turned(client, _CCW, 7.0)
    spans = [last - first for first, last in _zero_spans(telemetry, zone)]
    bench.at_least("longest rest after cw to ccw", max(spans, default=0), _REST_MS, "ms")
    after = [t for t in telemetry if t.uptime > at + 6000]
    bench.true("it turns again within 7 s", any(t.kneading[zone] for t in after))
    bench.at("ccw, vibration, cw")
    await client.drive(6.0, _ALL, pattern=(_VIBRATE,) * 6)
    telemetry, at = await _turned(client, _CW, 7.0)
    spans = [last - first for first, last in _zero_spans(telemetry, zone)]
    bench.at_least("longest rest after ccw, vibration, cw", max(spans, default=0), _REST_MS, "ms")


@check(
    "reversal-apart",
    "At least 5 s lie between two reversals, whatever is asked",
    "R3",
    tier=Tier.FULL,
    needs=(Need.MOTOR,),
)
async def reversal_apart(bench: Bench) -> None:
    """The other way, and back as soon as it turns; then again over STOP and ARM, and over a pause."""
    client, zone = bench.client, kneading_zone(bench)
    await _turning(bench, zone)
    start = len(client.heard)
    for _ in range(40):
        await client.drive(0.2, _ALL, pattern=(_CCW,) * 6)
        spans = _zero_spans(client.since(start), zone)
        if spans and spans[-1][1] - spans[-1][0] >= _REST_MS and client.latest.kneading[zone]:
            break
    else:
        raise CannotMeasure("it does not turn the other way within 8 s")
    first = spans[-1][1]
    telemetry, at = await _turned(client, _CW, 7.0)
    early = [
        (a, b)
        for a, b in _zero_spans(telemetry, zone)
        if b - a >= _REST_MS and a > at and b + 120 < first + REVERSALS_APART_S * 1000
        if any(t.uptime > b and t.kneading[zone] for t in telemetry)
    ]
    ends = min((b for _, b in early), default=0)
    apart = (ends - first) / 1000 if ends else REVERSALS_APART_S
    bench.at_least("time from one reversal to the next", apart, REVERSALS_APART_S - 0.15, "s")
    for what, byte in (("STOP and ARM", _CCW), ("a pause", _CW)):
        rests = [b for a, b in _zero_spans(telemetry, zone) if b - a >= _REST_MS]
        if not rests or not any(t.kneading[zone] for t in telemetry[-20:]):
            raise CannotMeasure("it does not turn back within 7 s")
        if byte == _CCW:
            await client.stop()
            await client.settle()
            await client.arm()
        else:
            await client.drive(0.3, mode=1)
        telemetry, _ = await _turned(client, byte, 5.0)
        begins = next((t.uptime for t in telemetry if t.kneading[zone]), telemetry[-1].uptime)
        # It may wait at zero, or go on the old way and rest then.
        rested = any(a > begins and b - a >= _REST_MS for a, b in _zero_spans(telemetry, zone))
        apart = REVERSALS_APART_S if rested else (begins - rests[-1]) / 1000
        bench.at_least(
            f"time to the next reversal over {what}", apart, REVERSALS_APART_S - 0.15, "s"
        )


@check(
    "alternate-apart",
    "With alternate, a zone turns no more than once in 5 s",
    "R3",
    tier=Tier.FULL,
    needs=(Need.MOTOR,),
)
async def alternate_apart(bench: Bench) -> None:
    """Kneading and circling with periods of 1 and 3 s, 20 s each."""
    client, zone = bench.client, kneading_zone(bench)
    await _turning(bench, zone)
    for motion in (Motion.KNEAD, Motion.CIRCLE):
        if not bench.info.motions >> motion & 1:
            continue
        for period in (1000, 3000):
            bench.at(f"{motion.name.lower()}, {period} ms")
            byte = pattern(motion, Direction.ALTERNATE)
            start = len(client.heard)
            await client.drive(20.0, _ALL, pattern=(byte,) * 6, period=period)
            telemetry = client.since(start)
            turns = [a for a, b in _zero_spans(telemetry, zone) if b - a >= _REST_MS]
            gaps = [(y - x) / 1000 for x, y in pairwise(turns)]
            bench.at_least(
                f"{motion.name.lower()}, {period} ms: shortest time between two turns",
                min(gaps, default=REVERSALS_APART_S),
                REVERSALS_APART_S - 0.15,
                "s",
            )
    await client.stop()


@check(
    "boot-is-a-reversal",
    "None of the motions with a way begins sooner than 5 s after a boot",
    "R3",
    needs=(Need.MOTOR, Need.RESET),
)
async def boot_is_a_reversal(bench: Bench) -> None:
    """Reset, ARM at once, and knead, circle and glide, as far as INFO names them."""
    client = bench.client
    kneading_zone(bench)
    for byte in (_CW, pattern(Motion.CIRCLE, Direction.CCW), _UP):
        if not bench.info.motions >> (byte & 15) & 1:
            continue
        bench.at(f"pattern {byte:02x}")
        await bench.operator.reset(client)
        client = await bench.back()
        await client.arm()
        start = len(client.heard)
        await client.drive(6.5, _ALL, pattern=(byte,) * 6)
        telemetry = client.since(start)
        first = next((t.uptime for t in telemetry if any(t.kneading) or any(t.vibration)), None)
        if first is None:
            bench.never(f"pattern {byte:02x} is driven", bound=6.5)
        else:
            what = f"pattern {byte:02x}: first drive after the boot"
            bench.at_least(what, first / 1000, REVERSALS_APART_S - 0.02, "s")
        await client.stop()
        await client.settle()


@check(
    "start-duty",
    "A motor starts at 1 % at most, and stays there for 300 ms",
    "R12",
    tier=Tier.FULL,
    needs=(Need.MOTOR,),
)
async def start_duty(bench: Bench) -> None:
    """At a level that is there already: out of a rest, and from one actuator to the other."""
    client, zone = bench.client, kneading_zone(bench)
    await _turning(bench, zone)
    for byte in (_CCW, _VIBRATE, _CW, _VIBRATE, _UP):
        bench.at(f"pattern {byte:02x}")
        start = len(client.heard)
        await client.drive(6.5, _ALL, pattern=(byte,) * 6)
        telemetry = client.since(start)
        for name in ("vibration", "kneading"):
            worst = 0
            off = None
            for t in telemetry:
                drive = getattr(t, name)[zone]
                if not drive:
                    off = t.uptime
                elif off is not None and t.uptime - off <= 300:
                    worst = max(worst, drive)
            what = f"{name} in its first 300 ms, pattern {byte:02x}"
            bench.at_most(what, worst / 10, START_DUTY / 10, "%")


@check(
    "glide-travels",
    "A glide travels low to high for up, the other way for down, and rests before it turns",
    "R3",
    "R12",
    tier=Tier.FULL,
    needs=(Need.MOTOR,),
)
async def glide_travels(bench: Bench) -> None:
    """Up, then down while its hill is in the middle of a side."""
    client = bench.client
    kneading_zone(bench)
    if not bench.info.motions >> Motion.GLIDE & 1 or bench.info.zones != 63:
        raise NotHere("the device does not glide over three zones of a side")
    await client.arm()
    await client.drive(REVERSALS_APART_S + 0.3)
    await client.drive(6.0, _ALL, pattern=(_UP,) * 6, period=6000)
    start = len(client.heard)
    await client.drive(12.0, _ALL, pattern=(_UP,) * 6, period=6000)
    order = _order(client.since(start))
    bench.true("up: the hill goes from the low zones to the high ones", order >= 0)
    for _ in range(40):
        t = client.latest
        if _drive(t, 2) > 0.7 * _LEVEL and _drive(t, 0) < _drive(t, 2) > _drive(t, 4):
            break
        await client.drive(0.2, _ALL, pattern=(_UP,) * 6, period=6000)
    start = len(client.heard)
    await client.drive(9.0, _ALL, pattern=(_DOWN,) * 6, period=6000)
    telemetry = client.since(start)
    for t in telemetry:
        if _drive(t, 4) > 0.4 * _LEVEL:
            break  # It goes on the way that it was on, for a while.
        if _drive(t, 0) > 0.4 * _LEVEL:
            spans = [
                b - a for a, b in _zero_spans([x for x in telemetry if x.uptime <= t.uptime], 2)
            ]
            what = "longest rest of the zone in the middle before the hill goes the other way"
            bench.at_least(what, max(spans, default=0), _REST_MS, "ms")
            break
    start = len(client.heard)
    await client.drive(12.0, _ALL, pattern=(_DOWN,) * 6, period=6000)
    bench.true("down: from the high zones to the low ones", _order(client.since(start)) <= 0)


def _drive(t: wire.Telemetry, zone: int) -> int:
    return t.vibration[zone] + t.kneading[zone]


def _order(telemetry: list[wire.Telemetry]) -> int:
    """How often the hill stepped up the left side, less how often it stepped down."""
    peaks: list[int] = []
    for t in telemetry:
        drives = [_drive(t, zone) for zone in (0, 2, 4)]
        top = max(drives)
        if top > 0.4 * _LEVEL and drives.count(top) == 1:
            place = drives.index(top)
            if not peaks or peaks[-1] != place:
                peaks.append(place)
    return sum((b - a + 3) % 3 == 1 for a, b in pairwise(peaks)) - sum(
        (b - a + 3) % 3 == 2 for a, b in pairwise(peaks)
    )

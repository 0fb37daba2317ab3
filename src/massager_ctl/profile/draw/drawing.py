"""The contents of a picture of a plan: lanes with level, envelope and cap, and bands for hands-only steps."""

from __future__ import annotations

from itertools import pairwise

from msgspec import Struct

from massager_ctl.model.units import ZONES, Zone
from massager_ctl.profile.plan.timeline import Guided, Plan, Point, rows
from massager_ctl.safety.envelope import GENTLE_S, envelope


class Lane(Struct, frozen=True):
    """A zone's curve, the envelope above it (R2) and its cap (R1). Seconds, percent."""

    zone: Zone
    level: tuple[Point, ...]
    envelope: tuple[Point, ...]
    cap: float

    @property
    def name(self) -> str:
        """The zone's name for display."""
        return self.zone.replace("_", " ")


class Drawing(Struct, frozen=True):
    """A plan as lanes and bands; `top` is the highest value on any lane's scale, percent."""

    title: str
    duration_s: float
    lanes: tuple[Lane, ...]
    bands: tuple[Guided, ...]
    top: float

    @property
    def tick_s(self) -> float:
        """Seconds between two marks on the time axis: whole minutes, ten marks or so."""
        return 60.0 * next(minutes for minutes in (1, 2, 5) if self.duration_s <= minutes * 720.0)


def draw(plan: Plan) -> Drawing:
    """The lanes of the zones that the plan drives, and its hands-only steps."""
    ran = running(plan)
    lanes = tuple(
        Lane(zone, plan.zones[zone], _envelope(ran, plan, zone), plan.limits.caps[zone.index])
        for zone in ZONES
        if zone in plan.zones
    )
    bands = tuple(guided for guided in plan.guided if guided.motors_off)
    top = max((lane.cap for lane in lanes), default=0.0)
    return Drawing(plan.title, plan.duration_s, lanes, bands, top)


def running(plan: Plan) -> list[Point]:
    """(seconds, seconds of running by then): time with any level above zero (R2)."""
    table = rows(plan.zones)
    result: list[Point] = [(0.0, 0.0)]
    for (start, _, left), (end, right, _) in pairwise(table):
        turning = any(left) or any(right)
        result.append((end, result[-1][1] + (end - start if turning else 0.0)))
    if result[-1][0] < plan.duration_s:
        result.append((plan.duration_s, result[-1][1]))
    return result


def _envelope(ran: list[Point], plan: Plan, zone: Zone) -> tuple[Point, ...]:
    cap, ramp = plan.limits.caps[zone.index], plan.ramp_s
    points: list[Point] = []
    for (t0, r0), (t1, r1) in pairwise(ran):
        kinks = [(t0 + kink - r0, kink) for kink in (GENTLE_S, ramp) if r0 < kink < r1]
        for t, r in ((t0, r0), *kinks, (t1, r1)):
            point = (t, envelope(r, cap, ramp))
            if not points or points[-1] != point:
                points.append(point)
    return tuple(points)

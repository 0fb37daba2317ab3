"""Makes exact curves of a profile under the limits in force, and proves them before anything starts (R20)."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec
from msgspec import Struct

from massager_ctl.errors import ProfileError, Refused
from massager_ctl.model.device import DeviceInfo, Pattern
from massager_ctl.model.units import ZONES, Motion, Zone
from massager_ctl.profile.model import Profile, device_allows_s
from massager_ctl.profile.plan.build import Written, build, fit
from massager_ctl.profile.plan.capability import adapt
from massager_ctl.profile.plan.prove import prove
from massager_ctl.profile.plan.timeline import Guided, Plan, PlanCursor, Segment, rows
from massager_ctl.safety.limits import BOUNDS_LAYER, CapLayer, Limits, combine

__all__ = [
    "Guided",
    "Plan",
    "PlanCursor",
    "ProvedProfile",
    "Segment",
    "fit_plan",
    "make_plan",
    "prove_profile",
    "refusal",
    "sealed",
    "to_json",
]


class ProvedProfile(Struct, frozen=True):
    """A profile that keeps every bound as written, and its time line (R1 to R3, R8, P5)."""

    profile: Profile
    plan: Plan

    @property
    def id(self) -> str:
        return self.profile.id


def prove_profile(profile: Profile) -> ProvedProfile:
    """Build and prove `profile` as written, once. ProfileError with every problem if it breaks a bound."""
    plan = build(profile, combine((_own_layer(profile),)), Written.AS_IT_STANDS)
    violations = prove(plan)
    if violations:
        raise refusal(profile, tuple(str(violation) for violation in violations))
    return ProvedProfile(profile, plan)


def make_plan(profile: Profile, limits: Limits, info: DeviceInfo | None = None) -> Plan:
    """`prove_profile` and `fit_plan` in one."""
    return fit_plan(prove_profile(profile), limits, info)


def fit_plan(proved: ProvedProfile, limits: Limits, info: DeviceInfo | None = None) -> Plan:
    """The time line under `limits` and what the device can do.

    Personal caps and a weaker device only lower it, and `Plan.notes` says so; only then is it built and proved again.
    Refused if nothing is left to play.
    """
    profile, plan = proved.profile, proved.plan
    own_layer = _own_layer(profile)
    own = combine((own_layer,))
    layers = [layer for layer in limits.layers if layer.name not in {BOUNDS_LAYER.name, "profile"}]
    sum_cap = limits.sum_cap
    notes: tuple[str, ...] = ()
    fitted = fit(profile, own)
    if info is not None:
        fitted, notes = adapt(fitted, info)
        layers.append(CapLayer("device", info.caps, "the device allows no more"))
        sum_cap = min(sum_cap, info.sum_cap)
    allowed = combine((*layers, own_layer), sum_cap)
    used = tuple(plan.zones)
    notes += _lowered(used, own, allowed)
    if used and all(allowed.caps[zone.index] <= 0 for zone in used):
        reasons = sorted({allowed.binding(zone).reason for zone in used})
        raise Refused(
            f"nothing of '{profile.id}' is left to play: {'; '.join(reasons)}",
            "Raise that cap, or choose another profile.",
        )
    highest = max((sum(levels) for _, _, levels in rows(plan.zones)), default=0.0)
    if highest > allowed.sum_cap:
        notes += (f"all zones together are capped at {allowed.sum_cap:g}",)
    if notes:
        plan = build(fitted, allowed, Written.LOWERED)
        violations = prove(plan)
        if violations:
            raise Refused(
                f"what is left of '{profile.id}' under these limits breaks a rule: {violations[0]}",
                "; ".join(notes),
            )
    if info is not None:
        _within_time(plan, info)
    return sealed(plan, limits=allowed, notes=notes)


def _own_layer(profile: Profile) -> CapLayer:
    return CapLayer.flat("profile", profile.cap, "this profile's cap")


def refusal(profile: Profile, problems: tuple[str, ...]) -> ProfileError:
    """The error for a profile with `problems`."""
    count = "a problem" if len(problems) == 1 else f"{len(problems)} problems"
    return ProfileError(
        f"profile '{profile.id}' has {count}:\n" + "\n".join(f"  {line}" for line in problems),
        "Correct the file; 'massager-ctl profiles validate FILE' checks it again.",
        problems,
    )


def _lowered(used: tuple[Zone, ...], own: Limits, allowed: Limits) -> tuple[str, ...]:
    by_layer: dict[tuple[str, float], list[Zone]] = {}
    for zone in used:
        cap = allowed.caps[zone.index]
        if cap < own.caps[zone.index]:
            by_layer.setdefault((allowed.binding(zone).reason, cap), []).append(zone)
    notes: list[str] = []
    for (reason, cap), zones in by_layer.items():
        where = "" if len(zones) == len(used) else f" ({', '.join(zones)})"
        notes.append(f"{reason}: capped at {cap:g}{where}")
    return tuple(notes)


def _within_time(plan: Plan, info: DeviceInfo) -> None:
    longest_s = device_allows_s(info.session_s)
    if plan.duration_s > longest_s:
        raise Refused(
            f"'{plan.id}' lasts {plan.duration_s:g} s and this device allows {longest_s:g} s a session (R8)",
            "Choose a shorter profile.",
        )
    longest_s = device_allows_s(info.allowance_s)
    if plan.running_s > longest_s:
        raise Refused(
            f"'{plan.id}' runs the motors for {plan.running_s:g} s and this device allows {longest_s:g} s an hour"
            " (R8)",
            "Choose a shorter profile.",
        )


def sealed(plan: Plan, limits: Limits, notes: tuple[str, ...]) -> Plan:
    """The same plan with its limits, its notes and the hash over all that will be played."""
    bare = msgspec.structs.replace(plan, limits=limits, notes=notes, hash="")
    digest = hashlib.sha256(msgspec.json.encode(to_json(bare), order="sorted"))
    return msgspec.structs.replace(bare, hash=digest.hexdigest())


def to_json(plan: Plan) -> dict[str, Any]:
    """What `profiles show P --json` prints: per zone the breakpoints of a piecewise linear curve."""
    return {
        "id": plan.id,
        "title": plan.title,
        "technique": plan.technique,
        "tags": list(plan.tags),
        "rules": list(plan.rules),
        "not_for": list(plan.not_for),
        "summary": plan.summary,
        "duration_s": plan.duration_s,
        "running_s": round(plan.running_s, 4),
        "ramp_s": plan.ramp_s,
        "fade_s": plan.fade_s,
        "cap": plan.cap,
        "caps": {zone: float(plan.limits.caps[zone.index]) for zone in plan.zones},
        "zones": {
            zone: [[round(t, 4), round(level, 4)] for t, level in points]
            for zone, points in plan.zones.items()
        },
        "motions": [_segment(plan, segment) for segment in plan.motions],
        "guided": [_guided(guided) for guided in plan.guided],
        "notes": list(plan.notes),
        "hash": plan.hash,
    }


def _segment(plan: Plan, segment: Segment) -> dict[str, Any]:
    def named(pattern: Pattern) -> dict[str, str]:
        return {"motion": pattern.motion, "direction": pattern.direction}

    return {
        "t": segment.t,
        "period_s": segment.period_s,
        "heat_c": segment.heat_c,
        "zones": {
            zone: named(segment.patterns[zone.index])
            for zone in ZONES
            if zone in plan.zones and segment.patterns[zone.index].motion is not Motion.REST
        },
    }


def _guided(guided: Guided) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "t": guided.t,
        "duration_s": guided.duration_s,
        "text": guided.text,
        "motors_off": guided.motors_off,
        "bell": guided.bell,
    }
    if guided.breath:
        entry["breath"] = {"in_s": guided.breath.in_s, "out_s": guided.breath.out_s}
    return entry

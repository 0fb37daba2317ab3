"""Adapts a profile to a device that lacks a zone or a motion: never stronger, and with a note for each change."""

from __future__ import annotations

from typing import Final

import msgspec

from massager_ctl.errors import Refused
from massager_ctl.model.device import DeviceInfo, Pattern, Sensing
from massager_ctl.model.units import DIRECTIONS, Direction, Motion, Zone
from massager_ctl.profile.model import HandsOn, Part, Powered, Profile, Rest, Step, scaled

FALLBACKS: Final[dict[Motion, tuple[Motion, ...]]] = {
    Motion.VIBRATE: (Motion.GLIDE,),
    Motion.KNEAD: (Motion.CIRCLE, Motion.GLIDE, Motion.VIBRATE),
    Motion.GLIDE: (Motion.VIBRATE,),
    Motion.CIRCLE: (Motion.KNEAD, Motion.GLIDE, Motion.VIBRATE),
    Motion.HOLD: (Motion.VIBRATE,),
    Motion.REST: (),
}
"""The substitutes for a motion, the nearest first."""

MEAN: Final[dict[Motion, float]] = {
    Motion.REST: 0.0,
    Motion.VIBRATE: 1.0,
    Motion.HOLD: 1.0,
    Motion.KNEAD: 0.5,
    Motion.CIRCLE: 0.5,
    Motion.GLIDE: 0.5,
}
"""Roughly the share of its level that a motion delivers over a cycle; a substitute with more gets less level."""


def adapt(profile: Profile, info: DeviceInfo) -> tuple[Profile, tuple[str, ...]]:
    """The profile that this device can play, and notes on what was left out or replaced.

    Refused if no powered part is left of a profile that had one.
    """
    notes: dict[str, None] = {}
    steps = tuple(_adapted(step, info, notes) for step in profile.steps)
    if profile.powered and not any(isinstance(step, Powered) for step in steps):
        raise Refused(
            f"nothing of '{profile.id}' is left to play on device {info.serial}: {'; '.join(notes)}",
            "Choose a profile for the zones and motions that this device has.",
        )
    return msgspec.structs.replace(profile, steps=steps), tuple(notes)


def _adapted(step: Step, info: DeviceInfo, notes: dict[str, None]) -> Step:
    match step:
        case Powered():
            return _powered(step, info, notes)
        case HandsOn() | Rest():
            return step


def _powered(step: Powered, info: DeviceInfo, notes: dict[str, None]) -> Step:
    heat = step.heat_c
    if heat is not None and not info.heat:
        notes["this device has no heat: the session goes without"] = None
        heat = None
    parts = tuple(played for part in step.parts if (played := _part(part, info, notes)) is not None)
    if not parts:
        return Rest(step.duration_s, step.title, step.say, step.place)
    return msgspec.structs.replace(step, parts=parts, heat_c=heat)


def _part(part: Part, info: DeviceInfo, notes: dict[str, None]) -> Part | None:
    zone, wanted = part.zone, part.pattern
    if zone not in info.zones:
        notes[f"this device has no {zone} pad: that zone is left out"] = None
        return None
    for motion in (wanted.motion, *FALLBACKS[wanted.motion]):
        direction = _direction(motion, wanted.direction, info)
        if motion not in info.motions or direction is None or zone not in _reach(motion, info):
            continue
        if motion is not wanted.motion:
            notes[
                f"this device cannot {wanted.motion} at {zone}: {motion} instead, no stronger"
            ] = None
        elif direction is not wanted.direction:
            notes[f"this device cannot {wanted.motion} {wanted.direction}: {direction} instead"] = (
                None
            )
        scale = min(1.0, MEAN[wanted.motion] / MEAN[motion])
        return Part(zone, scaled(part.aim, scale), Pattern(motion, direction))
    notes[f"this device cannot {wanted.motion} at {zone}, nor anything gentler: left out"] = None
    return None


def _reach(motion: Motion, info: DeviceInfo) -> frozenset[Zone]:
    """The zones in which the device can make a motion; kneading needs stall sensing (R12)."""
    if motion in {Motion.KNEAD, Motion.CIRCLE}:
        sensed = Sensing.CURRENT in info.sensing or Sensing.SPEED in info.sensing
        return info.kneading if sensed else frozenset()
    return info.vibration | info.kneading if motion is Motion.GLIDE else info.vibration


def _direction(motion: Motion, wanted: Direction, info: DeviceInfo) -> Direction | None:
    """The wanted direction, else another that suits the motion and that the device can make."""
    suits = DIRECTIONS[motion]
    if Direction.NONE in suits:
        return Direction.NONE
    order = (wanted, Direction.ALTERNATE, Direction.CW, Direction.CCW, Direction.DOWN, Direction.UP)
    return next((way for way in order if way in suits and way in info.directions), None)

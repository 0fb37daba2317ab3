"""Reads a powered step: where, how strong, how played and how long (R1, R19, D3)."""

from __future__ import annotations

import math
from typing import Final

from massager_ctl.model.device import Pattern
from massager_ctl.model.units import DIRECTIONS, Direction, Motion, Zone
from massager_ctl.profile.format.fields import Mapping, Reader
from massager_ctl.profile.format.nodes import Node, Problem
from massager_ctl.profile.format.schema import SHORTEST_S, Breathe, StepFile, keys_of
from massager_ctl.profile.model import (
    HOLD_MAX_S,
    HOLD_MIN_S,
    SESSION_LIMIT_S,
    Aim,
    Breath,
    Keyframes,
    Part,
    Percent,
    Place,
    Powered,
    Share,
)
from massager_ctl.safety.limits import BOUNDS

KEYS: Final = keys_of(StepFile)

UNSET_S: Final = 0.0
"""Duration of a step that names none, until the profile's own duration is shared out."""

FORBIDDEN_MOTIONS: Final[dict[str, str]] = dict.fromkeys(
    ("percussion", "percuss", "massage_gun", "hammer", "tapping"),
    "percussion is far too intense for the neck (D3)",
)
_DEFAULT_DIRECTION: Final[dict[Motion, Direction]] = {
    Motion.KNEAD: Direction.ALTERNATE,
    Motion.CIRCLE: Direction.ALTERNATE,
    Motion.GLIDE: Direction.ALTERNATE,
}


class PoweredReader(Reader):
    """Reads powered steps under a profile's `cap` (percent) and `heat_c`."""

    def __init__(self, problems: list[Problem], cap: float, heat_c: float | None) -> None:
        super().__init__(problems)
        self.cap = cap
        self.heat_c = heat_c

    def powered(self, entries: Mapping, place: Place) -> list[Powered]:
        """The step, or nothing if it has too many problems."""
        if "zones" not in entries:
            if self.problems and self.problems[-1].what.startswith("unknown key"):
                return []
            self.wrong(
                place,
                "R20",
                "the step has neither zones, guide, rest nor steps",
                "add 'zones: all'",
            )
            return []
        zones = self.zones(entries["zones"][1])
        motion, pattern = self._pattern(entries)
        period = 5.0
        if "period" in entries:
            period = self.key_seconds(entries, KEYS["period"]) or 5.0
        heat = self.heat_c
        if "heat" in entries:
            heat = self.key_number(entries, KEYS["heat"])
        seconds = self._time(entries, period, motion, place)
        aims = self._aims(entries, zones)
        if not aims:
            return []
        seconds = self._last_keyframe(entries, aims, seconds)
        return [
            Powered(
                seconds,
                tuple(Part(zone, aims[zone], pattern) for zone in zones if zone in aims),
                period,
                heat,
                self.key_text(entries, KEYS["title"]),
                self.key_text(entries, KEYS["say"]),
                self.breath_of(entries),
                self.key_flag(entries, KEYS["bell"]),
                place,
            )
        ]

    def _pattern(self, entries: Mapping) -> tuple[Motion, Pattern]:
        motion = Motion.VIBRATE
        if "motion" in entries:
            node = entries["motion"][1]
            name = str(node.value)
            if reason := FORBIDDEN_MOTIONS.get(name):
                self.wrong(
                    node.place,
                    "D3",
                    f"motion '{name}' is refused: {reason}",
                    "use knead or vibrate",
                )
            elif name == Motion.REST:
                self.wrong(node.place, "R20", "'rest' is a step of its own", "write '- rest: 20'")
            elif found := self.choice(node, [str(motion) for motion in Motion], "motion"):
                motion = Motion(found)
        default = _DEFAULT_DIRECTION.get(motion, Direction.NONE)
        if "direction" not in entries:
            return motion, Pattern(motion, default)
        node = entries["direction"][1]
        found = self.choice(node, [str(way) for way in Direction], "direction")
        if found is None:
            return motion, Pattern(motion, default)
        if Direction(found) not in DIRECTIONS[motion]:
            suits = " or ".join(sorted(DIRECTIONS[motion]))
            self.wrong(
                node.place,
                "R20",
                f"{motion} does not have the direction '{found}'",
                f"it takes {suits}",
            )
            return motion, Pattern(motion, default)
        return motion, Pattern(motion, Direction(found))

    def _time(self, entries: Mapping, period: float, motion: Motion, place: Place) -> float:
        seconds = UNSET_S
        known = len(self.problems)
        if "duration" in entries and "repetitions" in entries:
            self.wrong(
                entries["repetitions"][0],
                "R20",
                "both duration and repetitions",
                "keep one of them",
            )
        elif "duration" in entries:
            seconds = self.duration_of(entries, "duration")
        elif "repetitions" in entries:
            times = self.key_count(entries, KEYS["repetitions"])
            seconds = (times or 1) * period
        if motion is Motion.HOLD and len(self.problems) == known:
            where = entries["duration"][1].place if "duration" in entries else place
            if not HOLD_MIN_S <= seconds <= HOLD_MAX_S:
                edge = HOLD_MAX_S if seconds > HOLD_MAX_S else HOLD_MIN_S
                said = f"lasts {seconds:g} s" if seconds else "names no duration"
                self.wrong(
                    where, "K3", f"the hold {said}; holds take 10 to 60 s", f"nearest: {edge:g}"
                )
        return seconds

    def duration_of(self, entries: Mapping, key: str) -> float:
        """Seconds of a step; the shortest if they are wrong."""
        if key not in entries:
            return UNSET_S
        return self.key_seconds(entries, KEYS[key]) or SHORTEST_S

    def _aims(self, entries: Mapping, zones: tuple[Zone, ...]) -> dict[Zone, Aim]:
        ways = [key for key in ("level", "share", "keyframes") if key in entries]
        if len(ways) > 1:
            self.wrong(
                entries[ways[1]][0], "R20", f"both {ways[0]} and {ways[1]}", "keep one of them"
            )
        if not ways:
            return dict.fromkeys(zones, Share(1.0))
        key = ways[0]
        node = entries[key][1]
        if not isinstance(node.value, dict):
            return self._same(key, node, zones)
        aims: dict[Zone, Aim] = {}
        for name, (place, value) in node.value.items():
            group = self.zone_group(name, place)
            named = [zone for zone in group if zone in zones]
            if group and not named:
                self.wrong(place, "R20", f"{name} is not among this step's zones", "add it there")
            for zone in named:
                if aim := self._aim(key, value, zone):
                    aims[zone] = aim
        for zone in zones:
            if zone not in aims and not self.problems:
                self.wrong(
                    node.place, "R20", f"no {key} for {zone}", "add it, or take the zone out"
                )
        return aims

    def _same(self, key: str, node: Node, zones: tuple[Zone, ...]) -> dict[Zone, Aim]:
        """One value for all zones; only the problem at the lowest bound is kept, since its fix solves them all."""
        aims: dict[Zone, Aim] = {}
        for zone in sorted(zones, key=lambda zone: BOUNDS[zone.index]) or [Zone.TRAPEZIUS_LEFT]:
            aim = self._aim(key, node, zone)
            if aim is None:
                return {}
            aims[zone] = aim
        return aims

    def _aim(self, key: str, node: Node, zone: Zone) -> Aim | None:
        match key:
            case "share":
                part = self.share(node, "share")
                return None if part is None else Share(part)
            case "keyframes":
                return self._keyframes(node, zone)
            case _:
                level = self._level(node, zone, 0.1)
                return None if level is None else Percent(level)

    def _level(self, node: Node, zone: Zone, low: float) -> float | None:
        level = self.number(node, low, 100.0, "level", "R19")
        if level is None:
            return None
        bound = BOUNDS[zone.index]
        if level > bound:
            self.wrong(
                node.place,
                "R1",
                f"level {level:g} at {zone}, where the maximum is {bound:g}",
                f"nearest: {bound:g}",
            )
            return None
        if level > self.cap:
            self.wrong(
                node.place,
                "R1",
                f"level {level:g} is above this profile's cap {self.cap:g}",
                f"nearest: {self.cap:g}, or raise the cap",
            )
            return None
        return math.floor(level * 1000 + 1e-9) / 1000  # never above the cap

    def _keyframes(self, node: Node, zone: Zone) -> Aim | None:
        items = node.value if isinstance(node.value, tuple) else ()
        if not items:
            self.wrong(
                node.place,
                "R20",
                "keyframes is not a list of [seconds, percent]",
                "write [[0, 5], [30, 10]]",
            )
            return None
        points: list[tuple[float, float]] = []
        for item in items:
            pair = item.value
            if not isinstance(pair, tuple) or len(pair) != 2:
                self.wrong(item.place, "R20", "a keyframe is [seconds, percent]", "write [30, 10]")
                return None
            t = self.seconds(pair[0], 0.0, SESSION_LIMIT_S, "keyframe time")
            level = self._level(pair[1], zone, 0.0)
            if t is None or level is None:
                return None
            if points and t <= points[-1][0]:
                self.wrong(
                    item.place,
                    "R20",
                    f"keyframe at {t:g} s is not after the one before",
                    "sort them by time",
                )
                return None
            points.append((t, level))
        return Keyframes(tuple(points))

    def _last_keyframe(self, entries: Mapping, aims: dict[Zone, Aim], seconds: float) -> float:
        """The step's duration: keyframes must fit into it, and make it if it is not named."""
        ends = [aim.points[-1][0] for aim in aims.values() if isinstance(aim, Keyframes)]
        last = max(ends, default=0.0)
        if seconds == UNSET_S:
            return last
        if last > seconds:
            self.wrong(
                entries["keyframes"][1].place,
                "R20",
                f"the last keyframe is at {last:g} s and the step ends at {seconds:g} s",
                f"nearest: 'duration: {last:g}'",
            )
        return seconds

    def breath_of(self, entries: Mapping) -> Breath | None:
        """The rhythm of a breath, if one is asked for."""
        if "breathe" not in entries:
            return None
        keys = keys_of(Breathe)
        found = self.mapping(entries["breathe"][1], keys, "breathe")
        if found is None:
            return None
        if "in" not in found or "out" not in found:
            self.wrong(
                entries["breathe"][0], "R20", "breathe needs in and out", "write {in: 4, out: 6}"
            )
            return None
        inward = self.key_seconds(found, keys["in"])
        outward = self.key_seconds(found, keys["out"])
        return Breath(inward, outward) if inward and outward else None

"""Reads the steps of a profile and expands repeats and sides, within bounds (R20)."""

from __future__ import annotations

from typing import Final

import msgspec

from massager_ctl.model.device import Pattern
from massager_ctl.model.units import Direction, Zone
from massager_ctl.profile.format.fields import GROUPS, HANDS_ONLY, Mapping, forbidden, nearest
from massager_ctl.profile.format.nodes import Node, Problem
from massager_ctl.profile.format.powered import KEYS, UNSET_S, PoweredReader
from massager_ctl.profile.format.schema import MAX_NESTING, SHORTEST_S, Kind
from massager_ctl.profile.model import (
    MAX_STEPS,
    HandsOn,
    Part,
    Place,
    Powered,
    Rest,
    Step,
)

_STEP_NAMES: Final = {
    Kind.BLOCK: "a block of steps",
    Kind.GUIDED: "a guided step, where motors are off,",
    Kind.REST: "a rest",
    Kind.POWERED: "a powered step",
}
"""What a step is called; the first of these keys that it has makes it so."""

_MIRRORED: Final[dict[Direction, Direction]] = {
    Direction.CW: Direction.CCW,
    Direction.CCW: Direction.CW,
}


class StepReader(PoweredReader):
    """Reads a list of steps under a profile's `cap` (percent) and `heat_c`."""

    def __init__(self, problems: list[Problem], cap: float, heat_c: float | None) -> None:
        super().__init__(problems, cap, heat_c)
        self.overflow = False

    def read(self, node: Node, total_s: float | None) -> tuple[Step, ...]:
        """All steps, expanded. `total_s`: seconds to be shared out between steps that name no duration."""
        steps = self._list(node, 0)
        unset = [step for step in steps if step.duration_s == UNSET_S]
        if not unset or self.problems:
            return tuple(steps)
        if total_s is None:
            for place in dict.fromkeys(step.place for step in unset):
                self.wrong(
                    place, "R8", "this step has no duration", "add one, such as 'duration: 60'"
                )
            return tuple(steps)
        left = (total_s - sum(step.duration_s for step in steps)) / len(unset)
        if left < SHORTEST_S:
            self.wrong(
                unset[0].place,
                "R8",
                "the other steps leave no time for this one",
                "raise the profile's duration or shorten them",
            )
        return tuple(
            msgspec.structs.replace(step, duration_s=left) if step.duration_s == UNSET_S else step
            for step in steps
        )

    def _list(self, node: Node, depth: int) -> list[Step]:
        if not isinstance(node.value, tuple) or not node.value:
            self.wrong(
                node.place, "R20", "steps is not a list of steps", "write '- ' before each step"
            )
            return []
        steps: list[Step] = []
        for item in node.value:
            steps.extend(self._step(item, depth))
            if len(steps) > MAX_STEPS:
                self._too_many(item.place)
                break
        return steps

    def _too_many(self, place: Place) -> None:
        if not self.overflow:
            self.overflow = True
            self.wrong(place, "R20", f"more than {MAX_STEPS} steps", "repeat less often")

    def _step(self, node: Node, depth: int) -> list[Step]:
        if not isinstance(node.value, dict):
            self.wrong(
                node.place, "R20", "a step is not a mapping", "write 'zones: ...' or 'guide: ...'"
            )
            return []
        kinds = [kind for kind in _STEP_NAMES if kind in node.value]
        kind = kinds[0] if kinds else Kind.POWERED
        entries = self._known(node, kind)
        once = self._once(entries, kind, node, depth)
        times = 1
        if "repeat" in entries:
            times = self.key_count(entries, KEYS["repeat"]) or 1
        if len(once) * times > MAX_STEPS:
            self._too_many(node.place)
            return once
        return once * times

    def _known(self, node: Node, kind: Kind) -> Mapping:
        assert isinstance(node.value, dict)
        what = _STEP_NAMES[kind]
        keys = tuple(key.name for key in KEYS.values() if kind in key.kinds)
        entries: Mapping = {}
        for key, (place, value) in node.value.items():
            if key in keys:
                entries[key] = (place, value)
            elif key in KEYS:
                self.wrong(place, "R20", f"'{key}' is not allowed in {what}", "leave it out")
            else:
                self.wrong(place, "R20", f"unknown key '{key}' in {what}", _meant(key, keys))
        return entries

    def _once(self, entries: Mapping, kind: Kind, node: Node, depth: int) -> list[Step]:
        sides = self.key_flag(entries, KEYS["each_side"])
        steps: list[Step] = []
        match kind:
            case Kind.BLOCK:
                if depth >= MAX_NESTING:
                    self.wrong(node.place, "R20", "blocks are nested too deeply", "keep it flat")
                else:
                    steps = self._list(entries["steps"][1], depth + 1)
            case Kind.GUIDED:
                steps = self._guide(entries, node.place)
            case Kind.REST:
                steps = self._rest(entries, node.place)
            case Kind.POWERED:
                steps = [*self.powered(entries, node.place)]
        if not sides:
            return steps
        return [
            *(one_side(step, "left") for step in steps),
            *(one_side(step, "right") for step in steps),
        ]

    def _guide(self, entries: Mapping, place: Place) -> list[Step]:
        text = self.key_text(entries, KEYS["guide"])
        if "zones" in entries:
            self._hands_only_zones(entries["zones"][1])
        return [
            HandsOn(
                self.duration_of(entries, "duration"),
                text,
                self.key_text(entries, KEYS["title"]),
                self.breath_of(entries),
                self.key_flag(entries, KEYS["bell"]),
                place,
            )
        ]

    def _hands_only_zones(self, node: Node) -> None:
        for item in node.value if isinstance(node.value, tuple) else (node,):
            name = str(item.value)
            if name.removesuffix("_left").removesuffix("_right") in HANDS_ONLY:
                continue
            if reason := forbidden(name):
                self.wrong(
                    item.place, "Z1", f"zone '{name}': {reason}", "leave it out, by hand too"
                )
            else:
                self.zone_group(name, item.place)

    def _rest(self, entries: Mapping, place: Place) -> list[Step]:
        seconds = self.duration_of(entries, "rest")
        title, say = self.key_text(entries, KEYS["title"]), self.key_text(entries, KEYS["say"])
        return [Rest(seconds, title, say, place)]


def one_side(step: Step, side: str) -> Step:
    """The part of a step on the left or right: turning is mirrored, and `{side}` in words is filled in."""
    words: dict[str, str] = {"title": step.title.replace("{side}", side)}
    match step:
        case HandsOn():
            return msgspec.structs.replace(step, text=step.text.replace("{side}", side), **words)
        case Rest():
            return msgspec.structs.replace(step, say=step.say.replace("{side}", side), **words)
        case Powered():
            aims = {part.zone: part for part in step.parts}
            for part in step.parts:
                aims.setdefault(part.zone.mirror, part)
            parts = tuple(_sided(aims[zone], zone) for zone in GROUPS[side] if zone in aims)
            words["say"] = step.say.replace("{side}", side)
            return msgspec.structs.replace(step, parts=parts, **words)


def _sided(part: Part, zone: Zone) -> Part:
    way = part.pattern.direction
    if not zone.is_left:
        way = _MIRRORED.get(way, way)
    return Part(zone, part.aim, Pattern(part.pattern.motion, way))


def _meant(key: str, keys: tuple[str, ...]) -> str:
    if key in {"intensity", "strength", "percent", "power"}:
        return "did you mean 'level' (percent) or 'share' (of what is allowed at that moment)?"
    return nearest(key, keys)

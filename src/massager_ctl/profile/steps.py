"""Reads the steps of a profile, and writes repeats and sides out, bounded (R20)."""

from __future__ import annotations

from typing import Final

import msgspec

from massager_ctl.device import Pattern
from massager_ctl.profile.fields import GROUPS, HANDS_ONLY, Mapping, forbidden, nearest
from massager_ctl.profile.model import (
    MAX_STEPS,
    HandsOn,
    Part,
    Place,
    Powered,
    Rest,
    Step,
)
from massager_ctl.profile.nodes import Node, Problem
from massager_ctl.profile.powered import POWERED_KEYS, SHORTEST_S, UNSET_S, PoweredReader
from massager_ctl.units import Direction, Zone

BLOCK_KEYS: Final = ("repeat", "each_side", "steps")
GUIDE_KEYS: Final = (
    "guide",
    "title",
    "duration",
    "zones",
    "breathe",
    "bell",
    "each_side",
    "repeat",
)
REST_KEYS: Final = ("rest", "title", "say")
STEP_KEYS: Final = tuple(dict.fromkeys((*POWERED_KEYS, *GUIDE_KEYS, *REST_KEYS, *BLOCK_KEYS)))

MAX_REPEAT: Final = 10_000
MAX_NESTING: Final = 3


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
        """All steps, written out. `total_s`: seconds to be shared out between steps that name no duration."""
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
                node.place, "R20", "steps is no list of steps", "write '- ' before each step"
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
                node.place, "R20", "a step is no mapping", "write 'zones: ...' or 'guide: ...'"
            )
            return []
        kinds = [key for key in ("steps", "guide", "rest", "zones") if key in node.value]
        kind = kinds[0] if kinds else "zones"
        keys = {
            "steps": BLOCK_KEYS, "guide": GUIDE_KEYS, "rest": REST_KEYS, "zones": POWERED_KEYS,
        }[kind]  # fmt: skip
        names = {"steps": "a block of steps", "guide": "a guided step, where motors are off,"}
        entries = self._known(
            node, keys, names.get(kind, "a rest" if kind == "rest" else "a powered step")
        )
        once = self._once(entries, kind, node, depth)
        times = 1
        if "repeat" in entries:
            times = self.count(entries["repeat"][1], 1, MAX_REPEAT, "repeat") or 1
        if len(once) * times > MAX_STEPS:
            self._too_many(node.place)
            return once
        return once * times

    def _known(self, node: Node, keys: tuple[str, ...], what: str) -> Mapping:
        assert isinstance(node.value, dict)
        entries: Mapping = {}
        for key, (place, value) in node.value.items():
            if key in keys:
                entries[key] = (place, value)
            elif key in STEP_KEYS:
                self.wrong(place, "R20", f"'{key}' has no place in {what}", "leave it out")
            else:
                self.wrong(place, "R20", f"unknown key '{key}' in {what}", _meant(key, keys))
        return entries

    def _once(self, entries: Mapping, kind: str, node: Node, depth: int) -> list[Step]:
        sides = False
        if "each_side" in entries:
            sides = bool(self.flag(entries["each_side"][1], "each_side"))
        steps: list[Step] = []
        match kind:
            case "steps":
                if depth >= MAX_NESTING:
                    self.wrong(
                        node.place, "R20", "blocks inside blocks inside blocks", "keep it flat"
                    )
                else:
                    steps = self._list(entries["steps"][1], depth + 1)
            case "guide":
                steps = self._guide(entries, node.place)
            case "rest":
                steps = self._rest(entries, node.place)
            case _:
                steps = [*self.powered(entries, node.place)]
        if not sides:
            return steps
        return [
            *(one_side(step, "left") for step in steps),
            *(one_side(step, "right") for step in steps),
        ]

    def _guide(self, entries: Mapping, place: Place) -> list[Step]:
        text = self.text(entries["guide"][1], 400, "guide")
        if "zones" in entries:
            self._hands_only_zones(entries["zones"][1])
        return [
            HandsOn(
                self.duration_of(entries, "duration"),
                text or "",
                self.words_of(entries, "title", 40),
                self.breath_of(entries),
                self.flag_of(entries, "bell"),
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
        title, say = self.words_of(entries, "title", 40), self.words_of(entries, "say", 400)
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

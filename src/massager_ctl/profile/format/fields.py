"""Reads single values of a profile and collects every problem instead of stopping at the first (R19, R20)."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from typing import Final

from massager_ctl.model.units import FORBIDDEN_ZONES, ZONES, Zone, number_hint
from massager_ctl.profile.format.nodes import Node, Problem
from massager_ctl.profile.format.schema import Key, StepFile, keys_of
from massager_ctl.profile.model import Place

_AMOUNT: Final = r"(\d+(?:\.\d+)?)"
_DURATION: Final = re.compile(
    rf"\s*(?:{_AMOUNT}\s*(?:min|minutes?|m))?\s*(?:{_AMOUNT}\s*(?:s|sec|seconds?))?\s*"
)
_CLOCK: Final = re.compile(r"(\d+):(\d{2})")
_PER_CENT: Final = re.compile(rf"\s*{_AMOUNT}\s*%\s*")

GROUPS: Final[dict[str, tuple[Zone, ...]]] = {
    "all": ZONES,
    "trapezius": (Zone.TRAPEZIUS_LEFT, Zone.TRAPEZIUS_RIGHT),
    "neck": (Zone.NECK_LEFT, Zone.NECK_RIGHT),
    "suboccipital": (Zone.SUBOCCIPITAL_LEFT, Zone.SUBOCCIPITAL_RIGHT),
    "left": tuple(zone for zone in ZONES if zone.is_left),
    "right": tuple(zone for zone in ZONES if not zone.is_left),
}
"""Names for several zones at once."""

HANDS_ONLY: Final = frozenset({"scalene", "scm"})
"""Places that a guided step may name, with every motor off (K8)."""

Mapping = dict[str, tuple[Place, Node]]


class Reader:
    """Reads values of one profile; what is wrong goes to `problems`, and the value is then None."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems

    def wrong(self, place: Place, rule: str, what: str, fix: str = "") -> None:
        """Note a problem: where, against which rule, what, and the nearest remedy."""
        self.problems.append(Problem(place, rule, what, fix))

    def mapping(self, node: Node, known: Iterable[str], what: str) -> Mapping | None:
        """The entries of a mapping; unknown keys are named with the nearest known one."""
        if not isinstance(node.value, dict):
            self.wrong(
                node.place, "R20", f"{what} is {shown(node)}", "write it as 'key: value' lines"
            )
            return None
        names = tuple(known)
        entries: Mapping = {}
        for key, (place, value) in node.value.items():
            if key in names:
                entries[key] = (place, value)
            else:
                self.wrong(place, "R20", f"unknown key '{key}' in {what}", nearest(key, names))
        return entries

    def key_number(self, entries: Mapping, key: Key) -> float | None:
        """The number of a key, in its range; None if it is missing or wrong."""
        if key.name not in entries:
            return None
        return self.number(entries[key.name][1], key.low, key.high, key.name, key.rule)

    def key_seconds(self, entries: Mapping, key: Key) -> float | None:
        """The duration of a key, in its range; None if it is missing or wrong."""
        if key.name not in entries:
            return None
        return self.seconds(entries[key.name][1], key.low, key.high, key.name, key.rule)

    def key_count(self, entries: Mapping, key: Key) -> int | None:
        """The whole number of a key that is there, in its range; None if it is wrong."""
        return self.count(entries[key.name][1], int(key.low), int(key.high), key.name)

    def key_text(self, entries: Mapping, key: Key) -> str:
        """The text of a key; empty if it is missing or wrong."""
        if key.name not in entries:
            return ""
        return self.text(entries[key.name][1], key.letters, key.name) or ""

    def key_texts(self, entries: Mapping, key: Key) -> tuple[str, ...]:
        """The texts of a key; none if it is missing or wrong."""
        if key.name not in entries:
            return ()
        return self.texts(entries[key.name][1], key.letters, key.name)

    def key_flag(self, entries: Mapping, key: Key) -> bool:
        """The yes or no of a key; no if it is missing or wrong."""
        return key.name in entries and bool(self.flag(entries[key.name][1], key.name))

    def number(self, node: Node, low: float, high: float, what: str, rule: str) -> float | None:
        """A finite number from `low` to `high`; booleans and text are not numbers (R19)."""
        value = node.value
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            hint = number_hint(value).lower().rstrip(".") if isinstance(value, str) else ""
            remedy = f"{_span(low, high)};{hint}" if hint else _span(low, high)
            self.wrong(node.place, "R19", f"{what} is {shown(node)}, not a number", remedy)
        elif not math.isfinite(value):
            self.wrong(node.place, "R19", f"{what} is {shown(node)}", _span(low, high))
        elif not low <= value <= high:
            edge = low if value < low else high
            self.wrong(
                node.place,
                rule,
                f"{what} is {value:g}, outside {low:g} to {high:g}",
                f"nearest: {edge:g}",
            )
        else:
            return float(value)
        return None

    def seconds(
        self, node: Node, low: float, high: float, what: str, rule: str = "R8"
    ) -> float | None:
        """A duration: seconds as a number, or text such as `2 min`, `90 s`, `1 min 30 s`."""
        value = node.value
        if not isinstance(value, str):
            return self.number(node, low, high, what, rule)
        found = _DURATION.fullmatch(value)
        if found is None or not any(found.groups()):
            clock = _CLOCK.fullmatch(value.strip())
            fix = (
                f"write '{clock[1]} min {int(clock[2])} s'"
                if clock
                else "write '90', '90 s' or '1 min 30 s'"
            )
            self.wrong(node.place, "R19", f"{what} '{value}' is not a duration", fix)
            return None
        total = 60 * float(found[1] or 0) + float(found[2] or 0)
        return self.number(Node(total, node.place), low, high, what, rule)

    def share(self, node: Node, what: str) -> float | None:
        """A share of what is allowed at each moment: 0.8, or text such as `80%`."""
        if isinstance(node.value, str) and (found := _PER_CENT.fullmatch(node.value)):
            node = Node(float(found[1]) / 100, node.place)
        value = node.value
        if isinstance(value, (int, float)) and not isinstance(value, bool) and 1 < value <= 100:
            self.wrong(
                node.place, "R19", f"{what} is {value:g}, outside 0.01 to 1", f"write '{value:g}%'"
            )
            return None
        share = keys_of(StepFile)["share"]
        return self.number(node, share.low, share.high, what, share.rule)

    def count(self, node: Node, low: int, high: int, what: str) -> int | None:
        """A whole number from `low` to `high`."""
        value = self.number(node, low, high, what, "R20")
        if value is None:
            return None
        if value != int(value):
            self.wrong(
                node.place, "R19", f"{what} is {value:g}, not a whole number", f"write {int(value)}"
            )
            return None
        return int(value)

    def flag(self, node: Node, what: str) -> bool | None:
        """True or false."""
        if isinstance(node.value, bool):
            return node.value
        self.wrong(node.place, "R20", f"{what} is {shown(node)}", "write true or false")
        return None

    def text(self, node: Node, longest: int, what: str) -> str | None:
        """Text of at most `longest` characters, on one line, without control characters."""
        value = node.value
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            value = f"{value:g}"
        if not isinstance(value, str) or not value.strip():
            self.wrong(node.place, "R20", f"{what} is {shown(node)}", "write some text")
            return None
        value = " ".join(value.split())
        if not value.isprintable():
            self.wrong(node.place, "R20", f"{what} has control characters", "leave them out")
            return None
        if len(value) > longest:
            self.wrong(
                node.place,
                "R20",
                f"{what} has {len(value)} characters",
                f"{longest} is the maximum",
            )
            return None
        return value

    def texts(self, node: Node, longest: int, what: str) -> tuple[str, ...]:
        """One text or a list of them."""
        nodes = node.value if isinstance(node.value, tuple) else (node,)
        if len(nodes) > 50:
            self.wrong(node.place, "R20", f"{what} has {len(nodes)} entries", "50 is the maximum")
            return ()
        found = (self.text(item, longest, what) for item in nodes)
        return tuple(text for text in found if text is not None)

    def choice(self, node: Node, names: Sequence[str], what: str) -> str | None:
        """One of these names."""
        value = node.value
        if isinstance(value, str) and value in names:
            return value
        word = value if isinstance(value, str) else shown(node)
        self.wrong(node.place, "R20", f"unknown {what} '{word}'", nearest(word, names))
        return None

    def zones(self, node: Node) -> tuple[Zone, ...]:
        """Powered zones by name or group, in wire order."""
        nodes = node.value if isinstance(node.value, tuple) else (node,)
        found: set[Zone] = set()
        for item in nodes:
            found.update(self.zone_group(str(item.value), item.place))
        if not nodes:
            self.wrong(node.place, "R20", "no zone", "name one, or 'all'")
        return tuple(zone for zone in ZONES if zone in found)

    def zone_group(self, name: str, place: Place) -> tuple[Zone, ...]:
        """The zones of one name; a forbidden one is refused with the reason (Z1, Z2)."""
        if name in GROUPS:
            return GROUPS[name]
        if name in ZONES:
            return (Zone(name),)
        if reason := forbidden(name):
            rule = "Z2" if "(Z2)" in reason else "Z1"
            self.wrong(
                place,
                rule,
                f"zone '{name}' is never powered: {reason}",
                "powered zones are trapezius, neck and suboccipital, _left or _right",
            )
        else:
            self.wrong(place, "R20", f"unknown zone '{name}'", nearest(name, (*GROUPS, *ZONES)))
        return ()


def forbidden(name: str) -> str | None:
    """Why a place may never be powered, for `front`, `front_left` and the like."""
    return FORBIDDEN_ZONES.get(name.removesuffix("_left").removesuffix("_right"))


def nearest(word: str, names: Sequence[str]) -> str:
    """The nearest fix for a name that is unknown."""
    from difflib import get_close_matches

    close = get_close_matches(word.lower(), names, n=1, cutoff=0.6)
    return f"did you mean '{close[0]}'?" if close else f"known are {', '.join(names)}"


def shown(node: Node) -> str:
    """A value as its author would recognise it, shortened."""
    match node.value:
        case None:
            return "empty"
        case bool():
            return "true" if node.value else "false"
        case str():
            return repr(node.value if len(node.value) <= 40 else node.value[:37] + "...")
        case int() | float():
            return f"{node.value:g}"
        case tuple():
            return "a list"
        case dict():
            return "a mapping"


def _span(low: float, high: float) -> str:
    return f"give a number from {low:g} to {high:g}"

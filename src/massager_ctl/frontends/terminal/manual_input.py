"""The input of manual control: the chosen zone, its level, motion and heat; pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, TypeVar

from massager_ctl.frontends.terminal.bindings import Action
from massager_ctl.model.device import VIBRATE, Pattern
from massager_ctl.model.requests import Change, Presence, SetHeat, SetLevel, SetMotion
from massager_ctl.model.units import DIRECTIONS, ZONES, Direction, Motion, Zone

_T = TypeVar("_T")

STEP: Final = 1.0
"""Points of an arrow key."""

LEAP: Final = 5.0
"""Points of page up and page down."""

TYPED_S: Final = 1.2
"""Seconds within which a second digit belongs to the first."""

MOTIONS: Final = (Motion.VIBRATE, Motion.KNEAD, Motion.CIRCLE, Motion.GLIDE, Motion.HOLD)
PERIOD_S: Final = 8.0
"""Seconds of one cycle of a motion in manual control."""

HEATS: Final = (None, 36.0, 38.0, 39.0)
"""Heat steps in °C; the maximum is 39 (R11)."""


class Link(StrEnum):
    """Whether left and right move together."""

    LINKED = "linked"
    SINGLE = "single"


@dataclass
class ManualInput:
    """The chosen zone and the requested settings of each; `key` turns a key into requests."""

    place: int = 0
    link: Link = Link.LINKED
    asked: list[float] = field(default_factory=lambda: [0.0] * 6)
    pattern: Pattern = VIBRATE
    heat: float | None = None
    _typed: str = ""
    _typed_at: float = 0.0

    @property
    def zone(self) -> Zone:
        """The chosen zone."""
        return ZONES[self.place]

    @property
    def zones(self) -> tuple[Zone, ...]:
        """The zones that a change is for: the chosen one, and its mirror if they are linked."""
        return (self.zone, self.zone.mirror) if self.link is Link.LINKED else (self.zone,)

    def begin(self) -> None:
        """A new session: everything at zero."""
        self.asked = [0.0] * 6
        self.pattern, self.heat = VIBRATE, None
        self._typed = ""

    def key(self, key: str, now: float) -> list[Change]:
        """The requests of a key that sets levels; any other key shows presence (R23). `now`: seconds, monotonic."""
        if key in _STEPS:
            return self.aim(self.asked[self.place] + _STEPS[key])
        if key in _MOVES:
            self.place = (self.place + _MOVES[key]) % 6
            self._typed = ""
        elif len(key) == 1 and key.isdecimal() and key.isascii():
            return self._digit(key, now)
        return [Presence()]

    def act(self, action: Action) -> list[Change]:
        """The requests of an action of manual control."""
        match action:
            case Action.LINK:
                self.link = Link.SINGLE if self.link is Link.LINKED else Link.LINKED
            case Action.MOTION:
                motion = _after(MOTIONS, self.pattern.motion)
                return self._move(Pattern(motion, _ways(motion)[0]))
            case Action.DIRECTION:
                way = _after(_ways(self.pattern.motion), self.pattern.direction)
                return self._move(Pattern(self.pattern.motion, way))
            case Action.HEAT:
                self.heat = _after(HEATS, self.heat)
                return [SetHeat(self.heat)]
            case _:
                pass
        return [Presence()]

    def _digit(self, digit: str, now: float) -> list[Change]:
        if now - self._typed_at > TYPED_S:
            self._typed = ""
        self._typed = (self._typed + digit)[-3:]
        self._typed_at = now
        if int(self._typed) > 100:
            self._typed = digit
        return self.aim(float(self._typed))

    def _move(self, pattern: Pattern) -> list[Change]:
        self.pattern = pattern
        return [SetMotion(pattern.motion, pattern.direction, None, PERIOD_S)]

    def aim(self, percent: float, zone: Zone | None = None) -> list[Change]:
        """Aim the chosen zone (or `zone`, by mouse) at a level, and its mirror if they are linked."""
        if zone is not None:
            self.place = zone.index
        level = round(min(100.0, max(0.0, percent)), 1)
        for place in self.zones:
            self.asked[place.index] = level
        return [SetLevel(level, place) for place in self.zones]


_STEPS: Final = {
    "right": STEP,
    "left": -STEP,
    "pageup": LEAP,
    "pagedown": -LEAP,
}
_MOVES: Final = {"down": 1, "up": -1, "tab": 2, "shift+tab": -2}


def _ways(motion: Motion) -> tuple[Direction, ...]:
    """The directions of a motion, both ways in turn first (D1)."""
    return tuple(sorted(DIRECTIONS[motion], key=lambda way: (way is not Direction.ALTERNATE, way)))


def _after(choices: tuple[_T, ...], now: _T) -> _T:
    return choices[(choices.index(now) + 1) % len(choices)] if now in choices else choices[0]

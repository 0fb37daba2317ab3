"""What the keys of manual control mean: pure, so that every key can be tested without a screen."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, TypeVar

from massager_ctl.requests import (
    Change,
    Ease,
    Fade,
    Pause,
    Resume,
    SetHeat,
    SetLevel,
    SetMotion,
    SignOfLife,
    UndoEase,
)
from massager_ctl.status import Phase, Status
from massager_ctl.units import DIRECTIONS, ZONES, Direction, Motion, Zone

_T = TypeVar("_T")

STEP: Final = 1.0
"""Points that an arrow key adds or takes."""

LEAP: Final = 5.0
"""Points that page up and page down add or take."""

TYPED_S: Final = 1.2
"""Seconds in which a second digit still belongs to the first."""

MOTIONS: Final = (Motion.VIBRATE, Motion.KNEAD, Motion.CIRCLE, Motion.GLIDE, Motion.HOLD)
HEATS: Final = (None, 36.0, 38.0, 39.0)
"""Heat in °C; 39 is the most (R11)."""


class Deed(StrEnum):
    """What a key asks for beside a change of the session."""

    STOP = "stop"
    PAIN = "pain"
    HELP = "help"
    QUIT = "quit"
    START = "start"


class Link(StrEnum):
    """Whether left and right move together."""

    LINKED = "linked"
    SINGLE = "single"


@dataclass
class Hand:
    """Which zone is chosen and what was asked of each; `key` turns a key into what to do."""

    place: int = 0
    link: Link = Link.LINKED
    asked: list[float] = field(default_factory=lambda: [0.0] * 6)
    motion: Motion = Motion.VIBRATE
    direction: Direction = Direction.NONE
    heat: float | None = None
    _typed: str = ""
    _typed_at: float = 0.0

    @property
    def zone(self) -> Zone:
        """The zone that is chosen."""
        return ZONES[self.place]

    @property
    def zones(self) -> tuple[Zone, ...]:
        """The zones that a change is for: the chosen one, and its mirror where they are linked."""
        return (self.zone, self.zone.mirror) if self.link is Link.LINKED else (self.zone,)

    def begin(self) -> None:
        """A new session: everything at zero."""
        self.asked = [0.0] * 6
        self.motion, self.direction, self.heat = Motion.VIBRATE, Direction.NONE, None
        self._typed = ""

    def key(self, key: str, status: Status, now: float) -> list[Change] | Deed:
        """What to do for `key`, named as Textual names keys. `now`: seconds, monotonic.

        A key that means nothing is a sign of life (R23).
        """
        deed = _DEEDS.get(key)
        if deed is Deed.START and status.phase.in_session:
            return [SignOfLife()]
        if deed is not None:
            return deed
        if key in _STEPS:
            return self.aim(self.asked[self.place] + _STEPS[key])
        if key in _MOVES:
            self.place = (self.place + _MOVES[key]) % 6
            self._typed = ""
            return [SignOfLife()]
        if len(key) == 1 and key.isdecimal() and key.isascii():
            return self._digit(key, now)
        return self._letter(key, status)

    def _digit(self, digit: str, now: float) -> list[Change]:
        if now - self._typed_at > TYPED_S:
            self._typed = ""
        self._typed = (self._typed + digit)[-3:]
        self._typed_at = now
        if int(self._typed) > 100:
            self._typed = digit
        return self.aim(float(self._typed))

    def _letter(self, key: str, status: Status) -> list[Change]:
        match key:
            case "minus":
                return [Ease()]
            case "plus" | "equals_sign":
                return [UndoEase()]
            case "p":
                return [Resume() if status.phase is Phase.PAUSED else Pause()]
            case "f":
                return [Fade()]
            case "l":
                self.link = Link.SINGLE if self.link is Link.LINKED else Link.LINKED
            case "m":
                self.motion = _after(MOTIONS, self.motion)
                self.direction = _ways(self.motion)[0]
                return [self.moving()]
            case "d":
                self.direction = _after(_ways(self.motion), self.direction)
                return [self.moving()]
            case "h":
                self.heat = _after(HEATS, self.heat)
                return [SetHeat(self.heat)]
            case _:
                pass
        return [SignOfLife()]

    def aim(self, percent: float, zone: Zone | None = None) -> list[Change]:
        """Aim the chosen zone (or `zone`, by mouse) at a level, with its mirror where they are linked."""
        if zone is not None:
            self.place = zone.index
        level = round(min(100.0, max(0.0, percent)), 1)
        for place in self.zones:
            self.asked[place.index] = level
        return [SetLevel(level, place) for place in self.zones]

    def moving(self) -> SetMotion:
        """The motion that is chosen, for every zone."""
        return SetMotion(self.motion, self.direction, None, 8.0)


_DEEDS: Final = {
    "space": Deed.STOP,
    "s": Deed.STOP,
    "exclamation_mark": Deed.PAIN,
    "question_mark": Deed.HELP,
    "q": Deed.QUIT,
    "enter": Deed.START,
}
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

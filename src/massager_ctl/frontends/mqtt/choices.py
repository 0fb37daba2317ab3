"""The choices for a remote start, made before it, and the words for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from massager_ctl.control.start_attempt import StartAttempt
from massager_ctl.errors import InputError, MassagerError
from massager_ctl.model.requests import MANUAL
from massager_ctl.model.units import Direction
from massager_ctl.profile.format.load import load_file
from massager_ctl.profile.library import playable

DURATION_MIN: Final = 1
DURATION_MAX: Final = 15
"""Minimum and maximum minutes of manual control (R8)."""

BY_HAND: Final = "By hand"
"""The title of manual control in the list of profile titles."""

DIRECTION_WORDS: Final[dict[Direction, str]] = {
    Direction.NONE: "vibration",
    Direction.CW: "clockwise",
    Direction.CCW: "counterclockwise",
    Direction.ALTERNATE: "alternating",
}
"""Words for the directions of kneading, not their own names: Home Assistant takes `none` for "unknown"."""

HEAT_OFF: Final = "off"
HEAT_STEPS: Final = (35, 36, 37, 38, 39)
"""°C that can be chosen (R11 allows 39)."""


class Choices(Struct, frozen=True):
    """The choices, without effect until the start. `minutes` and the rest are for manual control."""

    profile: str = MANUAL
    minutes: float = 15.0
    direction: Direction = Direction.NONE
    heat: float | None = None


class RemoteState:
    """What the command handler sets and the publisher publishes."""

    __slots__ = ("attempt", "choices", "profiles", "skew_s")

    def __init__(self) -> None:
        self.choices = Choices()
        self.profiles: Mapping[str, str] = {MANUAL: BY_HAND}
        """Titles of the profiles that can be played, by id."""
        self.skew_s: float | None = None
        """Clock skew of the last fresh command with a wrong time; None once one was right."""
        self.attempt: StartAttempt | None = None
        """The last start over MQTT."""


def profile_titles() -> dict[str, str]:
    """The title of each profile that can be played, by id; no two are the same. Reads files."""
    found = {MANUAL: BY_HAND}
    paths = playable()
    for name, path in paths.items():
        try:
            title = load_file(path).title
        except MassagerError:
            continue  # `profiles list` says what is wrong with it
        taken = title in found.values() or (title in paths and title != name)
        found[name] = f"{title} ({name})" if taken else title
    return found


def heat_word(celsius: float | None) -> str:
    """How a choice of heat is shown."""
    return HEAT_OFF if celsius is None else f"{celsius:.0f} °C"


def read_profile(value: object, titles: Mapping[str, str]) -> str:
    """The id of a profile, from its id or its title. Raises InputError."""
    if isinstance(value, str) and value in titles:
        return value
    for name, title in titles.items():
        if value == title:
            return name
    raise InputError(f"no profile named {value!r}", "`massager-ctl profiles list` shows them.")


def read_direction(value: object) -> Direction:
    """A direction, from its word or its name. Raises InputError."""
    for direction, word in DIRECTION_WORDS.items():
        if isinstance(value, str) and value in (word, direction.value):
            return direction
    raise InputError(
        f"unknown direction {value!r}", f"Directions are {', '.join(DIRECTION_WORDS.values())}."
    )


def read_heat(value: object) -> float | None:
    """°C, from a number or a word; None for off. Raises InputError."""
    if value == HEAT_OFF:
        return None
    for step in HEAT_STEPS:
        if not isinstance(value, (bool, float)) and value in (step, str(step), heat_word(step)):
            return float(step)
    steps = ", ".join(map(str, HEAT_STEPS))
    raise InputError(f"heat cannot be {value!r}", f"It is {HEAT_OFF} or one of {steps} °C.")

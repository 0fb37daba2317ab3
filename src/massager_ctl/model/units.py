"""Value types that are checked when made: zones, motions, directions, intensities (R1, R19)."""

from __future__ import annotations

import math
from collections.abc import Iterable
from enum import StrEnum
from typing import Final, Self, TypeVar

from massager_ctl.errors import InputError, IntensityError

T = TypeVar("T")


class Zone(StrEnum):
    """The six places that may be powered, in wire order."""

    TRAPEZIUS_LEFT = "trapezius_left"
    TRAPEZIUS_RIGHT = "trapezius_right"
    NECK_LEFT = "neck_left"
    NECK_RIGHT = "neck_right"
    SUBOCCIPITAL_LEFT = "suboccipital_left"
    SUBOCCIPITAL_RIGHT = "suboccipital_right"

    @property
    def index(self) -> int:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Place in wire order and in `Levels`, 0 to 5."""
        return _INDEX[self]

    @property
    def mirror(self) -> Zone:
        """The same muscle on the other side."""
        return ZONES[self.index ^ 1]

    @property
    def is_left(self) -> bool:
        """Whether it is on the left."""
        return self.index % 2 == 0

    @classmethod
    def parse(cls, name: object) -> Zone:
        """The zone of that name; InputError says why a forbidden one is forbidden (Z1, Z2)."""
        try:
            return cls(str(name))
        except ValueError:
            reason = FORBIDDEN_ZONES.get(str(name))
            if reason:
                raise InputError(
                    f"zone '{name}' is never powered: {reason}",
                    f"Powered zones are {', '.join(ZONES)}.",
                ) from None
            raise InputError(
                f"unknown zone '{name}'", f"Powered zones are {', '.join(ZONES)}."
            ) from None


ZONES: Final[tuple[Zone, ...]] = tuple(Zone)
_INDEX: Final[dict[Zone, int]] = {zone: index for index, zone in enumerate(ZONES)}

FORBIDDEN_ZONES: Final[dict[str, str]] = {
    "front": "the throat and windpipe take no pressure from a tool (Z1)",
    "side": "the carotid artery and lymph nodes lie there (Z1)",
    "spine": "soft tissue only, never vertebrae or bony spots (Z2)",
    "scalene": "the front of the neck is for gentle hands only, with every motor off (Z1, K8)",
    "scm": "the front of the neck is for gentle hands only, with every motor off (Z1, K8)",
}
"""Places that you may name and that no motor ever touches, with the reason."""


class Motion(StrEnum):
    """How a device plays a level; the device makes the pattern (protocol section 4)."""

    REST = "rest"
    VIBRATE = "vibrate"
    KNEAD = "knead"
    GLIDE = "glide"
    CIRCLE = "circle"
    HOLD = "hold"

    @property
    def wire(self) -> int:
        """Its number in a frame."""
        return _MOTION_WIRE[self]

    @classmethod
    def parse(cls, name: object) -> Motion:
        """The motion of that name; InputError says why percussion is refused (D3)."""
        try:
            return cls(str(name))
        except ValueError:
            known = f"Motions are {', '.join(cls)}."
            if str(name) in {"percussion", "percuss", "massage_gun"}:
                raise InputError(
                    f"motion '{name}' is refused: percussion is far too intense for the neck (D3)",
                    known,
                ) from None
            raise InputError(f"unknown motion '{name}'", known) from None


_MOTION_WIRE: Final[dict[Motion, int]] = {motion: index for index, motion in enumerate(Motion)}


class Direction(StrEnum):
    """Which way a motion goes: turning (cw, ccw), travelling (up, down), or both in turn."""

    NONE = "none"
    CW = "cw"
    CCW = "ccw"
    ALTERNATE = "alternate"
    UP = "up"
    DOWN = "down"

    @property
    def wire(self) -> int:
        """Its number in a frame."""
        return _DIRECTION_WIRE[self]

    @classmethod
    def parse(cls, name: object) -> Direction:
        """The direction of that name. Raises InputError."""
        try:
            return cls(str(name))
        except ValueError:
            raise InputError(
                f"unknown direction '{name}'", f"Directions are {', '.join(cls)}."
            ) from None


_DIRECTION_WIRE: Final[dict[Direction, int]] = {way: index for index, way in enumerate(Direction)}

_TURNING: Final = frozenset({Direction.CW, Direction.CCW, Direction.ALTERNATE})

DIRECTIONS: Final[dict[Motion, frozenset[Direction]]] = {
    Motion.REST: frozenset({Direction.NONE}),
    Motion.VIBRATE: frozenset({Direction.NONE}),
    Motion.KNEAD: _TURNING,
    Motion.GLIDE: frozenset({Direction.UP, Direction.DOWN, Direction.ALTERNATE}),
    Motion.CIRCLE: _TURNING,
    Motion.HOLD: frozenset({Direction.NONE}),
}
"""The directions that each motion may have (protocol section 4)."""


class Intensity(float):
    """Percent of the device's rated output, 0.0 to 100.0, in steps of 0.1.

    Text, booleans, NaN, infinities, negatives and anything over 100 are refused before any comparison (R19);
    `parse_intensity` reads what you typed.
    """

    __slots__ = ()

    def __new__(cls, value: object) -> Self:
        """Raises IntensityError."""
        return super().__new__(cls, _percent(value))


def _percent(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise IntensityError(
            f"intensity {value!r} is not a number", "Give a number from 0 to 100 (percent)."
        )
    if isinstance(value, float) and not math.isfinite(value):
        raise IntensityError(
            f"intensity {value!r} is not a finite number", "Give a number from 0 to 100 (percent)."
        )
    if not 0 <= value <= 100:
        raise IntensityError(
            f"intensity {_short(value)} is outside 0 to 100",
            "Give a number from 0 to 100 (percent).",
        )
    return round(float(value), 1)


def _short(value: float) -> str:
    try:
        return f"{value:g}"
    except OverflowError:
        return "of hundreds of digits"


def decimal(text: str) -> float:
    """The number that a text says, in ASCII digits and without `_`; may be `nan` or `inf`. ValueError otherwise."""
    if "_" in text or not text.isascii():
        raise ValueError(f"{text!r} is not a plain number")
    return float(text)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def number_hint(text: str) -> str:
    """How a number is written that a person wrote as `30,5`, `30%`, `030` or `"30"`; empty for any other text."""
    plain = text.strip().strip("'\"").removesuffix("%").strip().replace(",", ".", 1)
    if not _is_number(plain) or not math.isfinite(float(plain)):
        return ""
    how = ", with a point" if "," in text else ", without the %" if "%" in text else ""
    return f" Write {float(plain):g}{how}."


def parse_intensity(text: str) -> Intensity:
    """An intensity as you type it: `20`, `20.5` or `20%`. IntensityError otherwise (R19)."""
    try:
        number = decimal(text.strip().removesuffix("%"))
    except ValueError:
        hint = number_hint(text)
        raise IntensityError(
            f"intensity '{text}' is not a number", f"Give a number from 0 to 100 (percent).{hint}"
        ) from None
    return Intensity(number)


Levels = tuple[float, float, float, float, float, float]
"""One level per zone in percent, in wire order."""


def per_zone(values: Iterable[T]) -> tuple[T, T, T, T, T, T]:
    """One value per zone, in wire order. Raises ValueError unless there are six."""
    a, b, c, d, e, f = values
    return a, b, c, d, e, f


ZERO: Final[Levels] = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0)

"""A topic and a payload become a typed order with its stamp, or an error; nothing is guessed (R18, R19)."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, Final, cast

import msgspec
from msgspec import Struct

from massager_ctl.errors import InputError
from massager_ctl.requests import (
    Change,
    Ease,
    Fade,
    Pause,
    Resume,
    SetHeat,
    SetLevel,
    SignOfLife,
    UndoEase,
)
from massager_ctl.safety.remote import Need, Stamp
from massager_ctl.surfaces.mqtt.topics import COMMANDS, Name
from massager_ctl.units import Direction, Intensity, Levels, Zone

PAYLOAD_MAX: Final = 4096
"""Bytes of a command at the most."""

MANUAL: Final = "manual"
"""The choice of a session by hand, among the profiles."""

PRESS: Final = "PRESS"
"""What a button of Home Assistant says."""

HEAT_OFF: Final = "off"
HEAT_STEPS: Final = ("35", "36", "37", "38", "39")
"""°C that can be chosen (R11 allows 39)."""

TURNS: Final = (Direction.NONE, Direction.CW, Direction.CCW, Direction.ALTERNATE)
"""Ways of kneading that can be chosen; none is vibration alone."""

DURATION_MIN: Final = 1
DURATION_MAX: Final = 15
"""Minutes of a session by hand (R8)."""


class Stop(Struct, frozen=True):
    """Stop now."""


class Pain(Struct, frozen=True):
    """Pain was felt; from elsewhere it is never classified (R18)."""


class Start(Struct, frozen=True):
    """Begin a session. `profile`: None for what was chosen before; `cap`: percent, lowers only."""

    profile: str | None = None
    cap: float | None = None


class ChooseProfile(Struct, frozen=True):
    """What a start will play."""

    profile: str


class ChooseDuration(Struct, frozen=True):
    """How long a session by hand will last, minutes."""

    minutes: float


class ChooseDirection(Struct, frozen=True):
    """How a session by hand kneads, now and from the start."""

    direction: Direction


class ChooseHeat(Struct, frozen=True):
    """How warm a session by hand is, °C, now and from the start; None for off."""

    celsius: float | None


Choice = ChooseProfile | ChooseDuration | ChooseDirection | ChooseHeat
Order = Change | Stop | Pain | Start | Choice


class Command(Struct, frozen=True):
    """An order, what came with it, and the name under which an answer speaks of it."""

    name: str
    order: Order
    stamp: Stamp


def read_stamp(payload: bytes, *, retained: bool) -> tuple[object, Stamp]:
    """The value and the stamp of any payload whatever: JSON with `v`, `n`, `t`, or a bare value without a stamp."""
    if len(payload) > PAYLOAD_MAX:
        return None, Stamp(retained=retained)
    try:
        found: object = msgspec.json.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return payload.decode(errors="replace"), Stamp(retained=retained)
    if not isinstance(found, dict):
        return found, Stamp(retained=retained)
    fields = cast("dict[str, object]", found)
    return fields.get("v"), Stamp(fields.get("n"), fields.get("t"), retained)


def read_command(
    named: str, payload: bytes, *, retained: bool, profiles: Collection[str]
) -> Command:
    """The command at `cmd/<named>`. `profiles`: the ids that may be played.

    Stop and pain are read from any payload. InputError where there is no such command, or its value is none.
    """
    value, stamp = read_stamp(payload, retained=retained)
    head, _, rest = named.partition("/")
    reader = _READERS.get(head)
    if reader is None or (rest and head != Name.LEVEL):
        raise InputError(f"there is no command '{named}'", f"Commands are {', '.join(COMMANDS)}.")
    return Command(named, reader(value, rest, profiles), stamp)


def need_of(order: Order, aims: Levels) -> Need:
    """What this order needs at this moment: whatever can only lower or end needs nothing (R18).

    `aims`: percent a zone that a session by hand was told last (`Controller.aims`).
    """
    match order:
        case Start():
            return Need.START
        case SetLevel(percent=percent, zone=zone):
            lowest = min(aims) if zone is None else aims[zone.index]
            return Need.FREE if percent <= lowest else Need.RAISE
        case SetHeat(celsius=None) | ChooseHeat(celsius=None):
            return Need.FREE
        case Stop() | Pain() | Pause() | Ease() | Fade():
            return Need.FREE
        case _:
            return Need.RAISE


_Reader = Callable[[object, str, Collection[str]], Order]


def _always(order: Order) -> _Reader:
    return lambda value, rest, profiles: order


def _ease(value: object, rest: str, profiles: Collection[str]) -> Order:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return Ease(float(Intensity(value)))
    return Ease()


def _level(value: object, rest: str, profiles: Collection[str]) -> Order:
    if not rest:
        raise InputError("a level needs a zone", "Use `level/ZONE` or `level/all`.")
    return SetLevel(float(Intensity(value)), None if rest == "all" else Zone.parse(rest))


def _start(value: object, rest: str, profiles: Collection[str]) -> Order:
    cap: object = None
    if isinstance(value, dict):
        fields = cast("dict[str, Any]", value)
        unknown = sorted(fields.keys() - {"profile", "cap"})
        if unknown:
            raise InputError(f"a start has no key '{unknown[0]}'", "It takes profile and cap.")
        value, cap = fields.get("profile"), fields.get("cap")
    profile = None if value is None or value == PRESS else _profile(value, profiles)
    return Start(profile, None if cap is None else Intensity(cap))


def _profile(value: object, profiles: Collection[str]) -> str:
    if not isinstance(value, str) or (value != MANUAL and value not in profiles):
        raise InputError(f"there is no profile {value!r}", "`massager-ctl profiles list` has them.")
    return value


def _duration(value: object, rest: str, profiles: Collection[str]) -> Order:
    if (
        isinstance(value, bool)
        or not isinstance(value, (int, float))
        or not DURATION_MIN <= value <= DURATION_MAX
    ):
        raise InputError(f"a session by hand lasts {DURATION_MIN} to {DURATION_MAX} minutes (R8)")
    return ChooseDuration(value)


def _direction(value: object, rest: str, profiles: Collection[str]) -> Order:
    if not isinstance(value, str) or value not in TURNS:
        raise InputError(f"there is no direction {value!r}", f"Directions are {', '.join(TURNS)}.")
    return ChooseDirection(Direction(value))


def _heat(value: object, rest: str, profiles: Collection[str]) -> Order:
    if value == HEAT_OFF:
        return ChooseHeat(None)
    step = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(step, str) or step not in HEAT_STEPS:
        raise InputError(
            f"heat is not {value!r}", f"It is {HEAT_OFF} or one of {', '.join(HEAT_STEPS)} °C."
        )
    return ChooseHeat(float(step))


_READERS: Final[dict[str, _Reader]] = {
    Name.START: _start,
    Name.STOP: _always(Stop()),
    Name.PAUSE: _always(Pause()),
    Name.RESUME: _always(Resume()),
    Name.EASE: _ease,
    Name.UNDO_EASE: _always(UndoEase()),
    Name.FADE: _always(Fade()),
    Name.PAIN: _always(Pain()),
    Name.SIGN_OF_LIFE: _always(SignOfLife()),
    Name.LEVEL: _level,
    Name.PROFILE: lambda value, rest, profiles: ChooseProfile(_profile(value, profiles)),
    Name.DURATION: _duration,
    Name.DIRECTION: _direction,
    Name.HEAT: _heat,
}

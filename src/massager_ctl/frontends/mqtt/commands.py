"""Reads a topic and a payload into a typed order with its stamp, or an error; nothing is guessed (R18, R19)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, cast

from msgspec import Struct

from massager_ctl.errors import InputError
from massager_ctl.frontends.mqtt.choices import (
    DURATION_MAX,
    DURATION_MIN,
    read_direction,
    read_heat,
    read_profile,
)
from massager_ctl.frontends.mqtt.topics import COMMANDS, Name
from massager_ctl.model.json_reading import NotJson, read_json
from massager_ctl.model.request_document import read_request
from massager_ctl.model.requests import (
    Request,
)
from massager_ctl.model.units import Direction, Levels
from massager_ctl.safety import remote_start
from massager_ctl.safety.remote_start import Need, Stamp

PAYLOAD_MAX: Final = 4096
"""Maximum bytes of a command."""

PRESS: Final = "PRESS"
"""The payload of a button in Home Assistant."""


class ChooseProfile(Struct, frozen=True):
    """Choose what a start will play."""

    profile: str


class ChooseDuration(Struct, frozen=True):
    """Choose how long manual control will last, minutes."""

    minutes: float


class ChooseDirection(Struct, frozen=True):
    """Set how manual control kneads, now and from the start."""

    direction: Direction


class ChooseHeat(Struct, frozen=True):
    """Set the heat of manual control, °C, now and from the start; None for off."""

    celsius: float | None


Choice = ChooseProfile | ChooseDuration | ChooseDirection | ChooseHeat
Order = Request | Choice


class Command(Struct, frozen=True):
    """An order, its stamp, and its name in answers."""

    name: str
    order: Order
    stamp: Stamp


def read_stamp(payload: bytes, *, retained: bool) -> tuple[object, Stamp]:
    """The value and the stamp of any payload: JSON with `v`, `n`, `t`, or a bare value without a stamp."""
    if len(payload) > PAYLOAD_MAX:
        return None, Stamp(retained=retained)
    try:
        found = read_json(payload)
    except NotJson:
        return payload.decode(errors="replace"), Stamp(retained=retained)
    if not isinstance(found, dict):
        return found, Stamp(retained=retained)
    fields = cast("dict[str, object]", found)
    return fields.get("v"), Stamp(fields.get("n"), fields.get("t"), retained)


def read_command(
    named: str, payload: bytes, *, retained: bool, titles: Mapping[str, str]
) -> Command:
    """The command at `cmd/<named>`. `titles`: of the profiles that can be played, by id.

    Stop and pain are read from any payload. InputError if the command is unknown, or its value invalid.
    """
    value, stamp = read_stamp(payload, retained=retained)
    head, _, rest = named.partition("/")
    reader = _READERS.get(head)
    if reader is None or (rest and head != Name.LEVEL):
        raise InputError(f"unknown command '{named}'", f"Commands are {', '.join(COMMANDS)}.")
    return Command(named, reader(value, rest, titles), stamp)


def need_of(order: Order, aims: Levels) -> Need:
    """What this order needs now (R18). `aims`: as `Controller.aims` has them."""
    match order:
        case ChooseHeat(celsius=None):
            return Need.FREE
        case ChooseProfile() | ChooseDuration() | ChooseDirection() | ChooseHeat():
            return Need.RAISE
        case _:
            return remote_start.need_of(order, aims)


_Reader = Callable[[object, str, Mapping[str, str]], Order]


def _request(name: str, **fields: object) -> Any:
    return read_request({"request": name, **fields})


def _plain(name: str) -> _Reader:
    """A request that takes no value; a payload is ignored."""
    return lambda _value, _rest, _titles: _request(name)


def _ease(value: object, _rest: str, _titles: Mapping[str, str]) -> Order:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _request("ease", points=value)
    return _request("ease")


def _level(value: object, rest: str, _titles: Mapping[str, str]) -> Order:
    if not rest:
        raise InputError("a level needs a zone", "Use `level/ZONE` or `level/all`.")
    return _request("set", percent=value, zone=rest)


def _start(value: object, _rest: str, titles: Mapping[str, str]) -> Order:
    fields: dict[str, object] = {}
    if isinstance(value, dict):
        fields = cast("dict[str, object]", value)
        unknown = sorted(fields.keys() - {"profile", "cap"})
        if unknown:
            raise InputError(f"unknown key '{unknown[0]}' in a start", "It takes profile and cap.")
        value = fields.get("profile")
    profile = None if value is None or value == PRESS else read_profile(value, titles)
    return _request("start", profile=profile, cap=fields.get("cap"))


def _duration(value: object, _rest: str, _titles: Mapping[str, str]) -> Order:
    if (
        isinstance(value, bool)
        or not isinstance(value, (int, float))
        or not DURATION_MIN <= value <= DURATION_MAX
    ):
        raise InputError(f"manual control lasts {DURATION_MIN} to {DURATION_MAX} minutes")
    return ChooseDuration(value)


_READERS: Final[dict[str, _Reader]] = {
    Name.START: _start,
    Name.STOP: _plain("stop"),
    Name.PAUSE: _plain("pause"),
    Name.RESUME: _plain("resume"),
    Name.EASE: _ease,
    Name.UNDO_EASE: _plain("undo"),
    Name.FADE: _plain("fade"),
    Name.PAIN: _plain("pain"),
    Name.PRESENCE: _plain("presence"),
    Name.LEVEL: _level,
    Name.PROFILE: lambda value, _rest, titles: ChooseProfile(read_profile(value, titles)),
    Name.DURATION: _duration,
    Name.DIRECTION: lambda value, _rest, _titles: ChooseDirection(read_direction(value)),
    Name.HEAT: lambda value, _rest, _titles: ChooseHeat(read_heat(value)),
}

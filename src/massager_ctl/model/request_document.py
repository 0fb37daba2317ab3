"""Reads requests from plain JSON values and writes them back; every front end uses it (R19)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, Final, get_args

import msgspec

from massager_ctl.errors import InputError
from massager_ctl.model.requests import (
    Ask,
    LocalRequest,
    Pain,
    PainKind,
    Request,
    Stop,
)
from massager_ctl.model.units import Direction, Intensity, Motion, Zone

ID_MAX: Final = 64
"""Maximum characters of a request's `id`."""

ALL_ZONES: Final = "all"
"""The value of `zone` that means every zone."""

_CLASSES: Final[Mapping[str, type[Ask]]] = MappingProxyType(
    {str(kind.__struct_config__.tag): kind for kind in get_args(LocalRequest)}
)
REMOTE: Final = frozenset(str(kind.__struct_config__.tag) for kind in get_args(Request))
"""Names of the requests that are accepted from anywhere; MQTT and HTTP pass this to `read_request`."""

LOCAL: Final = frozenset(_CLASSES)
"""Names of all requests, including those accepted only from this machine."""

_ZONE_NEEDED: Final = frozenset({"set"})
"""Requests that must say which zone, or `all`: a forgotten zone must not mean every zone."""


def read_request(fields: Mapping[str, object], *, allowed: frozenset[str] = REMOTE) -> Any:
    """The request in `fields`, of one of the `allowed` names; a member of `Request` or `LocalRequest`.

    `stop` and `pain` are read whatever other keys there are (R6, R22). Raises InputError; nothing is guessed (R19).
    """
    name = fields.get("request")
    kind = _CLASSES.get(name) if isinstance(name, str) and name in allowed else None
    if kind is None:
        known = ", ".join(one for one in _CLASSES if one in allowed)
        raise InputError(f"unknown request {name!r}", f"Requests are {known}.")
    if kind is Stop:
        return Stop(id=_id_or_none(fields))
    if kind is Pain:
        return Pain(_pain_kind(fields.get("kind")), id=_id_or_none(fields))
    plain = {key: _read(key, value) for key, value in fields.items()}
    _check_keys(kind, plain)
    try:
        return msgspec.convert(plain, kind)
    except msgspec.ValidationError as error:
        raise InputError(f"request '{name}': {error}") from None


def request_document(request: Ask) -> dict[str, Any]:
    """The request as plain JSON values, which `read_request` reads."""
    fields: dict[str, Any] = msgspec.to_builtins(request)
    if fields["id"] is None:
        del fields["id"]
    if fields.get("zone", "") is None:
        fields["zone"] = ALL_ZONES
    return fields


def _check_keys(kind: type[Ask], fields: Mapping[str, object]) -> None:
    name = str(kind.__struct_config__.tag)
    known = [key for key in kind.__struct_fields__ if key != "id"]
    unknown = sorted(fields.keys() - {"request", "id", *known})
    if unknown:
        takes = f"It takes {', '.join(sorted(known))}." if known else "It takes none."
        raise InputError(f"request '{name}' has no key '{unknown[0]}'", takes)
    missing = sorted(_needed(kind) - fields.keys())
    if missing:
        raise InputError(f"request '{name}' needs '{missing[0]}'")


@cache
def _needed(kind: type[Ask]) -> frozenset[str]:
    """Keys that a request must have; to ask msgspec for them takes longer than to read the request."""
    needed = {field.name for field in msgspec.structs.fields(kind) if field.required}
    return frozenset(needed | ({"zone"} if kind.__struct_config__.tag in _ZONE_NEEDED else set()))


def _read(key: str, value: object) -> object:
    reader = _READERS.get(key)
    return value if reader is None else reader(value)


def _zone(value: object) -> object:
    return None if value == ALL_ZONES else Zone.parse(value)


def _level(value: object) -> float:
    return float(Intensity(value))


def _optional_level(value: object) -> float | None:
    return None if value is None else _level(value)


def finite_number(key: str, value: object) -> float | None:
    """A finite number or None; text and booleans are neither (R19). Raises InputError."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value - value != 0:
        raise InputError(f"'{key}' is not a number")
    try:
        return float(value)
    except OverflowError:
        raise InputError(f"'{key}' is too large a number") from None


def _number(key: str) -> Callable[[object], float | None]:
    return lambda value: finite_number(key, value)


def _id(value: object) -> str | int | None:
    if isinstance(value, str):
        if len(value) > ID_MAX:
            raise InputError(f"'id' is longer than {ID_MAX} characters")
        return value
    if value is None or (
        isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 53
    ):
        return value
    raise InputError("'id' is neither text nor a whole number")


def _id_or_none(fields: Mapping[str, object]) -> str | int | None:
    try:
        return _id(fields.get("id"))
    except InputError:
        return None


def _pain_kind(value: object) -> PainKind:
    try:
        return PainKind(str(value))
    except ValueError:
        return PainKind.UNCLASSIFIED


_READERS: Final[Mapping[str, Callable[[object], object]]] = MappingProxyType(
    {
        "id": _id,
        "percent": _level,
        "points": _level,
        "cap": _optional_level,
        "zone": _zone,
        "motion": Motion.parse,
        "direction": Direction.parse,
        "period_s": _number("period_s"),
        "celsius": _number("celsius"),
        "duration_s": _number("duration_s"),
    }
)
"""Keys whose values are read before types are checked, for errors that say what is wrong and why."""

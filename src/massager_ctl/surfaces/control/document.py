"""Requests and statuses as JSON: what the control socket and `--json` speak (R19)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, cast

import msgspec
from msgspec import Struct

from massager_ctl.errors import InputError, MassagerError
from massager_ctl.requests import (
    Change,
    Ease,
    Fade,
    PainKind,
    Pause,
    Resume,
    SetHeat,
    SetLevel,
    SetMotion,
    SignOfLife,
    UndoEase,
)
from massager_ctl.status import Status
from massager_ctl.units import ZONES, Direction, Intensity, Motion, Zone


class Stop(Struct, frozen=True):
    """Stop now, and confirm it."""


class Pain(Struct, frozen=True):
    """Pain was felt: stop now, then lower or lock (R22)."""

    kind: PainKind


class Start(Struct, frozen=True):
    """Begin a session: a profile as its file has it, or by hand where `profile` is None."""

    profile: dict[str, Any] | None
    cap: float | None
    duration_s: float | None


class Reset(Struct, frozen=True):
    """Clear a latch: first without, then with the token of the answer (R7)."""

    confirm: str | None


class Ready(Struct, frozen=True):
    """Let one remote start happen; `symptoms` is the answer to "any symptom today?" (R18, R21)."""

    symptoms: str


class Query(Struct, frozen=True):
    """The status, once or (`watch`) whenever it changes."""

    watch: bool


_Fields = dict[str, Any]

Asked = Change | Stop | Pain | Start | Reset | Ready | Query


class Envelope(Struct, frozen=True):
    """A request and the sender's monotonic time of asking, where it gave one (R5)."""

    asked: Asked
    sent_at: float | None


def read_request(line: bytes) -> Envelope:
    """The request in one line of JSON. InputError says what is wrong with it; nothing is guessed (R19)."""
    try:
        found: object = msgspec.json.decode(line)
    except (msgspec.DecodeError, RecursionError) as error:
        raise InputError(f"this line is no JSON: {error}", "Send one JSON object a line.") from None
    if not isinstance(found, dict):
        raise InputError("a request is a JSON object", 'For example {"request": "stop"}.')
    fields = cast("dict[str, Any]", found)
    name = fields.pop("request", None)
    sent_at = fields.pop("t", None)
    known = REQUESTS.get(name) if isinstance(name, str) else None
    if known is None:
        raise InputError(f"unknown request {name!r}", f"Requests are {', '.join(REQUESTS)}.")
    if name in _ALWAYS:
        return Envelope(known.read(fields), None)
    unknown = sorted(fields.keys() - known.keys)
    if unknown:
        keys = ", ".join(sorted(known.keys))
        allowed = f"It takes {keys}." if keys else "It takes none."
        raise InputError(f"request '{name}' has no key '{unknown[0]}'", allowed)
    return Envelope(known.read(fields), _number("t", sent_at))


_ALWAYS: Final = frozenset({"stop", "pain"})
"""Requests that stop, whatever else stands in the line (R6, R22)."""


def _pain(fields: _Fields) -> Asked:
    try:
        return Pain(PainKind(fields.get("kind")))
    except ValueError:
        return Pain(PainKind.UNCLASSIFIED)


def _set(fields: _Fields) -> Asked:
    return SetLevel(percent=Intensity(fields.get("percent")), zone=_zone(fields.get("zone")))


def _motion(fields: _Fields) -> Asked:
    period_s = _number("period_s", fields.get("period_s"))
    return SetMotion(
        motion=Motion.parse(fields.get("motion")),
        direction=_choice(Direction, "direction", fields.get("direction", "none")),
        zone=_zone(fields.get("zone", "all")),
        period_s=5.0 if period_s is None else period_s,
    )


def _ready(fields: _Fields) -> Asked:
    symptoms = _text("symptoms", fields.get("symptoms"))
    if symptoms not in {"yes", "no", "unsure"}:
        raise InputError("'symptoms' is yes, no or unsure")
    return Ready(symptoms)


def _start(fields: _Fields) -> Asked:
    profile: object = fields.get("profile")
    if profile is not None and not isinstance(profile, dict):
        raise InputError("'profile' is a profile's content, or null for a session by hand")
    cap = fields.get("cap")
    return Start(
        cast("dict[str, Any] | None", profile),
        None if cap is None else Intensity(cap),
        _number("duration_s", fields.get("duration_s")),
    )


class _Form(Struct, frozen=True):
    """How a request is read: the keys that it may carry beside `request` and `t`."""

    read: Callable[[_Fields], Asked]
    keys: frozenset[str] = frozenset()


REQUESTS: Final[dict[str, _Form]] = {
    "stop": _Form(lambda _: Stop()),
    "pain": _Form(_pain, frozenset({"kind"})),
    "pause": _Form(lambda _: Pause()),
    "resume": _Form(lambda _: Resume()),
    "set": _Form(_set, frozenset({"zone", "percent"})),
    "motion": _Form(_motion, frozenset({"zone", "motion", "direction", "period_s"})),
    "heat": _Form(
        lambda fields: SetHeat(celsius=_number("celsius", fields.get("celsius"))),
        frozenset({"celsius"}),
    ),
    "ease": _Form(
        lambda fields: Ease(points=Intensity(fields.get("points", 5))), frozenset({"points"})
    ),
    "undo_ease": _Form(lambda _: UndoEase()),
    "fade": _Form(lambda _: Fade()),
    "sign_of_life": _Form(lambda _: SignOfLife()),
    "status": _Form(lambda _: Query(watch=False)),
    "watch": _Form(lambda _: Query(watch=True)),
    "start": _Form(_start, frozenset({"profile", "cap", "duration_s"})),
    "reset": _Form(
        lambda fields: Reset(_text("confirm", fields.get("confirm"))), frozenset({"confirm"})
    ),
    "ready": _Form(_ready, frozenset({"symptoms"})),
}
"""Each request by its name."""


def request_document(change: Change) -> dict[str, Any]:
    """A change as the control socket takes it."""
    match change:
        case SetLevel(percent=percent, zone=zone):
            return {"request": "set", "zone": zone or "all", "percent": percent}
        case SetMotion(motion=motion, direction=direction, zone=zone, period_s=period_s):
            return {
                "request": "motion",
                "motion": motion,
                "direction": direction,
                "zone": zone or "all",
                "period_s": period_s,
            }
        case SetHeat(celsius=celsius):
            return {"request": "heat", "celsius": celsius}
        case Ease(points=points):
            return {"request": "ease", "points": points}
        case Pause():
            return {"request": "pause"}
        case Resume():
            return {"request": "resume"}
        case UndoEase():
            return {"request": "undo_ease"}
        case Fade():
            return {"request": "fade"}
        case SignOfLife():
            return {"request": "sign_of_life"}


def _zone(name: object) -> Zone | None:
    return None if name == "all" else Zone.parse(name)


def _number(key: str, value: object) -> float | None:
    """A finite number or None; text and booleans are neither (R19)."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value - value != 0:
        raise InputError(f"'{key}' is not a number")
    try:
        return float(value)
    except OverflowError:
        raise InputError(f"'{key}' is out of all range") from None


def _text(key: str, value: object) -> str | None:
    if value is not None and not isinstance(value, str):
        raise InputError(f"'{key}' is not text")
    return value


def _choice(kind: Any, key: str, value: object) -> Any:
    try:
        return kind(value)
    except ValueError:
        raise InputError(f"'{key}' is not {value!r}", f"It is one of {', '.join(kind)}.") from None


_LEVELS: Final = ("target", "allowed", "caps")


def status_document(status: Status) -> dict[str, Any]:
    """A status as plain JSON values, levels by zone name, for other programs and other terminals."""
    document: dict[str, Any] = msgspec.to_builtins(
        status, order="deterministic", enc_hook=float
    )  # an Intensity is a float of its own class
    for key in _LEVELS:
        document[key] = _by_zone(document[key])
    document["actual"] = _by_zone(status.actual)
    document["sent"]["levels"] = _by_zone(status.sent.levels)
    for key, levels in (("info", "caps"), ("telemetry", "levels")):
        if document[key] is not None:
            document[key][levels] = _by_zone(document[key][levels])
    return document


def status_from(document: dict[str, Any]) -> Status:
    """The status behind a document of `status_document`. InputError where it makes no sense."""
    try:
        plain = dict(document)
        plain.pop("actual", None)
        for key in _LEVELS:
            plain[key] = list(plain[key].values())
        plain["sent"] = {**plain["sent"], "levels": list(plain["sent"]["levels"].values())}
        for key, levels in (("info", "caps"), ("telemetry", "levels")):
            if plain.get(key) is not None:
                plain[key] = {**plain[key], levels: list(plain[key][levels].values())}
        return msgspec.convert(plain, Status)
    except (KeyError, AttributeError, TypeError, msgspec.ValidationError) as error:
        raise InputError(f"this status makes no sense: {error}") from None


def _by_zone(levels: Any) -> dict[str, float]:
    return {zone.value: level for zone, level in zip(ZONES, levels, strict=True)}


def error_document(error: MassagerError) -> dict[str, str]:
    """An error as the control socket and `--json` give it."""
    return {"code": error.code, "message": error.message, "remedy": error.remedy}

"""The status as JSON for home automation: what is, not what was requested, in words and round numbers."""

from __future__ import annotations

import math
import re
from typing import Any, Final

from msgspec import Struct

from massager_ctl.control.outlook import Hindrance, Outlook
from massager_ctl.errors import LinkError, MassagerError, MedicalLock
from massager_ctl.frontends.mqtt.choices import DIRECTION_WORDS, RemoteState, heat_word
from massager_ctl.model.device import Cause, DeviceState, Motion
from massager_ctl.model.outcome import DEVICE_SAYS
from massager_ctl.model.requests import MANUAL
from massager_ctl.model.status import LinkState, Phase, Status
from massager_ctl.model.units import ZONES, Direction, Levels
from massager_ctl.safety.presence import ASK_S

PHASES: Final = (
    *(phase.value for phase in Phase if phase is not Phase.ENDED),
    DeviceState.LATCHED.value,
    DeviceState.FAULT.value,
)
"""Values of `phase`: the session's, or the device's latch."""

TEXT_MAX: Final = 250
"""Maximum characters of an entity's state; Home Assistant takes 255."""

NOTHING_TO_DO: Final = "Nothing to do"

_RULES: Final = re.compile(r" \((?:R\d+(?:, )?)+\)")

LATCHED: Final = frozenset({DeviceState.LATCHED, DeviceState.FAULT})

_REASON_WORDS: Final[dict[Cause, str]] = {
    Cause.NONE: "No session yet",
    Cause.PERSON: "Stopped by a person",
    Cause.FINISHED: "Played to its end",
    Cause.PAIN: "Pain was reported",
    Cause.SAFETY: "A safety rule",
    Cause.HOST_LATE: "The computer was busy or suspended",
    Cause.HOST_CLOSING: "The service was ended",
    Cause.TELEMETRY_LOST: "The device was silent",
    Cause.DEAD_MAN: "The device received nothing",
    Cause.LINK_LOST: "The link was lost",
    Cause.UNKNOWN: "Unknown",
}


def _first_part(text: str) -> str:
    """A device's sentence without its rule and remedy."""
    part = text.split(" (", maxsplit=1)[0].split(";", maxsplit=1)[0]
    return f"{part[:1].upper()}{part[1:]}"


REASON_WORDS: Final[dict[str, str]] = {
    cause.value: _REASON_WORDS.get(cause) or _first_part(DEVICE_SAYS[cause]) for cause in Cause
}
"""Values of `stop_reason_text`, by `stop_reason`."""


class Remote(Struct, frozen=True):
    """What is known beside the status, seconds. `dose_left_s`: None if no dose is counted, or it is unknown."""

    ready_for_s: float = 0.0
    ready_in_s: float | None = None
    dose_left_s: float | None = None
    notes: tuple[str, ...] = ()
    """What the next start would report about the device, such as its class (R25)."""


class Advice(Struct, frozen=True):
    """A problem and what to do about it. `locked`: nothing starts until that was done at the machine."""

    text: str = ""
    remedy: str = ""
    locked: bool = False
    problem: bool = False


def state_document(
    status: Status, state: RemoteState, remote: Remote, advice: Advice, caps: Levels
) -> dict[str, Any]:
    """The content of `state`. `caps`: percent per zone, in force now or for the next session."""
    telemetry = status.telemetry
    in_session = status.phase.in_session
    by_hand = in_session and status.profile == MANUAL
    latched = telemetry is not None and telemetry.state in LATCHED
    choices = state.choices
    reason = status.end_reason or Cause.NONE.value
    return {
        "phase": telemetry.state.value if telemetry and latched else _phase(status),
        "running": in_session,
        "playing": status.profile if in_session else "",
        "title": status.title if in_session else "",
        "step": status.step if in_session else "",
        "remaining_s": round(status.remaining_s),
        "elapsed_s": round(status.elapsed_s) if in_session else 0,
        "levels": _by_zone(status.actual),
        "targets": _by_zone(tuple(map(min, status.target, caps))),
        "settable": by_hand and status.phase in _SETTABLE,
        "caps": {zone.value: _floor(cap) for zone, cap in zip(ZONES, caps, strict=True)},
        "eased": round(status.eased, 1),
        "profile": choices.profile,
        "profile_title": state.profiles.get(choices.profile, choices.profile),
        "duration_min": _whole(choices.minutes),
        "direction": DIRECTION_WORDS[_direction(status) if by_hand else choices.direction],
        "heat": heat_word(status.sent.heat_c if by_hand else choices.heat),
        "heat_on": telemetry is not None and telemetry.heat_on,
        "battery": telemetry.battery if telemetry else None,
        "pad_c": _half(telemetry.pad_c) if telemetry else None,
        "motor_c": _half(telemetry.motor_c) if telemetry else None,
        "dose_left_s": None if remote.dose_left_s is None else round(remote.dose_left_s),
        "stop_reason": reason,
        "stop_reason_text": REASON_WORDS.get(reason, reason),
        "message": status.message,
        "notes": list(status.notes or remote.notes),
        "presence_due": presence_due(status),
        "ready": remote.ready_for_s > 0,
        "ready_in_min": None if remote.ready_in_s is None else math.ceil(remote.ready_in_s / 60),
        "problem": advice.problem,
        "problem_text": advice.text if advice.problem else "",
        "locked": advice.locked,
        "advice": clip(" ".join(filter(None, (_sentence(advice.text), advice.remedy))))
        or NOTHING_TO_DO,
        "remedy": advice.remedy,
        "clock_problem": state.skew_s is not None,
        "clock_skew_s": None if state.skew_s is None else round(state.skew_s, 1),
    }


def advise(hindrance: Hindrance | None, outlook: Outlook, problem: str) -> Advice:
    """The most urgent problem. `problem`: with MQTT itself, or with the last session."""
    refusal = outlook.refusal
    if hindrance is not None:
        error = hindrance.error
        wrong = hindrance.locks or isinstance(error, LinkError)
        return Advice(plain(error.message), error.remedy, locked=hindrance.locks, problem=wrong)
    if isinstance(refusal, MedicalLock):
        return Advice(plain(refusal.message), refusal.remedy, locked=True, problem=True)
    if problem:
        return Advice(plain(problem), problem=True)
    if refusal is not None:
        return Advice(plain(refusal.message), refusal.remedy)
    return Advice()


def significant(document: dict[str, Any]) -> dict[str, Any]:
    """The part of a document whose changes are published at once; the rest follows every 2 seconds."""
    flowing = _FLOWING if document.get("settable") else _FLOWING | {"targets"}
    return {key: value for key, value in document.items() if key not in flowing}


_FLOWING: Final = frozenset(
    {
        "remaining_s",
        "elapsed_s",
        "levels",
        "battery",
        "pad_c",
        "motor_c",
        "dose_left_s",
        "step",
        "ready_in_min",
    }
)

_SETTABLE: Final = frozenset({Phase.RUNNING, Phase.PAUSED})


def presence_due(status: Status) -> bool:
    """Whether the person is asked to show presence now (R23)."""
    return status.presence_due_in_s is not None and status.presence_due_in_s <= ASK_S


def link_word(status: Status) -> str:
    """The content of `link`."""
    return "online" if status.link is LinkState.UP else "offline"


def with_remedy(error: MassagerError) -> dict[str, Any]:
    """An error as fields of an event."""
    fields = {"text": clip(error.message)}
    return fields | {"remedy": clip(error.remedy)} if error.remedy else fields


def clip(text: str) -> str:
    """One line that fits into an entity's state."""
    line = " ".join(text.split())
    return line if len(line) <= TEXT_MAX else f"{line[: TEXT_MAX - 1]}…"


def plain(text: str) -> str:
    """A sentence for a person, without its rule id."""
    return _RULES.sub("", text)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:].rstrip('.')}." if text else ""


def _phase(status: Status) -> str:
    return Phase.IDLE.value if status.phase is Phase.ENDED else status.phase.value


def _direction(status: Status) -> Direction:
    pattern = status.sent.patterns[0]
    return pattern.direction if pattern.motion is Motion.KNEAD else Direction.NONE


def _by_zone(levels: tuple[float, ...]) -> dict[str, float]:
    return {zone.value: _round(level) for zone, level in zip(ZONES, levels, strict=True)}


def _round(level: float) -> float:
    """Whole percent; a tenth below 1, so that what runs is never shown as 0."""
    return round(level) if level >= 1 or level < 0.05 else round(level, 1)


def _whole(number: float) -> float:
    return int(number) if number == int(number) else number


def _floor(cap: float) -> float:
    return math.floor(cap) if cap >= 1 else math.floor(cap * 10) / 10


def _half(celsius: float | None) -> float | None:
    return None if celsius is None else round(celsius * 2) / 2

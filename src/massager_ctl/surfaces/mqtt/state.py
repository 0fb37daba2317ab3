"""The picture as JSON for home automation: what is, never what was merely asked for."""

from __future__ import annotations

from typing import Any, Final

from msgspec import Struct

from massager_ctl.device import Cause, DeviceState, Motion
from massager_ctl.safety.attention import ASK_S
from massager_ctl.status import LinkState, Phase, Status
from massager_ctl.surfaces.mqtt.commands import HEAT_OFF, MANUAL
from massager_ctl.units import ZONES, Direction, Levels

PHASES: Final = (
    *(phase.value for phase in Phase if phase is not Phase.ENDED),
    DeviceState.LATCHED.value,
    DeviceState.FAULT.value,
)
"""What `phase` may be: the session's, or the device's latch."""

REASONS: Final = tuple(cause.value for cause in Cause)
"""What `stop_reason` may be."""

_LATCHED: Final = frozenset({DeviceState.LATCHED, DeviceState.FAULT})


class Choices(Struct, frozen=True):
    """What a start from elsewhere will do: chosen before, without effect until then."""

    profile: str = MANUAL
    minutes: float = 15.0
    direction: Direction = Direction.NONE
    heat: float | None = None


class Remote(Struct, frozen=True):
    """What the bridge knows beside the status. `skew_s`: of the last command with the right nonce and a wrong time."""

    ready_for_s: float = 0.0
    skew_s: float | None = None
    problem: str = ""


def state_document(
    status: Status, choices: Choices, remote: Remote, caps: Levels
) -> dict[str, Any]:
    """The content of `state`. `caps`: percent a zone, in force now or for the next session."""
    telemetry = status.telemetry
    manual = status.phase.in_session and status.profile == MANUAL
    latched = telemetry is not None and telemetry.state in _LATCHED
    problem = remote.problem or (_latch_text(status) if latched else "")
    return {
        "phase": telemetry.state.value if telemetry and latched else _phase(status),
        "running": status.phase.in_session,
        "playing": status.profile if status.phase.in_session else "",
        "title": status.title if status.phase.in_session else "",
        "step": status.step if status.phase.in_session else "",
        "remaining_s": round(status.remaining_s),
        "elapsed_s": round(status.elapsed_s) if status.phase.in_session else 0,
        "levels": _by_zone(status.actual),
        "targets": _by_zone(tuple(map(min, status.target, caps))),
        "caps": _by_zone(caps),
        "eased": status.eased,
        "profile": choices.profile,
        "duration_min": choices.minutes,
        "direction": _direction(status) if manual else choices.direction.value,
        "heat": _heat(status.sent.heat_c if manual else choices.heat),
        "heat_on": telemetry is not None and telemetry.heat_on,
        "battery": telemetry.battery if telemetry else None,
        "pad_c": telemetry.pad_c if telemetry else None,
        "motor_c": telemetry.motor_c if telemetry else None,
        "dose_left_min": None if status.dose_left_s is None else round(status.dose_left_s / 60, 1),
        "stop_reason": status.end_reason or Cause.NONE.value,
        "message": status.message,
        "notes": list(status.notes),
        "attention": wants_attention(status),
        "ready": remote.ready_for_s > 0,
        "problem": bool(problem),
        "problem_text": problem,
        "clock_problem": remote.skew_s is not None,
        "clock_skew_s": None if remote.skew_s is None else round(remote.skew_s, 1),
    }


def significant(document: dict[str, Any]) -> dict[str, Any]:
    """The part of a document whose change is told at once; the rest follows each second."""
    flowing = _FLOWING if document.get("playing") in ("", MANUAL) else _FLOWING | {"targets"}
    return {key: value for key, value in document.items() if key not in flowing}


_FLOWING: Final = frozenset(
    {"remaining_s", "elapsed_s", "levels", "battery", "pad_c", "motor_c", "dose_left_min", "step"}
)


def wants_attention(status: Status) -> bool:
    """Whether a sign of life is wanted now (R23)."""
    return status.attention_in_s is not None and status.attention_in_s <= ASK_S


def _phase(status: Status) -> str:
    return Phase.IDLE.value if status.phase is Phase.ENDED else status.phase.value


def _latch_text(status: Status) -> str:
    cause = status.telemetry.cause if status.telemetry else Cause.UNKNOWN
    return f"the device is latched ({cause}); it takes `massager-ctl reset` at the machine"


def link_word(status: Status) -> str:
    """The content of `link`."""
    return "online" if status.link is LinkState.UP else "offline"


def _direction(status: Status) -> str:
    pattern = status.sent.patterns[0]
    return pattern.direction.value if pattern.motion is Motion.KNEAD else Direction.NONE.value


def _heat(celsius: float | None) -> str:
    return HEAT_OFF if celsius is None else f"{celsius:.0f}"


def _by_zone(levels: tuple[float, ...]) -> dict[str, float]:
    return {zone.value: float(level) for zone, level in zip(ZONES, levels, strict=True)}

"""Every request that a front end can make, as one tagged union.

A request's tag is its name on the control socket, in MQTT and in HTTP; `request_document` reads and writes them.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Final, Literal

from msgspec import Struct

from massager_ctl.errors import InputError
from massager_ctl.model.units import DIRECTIONS, Direction, Intensity, Motion, Zone

MANUAL: Final = "manual"
"""Stands for manual control where a profile's id is expected; no profile may have this id."""


class Origin(StrEnum):
    """Where a request comes from: this machine, or a remote one (R18)."""

    LOCAL = "local"
    REMOTE = "remote"


class PainKind(StrEnum):
    """The kind of pain that was reported (R22)."""

    MILD = "mild"
    WARNING_SIGN = "warning_sign"
    UNCLASSIFIED = "unclassified"


class Ask(Struct, frozen=True, kw_only=True, tag_field="request", forbid_unknown_fields=True):
    """What all requests share. `id`: chosen by the sender, and repeated in the answer."""

    id: str | int | None = None


# Requests to a running session.


class Pause(Ask, frozen=True, tag="pause"):
    """All to zero, the session stays; at most four minutes (R8)."""


class Resume(Ask, frozen=True, tag="resume"):
    """Resume after a pause, climbing from zero (R3)."""


class SetLevel(Ask, frozen=True, tag="set"):
    """Manual: aim a zone at a level in percent. `zone` None means every zone. Higher is climbed to (R2, R3)."""

    percent: float
    zone: Zone | None = None


class SetMotion(Ask, frozen=True, tag="motion"):
    """Manual: motion and direction of a zone, or of every zone; `period_s` is 1 to 60 seconds per cycle."""

    motion: Motion
    direction: Direction = Direction.NONE
    zone: Zone | None = None
    period_s: float = 5.0


class SetHeat(Ask, frozen=True, tag="heat"):
    """Manual: heat target in °C, 30.0 to 39.0, or None for off (R11)."""

    celsius: float | None


class Ease(Ask, frozen=True, tag="ease"):
    """Lower every zone by `points` of percent, 5 by default."""

    points: float = 5.0


class Undo(Ask, frozen=True, tag="undo"):
    """Undo one ease; never above the profile."""


class Fade(Ask, frozen=True, tag="fade"):
    """Fade out over a few seconds and end the session."""


class Presence(Ask, frozen=True, tag="presence"):
    """A person is there (R23)."""


Change = Pause | Resume | SetLevel | SetMotion | SetHeat | Ease | Undo | Fade | Presence
"""Requests to a running session."""


# Requests that start and end a session.


class Start(Ask, frozen=True, tag="start"):
    """Start a session.

    `profile`: the id of one in the library, or a profile's content as its file has it; None or `manual` for manual
    control.
    `cap`: percent, lowers only. `duration_s`: of manual control, up to 900 (R8). `waits`: a person at this machine
    presses a key before motors start after hands-only time (P1). `off_seen`: a person at this machine has seen that the
    device is off, which a device whose last stop was not confirmed needs (R25); a remote one is ignored.
    """

    profile: str | dict[str, Any] | None = None
    cap: float | None = None
    duration_s: float | None = None
    waits: bool = False
    off_seen: bool = False


class Stop(Ask, frozen=True, tag="stop", forbid_unknown_fields=False):
    """Stop now, from any state, and confirm it (R6)."""


class Pain(Ask, frozen=True, tag="pain", forbid_unknown_fields=False):
    """Pain was felt: stop now, then lower or lock (R22)."""

    kind: PainKind = PainKind.UNCLASSIFIED


Request = Change | Start | Stop | Pain
"""Requests that are accepted from anywhere."""


# Requests that are accepted only from this machine.


class Reset(Ask, frozen=True, tag="reset"):
    """Clear a latch: first without a token, then with the one from the answer (R7). Never remote."""

    confirm: str | None = None


class Ready(Ask, frozen=True, tag="ready"):
    """Allow one remote start; `symptoms` is the answer to "any symptom today?" (R18, R21).

    `opens_in_s`: seconds until the time that you chose for it, up to 12 hours; 0 for now.
    """

    symptoms: Literal["yes", "no", "unsure"]
    opens_in_s: float = 0.0


class GetStatus(Ask, frozen=True, tag="status"):
    """The status, once."""


class Watch(Ask, frozen=True, tag="watch"):
    """The status whenever it changes."""


LocalRequest = Request | Reset | Ready | GetStatus | Watch
"""Requests that are accepted over the control socket."""


def name_of(request: Ask) -> str:
    """The request's name in the vocabulary: `set`, `pause`, `stop`."""
    return str(request.__struct_config__.tag)


def only_lowers(request: Ask) -> bool:
    """Whether it can only lower or end, whatever runs: it is never too old (R5) and needs no nonce (R18)."""
    match request:
        case Stop() | Pain() | Pause() | Ease() | Fade() | SetHeat(celsius=None):
            return True
        case _:
            return False


def check(change: Change) -> None:
    """Refuse what no device can play, before anything changes (R11, R19). Raises InputError."""
    match change:
        case SetLevel(percent=percent):
            Intensity(percent)
        case Ease(points=points):
            Intensity(points)  # a negative one would raise
        case SetMotion(motion=motion, direction=direction, period_s=period_s):
            if motion is Motion.REST:
                raise InputError("to rest a zone, set its level to 0")
            if direction not in DIRECTIONS[motion]:
                raise InputError(
                    f"{motion} has no direction {direction}",
                    f"It takes {', '.join(sorted(DIRECTIONS[motion]))}.",
                )
            if not _within(period_s, 1, 60):
                raise InputError("a cycle takes 1 to 60 seconds")
        case SetHeat(celsius=celsius):
            if celsius is not None and not _within(celsius, 30, 39):
                raise InputError("heat is off, or 30 to 39 °C (R11)")
        case Pause() | Resume() | Undo() | Fade() | Presence():
            pass


def _within(value: object, low: float, high: float) -> bool:
    """Whether it is a number in that range; text, booleans and NaN are not (R19)."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return low <= value <= high

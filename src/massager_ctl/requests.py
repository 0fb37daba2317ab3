"""What a person may ask for, from any surface: the same few typed requests to one controller."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from massager_ctl.errors import InputError
from massager_ctl.units import DIRECTIONS, Direction, Intensity, Motion, Zone


class Origin(StrEnum):
    """Who asked: somebody at this machine, somebody elsewhere (R18), or the program itself."""

    LOCAL = "local"
    REMOTE = "remote"
    PROGRAM = "program"


class PainKind(StrEnum):
    """What was reported (R22)."""

    MILD = "mild"
    WARNING_SIGN = "warning_sign"
    UNCLASSIFIED = "unclassified"


class Request(Struct, frozen=True):
    """One thing asked of a running session."""


class Pause(Request, frozen=True):
    """All to zero, the session stays; five minutes at most (R8)."""


class Resume(Request, frozen=True):
    """Go on after a pause, climbing from zero (R3)."""


class SetLevel(Request, frozen=True):
    """Manual: aim a zone at a level in percent. `zone` None means every zone. Higher is climbed to (R2, R3)."""

    percent: float
    zone: Zone | None = None


class SetMotion(Request, frozen=True):
    """Manual: motion and direction of a zone, or of every zone; `period_s` is 1 to 60 seconds a cycle."""

    motion: Motion
    direction: Direction = Direction.NONE
    zone: Zone | None = None
    period_s: float = 5.0


class SetHeat(Request, frozen=True):
    """Manual: heat target in °C, 30.0 to 39.0, or None for off (R11)."""

    celsius: float | None


class Ease(Request, frozen=True):
    """A little less everywhere: `points` of percent, 5 by default."""

    points: float = 5.0


class UndoEase(Request, frozen=True):
    """Take one ease back; never above the profile."""


class Fade(Request, frozen=True):
    """Fade out over a few seconds and end the session."""


class SignOfLife(Request, frozen=True):
    """Somebody is there (R23)."""


Change = Pause | Resume | SetLevel | SetMotion | SetHeat | Ease | UndoEase | Fade | SignOfLife
"""What a running session takes. Start, stop, pain and reset are the controller's own calls."""


def check(change: Change) -> None:
    """Refuse what no device could play, before anything changes (R11, R19). Raises InputError."""
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
        case Pause() | Resume() | UndoEase() | Fade() | SignOfLife():
            pass


def _within(value: object, low: float, high: float) -> bool:
    """Whether it is a number in that range; text, booleans and NaN are not (R19)."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return low <= value <= high

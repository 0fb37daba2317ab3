"""A profile that has been read: it has passed every check but the proof (R20)."""

from __future__ import annotations

import re
from typing import Final

from msgspec import Struct

from massager_ctl.model.device import Pattern
from massager_ctl.model.units import Zone
from massager_ctl.safety.envelope import RAMP_MIN_S

UNNAMED_LIMIT_S: Final = 900.0
"""Maximum seconds of a profile that names no duration (R8)."""

COUNTED: Final = 0.9
"""A device may have a slow clock, so it counts its long limits at this rate (R8)."""

CUT_MARGIN_S: Final = 30.0
"""Seconds before the device's limit at which a session ends."""


def device_allows_s(limit_s: float) -> float:
    """Maximum planned seconds for a device that states a limit of `limit_s` true seconds (R8)."""
    return COUNTED * limit_s - CUT_MARGIN_S


SESSION_LIMIT_S: Final = device_allows_s(1800.0)
"""Maximum armed seconds of any session without pauses: 1590 (R8, T2)."""

FADE_MIN_S: Final = 5.0
FADE_MAX_S: Final = 10.0
"""Seconds that the last powered part takes to reach zero (R8)."""

HOLD_MIN_S: Final = 10.0
HOLD_MAX_S: Final = 60.0
"""Minimum and maximum seconds of a sustained hold (K3, K5)."""

WARM_S: Final = 120.0
"""Seconds of running before the first hold (P5)."""

ID_FORM: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
"""The pattern of a profile's id."""

MAX_STEPS: Final = 10_000
"""Maximum steps of a profile once its repeats are expanded."""


class Place(Struct, frozen=True):
    """A position in a file; lines and columns count from 1."""

    source: str = ""
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"{self.source}:{self.line}:{self.column}"


class Share(Struct, frozen=True):
    """A level as a share, above 0 to 1, of what envelope and cap allow at each moment."""

    part: float


class Percent(Struct, frozen=True):
    """A level in percent of the rated output, which the plan climbs to as the rules allow."""

    value: float


class Keyframes(Struct, frozen=True):
    """Levels written out: (seconds from the step's start, percent), proved as they stand."""

    points: tuple[tuple[float, float], ...]


Aim = Share | Percent | Keyframes


def scaled(aim: Aim, scale: float) -> Aim:
    """The same aim at `scale` times its level; never higher."""
    if scale >= 1.0:
        return aim
    match aim:
        case Share():
            return Share(aim.part * scale)
        case Percent():
            return Percent(aim.value * scale)
        case Keyframes():
            return Keyframes(tuple((t, level * scale) for t, level in aim.points))


class Breath(Struct, frozen=True):
    """A breathing rhythm in seconds: in, then out."""

    in_s: float
    out_s: float


class Part(Struct, frozen=True):
    """What one zone does in a step, and how the device plays it."""

    zone: Zone
    aim: Aim
    pattern: Pattern = Pattern()


class Powered(Struct, frozen=True):
    """A step in which motors turn: a part for each zone."""

    duration_s: float
    parts: tuple[Part, ...]
    period_s: float = 5.0
    heat_c: float | None = None
    title: str = ""
    say: str = ""
    breath: Breath | None = None
    bell: bool = False
    place: Place = Place()


class HandsOn(Struct, frozen=True):
    """A step for the person's own hands, with every motor off (K8, K9, K10)."""

    duration_s: float
    text: str
    title: str = ""
    breath: Breath | None = None
    bell: bool = False
    place: Place = Place()


class Rest(Struct, frozen=True):
    """A step in which nothing happens and every level falls to zero."""

    duration_s: float
    title: str = ""
    say: str = ""
    place: Place = Place()


Step = Powered | HandsOn | Rest


class Profile(Struct, frozen=True, kw_only=True):
    """One session as its author wrote it. Seconds and percent; `cap` is a ceiling for every zone (R1)."""

    id: str
    title: str
    steps: tuple[Step, ...]
    cap: float
    ramp_s: float = RAMP_MIN_S
    fade_s: float = 8.0
    duration_named: bool = False
    summary: str = ""
    technique: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    not_for: tuple[str, ...] = ()
    place: Place = Place()

    @property
    def duration_s(self) -> float:
        """Seconds from the first step to the end of the last."""
        return sum(step.duration_s for step in self.steps)

    @property
    def limit_s(self) -> float:
        """The longest that this profile may last (R8)."""
        return SESSION_LIMIT_S if self.duration_named else UNNAMED_LIMIT_S

    @property
    def powered(self) -> bool:
        """Whether any motor turns; none does in K10."""
        return any(isinstance(step, Powered) for step in self.steps)

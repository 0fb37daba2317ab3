"""The status that every front end shows: one immutable view of device and session."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from msgspec import Struct

from massager_ctl.model.device import OFF, DeviceInfo, Setpoint, Telemetry
from massager_ctl.model.units import ZERO, Levels, Zone


class Held(Struct, frozen=True):
    """Why a zone is not at the wanted level: `wanted` and `allowed` in percent, the rule, and when it will be."""

    zone: Zone
    wanted: float
    allowed: float
    rule: str
    ready_in_s: float | None = None

    def __str__(self) -> str:
        if self.ready_in_s is None:
            return f"{self.zone}: at most {self.allowed:g} ({self.rule})"
        minutes, seconds = divmod(round(self.ready_in_s), 60)
        wait = f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
        return f"{self.zone}: {self.allowed:g} allowed now, your {self.wanted:g} in {wait} ({self.rule})"


class LinkState(StrEnum):
    """The state of the link to the device."""

    CLOSED = "closed"
    CONNECTING = "connecting"
    UP = "up"
    LOST = "lost"


class Phase(StrEnum):
    """The state of the session on the host's side."""

    IDLE = "idle"
    ARMING = "arming"
    RUNNING = "running"
    PAUSED = "paused"
    FADING = "fading"
    STOPPING = "stopping"
    ENDED = "ended"

    @property
    def in_session(self) -> bool:
        """Whether a session has begun and not ended."""
        return self in _IN_SESSION


_IN_SESSION: Final = frozenset(
    {Phase.ARMING, Phase.RUNNING, Phase.PAUSED, Phase.FADING, Phase.STOPPING}
)


class GuidedStep(Struct, frozen=True):
    """What you are asked to do now, and for how much longer. `cue`: the breath to take; `following`: what is next."""

    text: str
    remaining_s: float
    total_s: float
    bell: bool = False
    cue: str = ""
    following: str = ""


class Status(Struct, frozen=True):
    """The status at one moment. Levels in percent by zone index; times in seconds.

    `end_reason` and `exit_code` are those of the last session, once it has ended.
    `motors_in_s`: until motors start after hands-only time, while that is announced; 0 while a key is waited for.
    `pause_left_s`: until a pause ends the session (R8).
    `target` is what the profile or the person wants, `sent` what the rules let through, `actual` what the device
    reports, `allowed` what could be reached now.
    """

    address: str = ""
    link: LinkState = LinkState.CLOSED
    info: DeviceInfo | None = None
    telemetry: Telemetry | None = None
    phase: Phase = Phase.IDLE
    title: str = ""
    profile: str = ""
    step: str = ""
    elapsed_s: float = 0.0
    remaining_s: float = 0.0
    duration_s: float = 0.0
    target: Levels = ZERO
    sent: Setpoint = OFF
    allowed: Levels = ZERO
    caps: Levels = ZERO
    held: tuple[Held, ...] = ()
    eased: float = 0.0
    guided: GuidedStep | None = None
    presence_due_in_s: float | None = None
    motors_in_s: float | None = None
    pause_left_s: float | None = None
    dose_left_s: float | None = None
    notes: tuple[str, ...] = ()
    end_reason: str = ""
    exit_code: int | None = None
    message: str = ""

    @property
    def actual(self) -> Levels:
        """Levels that the device reports, percent."""
        return self.telemetry.levels if self.telemetry else ZERO


class Event(Struct, frozen=True):
    """An event for logs and event streams: a short name and a sentence."""

    name: str
    text: str
    at: float

"""What every surface shows: one immutable picture of the device and the session."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from msgspec import Struct

from massager_ctl.device import OFF, DeviceInfo, Setpoint, Telemetry
from massager_ctl.safety.governor import Held
from massager_ctl.units import ZERO, Levels


class LinkState(StrEnum):
    """Where the link to the device stands."""

    CLOSED = "closed"
    CONNECTING = "connecting"
    UP = "up"
    LOST = "lost"


class Phase(StrEnum):
    """Where the session stands on the host's side."""

    IDLE = "idle"
    ARMING = "arming"
    RUNNING = "running"
    PAUSED = "paused"
    FADING = "fading"
    STOPPING = "stopping"
    ENDED = "ended"

    @property
    def in_session(self) -> bool:
        return self in _IN_SESSION


_IN_SESSION: Final = frozenset(
    {Phase.ARMING, Phase.RUNNING, Phase.PAUSED, Phase.FADING, Phase.STOPPING}
)


class GuidedStep(Struct, frozen=True):
    """What a person is asked to do now, and how much longer. `cue`: the breath to take; `following`: what is next."""

    text: str
    remaining_s: float
    total_s: float
    bell: bool = False
    cue: str = ""
    following: str = ""


class Status(Struct, frozen=True):
    """One picture. Levels in percent by zone index; times in seconds.

    `end_reason` and `exit_code` are those of the last session, once it is over.
    `target` is what the programme or the person wants, `sent` what the rules let through, `actual` what the
    device reports, `allowed` what could be reached at this moment.
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
    attention_in_s: float | None = None
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
    """Something that happened, for logs and event streams: a short name and a sentence."""

    name: str
    text: str
    at: float

"""What a device without device-side rules may be used for (R25); a declaration can only lower it."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from msgspec import Struct

from massager_ctl.errors import Refused
from massager_ctl.model.requests import Origin

WEAK_CAP: Final = 25.0
"""Percent, for a device without a dead-man of its own (R25)."""
LOWEST_CAP: Final = 15.0
"""Percent, if no guardian process can stop it, or if its own remote can raise it (R25)."""
WEAK_LIMIT_S: Final = 600
WEAK_PRESENCE_S: Final = 120
WEAK_DEAD_MAN_S: Final = 1.2
"""Seconds from the death of the host's process to zero, by the guardian (R25)."""


class DeadMan(StrEnum):
    """Whether the device stops when it receives nothing; above NONE only what was proved on it counts."""

    NONE = "none"
    OWN = "own"
    """It stops after seconds of silence, and keeps none of the other rules of docs/protocol.md."""
    FULL = "full"


class OnDisconnect(StrEnum):
    """What the device does when power, link or range of the host is lost; unknown is the worst."""

    STOPS = "stops"
    RUNS_ON = "runs_on"
    UNKNOWN = "unknown"


class Confirmation(StrEnum):
    """What shows that a stop was obeyed. A receipt shows only that it arrived."""

    NOTHING = "nothing"
    RESPONSE = "response"
    STATE = "state"
    TELEMETRY = "telemetry"

    @property
    def confirms(self) -> bool:
        """Whether it shows that the device is at zero, not only that the stop arrived."""
        return self in (Confirmation.STATE, Confirmation.TELEMETRY)


class Assurance(Struct, frozen=True, kw_only=True):
    """What is known of a device; every default is the worst case."""

    dead_man: DeadMan = DeadMan.NONE
    on_disconnect: OnDisconnect = OnDisconnect.UNKNOWN
    own_timer: bool = False
    """Whether a timer of its own ends it; counts only if that was seen."""
    stop: Confirmation = Confirmation.NOTHING
    stall_sensing: bool = False
    own_remote: bool = True
    bench_only: bool = False
    """Whether it says of itself that no one may wear it before each level and two stops were seen to work."""


FULL: Final = Assurance(
    dead_man=DeadMan.FULL,
    on_disconnect=OnDisconnect.STOPS,
    own_timer=True,
    stop=Confirmation.TELEMETRY,
    stall_sensing=True,
    own_remote=False,
)
"""A device that speaks docs/protocol.md: it keeps the device's half of the rules itself, and
`massager-sim hil` checks that. INFO says whether it senses a stall."""


class Shown(Struct, frozen=True, kw_only=True):
    """What was verified on this very device (serial number and firmware) and recorded on this machine."""

    levels_seen: bool = False
    """Each level and two stops in a row were seen to do what they should."""
    stops_when_left: bool = False
    """It stopped on its own after the link was dropped while it ran."""
    ends_by_timer: bool = False
    reads_back: bool = False
    """It reported level 0 after each stop, and a higher level before."""
    no_remote: bool = False
    """A person declared that it has no remote control, no app and no keys that raise it."""


NOTHING_SHOWN: Final = Shown()


def counted(declared: Assurance, shown: Shown) -> Assurance:
    """The part of a declaration that counts: above "none" only what was shown, and never more than was declared."""
    if declared.dead_man is DeadMan.FULL:
        return declared
    usable = shown.levels_seen or not declared.bench_only
    ends = shown.stops_when_left and usable
    return Assurance(
        dead_man=DeadMan.OWN if declared.dead_man is DeadMan.OWN and ends else DeadMan.NONE,
        on_disconnect=(
            OnDisconnect.STOPS
            if declared.on_disconnect is OnDisconnect.STOPS and ends
            else OnDisconnect.UNKNOWN
        ),
        own_timer=declared.own_timer and shown.ends_by_timer and usable,
        stop=(
            declared.stop
            if shown.reads_back or not declared.stop.confirms
            else Confirmation.NOTHING
        ),
        own_remote=declared.own_remote or not shown.no_remote,
        bench_only=not usable,
    )


class Allowed(Struct, frozen=True, kw_only=True):
    """The limits that follow from a device's assurance."""

    worn: bool
    cap: float | None
    """Percent; None if the usual caps alone hold."""
    limit_s: int | None
    presence_s: int | None
    heat: bool
    kneading: bool
    remote_start: bool
    reasons: tuple[str, ...]


def allowed(assurance: Assurance, *, guardian: bool) -> Allowed:
    """What the device may be used for; `guardian`: a second process that alone writes to it and can stop it."""
    full = assurance.dead_man is DeadMan.FULL
    ends = (
        assurance.dead_man is not DeadMan.NONE
        or assurance.own_timer
        or assurance.on_disconnect is OnDisconnect.STOPS
    )
    caps: list[float] = []
    reasons: list[str] = []
    if not ends:
        reasons.append("for the bench only: it may run on when the host is gone")
    if not full:
        caps.append(WEAK_CAP)
        reasons.append("it has no dead-man: at most 25 % and 10 minutes, with a person present")
        if not guardian:
            caps.append(LOWEST_CAP)
            reasons.append("no second process was shown to stop it here: at most 15 %")
        if assurance.own_remote:
            caps.append(LOWEST_CAP)
            reasons.append("its own remote or app can raise it: at most 15 %")
    if not assurance.stall_sensing:
        reasons.append("it cannot sense a stall: no kneading")
    if not assurance.stop.confirms:
        reasons.append("nothing confirms a stop: it is sent, not confirmed; look at the device")
    return Allowed(
        worn=ends,
        cap=min(caps, default=None),
        limit_s=None if full else WEAK_LIMIT_S,
        presence_s=None if full else WEAK_PRESENCE_S,
        heat=full,
        kneading=assurance.stall_sensing,
        remote_start=full,
        reasons=tuple(reasons),
    )


def require(found: Allowed, *, duration_s: float, origin: Origin, heat: bool, bench: bool) -> None:
    """Refuse what the device may not be used for, before anything is reserved. Raises Refused (R25).

    `duration_s`: of the whole session. `bench`: a person declares that it lies on a table and that no one wears it.
    """
    if not found.worn and not bench:
        raise Refused(
            "this device is for the bench only: it may run on when the host is gone (R25)",
            "No one may wear it. `--on-bench` runs it on a table; docs/safety.md says what would allow more.",
        )
    if origin is Origin.REMOTE and not found.remote_start:
        raise Refused(
            "a device without a dead-man is not started remotely (R25)",
            "Start it at this machine, with `massager-ctl run`.",
        )
    if heat and not found.heat:
        raise Refused("a device without a dead-man gets no heat (R25)", "Leave the heat off.")
    if found.limit_s is not None and duration_s > found.limit_s:
        raise Refused(
            f"this session lasts {duration_s:g} s and a device without a dead-man gets at most {found.limit_s} s (R25)",
            "Choose a shorter one.",
        )


def lowest_above(cap: float | None, steps: Sequence[float]) -> str:
    """Why no step can be used, with both numbers; nothing if one can (R25)."""
    lowest = min(steps)
    if cap is None or lowest <= cap:
        return ""
    return f"its lowest level is {lowest:g} % and the cap is {cap:g} %: it is not started"

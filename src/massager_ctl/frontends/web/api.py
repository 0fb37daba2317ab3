"""The table of HTTP routes with their inputs and outputs; the OpenAPI document is made from it."""

from __future__ import annotations

from typing import Annotated, Any, Final

from msgspec import Meta, Struct

from massager_ctl.frontends.web.problems import Problem
from massager_ctl.model.requests import (
    Ease,
    Fade,
    Pain,
    PainKind,
    Pause,
    Presence,
    Resume,
    SetHeat,
    SetLevel,
    SetMotion,
    Start,
    Stop,
    Undo,
)

Limit = Annotated[int, Meta(ge=1, le=200)]
Offset = Annotated[int, Meta(ge=0, le=10_000)]


class Stamped(Struct, frozen=True, omit_defaults=True):
    """The keys of every request besides its own.

    `n` and `t`: the current nonce and unix seconds by the service's clock, needed to start or raise (R18).
    `page`: the name under which the page watches, needed for start and presence.
    """

    n: str | None = None
    t: float | None = None
    page: Annotated[str, Meta(min_length=8, max_length=64, pattern="^[A-Za-z0-9]+$")] | None = None


class Done(Struct, frozen=True, omit_defaults=True):
    """A request was carried out. `status`: right after it. `said`: what to tell the person."""

    device: str
    request: str
    status: dict[str, Any]
    said: str = ""
    id: str | int | None = None


class Stopped(Struct, frozen=True):
    """The device has confirmed that every level is zero."""

    device: str
    address: str
    serial: str
    request: str
    confirmed: bool


class Picture(Struct, frozen=True):
    """A message to a watcher. `seq` grows by one; `time`: unix seconds; `keeper`: the page that keeps the session."""

    device: str
    time: float
    status: dict[str, Any]
    nonce: str | None
    ready_for_s: float
    keeper: str | None
    alarm: dict[str, Any] | None
    seq: int | None = None


class Prospect(Struct, frozen=True):
    """What a start would get now. `caps`: percent per zone; `refusal`: why nothing may start."""

    caps: dict[str, float] | None
    notes: list[str]
    dose_left_s: float | None
    refusal: Problem | None


class Device(Struct, frozen=True):
    """One device. `prospect`: only for a single device."""

    id: str
    address: str
    link: str
    serial: str
    firmware: str
    battery: int | None
    simulated: bool
    mains: bool
    heat: bool
    latched: bool
    cause: str
    zones: list[str]
    motions: list[str]
    directions: list[str]
    sensing: list[str]
    dead_man_s: float | None
    prospect: Prospect | None = None


class Devices(Struct, frozen=True):
    """A page of the list of devices, and their number."""

    devices: list[Device]
    total: int


class ProfileRow(Struct, frozen=True, omit_defaults=True):
    """A profile in a list; `error` if it cannot be used."""

    id: str
    title: str
    summary: str = ""
    technique: list[str] = []
    tags: list[str] = []
    duration_s: float = 0.0
    cap: float = 0.0
    error: str = ""


class Profiles(Struct, frozen=True):
    """A page of the list of profiles, and their number."""

    profiles: list[ProfileRow]
    total: int


class HistoryRow(Struct, frozen=True):
    """A session in the ledger. `started_at`: unix seconds; the others are seconds of running."""

    id: int
    kind: str
    device: str
    profile: str
    started_at: float
    planned_s: float
    delivered_s: float
    charged_s: float
    open: bool
    end_reason: str


class PainRow(Struct, frozen=True):
    """A report of pain, in a session or at rest. `kind`: null if damage took it; `at`: unix seconds (R22)."""

    kind: PainKind | None
    at: float


class Dose(Struct, frozen=True):
    """The dose left in this day. Seconds."""

    left_s: float
    sessions_left: int
    used_s: float
    rest_s: float
    days: int


class Sessions(Struct, frozen=True):
    """A page of the list of sessions and one of the reports of pain, the newest first."""

    device: str
    dose: Dose
    sessions: list[HistoryRow]
    pain_reports: list[PainRow]


class Pairing(Struct, frozen=True, forbid_unknown_fields=True):
    """A pairing code. `bearer`: answer with a token for a script instead of a cookie."""

    code: Annotated[str, Meta(min_length=1, max_length=40)]
    bearer: bool = False


class Opening(Struct, frozen=True, forbid_unknown_fields=True):
    """A session on loopback, which needs no code."""

    bearer: bool = False


class Paired(Struct, frozen=True, omit_defaults=True):
    """A session was made. `token`: if requested."""

    paired: bool
    token: str = ""


class Health(Struct, frozen=True):
    """The service answers."""

    ok: bool


class Route(Struct, frozen=True):
    """One route. `takes`: the body; `gives`: the answer, or a media type if it is not JSON."""

    method: str
    path: str
    says: str
    gives: type[Struct] | str
    takes: type[Struct] | None = None
    session: bool = True
    query: tuple[tuple[str, Any, str], ...] = ()


_PAGING: Final = (
    ("limit", Limit, "Maximum number; 50 by default."),
    ("offset", Offset, "Number to skip at the beginning."),
)
_DEVICE: Final = "/v1/devices/{device}"

REQUESTS: Final[tuple[type[Struct], ...]] = (
    Start,
    Pause,
    Resume,
    SetLevel,
    SetMotion,
    SetHeat,
    Ease,
    Undo,
    Fade,
    Presence,
    Pain,
)
"""The requests to a device other than stop."""


def _request_route(kind: type[Struct]) -> Route:
    says = (kind.__doc__ or "").partition("\n")[0]
    return Route("POST", f"{_DEVICE}/{kind.__struct_config__.tag}", says, Done, kind)


ROUTES: Final[tuple[Route, ...]] = (
    Route(
        "POST",
        f"{_DEVICE}/stop",
        (Stop.__doc__ or "").strip() + " No session, host, origin or rate is checked.",
        Stopped,
        session=False,
    ),
    *map(_request_route, REQUESTS),
    Route("GET", "/v1/devices", "The devices of this service.", Devices, query=_PAGING),
    Route("GET", _DEVICE, "One device, and what a start would get now.", Device),
    Route("GET", f"{_DEVICE}/status", "The current status.", Picture),
    Route("GET", "/v1/profiles", "The profiles that can be played.", Profiles, query=_PAGING),
    Route(
        "GET",
        "/v1/profiles/{profile}",
        "The proved time line, as `profiles show --json` prints it.",
        "application/json",
        query=(("device", str, "Plan it for this device under its current caps."),),
    ),
    Route(
        "GET",
        "/v1/history",
        "The sessions in the ledger.",
        Sessions,
        query=(
            *_PAGING,
            ("device", str, "The device whose ledger is read; the first one by default."),
        ),
    ),
    Route("GET", "/metrics", "Prometheus metrics.", "text/plain"),
    Route("GET", "/health", "Whether the service answers.", Health, session=False),
    Route("GET", "/openapi.json", "This document.", "application/json", session=False),
    Route(
        "POST", "/v1/pair", "Pair a browser or script with a code.", Paired, Pairing, session=False
    ),
    Route(
        "POST",
        "/v1/session",
        "Make a session for a script on loopback.",
        Paired,
        Opening,
        session=False,
    ),
)
"""Everything but the page's own files and the websocket, which OpenAPI cannot describe."""

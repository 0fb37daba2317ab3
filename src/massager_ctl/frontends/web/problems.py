"""Errors in the form of RFC 9457: what failed, and what to do about it."""

from __future__ import annotations

from typing import Final

from msgspec import Struct
from starlette.responses import Response

from massager_ctl.errors import (
    InputError,
    LinkError,
    MassagerError,
    ProtocolError,
    Refused,
    StopUnconfirmed,
    StoreError,
)
from massager_ctl.frontends.json_text import visible_json

MEDIA_TYPE: Final = "application/problem+json"


class Problem(Struct, frozen=True, omit_defaults=True):
    """One error. `why`: the gate's own reason; `skew_s`: seconds that the sender's clock is behind (R18)."""

    type: str
    title: str
    status: int
    detail: str
    remedy: str = ""
    device: str = ""
    why: str = ""
    skew_s: float | None = None


class HttpProblem(Exception):
    """Ends a request with a problem."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        remedy: str = "",
        *,
        why: str = "",
        skew_s: float | None = None,
    ) -> None:
        super().__init__(detail)
        title = code.replace("_", " ")
        self.problem = Problem(kind(code), title, status, detail, remedy, why=why, skew_s=skew_s)


def kind(code: str) -> str:
    """The `type` of a problem: a name, not an address that can be fetched."""
    return f"urn:massager-ctl:{code}"


_STATUS: Final[tuple[tuple[type[MassagerError], int], ...]] = (
    (StopUnconfirmed, 504),
    (InputError, 400),
    (Refused, 409),
    (StoreError, 503),
    (LinkError, 502),
    (ProtocolError, 502),
)


def problem_of(error: MassagerError, device: str = "") -> Problem:
    """An error of this package as an HTTP problem."""
    status = next((code for base, code in _STATUS if isinstance(error, base)), 500)
    title = error.code.replace("_", " ")
    return Problem(kind(error.code), title, status, error.message, error.remedy, device)


def answer(problem: Problem, headers: dict[str, str] | None = None) -> Response:
    """The response for it."""
    content = visible_json(problem)
    return Response(content, problem.status, headers, MEDIA_TYPE)

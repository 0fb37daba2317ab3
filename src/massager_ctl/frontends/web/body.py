"""Reads a request: a JSON body of bounded size and time, or numbers in its query."""

from __future__ import annotations

import asyncio
from typing import Any, Final, TypeVar, cast

import msgspec
from starlette.requests import ClientDisconnect, Request

from massager_ctl.errors import InputError
from massager_ctl.frontends.web.problems import HttpProblem
from massager_ctl.model.json_reading import NotJson, read_json

BODY_MAX: Final = 8192
"""Maximum bytes of a body: no request needs more than a few hundred."""

BODY_S: Final = 5.0
"""Seconds for the whole body."""

_T = TypeVar("_T")


async def read_object(request: Request) -> dict[str, Any]:
    """The JSON object in the body; an empty body is an empty one. Raises HttpProblem, InputError."""
    content = await _read(request)
    if not content.strip():
        return {}
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise HttpProblem(
            415, "media_type", "a request must be JSON", "Send it as application/json."
        )
    try:
        found = read_json(bytes(content))
    except NotJson as error:
        raise InputError(f"this is not JSON: {error}") from None
    if not isinstance(found, dict):
        raise InputError("a request must be a JSON object")
    return cast("dict[str, Any]", found)


async def read_as(request: Request, kind: type[_T]) -> _T:
    """The body as one type. Raises HttpProblem, InputError."""
    try:
        return msgspec.convert(await read_object(request), kind)
    except msgspec.ValidationError as error:
        raise InputError(str(error)) from None


def number(request: Request, name: str, usual: int, kind: Any) -> int:
    """A whole number in the query, within its range. Raises InputError."""
    values = request.query_params.getlist(name)
    if not values:
        return usual
    try:
        return msgspec.convert(values[-1], kind, strict=False)
    except msgspec.ValidationError as error:
        raise InputError(f"'{name}': {error}") from None


async def _read(request: Request) -> bytes:
    content = bytearray()
    try:
        async with asyncio.timeout(BODY_S):
            async for part in request.stream():
                content += part
                if len(content) > BODY_MAX:
                    raise HttpProblem(413, "too_large", f"a body has at most {BODY_MAX} bytes")
    except TimeoutError:
        raise HttpProblem(408, "too_slow", f"the body took longer than {BODY_S:.0f} s") from None
    except ClientDisconnect:
        raise HttpProblem(400, "gone", "the client has disconnected") from None
    return bytes(content)

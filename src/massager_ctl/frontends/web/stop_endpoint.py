"""Handles a stop over HTTP: without guard, limiter or session, directly to the controller (R6, R17)."""

from __future__ import annotations

import asyncio
import re
from asyncio import Task
from collections.abc import Mapping
from html import escape
from typing import Any, Final

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from massager_ctl.errors import StopUnconfirmed
from massager_ctl.frontends.json_text import visible_json
from massager_ctl.frontends.web import problems
from massager_ctl.frontends.web.headers import SECURITY
from massager_ctl.frontends.web.offered import OfferedDevice
from massager_ctl.model.device import Cause

PATH: Final = re.compile(r"(?:https?://[^/]*)?/v1/devices/(?P<device>[^/]+)/stop")

_HTML: Final = "text/html; charset=utf-8"


class StopEndpoint:
    """Answers `POST /v1/devices/{id}/stop`, from a script or from a plain form; it reads no body."""

    def __init__(self, devices: Mapping[str, OfferedDevice]) -> None:
        self._devices = devices
        self._under_way: dict[str, Task[None]] = {}

    def takes(self, scope: Scope) -> bool:
        """Whether this is a stop."""
        return (
            scope["type"] == "http"
            and scope["method"] == "POST"
            and PATH.fullmatch(scope["path"]) is not None
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = PATH.fullmatch(scope["path"])
        name = found["device"] if found else ""
        device = self._devices.get(name)
        as_page = "text/html" in Headers(scope=scope).get("accept", "")
        if device is None:
            response = _unknown(name, self._devices, as_page=as_page)
        else:
            stopping = self._stop(device)
            try:
                await asyncio.shield(stopping)
            except StopUnconfirmed as error:
                response = _unconfirmed(device, error, as_page=as_page)
            else:
                response = _confirmed(device, as_page=as_page)
        await response(scope, receive, send)

    def _stop(self, device: OfferedDevice) -> Task[None]:
        """Stop: stops in one turn of the loop share a frame; each later one sends its own."""
        task = self._under_way.get(device.name)
        if task is None:
            task = device.controller.stop_now(Cause.PERSON, "stopped from the page")
            self._under_way[device.name] = task
            device.renew()  # what was sent before the stop and arrives after it is void
            asyncio.get_running_loop().call_soon(self._under_way.pop, device.name, None)
        return task


def _about(device: OfferedDevice) -> dict[str, Any]:
    status = device.controller.status
    serial = status.info.serial if status.info else ""
    return {"device": device.name, "address": status.address, "serial": serial}


def _confirmed(device: OfferedDevice, *, as_page: bool) -> Response:
    if as_page:
        return _page(200, "Stopped", f"{device.name} has confirmed that every level is zero.")
    content = visible_json({**_about(device), "request": "stop", "confirmed": True})
    return Response(content, 200, SECURITY, "application/json")


def _unconfirmed(device: OfferedDevice, error: StopUnconfirmed, *, as_page: bool) -> Response:
    if as_page:
        return _page(504, "NOT CONFIRMED", f"{device.name}: {error.message}. {error.remedy}")
    return problems.answer(problems.problem_of(error, device.name), SECURITY)


def _unknown(name: str, known: Mapping[str, OfferedDevice], *, as_page: bool) -> Response:
    text = f"there is no device '{name[:60]}' here; there is {', '.join(known) or 'none'}"
    if as_page:
        return _page(404, "NOT STOPPED", text)
    problem = problems.Problem(
        problems.kind("unknown_device"), "unknown device", 404, text, "Nothing was stopped."
    )
    return problems.answer(problem, SECURITY)


def _page(status: int, title: str, text: str) -> Response:
    content = (
        '<!doctype html><html lang="en"><meta name="viewport" content="width=device-width">'
        f'<link rel="stylesheet" href="/static/style.css"><title>{title}</title>'
        f'<main class="answer"><h1>{title}</h1><p>{escape(text)}</p><p><a href="/">Back</a></p></main></html>'
    )
    return Response(content, status, SECURITY, _HTML)

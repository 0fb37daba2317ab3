"""The ASGI application: handles a stop first, then checks limits and access, then routes the request."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, TypeVar

import msgspec
from msgspec import Struct
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router, WebSocketRoute
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from massager_ctl.aio.clock import Clock
from massager_ctl.errors import MassagerError
from massager_ctl.frontends.json_text import visible_json
from massager_ctl.frontends.web import documents, problems
from massager_ctl.frontends.web.api import (
    Health,
    Limit,
    Offset,
    Opening,
    Paired,
    Pairing,
    Picture,
)
from massager_ctl.frontends.web.body import number, read_as, read_object
from massager_ctl.frontends.web.guard import Guard
from massager_ctl.frontends.web.headers import SECURITY
from massager_ctl.frontends.web.library import Library
from massager_ctl.frontends.web.limiter import IN_FLIGHT_MAX, Limiter
from massager_ctl.frontends.web.offered import OfferedDevice
from massager_ctl.frontends.web.page import Page
from massager_ctl.frontends.web.problems import HttpProblem
from massager_ctl.frontends.web.request_handler import NAMES, RequestHandler
from massager_ctl.frontends.web.status_stream import StatusStream
from massager_ctl.frontends.web.stop_endpoint import StopEndpoint
from massager_ctl.frontends.web.watch_socket import serve_reader

_Endpoint = Callable[[Request], Awaitable[Response]]
_T = TypeVar("_T")

_USUAL: Final = 50
"""Default number of rows of a list."""

_PAIRED: Final = Paired(paired=True)


class App:
    """Serves all devices of one service. `metrics`: the text for a scraper, if any."""

    def __init__(
        self,
        devices: Sequence[OfferedDevice],
        guard: Guard,
        clock: Clock,
        metrics: Callable[[], bytes] | None = None,
    ) -> None:
        self._devices = {device.name: device for device in devices}
        self._guard = guard
        self._metrics = metrics
        self.streams = {device.name: StatusStream(device, clock) for device in devices}
        self._handlers = {
            device.name: RequestHandler(device, self.streams[device.name], clock)
            for device in devices
        }
        self._library = Library()
        self.page = Page(self._devices)
        self._stops = StopEndpoint(self._devices)
        self._limiter: Limiter | None = None
        self._openapi = b""
        self._router = Router(self._routes())

    def _routes(self) -> list[Route | WebSocketRoute]:
        device = "/v1/devices/{device}"
        ways: list[tuple[str, str, _Endpoint]] = [
            ("GET", "/", self._index),
            ("GET", "/static/{name}", self._file),
            ("GET", "/health", self._health),
            ("GET", "/openapi.json", self._describe),
            ("GET", "/metrics", self._tell_metrics),
            ("POST", "/v1/pair", self._pair),
            ("POST", "/v1/session", self._open),
            ("GET", "/v1/devices", self._list_devices),
            ("GET", device, self._device),
            ("GET", f"{device}/status", self._status),
            ("GET", "/v1/profiles", self._list_profiles),
            ("GET", "/v1/profiles/{profile}", self._profile),
            ("GET", "/v1/history", self._history),
            *(("POST", f"{device}/{name}", self._request) for name in sorted(NAMES)),
            (
                "POST",
                f"{device}/stop",
                self._request,
            ),  # for the other methods: a stop never comes here
        ]
        return [
            *(Route(path, endpoint, methods=[method]) for method, path, endpoint in ways),
            WebSocketRoute(f"{device}/watch", self._watch),
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._stops.takes(scope):
            await self._stops(scope, receive, send)
            return
        try:
            response = await self._bounded(scope, receive, send)
        except HttpProblem as error:
            response = problems.answer(error.problem, SECURITY)
        except HTTPException as error:
            response = _http_problem(error)
        except MassagerError as error:
            response = problems.answer(problems.problem_of(error), SECURITY)
        if response is None:
            return
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        await response(scope, receive, send)

    @property
    def limiter(self) -> Limiter:
        if self._limiter is None:
            self._limiter = Limiter(_now())
        return self._limiter

    async def _bounded(self, scope: Scope, receive: Receive, send: Send) -> Response | None:
        """Raises HttpProblem before anything is read if there are too many requests."""
        limiter = self.limiter
        address = (scope.get("client") or ("", 0))[0]
        if not limiter.allow(address, _now()):
            raise HttpProblem(429, "too_many", "too many requests at once", "Wait a second.")
        asked = Request(scope) if scope["type"] == "http" else WebSocket(scope, receive, send)
        self._guard.check_place(asked)
        scope["app"] = self
        if scope["type"] == "websocket":
            await self._router(scope, receive, send)
            return None
        if limiter.in_flight >= IN_FLIGHT_MAX:
            raise HttpProblem(503, "busy", "too many requests are in progress", "Wait a second.")
        limiter.in_flight += 1
        try:
            await self._router(scope, receive, send)
        finally:
            limiter.in_flight -= 1
        return None

    # The page.

    async def _index(self, request: Request) -> Response:
        response = self.page.answer("index.html", request)
        if response is None:
            raise HttpProblem(404, "not_found", "the page is missing from this installation")
        if not self._guard.access.by_code and not self._known(request):
            token = self._guard.access.issue(request.headers.get("user-agent", ""))
            response.headers["set-cookie"] = self._guard.set_cookie(token)
        return response

    async def _file(self, request: Request) -> Response:
        name = request.path_params["name"]
        response = None if name == "index.html" else self.page.answer(name, request)
        if response is None:
            raise HttpProblem(404, "not_found", "file not found")
        return response

    # Access.

    def _known(self, request: Request) -> bool:
        try:
            self._guard.session(request)
        except HttpProblem:
            return False
        return True

    async def _pair(self, request: Request) -> Response:
        if not self.limiter.allow_pairing(_now()):
            raise HttpProblem(429, "too_many", "too many attempts to pair", "Wait a few seconds.")
        asked = await read_as(request, Pairing)
        token = self._guard.access.pair(asked.code, request.headers.get("user-agent", ""))
        if token is None:
            raise HttpProblem(
                403, "wrong_code", "this code is wrong, used or older than 10 minutes",
                "Run `massager-ctl access pair` at the machine for a new one.",
            )  # fmt: skip
        return self._let_in(token, bearer=asked.bearer)

    async def _open(self, request: Request) -> Response:
        if self._guard.access.by_code:
            raise HttpProblem(403, "code_needed", "here a session needs a code", self._guard.remedy)
        asked = await read_as(request, Opening)
        token = self._guard.access.issue(request.headers.get("user-agent", ""))
        return self._let_in(token, bearer=asked.bearer)

    def _let_in(self, token: str, *, bearer: bool) -> Response:
        if bearer:
            return _json(Paired(paired=True, token=token))
        response = _json(_PAIRED)
        response.headers["set-cookie"] = self._guard.set_cookie(token)
        return response

    # The API.

    async def _health(self, _: Request) -> Response:
        return _json(Health(ok=True))

    async def _describe(self, _: Request) -> Response:
        if not self._openapi:
            self._openapi = await asyncio.to_thread(_description)
        return Response(self._openapi, 200, SECURITY, "application/json")

    async def _tell_metrics(self, request: Request) -> Response:
        self._guard.session(request)
        if self._metrics is None:
            raise HttpProblem(
                404, "no_metrics", "a package is missing", "pip install 'massager-ctl[web]'"
            )
        return Response(self._metrics(), 200, SECURITY, "text/plain; version=0.0.4")

    async def _list_devices(self, request: Request) -> Response:
        self._guard.session(request)
        return _json(documents.devices(list(self._devices.values()), *_paging(request)))

    async def _device(self, request: Request) -> Response:
        self._guard.session(request)
        device = self._find(request)
        await device.look_ahead()
        return _json(documents.device(device, prospect=True))

    async def _status(self, request: Request) -> Response:
        self._guard.session(request)
        picture = self.streams[self._find(request).name].document()
        return _json(Picture(**picture))

    async def _list_profiles(self, request: Request) -> Response:
        self._guard.session(request)
        return _json(documents.profiles(await self._library.rows(), *_paging(request)))

    async def _profile(self, request: Request) -> Response:
        self._guard.session(request)
        name, on = request.path_params["profile"], request.query_params.get("device")
        if on is None:
            return _json(await self._library.planned(name))
        device = self._named(on)
        limits, info = device.outlook.limits, device.controller.info
        return _json(await self._library.planned(name, limits, info))

    async def _history(self, request: Request) -> Response:
        self._guard.session(request)
        limit, offset = _paging(request)
        on = request.query_params.get("device")
        device = next(iter(self._devices.values())) if on is None else self._named(on)
        history = await device.history(limit + offset)
        return _json(documents.sessions(device.name, history, limit, offset))

    async def _request(self, request: Request) -> Response:
        received_at = request.scope["state"].get("received_at", _now())
        self._guard.session(request)
        device = self._find(request)
        body = await read_object(request)
        name = request.url.path.rpartition("/")[2]
        return _json(await self._handlers[device.name].take(name, body, received_at))

    async def _watch(self, socket: WebSocket) -> None:
        session = self._guard.session(socket)
        stream = self.streams[self._find(socket).name]
        await serve_reader(socket, stream, self.limiter, lambda: self._guard.access.holds(session))

    def _find(self, asked: Request | WebSocket) -> OfferedDevice:
        return self._named(asked.path_params["device"])

    def _named(self, name: str) -> OfferedDevice:
        device = self._devices.get(name)
        if device is None:
            known = ", ".join(self._devices)
            raise HttpProblem(
                404, "unknown_device", f"no device named '{name[:60]}'", f"Devices are {known}."
            )
        return device


def _description() -> bytes:
    from massager_ctl.frontends.web.openapi import document

    return msgspec.json.encode(document())


def _json(content: Struct | dict[str, Any]) -> Response:
    return Response(visible_json(content), 200, SECURITY, "application/json")


def _paging(request: Request) -> tuple[int, int]:
    return number(request, "limit", _USUAL, Limit), number(request, "offset", 0, Offset)


def _http_problem(error: HTTPException) -> Response:
    code = {404: "not_found", 405: "method"}.get(error.status_code, "http")
    problem = HttpProblem(error.status_code, code, error.detail).problem
    return problems.answer(problem, {**SECURITY, **(error.headers or {})})


def _now() -> float:
    return asyncio.get_running_loop().time()

"""Faults 60 to 63: a page that is gone, and requests over HTTP that come too late, too often or from another place."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, MutableMapping
from contextlib import asynccontextmanager
from typing import Any

import pytest

from massager_ctl.aio.clock import Clock
from massager_ctl.control.outlook import Outlook
from massager_ctl.errors import MassagerError
from massager_ctl.frontends.web.access import Access
from massager_ctl.frontends.web.app import App
from massager_ctl.frontends.web.attendance import GONE_S
from massager_ctl.frontends.web.guard import LOOPBACK_NAMES, Guard
from massager_ctl.frontends.web.limiter import BURST
from massager_ctl.frontends.web.offered import History
from massager_ctl.frontends.web.status_stream import StatusStream
from massager_ctl.model.requests import Pause
from massager_ctl.model.units import ZERO
from massager_ctl.safety.dose import DoseState
from massager_ctl.safety.remote_start import RemoteGate
from tests.faults.ground import MEMORY, Ground
from tests.support.marks import simulated_time

pytestmark = simulated_time

HOST = "127.0.0.1:8137"
PAGE = "a1b2c3d4e5f6"


class Offered:
    """The ground's device, as the page's server is given it."""

    def __init__(self, g: Ground) -> None:
        self.name = "neck"
        self.controller = g.controller
        self.gate = RemoteGate()
        self._clock: Clock = g.loop.clock
        self.renewed = 0
        self.renew()

    def renew(self) -> None:
        self.renewed += 1
        self.gate.renew(f"nonce{self.renewed}", self._clock.wall())

    @property
    def outlook(self) -> Outlook:
        return Outlook(ZERO)

    async def look_ahead(self) -> None: ...

    def refusal(self) -> MassagerError | None:
        return None

    async def history(self, limit: int) -> History:
        return History(DoseState(), (), ())


class Server:
    """The whole application, asked without a network."""

    def __init__(self, g: Ground) -> None:
        self.offered = Offered(g)
        access = Access(None, g.loop.clock.wall)
        self.app = App([self.offered], Guard(access, LOOPBACK_NAMES, 8137, tls=False), g.loop.clock)
        self.token = access.issue("the test")

    @property
    def stream(self) -> StatusStream:
        return self.app.streams["neck"]

    async def ask(self, name: str, body: dict[str, Any] | None = None, **headers: str) -> int:
        """POST a request; the status of its answer."""
        usual = {"host": HOST, "authorization": f"Bearer {self.token}"} | headers
        content = b"" if body is None else json.dumps(body).encode()
        if content:
            usual["content-type"] = "application/json"
        scope: dict[str, Any] = {
            "type": "http",
            "method": "POST",
            "path": f"/v1/devices/neck/{name}",
            "raw_path": b"",
            "query_string": b"",
            "headers": [(key.encode(), value.encode()) for key, value in usual.items()],
            "client": ("127.0.0.1", 40_000),
            "server": ("127.0.0.1", 8137),
            "scheme": "http",
            "root_path": "",
            "state": {},
        }
        statuses: list[int] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": content, "more_body": False}

        async def send(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                statuses.append(message["status"])

        await self.app(scope, receive, send)
        return statuses[0]


@asynccontextmanager
async def served(g: Ground) -> AsyncGenerator[Server]:
    """The page's server beside a session that a page keeps; it looks after it as the service does."""
    await g.controller.connect()
    server = Server(g)
    server.stream.open()
    caring = asyncio.ensure_future(server.stream.look_after())
    try:
        yield server
    finally:
        caring.cancel()
        server.stream.close()


@pytest.mark.fault(60)
@pytest.mark.laid(on=MEMORY)
async def test_page_closed_hidden_or_locked(g: Ground) -> None:
    """R18: no sign for 4 s and a fade of 3 s; zero within 8 s, and not one moment before the 4 s."""
    async with served(g) as server:
        await g.run()
        server.stream.attendance.keep(PAGE)
        for _ in range(8):
            server.stream.attendance.sign(PAGE, g.loop.clock.monotonic())
            await asyncio.sleep(0.5)
        server.stream.attendance.sign(PAGE, g.loop.clock.monotonic())
        g.strike()
        await g.goes_on(GONE_S - 0.3)
        await g.over(within=10)
        g.zero_by(8.0)
        await g.ledger()


@pytest.mark.fault(61)
@pytest.mark.laid(on=MEMORY)
async def test_page_answers_what_is_long_past(g: Ground) -> None:
    """R18: a half-open link and a backlog keep nothing alive: an answer counts from when its picture was sent."""
    async with served(g) as server:
        await g.run()
        reader = server.stream.join()
        server.stream.attendance.keep(PAGE)
        server.stream.answered(reader, server.stream.seq, PAGE)
        old = server.stream.seq
        g.strike()
        for _ in range(7):
            await g.goes_on(0.5)
            server.stream.answered(reader, old, PAGE)
        await g.over(within=10)
        g.zero_by(8.0)
        server.stream.leave(reader)
        await g.ledger()


@pytest.mark.fault(62)
@pytest.mark.laid(on=MEMORY)
async def test_requests_without_end(g: Ground) -> None:
    """R6: others are refused, the session goes on, and a stop between them is confirmed."""
    async with served(g) as server:
        await g.run()
        answers = [await server.ask("ease", {"points": 0}) for _ in range(int(BURST) + 50)]
        assert answers.count(429) >= 40
        await g.goes_on(1.0)
        for _ in range(int(BURST)):
            await server.ask("ease", {"points": 0})
        g.strike()
        assert await server.ask("stop", authorization="", host="else.where") == 200
        g.zero_by(0.1)
        await g.over(within=1)
        await g.ledger()


@pytest.mark.fault(63)
@pytest.mark.laid(on=MEMORY)
async def test_requests_late_replayed_or_from_another_site(g: Ground) -> None:
    """R18: none of them starts or raises anything; each is answered why."""
    async with served(g) as server:
        await g.run()
        g.strike()
        g.controller.request(Pause())
        await asyncio.sleep(0.5)
        offered, wall = server.offered, g.loop.clock.wall
        nonce = offered.gate.nonce
        assert await server.ask("resume") == 409
        assert await server.ask("resume", {"n": nonce, "t": wall() - 3.5}) == 409
        assert await server.ask("resume", {"n": nonce, "t": wall() + 2.5}) == 409
        assert await server.ask("resume", {"n": "older", "t": wall()}) == 409
        fresh = {"n": nonce, "t": wall()}
        assert await server.ask("resume", fresh, origin="http://evil.example") == 403
        assert await server.ask("resume", fresh, host="evil.example:8137") == 403
        assert await server.ask("resume", fresh, authorization="Bearer x") == 401
        assert await server.ask("resume", fresh, **{"sec-fetch-site": "cross-site"}) == 403
        await asyncio.sleep(1.0)
        g.zero_by(0.3, state="paused")
        assert await server.ask("resume", fresh) == 200
        assert await server.ask("resume", fresh) == 409
        # A stop makes void what was sent before it.
        before = {"n": offered.gate.nonce, "t": wall() + 0.5}
        assert await server.ask("stop") == 200
        assert before["n"] != offered.gate.nonce
        assert await server.ask("start", {**before, "page": PAGE}) == 409
        await g.over(within=1)

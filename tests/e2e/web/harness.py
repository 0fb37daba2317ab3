"""The page's server on a port of its own, with a simulated device behind it; a raw HTTP client and a watching page."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import ssl
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import wsproto
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Ping,
    RejectConnection,
    TextMessage,
)
from wsproto.events import Request as Handshake

from firmware_sim.device import SimulatedDevice
from firmware_sim.links.memory import Simulator
from massager_ctl.aio.clock import SystemClock
from massager_ctl.aio.scheduler import Scheduler
from massager_ctl.aio.tasks import end_all
from massager_ctl.config import load
from massager_ctl.control.admission import AdmissionPolicy, Subject
from massager_ctl.drivers.base import FullDriver
from massager_ctl.drivers.reference import ReferenceDriver
from massager_ctl.errors import StopUnconfirmed
from massager_ctl.frontends.metrics import Metrics
from massager_ctl.frontends.web.access import Access, AccessFile
from massager_ctl.frontends.web.app import App
from massager_ctl.frontends.web.certificate import own_certificate
from massager_ctl.frontends.web.guard import LOOPBACK_NAMES, Guard
from massager_ctl.frontends.web.server import LOOPBACK, WebServer, listen
from massager_ctl.ledger.clock_reading import ClockReader
from massager_ctl.ledger.in_memory import MemoryStore
from massager_ctl.model.status import LinkState
from massager_ctl.runtime.service_device import OwnedDevice
from massager_ctl.transports.in_process import SimTransport

PATIENCE_S: Final = 60.0


class Hole:
    """A link that swallows what is written."""

    def write(self, data: bytes, /) -> None:
        del data

    def close(self) -> None:
        pass


@dataclass
class Answer:
    """What came back for one request."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def kind(self) -> str:
        """The problem's name."""
        return str(self.json["type"]).rpartition(":")[2]


@dataclass
class Rig:
    """A service's device and its page. `file`: who was let in, where that takes a code."""

    owned: dict[str, OwnedDevice]
    transports: dict[str, SimTransport]
    store: MemoryStore
    readings: ClockReader
    server: WebServer
    port: int
    metrics: Metrics
    file: AccessFile | None = None
    tls: ssl.SSLContext | None = None
    token: str = ""
    broken: bool = False
    tasks: list[asyncio.Future[None]] = field(default_factory=list[asyncio.Future[None]])

    @property
    def origin(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    @property
    def controller(self) -> Any:
        return self.owned["neck"].controller

    @property
    def device(self) -> SimulatedDevice:
        simulator = self.transports["neck"].simulator
        assert isinstance(simulator, Simulator)
        return simulator.device

    def let(self) -> None:
        """Somebody at the machine is ready."""
        self.owned["neck"].gate.let(asyncio.get_running_loop().time())

    def break_line(self) -> None:
        """From now on nothing reaches the device, which still talks."""
        self.broken = True
        self.transports["neck"]._link = Hole()

    async def ask(self, method: str, path: str, body: object = None, **headers: str) -> Answer:
        """One request with a session; `headers` replace the usual ones, `_` standing for `-`, and "" leaves one out."""
        usual = {
            "host": f"127.0.0.1:{self.port}",
            "authorization": f"Bearer {self.token}" if self.token else "",
        }
        content = b""
        if body is not None:
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            usual |= {"content-type": "application/json", "content-length": str(len(content))}
        lines = usual | {name.replace("_", "-"): value for name, value in headers.items()}
        head = f"{method} {path} HTTP/1.1\r\n" + "".join(
            f"{name}: {value}\r\n" for name, value in lines.items() if value
        )
        return await self.raw(f"{head}connection: close\r\n\r\n".encode() + content)

    async def raw(self, content: bytes) -> Answer:
        """Send these bytes, and read one answer."""
        reader, writer = await asyncio.open_connection(LOOPBACK, self.port, ssl=self.tls)
        try:
            writer.write(content)
            return await asyncio.wait_for(read_answer(reader), PATIENCE_S)
        finally:
            writer.close()
            with contextlib.suppress(OSError, ssl.SSLError):
                await writer.wait_closed()

    async def stamped(self, name: str, page: WatchingPage | None = None, **body: Any) -> Answer:
        """A request that carries the nonce and the time of the newest picture, and the page's name."""
        picture = (await self.ask("GET", "/v1/devices/neck/status")).json
        stamp: dict[str, Any] = {"n": picture["nonce"], "t": picture["time"]}
        if page is not None:
            stamp["page"] = page.name
        return await self.ask("POST", f"/v1/devices/neck/{name}", {**stamp, **body})

    async def begun(self, page: WatchingPage, **body: Any) -> None:
        """A session that this page started."""
        self.let()
        answer = await self.stamped("start", page, **body)
        assert answer.status == 200, answer.body


async def read_answer(reader: asyncio.StreamReader) -> Answer:
    """One answer, its length told or until the end."""
    head = await reader.readuntil(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = {
        name.lower(): value.strip()
        for name, _, value in (line.partition(":") for line in lines if line)
    }
    status = int(first.split()[1])
    length = headers.get("content-length")
    if status in (204, 304):
        body = b""
    elif length is not None:
        body = await reader.readexactly(int(length))
    else:
        body = await reader.read()
    return Answer(status, headers, body)


class WatchingPage:
    """A page as the service sees it: a websocket that answers pictures as long as it can be seen."""

    def __init__(self, rig: Rig, *, here: bool = True, device: str = "neck") -> None:
        self.name = secrets.token_hex(8)
        self.here = here
        self.answers = True
        self.pictures: list[dict[str, Any]] = []
        self.closed: int | None = None
        self._rig = rig
        self._device = device
        self._news = asyncio.Event()

    async def open(self, **headers: str) -> int:
        """Shake hands; 101, or the status of the refusal."""
        usual = {"host": f"127.0.0.1:{self._rig.port}"}
        if self._rig.token:
            usual["authorization"] = f"Bearer {self._rig.token}"
        lines = usual | headers
        host = lines.pop("host")
        self._reader, self._writer = await asyncio.open_connection(
            LOOPBACK, self._rig.port, ssl=self._rig.tls
        )
        self._peer = wsproto.WSConnection(wsproto.ConnectionType.CLIENT)
        extra = [(name.encode(), value.encode()) for name, value in lines.items() if value]
        target = f"/v1/devices/{self._device}/watch?page={self.name}"
        self._writer.write(self._peer.send(Handshake(host, target, extra_headers=extra)))
        while True:
            self._peer.receive_data(await self._reader.read(65536) or None)
            for event in self._peer.events():
                if isinstance(event, RejectConnection):
                    self._writer.close()
                    return event.status_code
                if isinstance(event, AcceptConnection):
                    self._reading = asyncio.ensure_future(self._read())
                    return 101

    async def _read(self) -> None:
        content = b""
        while True:
            for event in self._peer.events():
                if isinstance(event, BytesMessage):
                    content += event.data
                    if event.message_finished:
                        self._take(content)
                        content = b""
                elif isinstance(event, Ping):
                    self._writer.write(self._peer.send(event.response()))
                elif isinstance(event, CloseConnection):
                    self.closed = event.code
                    self._news.set()
                    return
            data = await self._reader.read(65536)
            if not data:
                self.closed = self.closed or 1006
                self._news.set()
                return
            self._peer.receive_data(data)

    def _take(self, content: bytes) -> None:
        self.pictures.append(json.loads(content))
        self._news.set()
        if self.answers:
            self.say({"seq": self.pictures[-1]["seq"], "here": self.here})

    def say(self, message: object) -> None:
        text = message if isinstance(message, str) else json.dumps(message)
        self._writer.write(self._peer.send(TextMessage(text)))

    async def until(self, true: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The first picture, of those there and those to come, for which this holds."""
        seen = 0
        async with asyncio.timeout(PATIENCE_S):
            while True:
                for picture in self.pictures[seen:]:
                    if true(picture):
                        return picture
                seen = len(self.pictures)
                assert self.closed is None, f"closed with {self.closed}"
                self._news.clear()
                await self._news.wait()

    async def gone(self) -> int:
        """The code with which it was closed."""
        async with asyncio.timeout(PATIENCE_S):
            while self.closed is None:
                self._news.clear()
                await self._news.wait()
        return self.closed

    async def close(self) -> None:
        """Gone without a word."""
        self._reading.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._reading
        self._writer.close()
        with contextlib.suppress(OSError, ssl.SSLError):
            await self._writer.wait_closed()


@contextlib.asynccontextmanager
async def page(rig: Rig, *, here: bool = True) -> AsyncGenerator[WatchingPage]:
    """A page that watches, until the block ends."""
    made = WatchingPage(rig, here=here)
    assert await made.open() == 101
    try:
        await made.until(lambda _: True)
        yield made
    finally:
        await made.close()


@contextlib.asynccontextmanager
async def rig(
    *names: str,
    options: str = "",
    subject: Subject = Subject.EMBEDDED,
    lan: Path | None = None,
    driver: FullDriver | None = None,
) -> AsyncGenerator[Rig]:
    """Devices of those names (`neck`) and their page. `lan`: the folder of the access file, as `--lan` has it.

    `driver`: drives the one device in place of the simulated one's.
    """
    clock, scheduler = SystemClock(), Scheduler()
    readings = ClockReader(clock)
    store, config, metrics = MemoryStore(readings), load(), Metrics()
    transports = {name: SimTransport(options) for name in names or ("neck",)}
    owned = {
        name: OwnedDevice(
            name,
            f"test:{os.getpid()}-{id(transport):x}",
            driver or ReferenceDriver(transport),
            AdmissionPolicy(store, config, readings, subject=subject),
            config,
            clock,
            scheduler,
            lock=None,
            remote=True,
        )
        for name, transport in transports.items()
    }
    for name, device in owned.items():
        metrics.follow(name, device.controller)
    listener = listen(LOOPBACK, 0)
    file = certificate = tls = None
    if lan is not None:
        file = AccessFile(lan)
        certificate = own_certificate(lan, ("127.0.0.1", "localhost"))
        tls = ssl.create_default_context(cafile=str(certificate.path))
    access = Access(file, clock.wall)
    guard = Guard(access, LOOPBACK_NAMES, listener.port, tls=lan is not None)
    app = App(list(owned.values()), guard, clock, metrics.text)
    server = WebServer(app, listener, certificate)
    made = Rig(owned, transports, store, readings, server, listener.port, metrics, file, tls)
    made.token = access.issue("the tests")
    async with contextlib.AsyncExitStack() as stack:
        for device in owned.values():
            await stack.enter_async_context(device.held())
        made.tasks = [
            *(asyncio.ensure_future(device.keep_connected()) for device in owned.values()),
            asyncio.ensure_future(server.run()),
        ]
        try:
            for device in owned.values():
                await soon(lambda device=device: device.controller.status.link is LinkState.UP)
            yield made
        finally:
            faults = [
                task.exception() for task in made.tasks if task.done() and not task.cancelled()
            ]
            await end_all(made.tasks)
            for device in owned.values():
                with (
                    contextlib.suppress(StopUnconfirmed)
                    if made.broken
                    else contextlib.nullcontext()
                ):
                    await device.close()
            for transport in transports.values():
                transport.end()
            for fault in filter(None, faults):
                raise fault


async def soon(true: Callable[[], Any]) -> None:
    """Wait until something holds that sends no message of its own."""
    async with asyncio.timeout(PATIENCE_S):
        while not true():  # noqa: ASYNC110
            await asyncio.sleep(0.02)

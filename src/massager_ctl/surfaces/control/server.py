"""The control socket's listening end: JSON lines from this machine, and a stop that waits behind nothing (R5, R6)."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import socket
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final, cast

import msgspec

from massager_ctl.controller import SPACING_S, STALE_REQUEST_S, Controller
from massager_ctl.device import Cause
from massager_ctl.errors import ConfigError, InputError, MassagerError, Refused, StopUnconfirmed
from massager_ctl.requests import Change, Ease
from massager_ctl.status import Status
from massager_ctl.surfaces.control import paths
from massager_ctl.surfaces.control.document import (
    Asked,
    Pain,
    Query,
    Ready,
    Reset,
    Start,
    Stop,
    error_document,
    read_request,
    status_document,
)
from massager_ctl.surfaces.lock import prepare_runtime

LINE_MAX: Final = 256 * 1024
"""Bytes of one request: a profile of 64 KiB as JSON, with room."""

CONFIRM_S: Final = 15.0
"""Seconds in which the second step of a reset must come (R7)."""

BACKLOG_MAX: Final = 64 * 1024
"""Bytes that a reader of statuses may leave unread; beyond it the newest status alone is kept."""

SETTLE_S: Final = 2.0
"""Seconds that an owner which is leaving waits for its last answers."""

SHOWN_S: Final = 0.05
"""Seconds that the answer to a stop waits for telemetry; the confirmation alone counts (R6)."""

OnStart = Callable[[Start], Awaitable[None]]
OnReady = Callable[[Ready], Awaitable[str]]


class ControlServer:
    """Listens for one device. `device`: its identity (`paths.identity`).

    `on_start` begins a session and `on_ready` lets one remote start happen; where they are missing those requests are
    refused. Both may raise any MassagerError.
    """

    def __init__(
        self,
        controller: Controller,
        device: str,
        *,
        on_start: OnStart | None = None,
        on_ready: OnReady | None = None,
    ) -> None:
        self.controller = controller
        self.on_start = on_start
        self.on_ready = on_ready
        self.path = paths.socket_path(device)
        self._server: asyncio.Server | None = None
        self._clients: set[_Client] = set()

    async def open(self) -> None:
        """Listen. A dead socket of a former owner is replaced; call it under the device's lock.

        Raises ConfigError where no socket can be made: without one no other terminal could stop the device.
        """
        prepare_runtime()
        _remove_dead()
        # Bound and listening before it gets its name, so that a name always answers or is dead.
        temporary = f"{self.path}.{os.getpid()}"
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            sock.setblocking(False)
            sock.bind(temporary)
            os.chmod(temporary, 0o600)
            sock.listen(16)
            os.rename(temporary, self.path)
        except OSError as error:
            sock.close()
            raise ConfigError(
                f"the control socket {self.path} cannot be made: {error}",
                f"Name a folder with a shorter path in {paths.RUNTIME_ENV}.",
            ) from None
        loop = asyncio.get_running_loop()
        self._server = server = await loop.create_unix_server(
            lambda: _Client(self), sock=sock, start_serving=False
        )
        try:
            await server.start_serving()
        except BaseException:
            server.close()
            self._server = None
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.path)
            raise

    async def close(self) -> None:
        """Stop listening and remove the socket."""
        if self._server is None:
            return
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path)
        self._server.close()
        clients = tuple(self._clients)
        for client in clients:
            await client.settle()
            client.finish()
        if clients:
            gone = [client.gone for client in clients]
            await asyncio.wait(gone, timeout=SETTLE_S)
            for client in clients:
                client.drop()
            await asyncio.wait(gone)
        await self._server.wait_closed()
        self._server = None

    async def __aenter__(self) -> ControlServer:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def joined(self, client: _Client) -> None:
        self._clients.add(client)

    def left(self, client: _Client) -> None:
        self._clients.discard(client)


class _Client(asyncio.Protocol):
    """One connection. Requests that take time run as tasks, in turn; stops and changes never wait for them."""

    def __init__(self, server: ControlServer) -> None:
        self._server = server
        self._controller = server.controller
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._tasks: set[asyncio.Task[None]] = set()
        self._turn = asyncio.Lock()
        self._unwatch: Callable[[], None] | None = None
        self._congested = False
        self._behind = False
        self._offer: tuple[str, tuple[int, StopUnconfirmed | None], float] | None = None
        self.gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=BACKLOG_MAX)
        self._server.joined(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._server.left(self)
        self._stop_watching()
        if not self.gone.done():
            self.gone.set_result(None)

    async def settle(self) -> None:
        """Give what was asked before its answer: whoever asked to stop must hear that it is confirmed."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=SETTLE_S)

    def finish(self) -> None:
        """The owner is leaving: what was answered still goes out."""
        self._stop_watching()
        if self._transport is not None:
            self._transport.close()

    def drop(self) -> None:
        """Whoever does not read its answers does not hold us up."""
        if self._transport is not None:
            self._transport.abort()

    def pause_writing(self) -> None:
        self._congested = True

    def resume_writing(self) -> None:
        self._congested = False
        if self._behind:
            self._behind = False
            self._say_status(self._controller.status)

    def data_received(self, data: bytes) -> None:
        received_at = asyncio.get_running_loop().time()
        self._buffer += data
        *lines, self._buffer = self._buffer.split(b"\n")
        # A stop in this batch goes out before anything that came with it (R6).
        requests = [self._read(line) for line in lines if line.strip()]
        # It still ends a start that came before it, so that start counts the stops from here.
        stops = self._controller.stops_asked
        for request in sorted(requests, key=lambda request: not isinstance(request, (Stop, Pain))):
            if request is not None:
                behind = requests[requests.index(request) :]
                stopped = any(isinstance(later, (Stop, Pain)) for later in behind)
                seen = stops if stopped else self._controller.stops_asked
                self._take(request, received_at, seen)
        if len(self._buffer) > LINE_MAX:
            self._refuse(InputError(f"a request is longer than {LINE_MAX} bytes"))
            self._buffer = b""
            self.finish()

    def _read(self, line: bytes) -> Asked | None:
        try:
            envelope = read_request(line)
            asked = envelope.asked
            age = 0.0 if envelope.sent_at is None else time.monotonic() - envelope.sent_at
            if age > STALE_REQUEST_S and not isinstance(asked, (Stop, Pain, Ease, Query)):
                raise Refused(f"the request is {age:.1f} s old; it is dropped (R5)", "Ask again.")
        except MassagerError as error:
            self._refuse(error)
            return None
        return asked

    def _take(self, asked: Asked, received_at: float, stops: int) -> None:
        match asked:
            case Stop():
                stopping = self._controller.stop_now(Cause.PERSON, "somebody stopped it")
                self._run(self._confirmed(stopping))
            case Pain(kind=kind):
                stopping = self._controller.stop_now(Cause.PAIN, "pain was reported")
                self._run(self._pain(kind, stopping))
            case Start():
                self._run(self._in_turn(self._start(asked, stops)))
            case Reset():
                self._run(self._in_turn(self._reset(asked, received_at)))
            case Ready():
                self._run(self._in_turn(self._ready(asked)))
            case Query(watch=True):
                if self._unwatch is None:
                    self._unwatch = self._controller.add_listener(self._say_status)
                self._say_status(self._controller.status)
            case Query():
                self._say_status(self._controller.status)
            case _:
                self._change(asked, received_at)

    def _change(self, change: Change, received_at: float) -> None:
        try:
            self._controller.request(change, received_at=received_at)
        except MassagerError as error:
            self._refuse(error)
        else:
            self._run(self._changed())

    async def _changed(self) -> None:
        # It may be sent 20 ms after the setpoint before it; the answer shows what came of it.
        await asyncio.sleep(SPACING_S)
        self._say_status(self._controller.status)

    async def _confirmed(self, stopping: Awaitable[None]) -> None:
        await asyncio.shield(stopping)
        await self._shown_at_zero()
        self._say_status(self._controller.status)

    async def _shown_at_zero(self) -> None:
        """The telemetry that shows the zero follows its confirmation closely; the answer waits a moment for it."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SHOWN_S):
                async for status in self._controller.watch():
                    if not any(status.actual):
                        return

    async def _pain(self, kind: Any, stopping: Awaitable[None]) -> None:
        said = await self._controller.pain(kind)
        await asyncio.shield(stopping)
        self._say({"ok": True, "said": said, "status": status_document(self._controller.status)})

    async def _in_turn(self, work: Awaitable[None]) -> None:
        async with self._turn:
            await work

    async def _start(self, start: Start, stops: int) -> None:
        """`stops`: how many had been asked for when it came; one more, and it is void (R6)."""
        if self._server.on_start is None:
            raise Refused(
                "this program plays one session and takes no other",
                "Wait for its end, or stop it with `massager-ctl stop`.",
            )
        if stops != self._controller.stops_asked:
            raise Refused("it was stopped before it began")
        await self._server.on_start(start)
        self._say_status(self._controller.status)

    async def _ready(self, ready: Ready) -> None:
        if self._server.on_ready is None:
            raise Refused(
                "nothing here takes remote starts", "Only `massager-ctl serve` with MQTT does."
            )
        said = await self._server.on_ready(ready)
        self._say({"ok": True, "said": said, "status": status_document(self._controller.status)})

    async def _reset(self, reset: Reset, received_at: float) -> None:
        telemetry = self._controller.status.telemetry
        latch = telemetry.latch if telemetry else 0
        unconfirmed = self._controller.unconfirmed
        if reset.confirm is None:
            cause = telemetry.cause if telemetry else "unknown"
            latched = telemetry is not None and telemetry.state.latched
            if unconfirmed is not None and not latched:
                latched, cause = True, unconfirmed.code
            token = secrets.token_hex(8)
            self._offer = (token, (latch, unconfirmed), received_at)
            self._say(
                {
                    "ok": True,
                    "confirm": token,
                    "latched": latched,
                    "latch": latch,
                    "cause": cause,
                    "status": status_document(self._controller.status),
                }
            )
            return
        offer, self._offer = self._offer, None
        if offer is None or offer[0] != reset.confirm or received_at - offer[2] > CONFIRM_S:
            raise Refused("this reset was not asked for, or too long ago (R7)", "Begin again.")
        if offer[1] != (latch, unconfirmed):
            raise Refused("something new has latched meanwhile (R7)", "Look at it and begin again.")
        await self._controller.reset()
        self._say_status(self._controller.status)

    def _run(self, work: Any) -> None:
        async def guarded() -> None:
            try:
                await work
            except MassagerError as error:
                self._refuse(error)
            except Exception as error:
                self._refuse(MassagerError(f"a fault in this program: {error!r}"))
                raise

        task = asyncio.ensure_future(guarded())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _stop_watching(self) -> None:
        if self._unwatch is not None:
            self._unwatch()
            self._unwatch = None

    def _say_status(self, status: Status) -> None:
        if self._congested:
            self._behind = True
            return
        self._say({"ok": True, "status": status_document(status)})

    def _refuse(self, error: MassagerError) -> None:
        self._say({"ok": False, "error": error_document(error)})

    def _say(self, answer: dict[str, Any]) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(msgspec.json.encode(answer) + b"\n")


def _remove_dead() -> None:
    """Remove sockets to which nobody listens any more: a killed owner leaves its own."""
    for path in paths.socket_paths():
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.setblocking(False)
            try:
                probe.connect(path)
            except ConnectionRefusedError:
                with contextlib.suppress(OSError):
                    os.unlink(path)
            except OSError:
                continue

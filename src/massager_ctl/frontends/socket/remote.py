"""Controls a session that another process on this machine owns, over its control socket."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from asyncio import Future, Task
from collections.abc import Callable, Iterator
from typing import Any, Final, cast

import msgspec

from massager_ctl.aio.task_bag import TaskBag
from massager_ctl.errors import (
    ExitCode,
    InputError,
    LinkLost,
    LinkTimeout,
    MassagerError,
    StopUnconfirmed,
)
from massager_ctl.frontends.socket.client import ANSWER_WAIT_S
from massager_ctl.frontends.socket.owners import read_card
from massager_ctl.frontends.socket.stop import STOP_WAIT_S, unconfirmed
from massager_ctl.frontends.status_document import status_from
from massager_ctl.model.device import Cause
from massager_ctl.model.json_reading import NotJson, read_json
from massager_ctl.model.outcome import SessionEnd
from massager_ctl.model.request_document import request_document
from massager_ctl.model.requests import Ask, Change, Pain, PainKind, Start, Stop
from massager_ctl.model.status import Event, Status

_LINE_MAX: Final = 1 << 20


class RemoteController:
    """Sends requests to the owner behind a control socket and follows its status; a `SessionControl`.

    Each request has a connection of its own, so that a stop never waits behind another answer.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._view = secrets.token_hex(8)
        self._device = read_card(path).exact
        self._status = Status()
        self._listeners: list[Callable[[Status], None]] = []
        self._event_listeners: list[Callable[[Event], None]] = []
        self._tasks = TaskBag()
        self._following: Task[None] | None = None
        self._ending: Future[SessionEnd] | None = None
        self._played_s: float

    async def open(self) -> None:
        """Follow the owner's status. Raises LinkLost if the owner has ended."""
        reader, writer = await self._connect()
        writer.write(msgspec.json.encode({"request": "watch", "view": self._view}) + b"\n")
        self._ending = asyncio.get_running_loop().create_future()
        self._following = asyncio.ensure_future(self._follow(reader, writer))

    async def close(self) -> None:
        """Stop following; the session goes on."""
        if self._following is not None:
            self._following.cancel()
            await asyncio.wait({self._following})
        await self._tasks.settled(STOP_WAIT_S)

    @property
    def status(self) -> Status:
        return self._status

    def add_listener(self, listener: Callable[[Status], None]) -> Callable[[], None]:
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def add_event_listener(self, listener: Callable[[Event], None]) -> Callable[[], None]:
        self._event_listeners.append(listener)
        return lambda: self._event_listeners.remove(listener)

    async def start(self, start: Start) -> None:
        """Ask the owner to start a session. Raises the owner's error."""
        await self._ask(start, wait_s=30.0)
        self._ending = asyncio.get_running_loop().create_future()
        self._played_s = 0.0

    def request(self, change: Change) -> None:
        """Ask for a change; a refusal comes as an event `refused`."""
        self._run(self._ask(change))

    def stop_now(self, cause: Cause = Cause.PERSON, text: str = "") -> Task[None]:  # noqa: ARG002
        """Ask the owner to stop. The task raises StopUnconfirmed if no confirmation comes."""
        return self._run(self._stop())

    def pain(self, kind: PainKind) -> Task[str]:
        """Ask the owner to stop and to store the report."""
        return self._run(self._pain(kind))

    async def _pain(self, kind: PainKind) -> str:
        answer = await self._ask(Pain(kind), wait_s=STOP_WAIT_S)
        return str(answer.get("said", ""))

    async def ended(self) -> SessionEnd:
        if self._ending is None:
            raise InputError("the owner's status is not followed yet")
        return await asyncio.shield(self._ending)

    async def _stop(self) -> None:
        try:
            await self._ask(Stop(), wait_s=STOP_WAIT_S)
        except (LinkLost, LinkTimeout) as error:
            said = unconfirmed(error.message)["error"]
            raise StopUnconfirmed(said["message"], said["remedy"]) from None

    def _run(self, work: Any) -> Task[Any]:
        async def guarded() -> Any:
            try:
                return await work
            except MassagerError as error:
                event = Event("refused", str(error), time.time())
                for listener in tuple(self._event_listeners):
                    listener(event)
                raise

        return self._tasks.start(guarded())  # an event reports its error

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        try:
            return await asyncio.open_unix_connection(self._path, limit=_LINE_MAX)
        except OSError:
            raise _gone() from None

    async def _ask(self, request: Ask, wait_s: float = ANSWER_WAIT_S) -> dict[str, Any]:
        reader, writer = await self._connect()
        try:
            writer.write(
                msgspec.json.encode(
                    {
                        **request_document(request),
                        "t": time.monotonic(),
                        "device": self._device,
                        "view": self._view,
                    }
                )
                + b"\n"
            )
            async with asyncio.timeout(wait_s):
                line = await reader.readline()
        except TimeoutError:
            raise LinkTimeout("the program that owns the device does not answer") from None
        except (OSError, ValueError):
            raise _gone() from None
        finally:
            await _hung_up(writer)
        if not line:
            raise _gone()
        answer = _decoded(line)
        if not answer.get("ok"):
            raise error_from(answer.get("error"))
        return answer

    async def _follow(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                self._take(status_from(_decoded(line)["status"]))
            self._over(Cause.LINK_LOST, _gone().message, _gone())
        except (OSError, ValueError, KeyError, MassagerError):
            self._over(Cause.LINK_LOST, _gone().message, _gone())
        finally:
            await _hung_up(writer)

    def _take(self, status: Status) -> None:
        before, self._status = self._status, status
        if status.phase.in_session:
            self._played_s = status.elapsed_s
        elif before.phase.in_session:
            error = None
            if status.exit_code == ExitCode.UNCONFIRMED:
                error = StopUnconfirmed(status.message)
            self._over(_cause(status.end_reason), status.message, error)
        for listener in tuple(self._listeners):
            listener(status)

    def _over(self, cause: Cause, text: str, error: MassagerError | None) -> None:
        if self._ending is not None and not self._ending.done():
            played = self._played_s
            self._ending.set_result(SessionEnd(cause, text, played, played, error))


async def _hung_up(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


def error_from(document: object) -> MassagerError:
    """The error in an error document, of the class that its code names."""
    fields = cast("dict[str, Any]", document if isinstance(document, dict) else {})
    message = str(fields.get("message") or "the answer cannot be read")
    code = fields.get("code")
    kind = next((kind for kind in _kinds(MassagerError) if kind.code == code), MassagerError)
    return kind(message, str(fields.get("remedy") or ""))


def _kinds(kind: type[MassagerError]) -> Iterator[type[MassagerError]]:
    yield kind
    for narrower in kind.__subclasses__():
        yield from _kinds(narrower)


def _cause(name: str) -> Cause:
    try:
        return Cause(name)
    except ValueError:
        return Cause.UNKNOWN


def _decoded(line: bytes) -> dict[str, Any]:
    try:
        found = read_json(line)
    except NotJson:
        raise InputError("the owner's answer cannot be read") from None
    if not isinstance(found, dict):
        raise InputError("the owner's answer cannot be read")
    return cast("dict[str, Any]", found)


def _gone() -> LinkLost:
    return LinkLost(
        "the program that owns the device has ended",
        "The device stops on its own within a second; check that it does.",
    )

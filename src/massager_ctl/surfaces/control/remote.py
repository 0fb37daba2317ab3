"""A session that another process on this machine owns, steered over its control socket."""

from __future__ import annotations

import asyncio
import contextlib
import time
from asyncio import Future, Task
from collections.abc import Callable, Iterator
from typing import Any, Final, cast

import msgspec

from massager_ctl.device import Cause
from massager_ctl.errors import (
    ExitCode,
    InputError,
    LinkLost,
    LinkTimeout,
    MassagerError,
    StopUnconfirmed,
)
from massager_ctl.outcome import SessionEnd
from massager_ctl.requests import Change, PainKind
from massager_ctl.status import Event, Status
from massager_ctl.surfaces.control.client import ANSWER_WAIT_S, STOP_WAIT_S, unconfirmed
from massager_ctl.surfaces.control.document import request_document, status_from

_LINE_MAX: Final = 1 << 20


class RemoteController:
    """Asks the owner behind a control socket and follows its status; a `Helm`.

    Each request has a connection of its own, so that a stop never waits behind another answer.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._status = Status()
        self._listeners: list[Callable[[Status], None]] = []
        self._event_listeners: list[Callable[[Event], None]] = []
        self._tasks: set[Task[Any]] = set()
        self._following: Task[None] | None = None
        self._ending: Future[SessionEnd] | None = None
        self._played_s = 0.0

    async def open(self) -> None:
        """Follow the owner's status. Raises LinkLost where nobody listens any more."""
        reader, writer = await self._connect()
        writer.write(b'{"request":"watch"}\n')
        self._ending = asyncio.get_running_loop().create_future()
        self._following = asyncio.ensure_future(self._follow(reader, writer))

    async def close(self) -> None:
        """Look away; the session goes on."""
        if self._following is not None:
            self._following.cancel()
            await asyncio.wait({self._following})
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=STOP_WAIT_S)

    @property
    def status(self) -> Status:
        return self._status

    def add_listener(self, listener: Callable[[Status], None]) -> Callable[[], None]:
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def add_event_listener(self, listener: Callable[[Event], None]) -> Callable[[], None]:
        self._event_listeners.append(listener)
        return lambda: self._event_listeners.remove(listener)

    async def start(self, profile: dict[str, Any] | None, *, cap: float | None = None) -> None:
        """Have the owner begin a session; by hand where `profile` is None. Raises what the owner answers."""
        await self._ask({"request": "start", "profile": profile, "cap": cap}, wait_s=30.0)
        self._ending = asyncio.get_running_loop().create_future()
        self._played_s = 0.0

    def request(self, change: Change) -> None:
        """Ask for a change; a refusal comes as an event `refused`."""
        self._run(self._ask(request_document(change)))

    def stop_now(self, cause: Cause = Cause.PERSON, text: str = "") -> Task[None]:
        """Ask the owner to stop. The task raises StopUnconfirmed where no confirmation comes."""
        return self._run(self._stop())

    async def pain(self, kind: PainKind) -> str:
        answer = await self._ask({"request": "pain", "kind": kind.value}, wait_s=STOP_WAIT_S)
        return str(answer.get("said", ""))

    async def ended(self) -> SessionEnd:
        if self._ending is None:
            raise InputError("nothing was followed yet")
        return await asyncio.shield(self._ending)

    async def _stop(self) -> None:
        try:
            await self._ask({"request": "stop"}, wait_s=STOP_WAIT_S)
        except (LinkLost, LinkTimeout) as error:
            said = unconfirmed(error.message)["error"]
            raise StopUnconfirmed(said["message"], said["remedy"]) from None

    def _run(self, work: Any) -> Task[Any]:
        async def guarded() -> None:
            try:
                await work
            except MassagerError as error:
                event = Event("refused", str(error), time.time())
                for listener in tuple(self._event_listeners):
                    listener(event)
                raise

        task: Task[Any] = asyncio.ensure_future(guarded())
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # the event told it

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        try:
            return await asyncio.open_unix_connection(self._path, limit=_LINE_MAX)
        except OSError:
            raise _gone() from None

    async def _ask(self, request: dict[str, Any], wait_s: float = ANSWER_WAIT_S) -> dict[str, Any]:
        reader, writer = await self._connect()
        try:
            writer.write(msgspec.json.encode({**request, "t": time.monotonic()}) + b"\n")
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
    """The error behind an error document, of the class that its code names."""
    fields = cast("dict[str, Any]", document if isinstance(document, dict) else {})
    message = str(fields.get("message") or "the answer makes no sense")
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
        found: object = msgspec.json.decode(line)
    except msgspec.DecodeError:
        raise InputError("the owner's answer makes no sense") from None
    if not isinstance(found, dict):
        raise InputError("the owner's answer makes no sense")
    return cast("dict[str, Any]", found)


def _gone() -> LinkLost:
    return LinkLost(
        "the program that owns the device has ended",
        "The device stops by itself within a second; see that it does.",
    )

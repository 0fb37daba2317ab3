"""The websocket that watches one device: statuses out, acknowledgements in; it takes no requests."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Final

from msgspec import Struct
from starlette.websockets import WebSocket, WebSocketDisconnect

from massager_ctl.aio.tasks import end_all
from massager_ctl.errors import InputError
from massager_ctl.frontends.web.limiter import WATCHERS_MAX, Bucket, Limiter
from massager_ctl.frontends.web.problems import HttpProblem
from massager_ctl.frontends.web.request_handler import page_name
from massager_ctl.frontends.web.status_stream import Reader, StatusStream
from massager_ctl.model.json_reading import NotJson, read_json

ANSWERS_S: Final = 20.0
"""Maximum acknowledgements a second from a reader."""

HELD_EVERY_S: Final = 1.0
"""Seconds between two checks whether its session was revoked."""

UNWANTED: Final = 1008
"""Close code of a websocket that breaks a rule or whose session was revoked."""


class Answer(Struct, frozen=True, forbid_unknown_fields=True):
    """`seq`: the newest status that arrived. `here`: whether the page is visible now."""

    seq: int
    here: bool = False


async def serve_reader(
    socket: WebSocket, stream: StatusStream, limiter: Limiter, held: Callable[[], bool]
) -> None:
    """Serve it until it closes. Raises HttpProblem before it is accepted."""
    if limiter.watchers >= WATCHERS_MAX:
        raise HttpProblem(503, "busy", "too many pages are watching")
    page = page_name(socket.query_params.get("page"))
    limiter.watchers += 1
    try:
        await socket.accept()
        reader = stream.join()
        try:
            await _both_ways(socket, stream, reader, page, held)
        finally:
            stream.leave(reader)
    finally:
        limiter.watchers -= 1


async def _both_ways(
    socket: WebSocket,
    stream: StatusStream,
    reader: Reader,
    page: str | None,
    held: Callable[[], bool],
) -> None:
    tasks = [
        asyncio.ensure_future(_write(socket, stream, reader, held)),
        asyncio.ensure_future(_read(socket, stream, reader, page)),
    ]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        unwanted = any(task.result() for task in done)
    except WebSocketDisconnect:
        return
    finally:
        await end_all(tasks)
    if unwanted:
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            await socket.close(UNWANTED)


async def _write(
    socket: WebSocket, stream: StatusStream, reader: Reader, held: Callable[[], bool]
) -> bool:
    """Send the newest status whenever there is one; True if its session was revoked."""
    loop = asyncio.get_running_loop()
    looked_at = loop.time()
    while True:
        await reader.news.wait()
        if loop.time() - looked_at >= HELD_EVERY_S:
            looked_at = loop.time()
            if not held():
                return True
        content = stream.next_for(reader)
        if content is not None:
            await socket.send_bytes(content)


async def _read(socket: WebSocket, stream: StatusStream, reader: Reader, page: str | None) -> bool:
    """Take its acknowledgements until it closes; True if they are invalid or too many."""
    loop = asyncio.get_running_loop()
    bucket = Bucket(ANSWERS_S, 2 * ANSWERS_S, loop.time())
    while True:
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            return False
        content = message.get("text") or message.get("bytes") or b""
        try:
            answer = read_json(content, Answer)
        except (NotJson, InputError):
            return True
        if not bucket.take(loop.time()):
            return True
        stream.answered(reader, answer.seq, page if answer.here else None)

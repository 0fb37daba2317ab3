"""A session that is served over a control socket, and a connection to it."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator
from typing import Any

from tests.e2e.harness import Bench, opened

from massager_ctl.frontends.socket.server import ControlServer
from massager_ctl.profile.format.load import load_profile

DEVICE = "sim:test"


class Line:
    """One connection, by asyncio: the other end lives on the same loop."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def ask(self, request: dict[str, Any] | bytes) -> dict[str, Any]:
        self.send(request)
        return await self.hear()

    def send(self, request: dict[str, Any] | bytes) -> None:
        data = request if isinstance(request, bytes) else json.dumps(request).encode()
        self.writer.write(data + b"\n")

    async def hear(self) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(await self.reader.readline())
        return answer

    async def close(self) -> None:
        self.writer.close()
        with contextlib.suppress(OSError):
            await self.writer.wait_closed()


async def dial(path: str) -> Line:
    return Line(*await asyncio.open_unix_connection(path, limit=1 << 20))


@contextlib.asynccontextmanager
async def served(
    *, start_s: float | None = 5.0, **callbacks: Any
) -> AsyncGenerator[tuple[Bench, ControlServer, Line]]:
    """A session that has run for `start_s` seconds, its control socket, and one connection to it."""
    async with opened() as bench:
        if start_s is not None:
            await bench.controller.play(load_profile("restorative"))
            await asyncio.sleep(start_s)
        async with ControlServer(bench.controller, DEVICE, **callbacks) as server:
            line = await dial(server.path)
            try:
                yield bench, server, line
            finally:
                await line.close()

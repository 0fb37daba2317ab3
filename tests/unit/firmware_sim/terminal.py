"""A program that opens a pseudo-terminal of the simulator, and how long a test waits for it."""

from __future__ import annotations

import asyncio
import os
import tty
from collections.abc import Callable
from pathlib import Path
from typing import Any

from firmware_sim import wire

PATIENCE_S = 10.0


async def until(condition: Callable[[], bool]) -> None:
    """Wait for it, as long as a busy machine may need."""
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110 - what it waits for is outside this process
            await asyncio.sleep(0.01)


def left_in(folder: Path) -> list[Path]:
    return list(folder.iterdir())


class Terminal:
    """A program that opens the port."""

    def __init__(self, path: Path) -> None:
        self.fd = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        tty.setraw(self.fd)
        self.splitter = wire.Splitter()
        self.heard: list[wire.Message] = []

    def write(self, message: wire.Message) -> None:
        os.write(self.fd, wire.frame(wire.pack(message)))

    def read(self) -> None:
        try:
            data = os.read(self.fd, 4096)
        except BlockingIOError:
            return
        for body in self.splitter.feed(data):
            if not isinstance(body, wire.Bad):
                self.heard.append(wire.parse(body))

    def has(self, kind: type[Any], count: int = 1) -> Callable[[], bool]:
        def check() -> bool:
            self.read()
            return sum(isinstance(message, kind) for message in self.heard) >= count

        return check

    def close(self) -> None:
        os.close(self.fd)

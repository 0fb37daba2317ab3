"""A scripted peer of the dialect at the other end of a pipe."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any

from tests.unit.drivers.ends import Listener

from massager_ctl.drivers.reference import ReferenceDriver
from massager_ctl.errors import LinkLost, ProtocolError
from massager_ctl.transports.in_process import PipeTransport, pipe
from massager_ctl.wire.codec import Splitter, decode_run, encode_frame
from massager_ctl.wire.messages import (
    Ack,
    Arm,
    GetInfo,
    Info,
    Message,
    Reset,
    Result,
    Stop,
    TelemetryFrame,
    Type,
)


def telemetry(**changes: Any) -> TelemetryFrame:
    fields: dict[str, Any] = {
        "counter": 1,
        "epoch": 77,
        "challenge": 55,
        "uptime": 1000,
        "running": 0,
        "owner": 0,
        "seq": 0,
        "state": 0,
        "cause": 0,
        "latch": 3,
        "flags": 8,
        "battery": 80,
        "levels": (0,) * 6,
        "vibration": (0,) * 6,
        "kneading": (0,) * 6,
        "current": 12,
        "pad": 300,
        "motor": -32768,
        "allowance": 1620,
        "rejected": 0,
    }
    return TelemetryFrame(**(fields | changes))


def info(token: int, **changes: Any) -> Info:
    fields: dict[str, Any] = {
        "token": token,
        "flags": 1,
        "serial": b"TEST".ljust(12, b"\0"),
        "firmware": (1, 2, 3),
        "boot": 9,
        "lifetime": 100,
        "zones": 0x3F,
        "vibration": 0x3F,
        "kneading": 0x0F,
        "motions": 0x3F,
        "directions": 0x3F,
        "caps": (70, 70, 50, 50, 35, 35),
        "sum_cap": 200,
        "rise": 20,
        "deadman": 500,
        "session": 1800,
        "with_pauses": 2700,
        "allowance": 1620,
        "sensing": 0xFF,
    }
    return Info(**(fields | changes))


class Peer:
    """Plays the device by a table of answers; remembers all that it heard."""

    def __init__(self, transport: PipeTransport) -> None:
        self.transport = transport
        self.heard: list[Message] = []
        self.raw = b""
        self._splitter = Splitter()
        self.answers: dict[type[Message], Callable[[Any], list[Message]]] = {
            GetInfo: lambda m: [info(m.token), telemetry()],
            Arm: lambda m: [Ack(m.token, Type.ARM, Result.OK, m.epoch, 3)],
            Stop: lambda m: [Ack(m.token, Type.STOP, Result.OK, 78, 3)],
            Reset: lambda m: [Ack(m.token, Type.RESET, Result.OK, 79, 3)],
        }

    def data_received(self, data: bytes) -> None:
        self.raw += data
        for run in self._splitter.feed(data):
            try:
                message = decode_run(run)
            except ProtocolError:
                continue
            self.heard.append(message)
            for answer in self.answers.get(type(message), lambda _: [])(message):
                self.send(answer)

    def link_lost(self, error: LinkLost) -> None:
        pass

    def send(self, message: Message) -> None:
        self.transport.write(encode_frame(message))


@asynccontextmanager
async def on_a_pipe() -> AsyncGenerator[tuple[ReferenceDriver, Peer, Listener]]:
    """A driver and its peer, both ends of a pipe open. What either end fails at when something comes is an error."""
    failed: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: failed.append(context))
    here, there = pipe()
    peer = Peer(there)
    await there.open(peer)
    driver = ReferenceDriver(here)
    yield driver, peer, Listener()
    await driver.close()
    assert failed == []

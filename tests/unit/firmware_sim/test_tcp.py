"""The TCP port: its owner, readers beside it, and clients that leave or do not read."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest
from tests.unit.firmware_sim.terminal import PATIENCE_S, until

from firmware_sim import wire
from firmware_sim.links.memory import build_device
from firmware_sim.links.tcp import MOST_UNREAD, TcpError, listen
from firmware_sim.options import parse_options
from massager_fw.states import Cause, State


class Socket:
    """A TCP client."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.splitter = wire.Splitter()

    def write(self, message: wire.Message) -> None:
        self.writer.write(wire.frame(wire.pack(message)))

    async def next(self, kind: type[Any]) -> Any:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                data = await self.reader.read(4096)
                assert data, "the device hung up"
                for body in self.splitter.feed(data):
                    assert not isinstance(body, wire.Bad)
                    message = wire.parse(body)
                    if isinstance(message, kind):
                        return message


async def connect(address: str) -> Socket:
    host, _, port = address.rpartition(":")
    return Socket(*await asyncio.open_connection(host, int(port)))


@pytest.mark.asyncio
async def test_one_client_owns_and_another_may_read_and_stop() -> None:
    device = build_device(parse_options("seed=1"))
    port = await listen(device, "127.0.0.1", 0)
    one, two = await connect(port.address), await connect(port.address)
    telemetry = await one.next(wire.Telemetry)
    one.write(wire.Arm(1, 9, telemetry.epoch, telemetry.challenge, 0, 1000, 60))
    assert (await one.next(wire.Ack)).result == 0
    two.write(wire.GetInfo(3))
    assert (await two.next(wire.Info)).deadman == 1000
    two.write(wire.Stop(8, 1))
    assert (await two.next(wire.Ack)).token == 8
    assert device.firmware.core.state is State.IDLE
    device.unplug()
    with pytest.raises(AssertionError, match="hung up"):
        await one.next(wire.Ack)
    refused = await connect(port.address)
    with pytest.raises((AssertionError, ConnectionError)):
        await refused.next(wire.Telemetry)
    port.close()
    device.close()
    for client in (one, two, refused):
        client.writer.close()


@pytest.mark.asyncio
async def test_a_client_that_goes_away_takes_its_session_along() -> None:
    device = build_device(parse_options("seed=1"))
    port = await listen(device, "127.0.0.1", 0)
    client = await connect(port.address)
    telemetry = await client.next(wire.Telemetry)
    client.write(wire.Arm(1, 9, telemetry.epoch, telemetry.challenge, 0, 1000, 60))
    await client.next(wire.Ack)
    client.writer.close()
    await until(lambda: device.firmware.core.session is None)
    assert device.firmware.core.cause is Cause.LINK_LOST
    port.close()
    device.close()


@pytest.mark.asyncio
async def test_a_client_that_does_not_read_is_cut_off() -> None:
    device = build_device(parse_options("seed=1"))
    port = await listen(device, "127.0.0.1", 0)
    host, _, number = port.address.rpartition(":")
    with socket.create_connection((host, int(number))) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
        await until(lambda: bool(device._links))
        for _ in range(400):
            device.shout(b"x" * MOST_UNREAD)
            await asyncio.sleep(0)
        await until(lambda: not device._links)
    port.close()
    device.close()


@pytest.mark.asyncio
async def test_a_port_that_is_taken_says_so() -> None:
    device = build_device(parse_options("seed=1"))
    port = await listen(device, "127.0.0.1", 0)
    with pytest.raises(TcpError, match=r"cannot listen on 127\.0\.0\.1"):
        await listen(device, "127.0.0.1", int(port.address.rpartition(":")[2]))
    port.close()
    device.close()

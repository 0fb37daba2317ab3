"""pymodbus' asynchronous client: the commands that stand beside ours."""

# pyright: basic, reportMissingImports=false
from __future__ import annotations

import importlib.util
from contextlib import AsyncExitStack
from typing import Any

from bench.processes import Child, child

STOP_REGISTER = 99
STOP_BYTES = bytes((6, 0, STOP_REGISTER))
"""Function code and address of a write to the stop's register, on RTU."""
VALUES = [500, 500, 500, 500, 500, 500, 1, 1, 1, 1, 1, 1, 5000, 0]
"""As many values as a setpoint has: six levels, six patterns, a period and a temperature."""


def installed() -> bool:
    return importlib.util.find_spec("pymodbus") is not None


async def connect_pty(name: str) -> Any:
    from pymodbus.client import AsyncModbusSerialClient
    from pymodbus.framer import FramerType

    client = AsyncModbusSerialClient(name, framer=FramerType.RTU, baudrate=115200, timeout=5)
    if not await client.connect():
        raise RuntimeError("pymodbus could not connect to its own server")
    return client


async def connect_tcp(address: str) -> Any:
    from pymodbus.client import AsyncModbusTcpClient

    host, port = address.rsplit(":", 1)
    client = AsyncModbusTcpClient(host, port=int(port), timeout=5)
    if not await client.connect():
        raise RuntimeError("pymodbus could not connect to its own server")
    return client


async def on_pty(stack: AsyncExitStack, stamps: str) -> tuple[Any, Child] | None:
    """A connected client and its server's process behind a PTY; None if pymodbus is not installed."""
    if not installed():
        return None
    server = stack.enter_context(child("bench.peers.modbus_server", "pty", stamps))
    client = await connect_pty(server.ready)
    stack.callback(client.close)
    return client, server


async def stop(client: Any) -> None:
    answer = await client.write_register(STOP_REGISTER, 1)
    assert not answer.isError()


async def setpoint(client: Any) -> None:
    answer = await client.write_registers(0, VALUES)
    assert not answer.isError()

"""As many pymodbus clients as devices, each in a task of its own, each writing at 10 Hz."""

# pyright: basic
from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Any

from bench.peers import modbus

COMMAND_S = 0.1


class ModbusFleet:
    """`count` clients of the server at `address`."""

    def __init__(self, address: str, count: int) -> None:
        self._address = address
        self._count = count
        self._clients: list[Any] = []
        self._delays: list[float] = []
        self._driving: list[asyncio.Task[None]] = []
        self._over = False

    async def connect(self, stack: AsyncExitStack) -> None:
        for _ in range(self._count):
            client = await modbus.connect_tcp(self._address)
            stack.callback(client.close)
            self._clients.append(client)

    async def play(self) -> None:
        began = asyncio.get_running_loop().time()
        for number, client in enumerate(self._clients):
            due = began + COMMAND_S * (1 + number / self._count)
            self._driving.append(asyncio.ensure_future(self._drive(client, due)))

    async def _drive(self, client: Any, due: float) -> None:
        """One command after the other, at its time; a period that was missed is not made up for."""
        loop = asyncio.get_running_loop()
        while not self._over:
            await asyncio.sleep(due - loop.time())
            await modbus.setpoint(client)
            now = loop.time()
            self._delays.append((now - due) * 1000)
            due = max(due + COMMAND_S, now - COMMAND_S)

    async def delays(self, seconds: float) -> list[float]:
        self._delays.clear()
        await asyncio.sleep(seconds)
        return list(self._delays)

    async def stop(self) -> None:
        self._over = True
        await asyncio.gather(*self._driving)

    async def stop_all(self) -> None:
        await asyncio.gather(*(modbus.stop(client) for client in self._clients))

"""A setpoint and the device's confirmation of it, over a PTY and over TCP."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack

from bench import own
from bench.figures import Rounds, Row, Scale, at_least, ratio
from bench.peers import modbus
from bench.processes import child
from bench.rows.r01_idle_stop import WAKING
from massager_ctl.drivers.reference import ReferenceDriver
from massager_ctl.model.device import VIBRATE_ALL, Cause, Setpoint
from massager_ctl.transports.base import Transport
from massager_ctl.transports.serial import SerialTransport
from massager_ctl.transports.tcp import TcpTransport

NUMBER = 3
TITLE = "setpoint and its confirmation"

LEVELS = (5.0, 5.0, 5.0, 5.0, 5.0, 5.0)
SETPOINTS = tuple(Setpoint(LEVELS, VIBRATE_ALL, period) for period in (5.0, 6.0))
"""Each differs from the one before it, so that the device confirms it at once."""


class OwnSide:
    """A driver and the device behind it, in a session."""

    def __init__(self, transport: Transport) -> None:
        self._driver = ReferenceDriver(transport)
        self._ear = own.Ear()

    async def start(self, stack: AsyncExitStack) -> None:
        await self._driver.open(self._ear)
        stack.push_async_callback(self._driver.close)

    async def round_trips(self, count: int) -> list[float]:
        """Microseconds from the call until the telemetry that confirms it was read; a session of its own."""
        driver, ear = self._driver, self._ear
        await driver.read_info()
        await driver.arm(50.0, 900)
        took: list[float] = []
        for number in range(count):
            confirmed = ear.confirmation()
            began = time.perf_counter_ns()
            driver.send(SETPOINTS[number & 1])
            await confirmed
            took.append((time.perf_counter_ns() - began) / 1000)
        await driver.stop(Cause.PERSON)
        return took


def measure(scale: Scale) -> Row:
    return asyncio.run(_measure(scale))


async def _measure(scale: Scale) -> Row:
    ours = {"pty": Rounds(), "tcp": Rounds()}
    theirs = {"pty": Rounds(), "tcp": Rounds()}
    async with AsyncExitStack() as stack:
        sides = {
            "pty": OwnSide(SerialTransport(_device(stack, "pty"))),
            "tcp": OwnSide(_tcp(_device(stack, "tcp"))),
        }
        for side in sides.values():
            await side.start(stack)
        clients = await _modbus(stack)
        for _ in range(scale.rounds):
            for kind, side in sides.items():
                ours[kind].add(await side.round_trips(scale.of(300)))
                if kind in clients:
                    theirs[kind].add(await modbus_round_trips(clients[kind], scale.of(300)))
    return Row(
        NUMBER,
        TITLE,
        (
            at_least("pymodbus over ours, PTY", ratio(theirs["pty"], ours["pty"]), 3.0, why=WAKING),
            at_least("pymodbus over ours, TCP", ratio(theirs["tcp"], ours["tcp"]), 2.0, why=WAKING),
        ),
        {
            f"{name}_{kind}_p{percent}_us": rounds[kind].p(percent)
            for name, rounds in (("ours", ours), ("pymodbus", theirs))
            for kind in rounds
            for percent in (50, 99)
            if rounds[kind].of
        },
    )


def _device(stack: AsyncExitStack, kind: str) -> str:
    return stack.enter_context(child("bench.children.device", kind, "plain", "0")).ready


def _tcp(address: str) -> TcpTransport:
    host, port = address.rsplit(":", 1)
    return TcpTransport(host, int(port))


async def _modbus(stack: AsyncExitStack) -> dict[str, object]:
    """A client of each kind and its server; none if pymodbus is not installed."""
    if not modbus.installed():
        return {}
    pty = stack.enter_context(child("bench.peers.modbus_server", "pty", "plain"))
    tcp = stack.enter_context(child("bench.peers.modbus_server", "tcp", "plain"))
    clients = {
        "pty": await modbus.connect_pty(pty.ready),
        "tcp": await modbus.connect_tcp(tcp.ready),
    }
    for client in clients.values():
        stack.callback(client.close)
    return clients


async def modbus_round_trips(client: object, count: int) -> list[float]:
    took: list[float] = []
    for _ in range(count):
        began = time.perf_counter_ns()
        await modbus.setpoint(client)
        took.append((time.perf_counter_ns() - began) / 1000)
    return took

"""From the call of stop until another process has read its frame, over a PTY."""

from __future__ import annotations

import asyncio
import os
import time
import tty
from contextlib import AsyncExitStack

from bench import own
from bench.figures import Rounds, Row, Scale, at_least, at_most, ratio
from bench.peers import modbus
from bench.processes import Child, child
from massager_ctl.controller import Controller
from massager_ctl.transports.serial import SerialTransport

NUMBER = 1
TITLE = "idle stop, call to frame read, PTY"

PING = bytes(range(1, 17))


def measure(scale: Scale) -> Row:
    return asyncio.run(_measure(scale))


async def _measure(scale: Scale) -> Row:
    raw, ours, theirs = Rounds(), Rounds(), Rounds()
    async with AsyncExitStack() as stack:
        ping = RawPing(stack)
        device = stack.enter_context(child("bench.children.device", "pty", "stamped", "0"))
        controller = own.controller(SerialTransport(device.ready))
        stack.push_async_callback(controller.close)
        await controller.connect()
        server, client = None, None
        if modbus.installed():
            server = stack.enter_context(child("bench.peers.modbus_server", "pty", "stamped"))
            client = await modbus.connect_pty(server.ready)
            stack.callback(client.close)
        await stops(controller, device, scale.of(100))
        for _ in range(scale.rounds):
            raw.add(ping.round_trips(scale.of(1000)))
            ours.add(await stops(controller, device, scale.of(300)))
            if server is not None:
                theirs.add(await modbus_stops(client, server, scale.of(300)))
    return Row(
        NUMBER,
        TITLE,
        (
            at_most("p50 over a raw round trip", ratio(ours, raw), 2.5),
            at_most("p99 over its p99", ratio(ours, raw, 99), 4.0),
            at_least("pymodbus over ours", ratio(theirs, ours), 4.0),
        ),
        {
            "raw_p50_us": raw.p(50),
            "raw_p99_us": raw.p(99),
            "ours_p50_us": ours.p(50),
            "ours_p99_us": ours.p(99),
            **(
                {"pymodbus_p50_us": theirs.p(50), "pymodbus_p99_us": theirs.p(99)} if server else {}
            ),
        },
    )


class RawPing:
    """16 bytes to another process and back over a PTY, by `os.write` and `os.read` alone."""

    def __init__(self, stack: AsyncExitStack) -> None:
        master, self._slave = os.openpty()
        tty.setraw(self._slave)
        stack.callback(os.close, self._slave)
        stack.enter_context(child("bench.children.raw_echo", str(master), fds=(master,)))
        os.close(master)

    def round_trips(self, count: int) -> list[float]:
        """Microseconds each."""
        took: list[float] = []
        for _ in range(count):
            began = time.perf_counter_ns()
            os.write(self._slave, PING)
            os.read(self._slave, 64)
            took.append((time.perf_counter_ns() - began) / 1000)
        return took


async def stops(controller: Controller, device: Child, count: int) -> list[float]:
    """Microseconds from the call until the device's process had read it."""
    took: list[float] = []
    for _ in range(count):
        device.forget()
        began = time.monotonic_ns()
        confirmed = controller.stop_now()
        await confirmed
        took.append((device.stamps()[0].ns - began) / 1000)
    return took


async def modbus_stops(client: object, server: Child, count: int) -> list[float]:
    took: list[float] = []
    for _ in range(count):
        server.forget()
        began = time.monotonic_ns()
        await modbus.stop(client)
        took.append((server.stamps()[0].ns - began) / 1000)
    return took

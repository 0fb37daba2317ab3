"""The same stop, asked for behind 32 commands that have not gone out yet."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack

from bench import own
from bench.figures import Rounds, Row, Scale, at_least, at_most, ratio
from bench.peers import modbus
from bench.processes import Child
from massager_ctl.control.controller import Controller
from massager_ctl.control.pacer import SPACING_S
from massager_ctl.model.requests import SetLevel

NUMBER = 2
TITLE = "stop behind 32 queued commands, PTY"

QUEUED = 32
SETTLE_S = 0.03
"""Seconds after which the telemetry of the new epoch has come in on the slow line, too."""


def measure(scale: Scale) -> Row:
    return asyncio.run(_measure(scale))


async def _measure(scale: Scale) -> Row:
    idle, ours, paced, theirs = Rounds(), Rounds(), Rounds(), Rounds()
    async with AsyncExitStack() as stack:
        fast, fast_device = await own.on_pty(stack, "stamped")
        slow, slow_device = await own.on_pty(stack, "stamped", "115200")
        peer = await modbus.on_pty(stack, "stamped")
        await queued_stops(fast, fast_device, scale.of(5))
        for _ in range(scale.rounds):
            idle.add(await queued_stops(fast, fast_device, scale.of(40), queued=0))
            ours.add(await queued_stops(fast, fast_device, scale.of(40)))
            paced.add(await queued_stops(slow, slow_device, scale.of(15), on_the_line_s=0.001))
            if peer is not None:
                theirs.add(await modbus_queued_stops(*peer, scale.of(15)))
    return Row(
        NUMBER,
        TITLE,
        (
            at_most("over our idle stop", ratio(ours, idle), 1.5),
            at_least("pymodbus over ours", ratio(theirs, ours), 100.0),
            at_most("p50 at 115,200 baud", paced.p(50) / 1000, 3.7, "ms"),
        ),
        {
            "idle_p50_us": idle.p(50),
            "ours_p50_us": ours.p(50),
            "ours_p99_us": ours.p(99),
            "paced_p50_us": paced.p(50),
            "paced_p99_us": paced.p(99),
            **({"pymodbus_p50_us": theirs.p(50)} if peer else {}),
        },
    )


async def queued_stops(
    controller: Controller,
    device: Child,
    count: int,
    queued: int = QUEUED,
    on_the_line_s: float = 0.0,
) -> list[float]:
    """Microseconds, in a session that has just begun.

    The commands come in the turns of the loop right before the stop, so that one of them is on the line;
    `on_the_line_s`: seconds that a busy machine is given to put it there.
    """
    took: list[float] = []
    for _ in range(count):
        await controller.manual()
        await asyncio.sleep(SPACING_S + 0.005)
        device.forget()
        for number in range(queued):
            controller.request(SetLevel(1 + number % 8))
            await asyncio.sleep(0)
        await asyncio.sleep(on_the_line_s)
        began = time.monotonic_ns()
        confirmed = controller.stop_now()
        await confirmed
        took.append((_stop_read(device) - began) / 1000)
        await controller.ended()
        await asyncio.sleep(SETTLE_S)
    return took


def _stop_read(device: Child) -> int:
    """When the last byte of the stop was there: it is the last that was sent."""
    return device.stamps()[-1].ns


async def modbus_queued_stops(client: object, server: Child, count: int) -> list[float]:
    took: list[float] = []
    for _ in range(count):
        server.forget()
        queued = [asyncio.ensure_future(modbus.setpoint(client)) for _ in range(QUEUED)]
        await asyncio.sleep(0)
        began = time.monotonic_ns()
        await modbus.stop(client)
        read = [stamp.ns for stamp in server.stamps() if modbus.STOP_BYTES in stamp.data]
        took.append((read[-1] - began) / 1000)
        await asyncio.gather(*queued)
    return took

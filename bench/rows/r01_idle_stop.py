"""From the call of stop until another process has read its frame, over a PTY.

A raw round trip knows no frames, so the bytes stand beside it; beside pymodbus stands the frame, known for what it is
on both sides.
"""

from __future__ import annotations

import asyncio
import os
import time
import tty
from contextlib import AsyncExitStack
from dataclasses import dataclass

from bench import own
from bench.figures import Rounds, Row, Scale, at_least, at_most, ratio
from bench.peers import modbus
from bench.processes import Child, child
from massager_ctl.control.controller import Controller

NUMBER = 1
TITLE = "idle stop, call to frame read, PTY"

PING = bytes(range(1, 17))
WAKING = "most of it is the system that wakes the other process, and the same for both"


def measure(scale: Scale) -> Row:
    return asyncio.run(_measure(scale))


async def _measure(scale: Scale) -> Row:
    raw, read = Rounds(), Rounds()
    known, theirs = Rounds(), Rounds()
    async with AsyncExitStack() as stack:
        ping = RawPing(stack)
        controller, device = await own.on_pty(stack, "framed")
        peer = await modbus.on_pty(stack, "framed")
        await stops(controller, device, scale.of(100))
        for _ in range(scale.rounds):
            raw.add(ping.round_trips(scale.of(1000)))
            ours = await stops(controller, device, scale.of(300))
            read.add([stop.read_us for stop in ours])
            known.add([stop.known_us for stop in ours])
            if peer is not None:
                theirs.add(await modbus_stops(*peer, scale.of(300)))
    return Row(
        NUMBER,
        TITLE,
        (
            at_most("p50 over a raw round trip", ratio(read, raw), 2.5),
            at_most("p99 over its p99", ratio(read, raw, 99), 4.0),
            at_least("pymodbus over ours, frame decoded", ratio(theirs, known), 4.0, why=WAKING),
        ),
        {
            "raw_p50_us": raw.p(50),
            "raw_p99_us": raw.p(99),
            "read_p50_us": read.p(50),
            "read_p99_us": read.p(99),
            "decoded_p50_us": known.p(50),
            "decoded_p99_us": known.p(99),
            **(
                {
                    "pymodbus_decoded_p50_us": theirs.p(50),
                    "pymodbus_decoded_p99_us": theirs.p(99),
                }
                if peer
                else {}
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


@dataclass(frozen=True, slots=True)
class Stop:
    """Microseconds from the call until the device's process had read its bytes, and until it knew that it is a stop."""

    read_us: float
    known_us: float


async def stops(controller: Controller, device: Child, count: int) -> list[Stop]:
    took: list[Stop] = []
    for _ in range(count):
        device.forget()
        began = time.monotonic_ns()
        confirmed = controller.stop_now()
        await confirmed
        stamp = device.stamps()[0]
        took.append(Stop((stamp.ns - began) / 1000, (stamp.known_ns - began) / 1000))
    return took


async def modbus_stops(client: object, server: Child, count: int) -> list[float]:
    took: list[float] = []
    for _ in range(count):
        server.forget()
        began = time.monotonic_ns()
        await modbus.stop(client)
        took.append((server.stamps()[0].known_ns - began) / 1000)
    return took

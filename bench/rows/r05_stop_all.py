"""Every device of a process stopped at once, until each has confirmed it."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack

from bench.figures import Rounds, Row, Scale, at_most, exponent, ratio
from bench.fleet import Fleet
from bench.peers import modbus
from bench.peers.modbus_fleet import ModbusFleet
from bench.processes import child

NUMBER = 5
TITLE = "stop-all, confirmed"

SIZES = (10, 100, 500)
COMPARED = 100


def measure(scale: Scale) -> Row:
    return asyncio.run(_measure(scale))


async def _measure(scale: Scale) -> Row:
    sizes = SIZES if scale.part >= 1 else (2, 4)
    compared = COMPARED if scale.part >= 1 else sizes[-1]
    ours = {size: Rounds() for size in sizes}
    theirs = Rounds()
    # Fleets that wait cost time as well, so each is alone while it is measured.
    for size in sizes:
        async with AsyncExitStack() as alone:
            address = alone.enter_context(child("bench.children.fleet")).ready
            fleet = Fleet(address, size)
            await fleet.connect(alone)
            peer = await _peer(alone, compared) if size == compared else None
            for _ in range(scale.rounds):
                ours[size].add([await _stop_all(fleet) for _ in range(scale.of(5))])
                if peer is not None:
                    theirs.add([await _modbus_stop_all(peer) for _ in range(scale.of(5))])
    return Row(
        NUMBER,
        TITLE,
        (
            at_most(
                f"{compared} devices over pymodbus",
                1 / over
                if (over := ratio(theirs if theirs.of else None, ours[compared]))
                else None,
                0.4,
                why="a write to each of 100 sockets is most of it, and the same for both",
            ),
            at_most(
                f"exponent, {sizes[0]} to {sizes[-1]}",
                exponent(sizes, [ours[size].p(50) for size in sizes]),
                1.05,
                "",
            ),
        ),
        {
            **{f"ours_{size}_p50_ms": rounds.p(50) * 1000 for size, rounds in ours.items()},
            **({f"pymodbus_{compared}_p50_ms": theirs.p(50) * 1000} if theirs.of else {}),
        },
    )


async def _peer(stack: AsyncExitStack, size: int) -> ModbusFleet | None:
    if not modbus.installed():
        return None
    server = stack.enter_context(child("bench.peers.modbus_server", "tcp", "plain"))
    fleet = ModbusFleet(server.ready, size)
    await fleet.connect(stack)
    return fleet


async def _stop_all(fleet: Fleet) -> float:
    """Seconds, from the first call until the last confirmation."""
    began = time.perf_counter()
    await asyncio.gather(*[controller.stop_now() for controller in fleet.controllers])
    took = time.perf_counter() - began
    await asyncio.sleep(0.01)
    return took


async def _modbus_stop_all(fleet: ModbusFleet) -> float:
    began = time.perf_counter()
    await fleet.stop_all()
    took = time.perf_counter() - began
    await asyncio.sleep(0.01)
    return took

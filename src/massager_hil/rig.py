"""Leaves a device at rest: between two checks, and at the end, however that comes (R6)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from massager_ctl.errors import LinkError
from massager_hil import wire
from massager_hil.bench import Bench
from massager_hil.client import Client
from massager_hil.hooks import HookFailed
from massager_hil.model import CannotMeasure, LinkGone
from massager_hil.tables import CONFIRM_S, Flag, Result, State

Say = Callable[[str], None]
_STOPS: Final = 4
"""A STOP is sent once, and again three times (docs/protocol.md 9)."""
_PATIENCE_S: Final = 60.0
"""For a charger to be pulled out, and for the cause of a latch to go."""
_LOOK_S: Final = 0.5


async def stopped(client: Client, kind: str) -> bool:
    """STOP until it is confirmed, as section 9 allows; whether it was."""
    for _ in range(_STOPS):
        token = client.next_token()
        client.send(wire.Stop(token, 1))
        if await client.answer(token, CONFIRM_S[kind] + 0.1) is not None:
            return True
    return False


async def at_rest(bench: Bench, say: Say) -> None:
    """Everything at rest, on a new link where the old one is gone.

    Raises `LinkGone` if there is none to be had or STOP is not confirmed, `CannotMeasure` if a latch stays.
    """
    try:
        await _calm(bench, say)
    except CannotMeasure as first:
        if bench.client.lost is None:
            raise
        try:
            await _calm(bench, say)
        except (CannotMeasure, LinkError) as problem:
            raise LinkGone(str(problem) or str(first)) from problem
    except LinkError as problem:
        raise LinkGone(str(problem)) from problem


async def _calm(bench: Bench, say: Say) -> None:
    bench.unwatch()
    bench.close_others()
    if bench.client.lost is not None or bench.client.pipe is None:
        await bench.reopen()
    client = bench.client
    client.forget()
    if not await stopped(client, bench.kind):
        raise LinkGone(f"STOP was sent {_STOPS} times and not confirmed. Unplug the device.")
    if bench.tidy is not None:
        try:
            if await bench.tidy(client):
                await client.next(2)  # The device looks at its supply ten times a second.
        except HookFailed as problem:
            raise LinkGone(f"the bench does not put the device at rest: {problem}") from problem
    telemetry = await client.settle()
    if telemetry.flags & Flag.BUTTON:
        await bench.operator.release(client)
    if telemetry.flags & Flag.CHARGING:
        say("Unplug the charger.")
        await client.until(lambda: not client.latest.flags & Flag.CHARGING, _PATIENCE_S)
    if telemetry.state in (State.LATCHED, State.FAULT):
        result = await _cleared(client)
        if result is not Result.OK:
            raise CannotMeasure("the device stays latched, and RESET does not clear it", "R7")
        await client.next()
    client.owner ^= 0x01010101
    client.forget()


async def _cleared(client: Client) -> Result | None:
    """RESET, and again while its cause is still there: a pad cools down slowly, a sensor recovers."""
    loop = asyncio.get_running_loop()
    end = loop.time() + _PATIENCE_S
    while True:
        result = await client.reset()
        if result is not Result.CAUSE_PRESENT or loop.time() > end:
            return result
        await asyncio.sleep(_LOOK_S)


async def leave(bench: Bench | None, say: Say) -> bool:
    """The end of a run, whatever ended it: STOP, a word where nothing confirms it, and the bench as it was.

    Returns whether it was confirmed, or there was no device to stop. Raises nothing.
    """
    if bench is None:
        return True
    confirmed = await _left(bench, say)
    if bench.tidy is not None:
        try:
            await bench.tidy(bench.client)
        except (HookFailed, CannotMeasure) as problem:
            say(f"{problem}. Look at the bench.")
    return confirmed


async def _left(bench: Bench, say: Say) -> bool:
    bench.unwatch()
    client = bench.client
    try:
        if client.lost is None and client.pipe is not None and await stopped(client, bench.kind):
            return True
        async with asyncio.timeout(10.0):
            again = await bench.reopen()
            await again.next()
            if await stopped(again, bench.kind):
                return True
    except (CannotMeasure, LinkError, TimeoutError, OSError):
        pass
    say("STOP was not confirmed at the end. Unplug the device.")
    return False

"""R6: a stop is sent at once, sent again, and never called done unless the device confirmed it."""

from __future__ import annotations

import asyncio
from asyncio import Future
from typing import Final

from massager_ctl.device import Cause
from massager_ctl.drivers.base import Driver
from massager_ctl.errors import LinkError, StopUnconfirmed

RESENDS: Final = 3
"""How often a stop is sent again before the link is dropped (R6)."""

UNPLUG = (
    "Take the device off and unplug it. The link was dropped, so a sound device stops by itself"
    " within a second or so; do not use it again before you have seen it stop."
)


async def confirm(driver: Driver, first: Future[None], cause: Cause) -> None:
    """Wait for the acknowledgement of a stop that is on its way; send it again, then drop the link.

    `first`: what `driver.stop(cause)` returned. Raises StopUnconfirmed after RESENDS, or at once where the link
    is gone.
    """
    attempts = {first}
    try:
        for again in range(RESENDS + 1):
            if again:
                attempts.add(driver.stop(cause))
            await _first_of(attempts, driver.kind.stop_wait_s)
            for attempt in [attempt for attempt in attempts if attempt.done()]:
                attempts.discard(attempt)
                if attempt.cancelled():
                    continue  # answered, but not with ok
                error = attempt.exception()
                if error is None:
                    return
                if isinstance(error, LinkError):
                    raise StopUnconfirmed(
                        f"the stop could not be confirmed: {error.message}", UNPLUG
                    )
    finally:
        for attempt in attempts:
            if not attempt.cancel() and not attempt.cancelled():
                attempt.exception()  # read, so that nobody warns of it
    driver.abort()
    raise StopUnconfirmed(
        f"the device did not confirm the stop, though it was sent {RESENDS + 1} times", UNPLUG
    )


async def _first_of(attempts: set[Future[None]], seconds: float) -> None:
    """Until one of them is done, or for so long: as `asyncio.wait`, at less cost to each stop."""
    loop = asyncio.get_running_loop()
    turn = loop.create_future()

    def end(_: object = None) -> None:
        if not turn.done():
            turn.set_result(None)

    timer = loop.call_later(seconds, end)
    for attempt in attempts:
        attempt.add_done_callback(end)
    try:
        await turn
    finally:
        timer.cancel()
        for attempt in attempts:
            attempt.remove_done_callback(end)

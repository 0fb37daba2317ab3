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
            done, _ = await asyncio.wait(
                attempts, timeout=driver.kind.stop_wait_s, return_when=asyncio.FIRST_COMPLETED
            )
            for attempt in done:
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

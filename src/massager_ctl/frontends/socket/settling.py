"""What the answer to a confirmed stop waits for."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Final

from massager_ctl.control.controller import Controller

SHOWN_S: Final = 0.05
"""Seconds that the answer to a stop waits for telemetry; only the confirmation counts (R6)."""


async def shown_at_zero(controller: Controller) -> None:
    """The telemetry that shows zero follows the confirmation closely; wait a moment for it."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(SHOWN_S):
            async for status in controller.watch():
                if not any(status.actual):
                    return

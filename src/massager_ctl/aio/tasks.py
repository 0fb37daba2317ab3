"""Cancels tasks reliably: in Python 3.11 `asyncio.wait_for` may swallow a cancellation that meets its result."""

from __future__ import annotations

import asyncio
from asyncio import Future
from collections.abc import Iterable
from typing import Any, Final

AGAIN_S: Final = 3.0
"""Seconds after which a task that is still running is cancelled again: longer than any clean-up takes."""


async def end_all(tasks: Iterable[Future[Any]]) -> None:
    """Cancel `tasks`, and again, until every one of them is done. Their results are left to the caller."""
    pending = {task for task in tasks if not task.done()}
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=AGAIN_S)

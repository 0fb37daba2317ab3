"""Reports a fault in this program that must not keep anything else from being done."""

from __future__ import annotations

import asyncio


def report(what: str, error: Exception) -> None:
    """Log it, as asyncio logs an error in a callback."""
    asyncio.get_running_loop().call_exception_handler(
        {"message": f"{what} failed: {error!r}", "exception": error}
    )

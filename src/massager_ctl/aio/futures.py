"""Futures that fail although perhaps no one waits for them any more."""

from __future__ import annotations

from asyncio import Future
from typing import Any


def fail(future: Future[Any], error: Exception) -> None:
    """Set the error. It is read once, so that no warning is printed if whoever waited is gone."""
    future.set_exception(error)
    future.exception()

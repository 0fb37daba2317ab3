"""Marks that stand for more than their name."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final

import pytest

from massager_ctl.aio.simulated_time import SimulatedTimeLoop

simulated_time: Final = pytest.mark.asyncio(loop_factories=["simulated"])
"""A coroutine that is a test under simulated time: an hour passes in no time, and a busy machine changes nothing."""

LOOPS: Final[Mapping[str, Callable[[], asyncio.AbstractEventLoop]]] = {
    "simulated": SimulatedTimeLoop,
    "real": asyncio.new_event_loop,
}


def loop_factories(item: pytest.Item) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The event loop of an asynchronous test: in real time, unless it is marked as above."""
    mark = item.get_closest_marker("asyncio")
    if mark is not None and "loop_factories" in mark.kwargs:
        return LOOPS
    return {"real": LOOPS["real"]}


def rig(function: Callable[..., object]) -> dict[str, Any]:
    """What a test's mark `rig` asks of its bench."""
    marks = getattr(function, "pytestmark", ())
    return next((dict(mark.kwargs) for mark in marks if mark.name == "rig"), {})


def running_loop() -> SimulatedTimeLoop:
    """The loop that runs, which is one of simulated time."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, SimulatedTimeLoop)
    return loop

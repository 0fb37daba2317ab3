"""A future that fails while no one waits for it warns of nothing."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import pytest
from tests.support.marks import simulated_time

from massager_ctl.aio.futures import fail
from massager_ctl.drivers.reference import ReferenceDriver
from massager_ctl.errors import LinkLost
from massager_ctl.model.device import Cause
from massager_ctl.transports.in_process import SimTransport

pytestmark = simulated_time


def _warnings() -> list[dict[str, Any]]:
    said: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: said.append(context))
    return said


async def test_who_waits_still_gets_the_error() -> None:
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    fail(future, LinkLost("gone"))
    with pytest.raises(LinkLost, match="gone"):
        await future


async def test_a_stop_of_a_closed_driver_that_nobody_awaits_warns_of_nothing() -> None:
    """As in a program that ends while its stop is on the way."""
    said = _warnings()
    driver = ReferenceDriver(SimTransport())
    await driver.close()
    driver.stop(Cause.PERSON)
    gc.collect()
    await asyncio.sleep(0)
    assert said == []

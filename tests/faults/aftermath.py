"""What a test of the matrix looks at after a fault: bounds, what arrived, and how the session ended."""

from __future__ import annotations

import asyncio

import pytest

from massager_ctl.errors import DeviceRefused, DoseSpent, ExitCode
from massager_ctl.model.device import Cause
from tests.faults.ground import Ground, On

SERIAL_T = 0.5
"""T on memory and serial links, seconds (R4)."""

BLE_T = 1.0


async def tripped(g: Ground, cause: Cause, within: float = 5.0) -> None:
    """The host was notified why, the ledger fits, and nothing starts until the latch is cleared."""
    end = await g.over(within)
    assert (end.cause, end.exit_code) == (cause, ExitCode.REFUSED)
    assert g.device.firmware.core.latch >= 1
    await g.ledger()
    await asyncio.sleep(0.3)
    # After 2 min of it the person needs a rest first, and the ledger says so before the device does.
    with pytest.raises(DeviceRefused if g.delivered_s < 100 else DoseSpent):
        await g.controller.manual(60)
    assert not g.is_up


def rejected(g: Ground) -> int:
    return g.device.firmware.rejected


async def arrived(g: Ground) -> None:
    """What was written has reached the device."""
    await asyncio.sleep(0 if g.on is On.MEMORY else 0.05)


async def stopped(g: Ground) -> None:
    """The ordinary end: a stop that is zero at once, and a ledger that fits."""
    g.strike()
    await g.controller.stop()
    g.zero_by(0.1, cause="person")
    await g.over()
    await g.ledger()

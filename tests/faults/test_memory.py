"""Fault 48: NVM that flips bits, or takes no writes (R7, R8)."""

from __future__ import annotations

import asyncio

import pytest

from massager_ctl.errors import DeviceRefused, ExitCode
from tests.faults.ground import Ground
from tests.support.marks import simulated_time

pytestmark = simulated_time


@pytest.mark.fault(48)
async def test_nvm_bit_flips(g: Ground) -> None:
    """Any record that cannot be read back: a fault latch at boot, and no allowance to run on."""
    await g.controller.connect()
    for number, record in enumerate(("latch", "life", "boot_a", "boot_b", "allowance"), start=1):
        await g.run(1.0)
        g.inject(f"nvm_flip={record}")
        await asyncio.sleep(0.3)
        g.zero_by(0.1, state="fault", cause="memory")
        assert (await g.over()).exit_code in (ExitCode.REFUSED, ExitCode.LINK)
        with pytest.raises(DeviceRefused):
            await g.controller.manual(60)
        await g.controller.reset()
        assert g.state == "idle"
        if record == "allowance":
            assert g.device.firmware.core.allowance.left_s == 0, (
                "nothing is left until an hour has passed"
            )
            with pytest.raises(DeviceRefused, match="hour"):
                await g.controller.manual(60)
        await asyncio.sleep(0.3)
        assert len(g.seen("trip")) == number
    charged = sum(entry.charged_s for entry in await g.entries())
    assert charged >= g.delivered_s


@pytest.mark.fault(48)
async def test_nvm_takes_no_writes(g: Ground) -> None:
    await g.controller.connect()
    await g.run(1.0)
    g.inject("nvm_stuck")
    await g.controller.stop()
    g.device.firmware.plant.nvm.flip("latch", 3)
    g.inject("reboot")
    await asyncio.sleep(0.3)
    assert (g.state, g.cause) == ("fault", "memory")
    with pytest.raises(DeviceRefused, match="cause"):
        await g.controller.reset()
    assert g.state == "fault"

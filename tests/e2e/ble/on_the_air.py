"""What a test over BLE looks at on the device, and how it starts a session frame by frame."""

from __future__ import annotations

import asyncio

from massager_ctl.model.device import Setpoint
from massager_ctl.wire.codec import decode_body
from massager_ctl.wire.messages import TelemetryFrame
from tests.e2e.ble.harness import BleBench

GENTLE = Setpoint((5.0, 5.0, 5.0, 5.0, 5.0, 5.0))


def zero_after(bench: BleBench, since: float) -> float:
    """Seconds of the device's clock from `since` to the first sample with every level at zero."""
    for line in bench.trace:
        if line["type"] == "sample" and line["t"] >= since and not any(line["out"].values()):
            return line["t"] - since
    raise AssertionError("the levels never came to zero")


def device_time(bench: BleBench) -> float:
    """Seconds since its boot, as its trace counts them."""
    newest = decode_body(bench.device.firmware.read_telemetry(bench.loop.time()))
    assert isinstance(newest, TelemetryFrame)
    return newest.uptime / 1000


async def armed(bench: BleBench) -> None:
    """A session with levels above zero, driven frame by frame."""
    await bench.driver.arm(20.0, 600)
    for _ in range(40):
        bench.driver.send(GENTLE)
        await asyncio.sleep(0.2)
    assert any(bench.out.values())

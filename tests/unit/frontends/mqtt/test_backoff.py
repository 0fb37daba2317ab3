"""The waits between two connections grow, and begin again only once the broker has served for a minute."""

from __future__ import annotations

import asyncio

import pytest
from tests.e2e.harness import Bench
from tests.support.marks import simulated_time

from massager_ctl.control.outlook import Outlook
from massager_ctl.errors import LinkError
from massager_ctl.frontends.mqtt import bridge as bridging
from massager_ctl.frontends.mqtt.bridge import RETRY_LONGEST_S, SERVED_S, MqttBridge
from massager_ctl.frontends.mqtt.settings import BrokerSettings
from massager_ctl.model.units import ZERO
from massager_ctl.safety.remote_start import RemoteGate


@simulated_time
async def test_a_broker_that_drops_everybody_at_once_is_asked_less_and_less(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bridge = MqttBridge(
        BrokerSettings("127.0.0.1", 1883),
        "neck",
        bench.controller,
        RemoteGate(),
        bench.loop.clock,
        lambda: Outlook(ZERO),
    )
    served = [0.1] * 8 + [SERVED_S + 1.0] + [0.1]
    began: list[float] = []
    ended: list[float] = []

    async def connected(_: object) -> None:
        began.append(bench.loop.time())
        if not served:
            await asyncio.Event().wait()
        await asyncio.sleep(served.pop(0))
        ended.append(bench.loop.time())
        raise LinkError("the broker closed the connection")

    monkeypatch.setattr(bridge, "_connected", connected)
    running = asyncio.ensure_future(bridge.run())
    await asyncio.sleep(300)
    running.cancel()
    await asyncio.wait({running})
    waits = [start - end for start, end in zip(began[1:], ended, strict=True)]
    assert max(waits[5:8]) > RETRY_LONGEST_S / 4
    assert waits[8] <= 0.5, "after a minute of service it begins again"
    assert bridging.RETRY_FIRST_S == 0.5

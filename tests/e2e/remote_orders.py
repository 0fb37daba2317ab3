"""What a test does over a broker: it starts a session, reads the loop's clock, and looks for what is retained."""

from __future__ import annotations

import asyncio

import aiomqtt

from tests.e2e.mqtt_harness import PATIENCE_S, Ear, Mosquitto, Rig


async def running(ear: Ear, bench: Rig, *, level: float = 5) -> None:
    """A session started from another place, with a level above zero."""
    await ear.becomes(phase="idle", problem=False)
    bench.let()
    await ear.press("start", "manual")
    await ear.becomes(phase="running")
    await ear.press("level/trapezius_left", level)
    await ear.until(lambda: ear.state["levels"]["trapezius_left"] >= 1)


def now() -> float:
    return asyncio.get_running_loop().time()


async def nothing_retained(broker: Mosquitto, leaf: str) -> None:
    """A newcomer hears nothing old at this topic, once the clearing has arrived."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            async with aiomqtt.Client("127.0.0.1", broker.port) as client:
                await client.subscribe(f"massager/neck/{leaf}")
                await client.subscribe("massager/neck/availability")
                async for message in client.messages:
                    if message.topic.value.endswith("availability"):
                        return
                    break
            await asyncio.sleep(0.05)

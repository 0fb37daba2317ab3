"""looptime and async-solipsism, with commands, answers and a device's ticks to run, and nothing in them."""

# pyright: basic, reportMissingImports=false
from __future__ import annotations

import asyncio
import importlib.util
import time

COMMAND_S = 0.2
TICK_S = 0.02
"""The times of our host and device (docs/protocol.md)."""


def installed() -> list[str]:
    return [
        name
        for name in ("looptime", "async_solipsism")
        if importlib.util.find_spec(name) is not None
    ]


def run(name: str, seconds: float) -> float:
    """Real seconds that `seconds` of simulated time take."""
    with asyncio.Runner(loop_factory=lambda: _loop(name)) as runner:
        began = time.perf_counter()
        runner.run(_commands(seconds))
        return time.perf_counter() - began


def _loop(name: str) -> asyncio.AbstractEventLoop:
    if name == "looptime":
        import looptime

        return looptime.new_event_loop(start=0)
    import async_solipsism

    return async_solipsism.EventLoop()


async def _commands(seconds: float) -> None:
    commands: asyncio.Queue[int] = asyncio.Queue()
    answers: asyncio.Queue[int] = asyncio.Queue()
    heard = 0

    async def device() -> None:
        """Ticks; answers a command at its next tick; tells something every fifth tick."""
        tick = 0
        while True:
            await asyncio.sleep(TICK_S)
            tick += 1
            while not commands.empty():
                answers.put_nowait(commands.get_nowait())
            if tick % 5 == 0:
                asyncio.get_running_loop().call_soon(hear)

    def hear() -> None:
        nonlocal heard
        heard += 1

    ticking = asyncio.ensure_future(device())
    loop = asyncio.get_running_loop()
    due = loop.time()
    for number in range(round(seconds / COMMAND_S)):
        commands.put_nowait(number)
        assert await answers.get() == number
        due += COMMAND_S
        await asyncio.sleep(due - loop.time())
    ticking.cancel()
    assert heard

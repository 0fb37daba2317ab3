"""How long a stop over MQTT takes, from the press to the device's confirmation, against a bare echo on the same broker.

    python bench/mqtt_stop.py [--samples 100]

Three processes and a Mosquitto of its own on loopback, `set_tcp_nodelay true`: the service with the simulated device,
a bare aiomqtt client that sends back what it hears with QoS 1, and this one, which presses. The claim, as a ratio:
p99 of the stop ≤ 2 × p99 of the echo + p99 of the device's own stop (measured over the control socket, without MQTT).

Then the same stop while 20,000 commands that have no effect lie before it, published by another client: at most 100 ms,
and it is shown how many times as long that is as the quiet one.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import shutil
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiomqtt

FLOOD = 20_000
FLOODED_STOP_S = 0.1
"""Commands ahead of a stop, and the seconds that it may take all the same."""

NODELAY = ((socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),)
WAIT_S = 90.0


@contextlib.asynccontextmanager
async def process(*command: str, **options: Any) -> AsyncGenerator[asyncio.subprocess.Process]:
    """A process that is ended with the block."""
    child = await asyncio.create_subprocess_exec(*command, **options)
    try:
        yield child
    finally:
        with contextlib.suppress(ProcessLookupError):
            child.terminate()
        await child.wait()


@contextlib.asynccontextmanager
async def mosquitto(folder: Path) -> AsyncGenerator[int]:
    """A broker on a free port of the loopback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    settings = folder / "mosquitto.conf"
    settings.write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\nuser root\n"
    )
    program = shutil.which("mosquitto", path=f"{os.environ['PATH']}:/usr/sbin")
    assert program, "mosquitto is not installed: run tools/setup-debian as root"
    options = {"stderr": asyncio.subprocess.PIPE}
    async with process(program, "-c", str(settings), **options) as broker:
        assert broker.stderr is not None
        while b"running" not in await broker.stderr.readline():
            pass
        yield port


async def answer(port: int) -> None:
    """The bare echo: sends back what it hears, and does nothing else."""
    async with aiomqtt.Client("127.0.0.1", port, socket_options=NODELAY) as client:
        await client.subscribe("bench/ping", qos=1)
        await client.publish("bench/up", b"", qos=1, retain=True)
        async for message in client.messages:
            await client.publish("bench/pong", message.payload, qos=1)


async def flood(port: int) -> None:
    """Publish commands that have no effect, as fast as the broker takes them, each time someone asks for it."""
    junk = b'{"v":30,"n":"guess","t":1}'
    async with aiomqtt.Client("127.0.0.1", port, socket_options=NODELAY) as client:
        await client.subscribe("bench/flood", qos=1)
        await client.publish("bench/flooder", b"", qos=1, retain=True)
        async for asked in client.messages:
            for number in range(int(bytes(asked.payload))):
                await client.publish("massager/bench/cmd/level/all", junk, qos=0)
                if number % 100 == 0:
                    await asyncio.sleep(0)
            await client.publish("bench/flooded", b"x", qos=1)


class Presser:
    """Presses, listens and takes the time."""

    def __init__(self, client: aiomqtt.Client, control: Path) -> None:
        self._client = client
        self._control = control
        self._latest: dict[str, bytes] = {}
        self._news = asyncio.Condition()
        self._arrived: dict[str, float] = {}

    async def listen(self) -> None:
        async for message in self._client.messages:
            topic = message.topic.value
            self._arrived[topic] = time.perf_counter()
            self._latest[topic] = bytes(message.payload)
            async with self._news:
                self._news.notify_all()

    async def until(self, topic: str, true: Callable[[bytes], bool]) -> bytes:
        async with asyncio.timeout(WAIT_S), self._news:
            while topic not in self._latest or not true(self._latest[topic]):
                await self._news.wait()
        return self._latest[topic]

    async def echo(self, number: int) -> float:
        """Seconds from a publication to its echo."""
        payload = str(number).encode()
        began = time.perf_counter()
        await self._client.publish("bench/ping", payload, qos=1)
        await self.until("bench/pong", lambda found: found == payload)
        return self._arrived["bench/pong"] - began

    async def ask(self, request: str, **fields: object) -> float:
        """Seconds that a request over the control socket takes."""
        reader, writer = await asyncio.open_unix_connection(str(self._control))
        began = time.perf_counter()
        writer.write(json.dumps({"request": request, **fields}).encode() + b"\n")
        answered = json.loads(await reader.readline())
        took = time.perf_counter() - began
        writer.close()
        assert answered["ok"], answered
        return took

    async def run_session(self) -> None:
        """A session with levels above zero."""
        await self.ask("ready", symptoms="no")
        await self._press("start", "manual")
        await self._state(lambda state: state["phase"] == "running")
        await self._press("level/all", 8)
        await self._state(lambda state: state["levels"]["neck_left"] > 0)

    async def stop(self) -> float:
        """Seconds from the press to the event that says: at zero, confirmed by the device."""
        event = "massager/bench/event"
        self._latest.pop(event, None)
        began = time.perf_counter()
        await self._client.publish("massager/bench/cmd/stop", b"PRESS", qos=1)
        found = json.loads(await self.until(event, lambda found: b'"stopped"' in found))
        assert found["confirmed"], found
        return self._arrived[event] - began

    async def flooded(self, commands: int) -> None:
        """Until another client has published so many."""
        self._latest.pop("bench/flooded", None)
        await self._client.publish("bench/flood", str(commands), qos=1)
        await self.until("bench/flooded", lambda _: True)

    async def at_rest(self) -> None:
        await self._state(lambda state: state["phase"] == "idle")

    async def _press(self, name: str, value: object) -> None:
        nonce = json.loads(self._latest["massager/bench/nonce"])["nonce"]
        payload = json.dumps({"v": value, "n": nonce, "t": time.time()})
        await self._client.publish(f"massager/bench/cmd/{name}", payload, qos=0)

    async def _state(self, true: Callable[[dict[str, Any]], bool]) -> None:
        await self.until("massager/bench/state", lambda found: true(json.loads(found)))


def p99(samples: list[float]) -> float:
    return statistics.quantiles(samples, n=100, method="inclusive")[98]


@dataclass(frozen=True)
class Stops:
    """Seconds: a bare echo, the device's own stop, a stop over MQTT in the quiet, and one behind a flood."""

    echoes: list[float]
    own: list[float]
    quiet: list[float]
    behind: list[float]


async def measured(samples: int, floods: int, commands: int = FLOOD) -> Stops:
    """So many stops in the quiet, and behind floods of so many commands each."""
    echoes: list[float] = []
    stops: list[float] = []
    own: list[float] = []
    async with contextlib.AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        port = await stack.enter_async_context(mosquitto(folder))
        run = folder / "run"
        environment = {
            **os.environ,
            "MASSAGER_CTL_RUNTIME": str(run),
            "MASSAGER_CTL_DATA": str(folder / "data"),
        }
        serve = ("-m", "massager_ctl.cli.entry", "serve", "--device", "bench=sim:")
        quiet = {"stderr": asyncio.subprocess.DEVNULL, "env": environment}
        url = f"mqtt://127.0.0.1:{port}"
        await stack.enter_async_context(process(sys.executable, *serve, "--mqtt", url, **quiet))
        for part in ("--answer", "--flood"):
            await stack.enter_async_context(process(sys.executable, __file__, part, str(port)))
        client = await stack.enter_async_context(
            aiomqtt.Client("127.0.0.1", port, socket_options=NODELAY)
        )
        for topic in (
            "bench/pong",
            "bench/up",
            "bench/flooder",
            "bench/flooded",
            "massager/bench/+",
        ):
            await client.subscribe(topic, qos=1)
        while not (found := list(run.glob("*.sock"))):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        presser = Presser(client, found[0])
        listening = asyncio.ensure_future(presser.listen())
        for topic in ("bench/up", "bench/flooder"):
            await presser.until(topic, lambda _: True)
        await presser.until("massager/bench/state", lambda found: b'"problem":false' in found)
        for number in range(20):
            await presser.echo(-number)  # everything is loaded and warm after that
        for number in range(samples):
            await presser.run_session()
            echoes.append(await presser.echo(number))
            stops.append(await presser.stop())
            await presser.at_rest()
            await presser.run_session()
            own.append(await presser.ask("stop"))
            await presser.at_rest()
        behind: list[float] = []
        for number in range(floods):
            if number:
                # The rest of the flood is read, or dropped with its connection.
                await asyncio.sleep(8)
            await presser.run_session()
            await presser.flooded(commands)
            behind.append(await presser.stop())
            await presser.at_rest()
        listening.cancel()
    return Stops(echoes, own, stops, behind)


def main(samples: int) -> int:
    """Measure, print, and return 1 if a bound was missed."""
    found = asyncio.run(measured(samples, max(3, samples // 20)))
    bound = 2 * p99(found.echoes) + p99(found.own)
    for name, taken in (
        ("bare echo", found.echoes),
        ("device's own stop", found.own),
        ("stop", found.quiet),
    ):
        print(
            f"{name:<18} p50 {statistics.median(taken) * 1000:6.2f} ms   p99 {p99(taken) * 1000:6.2f} ms"
        )
    ratio = p99(found.quiet) / bound
    print(f"stop p99 / (2 × echo p99 + device's own stop p99) = {ratio:.2f}   (bound: 1)")
    worst = max(found.behind)
    print(
        f"stop behind {FLOOD} commands, {len(found.behind)} times: worst {worst * 1000:.1f} ms"
        f" (bound: {FLOODED_STOP_S * 1000:.0f}), {worst / statistics.median(found.quiet):.1f} × the quiet one"
    )
    return 0 if ratio <= 1 and worst <= FLOODED_STOP_S else 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--samples", type=int, default=100)
    parser.add_argument("--answer", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--flood", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.answer:
        asyncio.run(answer(options.answer))
    elif options.flood:
        asyncio.run(flood(options.flood))
    else:
        sys.exit(main(options.samples))

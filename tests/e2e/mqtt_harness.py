"""A real Mosquitto, a listener, and a device with its bridge, on one event loop in real time."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import time
from collections.abc import AsyncGenerator, Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiomqtt

from firmware_sim.device import SimulatedDevice
from firmware_sim.links.memory import Simulator
from massager_ctl.aio.clock import SystemClock
from massager_ctl.aio.scheduler import Scheduler
from massager_ctl.aio.tasks import end_all
from massager_ctl.config import load
from massager_ctl.control.admission import AdmissionPolicy, Subject
from massager_ctl.drivers.base import FullDriver
from massager_ctl.drivers.reference import ReferenceDriver
from massager_ctl.frontends.mqtt.bridge import MqttBridge
from massager_ctl.frontends.mqtt.settings import BrokerSettings
from massager_ctl.ledger.clock_reading import ClockReader
from massager_ctl.ledger.in_memory import MemoryStore
from massager_ctl.runtime.service_device import OwnedDevice
from massager_ctl.transports.in_process import SimTransport

PATIENCE_S = 60.0
"""Seconds to wait for what must come: long, since a busy machine is not a failure."""

ANYONE = ("allow_anonymous true",)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Mosquitto:
    """A broker of our own on a free loopback port. It is ended by its process id."""

    def __init__(
        self, folder: Path, lines: Iterable[str] = ANYONE, port: int | None = None
    ) -> None:
        self.port = port or free_port()
        self._file = folder / f"mosquitto-{self.port}.conf"
        self._file.write_text(
            "\n".join(
                [
                    f"listener {self.port} 127.0.0.1",
                    "set_tcp_nodelay true",
                    "persistence false",
                    "user root",
                    "log_dest stderr",
                    "log_type all",
                    *lines,
                ]
            )
        )
        self._process: asyncio.subprocess.Process | None = None
        self._log: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Mosquitto:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.kill()

    async def start(self) -> None:
        """Start, and wait until it says that it runs."""
        program = shutil.which("mosquitto", path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
        assert program is not None
        self._process = await asyncio.create_subprocess_exec(
            program, "-c", str(self._file), stderr=asyncio.subprocess.PIPE
        )
        async with asyncio.timeout(PATIENCE_S):
            said = b""
            while not said.rstrip().endswith(b"running"):
                said = await self._stderr.readline()
                assert said, "mosquitto did not start"
        self._log = asyncio.ensure_future(self._drain())

    async def _drain(self) -> None:
        while await self._stderr.readline():
            pass

    @property
    def _stderr(self) -> asyncio.StreamReader:
        assert self._process is not None
        assert self._process.stderr is not None
        return self._process.stderr

    def freeze(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    async def kill(self) -> None:
        """As kill -9 does."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
            self._process = None
        if self._log is not None:
            await self._log
            self._log = None


@dataclass
class Heard:
    topic: str
    payload: bytes
    retained: bool
    at: float

    @property
    def json(self) -> Any:
        return json.loads(self.payload)


@dataclass
class Ear:
    """A client as Home Assistant would be: hears everything and sends commands."""

    client: aiomqtt.Client
    device: str = "neck"
    heard: list[Heard] = field(default_factory=list[Heard])
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def listen(self) -> None:
        async for message in self.client.messages:
            now = asyncio.get_running_loop().time()
            found = Heard(message.topic.value, bytes(message.payload), bool(message.retain), now)
            self.heard.append(found)
            async with self._news:
                self._news.notify_all()

    def topic(self, leaf: str) -> str:
        return f"massager/{self.device}/{leaf}"

    def last(self, leaf: str) -> Heard | None:
        topic = self.topic(leaf)
        return next((found for found in reversed(self.heard) if found.topic == topic), None)

    @property
    def state(self) -> dict[str, Any]:
        found = self.last("state")
        return found.json if found else {}

    @property
    def nonce(self) -> str:
        found = self.last("nonce")
        assert found is not None
        return found.json["nonce"]

    def events(self, kind: str = "") -> list[dict[str, Any]]:
        topic = self.topic("event")
        found = [heard.json for heard in self.heard if heard.topic == topic]
        return [event for event in found if not kind or event["event_type"] == kind]

    async def until(self, true: Callable[[], Any], seconds: float = PATIENCE_S) -> Any:
        """Wait until something holds, looked at whenever a message comes."""
        try:
            async with asyncio.timeout(seconds), self._news:
                while not (found := true()):
                    await self._news.wait()
                return found
        except TimeoutError:
            raise AssertionError(f"it did not come; state {self.state}, {self.events()}") from None

    @property
    def available(self) -> str:
        """What the broker says of the service: `online`, `offline`, or nothing."""
        found = self.last("availability")
        return found.json["state"] if found else ""

    def rejections(self) -> int:
        """How many commands were rejected; in a flood one event stands for several."""
        return sum(event.get("count", 1) for event in self.events("rejected"))

    async def event(self, kind: str, count: int = 1) -> dict[str, Any]:
        """The `count`th event of a kind, once it has come."""
        await self.until(lambda: len(self.events(kind)) >= count)
        return self.events(kind)[count - 1]

    async def echoes(self, count: int) -> None:
        """Wait for so many more of the service's echoes, one a second."""
        topic = self.topic("echo")
        heard = sum(found.topic == topic for found in self.heard)
        await self.until(lambda: sum(found.topic == topic for found in self.heard) >= heard + count)

    async def becomes(self, seconds: float = PATIENCE_S, **wanted: Any) -> dict[str, Any]:
        """The state, once it has these values."""
        await self.until(
            lambda: self.state and all(self.state[key] == value for key, value in wanted.items()),
            seconds,
        )
        return self.state

    async def send(
        self, name: str, payload: str | bytes = b"PRESS", *, retain: bool = False, qos: int = 1
    ) -> None:
        await self.client.publish(self.topic(f"cmd/{name}"), payload, qos, retain)

    def stamped(self, value: Any = "PRESS", *, nonce: str = "", skew_s: float = 0.0) -> str:
        """What Home Assistant's command template makes."""
        return json.dumps({"v": value, "n": nonce or self.nonce, "t": time.time() - skew_s})

    async def press(self, name: str, value: Any = "PRESS") -> None:
        """As a button, a number or a select of Home Assistant does."""
        await self.send(name, self.stamped(value), qos=0)


@contextlib.asynccontextmanager
async def listener(port: int, **options: Any) -> AsyncGenerator[Ear]:
    """A client that hears everything on a broker."""
    nodelay = ((socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),)
    options = {"protocol": aiomqtt.ProtocolVersion.V5, **options}
    async with aiomqtt.Client("127.0.0.1", port, socket_options=nodelay, **options) as client:
        ear = Ear(client)
        await client.subscribe("massager/#", qos=1)
        await client.subscribe("homeassistant/#", qos=1)
        listening = asyncio.ensure_future(ear.listen())
        try:
            yield ear
        finally:
            listening.cancel()
            with contextlib.suppress(asyncio.CancelledError, aiomqtt.MqttError):
                await listening


@dataclass
class Rig:
    """A device, its owner and its bridge."""

    owned: OwnedDevice
    bridge: MqttBridge
    transport: SimTransport
    store: MemoryStore

    @property
    def device(self) -> SimulatedDevice:
        simulator = self.transport.simulator
        assert isinstance(simulator, Simulator)
        return simulator.device

    @property
    def controller(self) -> Any:
        return self.owned.controller

    def let(self) -> None:
        """Someone at the machine is ready."""
        self.owned.gate.let(asyncio.get_running_loop().time())

    async def ended(self) -> Any:
        return await asyncio.wait_for(self.controller.ended(), PATIENCE_S)


async def soon(true: Callable[[], Any]) -> None:
    """Wait until something holds that sends no message of its own."""
    async with asyncio.timeout(PATIENCE_S):
        while not true():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


def settings_for(port: int, **changes: Any) -> BrokerSettings:
    return BrokerSettings("127.0.0.1", port, **changes)


@contextlib.asynccontextmanager
async def rig(
    settings: BrokerSettings,
    *,
    options: str = "",
    subject: Subject = Subject.EMBEDDED,
    driver: FullDriver | None = None,
) -> AsyncGenerator[Rig]:
    """A device in the service's hands, offered on a broker as `neck`: the simulated one, or what `driver` drives."""
    clock = SystemClock()
    transport = SimTransport(options)
    moments = ClockReader(clock)
    store = MemoryStore(moments)
    config = load()
    admission = AdmissionPolicy(store, config, moments, subject=subject)
    identity = f"test:{os.getpid()}-{id(transport):x}"
    owned = OwnedDevice(
        "neck",
        identity,
        driver or ReferenceDriver(transport),
        admission,
        config,
        clock,
        Scheduler(),
        lock=None,
        remote=True,
    )
    bridge = MqttBridge(
        settings, "neck", owned.controller, owned.gate, clock, lambda: owned.outlook
    )
    async with owned.held():
        tasks = [asyncio.ensure_future(owned.keep_connected()), asyncio.ensure_future(bridge.run())]
        try:
            yield Rig(owned, bridge, transport, store)
        finally:
            faults = [task.exception() for task in tasks if task.done()]
            await end_all(tasks)
            await owned.close()
            transport.end()
            for fault in filter(None, faults):
                raise fault


@contextlib.asynccontextmanager
async def offered(
    folder: Path, *, subject: Subject = Subject.EMBEDDED, **settings: Any
) -> AsyncGenerator[tuple[Mosquitto, Ear, Rig]]:
    """A broker of its own, what listens to it, and the simulated device that the service offers on it."""
    async with (
        Mosquitto(folder) as broker,
        listener(broker.port) as ear,
        rig(settings_for(broker.port, **settings), subject=subject) as bench,
    ):
        yield broker, ear, bench

"""docs/explanation/architecture.md: each walk is what really happens, and at most twelve calls long."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from massager_ctl.frontends.socket.server import ControlServer
from massager_ctl.model.status import Status
from massager_ctl.transports.in_process import SimTransport
from tests.e2e.harness import opened
from tests.e2e.mqtt_home import Home
from tests.support.marks import simulated_time
from tests.support.walks import Call, Recorder, recorded, stack, walk

MOST = 12
"""Calls from a request to bytes."""


class Written:
    """The stacks at which bytes left for the device."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.stacks: list[list[Call]] = []
        for name in ("write", "preempt"):
            self._spy(monkeypatch, name, getattr(SimTransport, name))

    def _spy(self, monkeypatch: pytest.MonkeyPatch, name: str, real: Callable[..., None]) -> None:
        def spied(transport: SimTransport, data: bytes) -> None:
            self.stacks.append([*stack(), ("transports/in_process.py", real.__qualname__)])
            real(transport, data)

        monkeypatch.setattr(SimTransport, name, spied)


def check(name: str, recorder: Recorder) -> None:
    """The page's calls happened, in the page's order."""
    page = walk(name)
    assert 3 <= len(page) <= MOST
    assert recorder.first(page) == page


def check_all(name: str, calls: list[Call]) -> None:
    """The page leaves out nothing that stood between the request and the bytes."""
    page = walk(name)
    assert [call for call in calls if call not in page] == []


@simulated_time
async def test_a_setpoints_walk(monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened() as bench:
        await bench.play(after_s=5.0)
        written = Written(monkeypatch)
        with recorded() as recorder:
            await asyncio.sleep(0.2)
        check("setpoint", recorder)
        check_all("setpoint", written.stacks[0])


@simulated_time
async def test_telemetrys_walk() -> None:
    async with opened() as bench:
        await bench.play(after_s=5.0)
        heard = asyncio.Event()
        received = ("control/controller.py", "Controller.telemetry_received")

        def listen(_: Status) -> None:
            if received in stack():
                heard.set()

        bench.controller.add_listener(listen)
        with recorded() as recorder:
            await heard.wait()
        check("telemetry", recorder)


@simulated_time
async def test_a_stops_walk(runtime_folder: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MASSAGER_CTL_RUNTIME", str(runtime_folder))

    async with opened() as bench:
        await bench.play(after_s=5.0)
        async with ControlServer(bench.controller, "sim:walk") as server:
            reader, writer = await asyncio.open_unix_connection(server.path)
            await asyncio.sleep(0.1)
            written = Written(monkeypatch)
            with recorded() as recorder:
                writer.write(b'{"request":"stop"}\n')
                answer = json.loads(await reader.readline())
            writer.close()
            assert answer["ok"] is True
            by_stop = ("control/stop_path.py", "StopPath.stop_now")
            leaving = next(calls for calls in written.stacks if by_stop in calls)
            check("stop", recorder)
            check_all("stop", leaving)


@simulated_time
async def test_an_mqtt_starts_walk(monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened() as bench:
        home = Home(bench)
        home.gate.let(bench.loop.time())
        written = Written(monkeypatch)
        with recorded() as recorder:
            home.press("start", "manual")
            await home.handler.settled()
        check("mqtt start", recorder)
        arming = ("control/controller.py", "Controller._arm")
        assert len(next(calls for calls in written.stacks if arming in calls)) <= MOST

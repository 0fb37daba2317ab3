"""A device in a program's hands: stopped first on the way out, whatever surfaces do; known again after a restart."""

from __future__ import annotations

import asyncio
import json
import socket
from pathlib import Path

import pytest

from massager_ctl.aio.simulated_time import SimulatedTimeLoop
from massager_ctl.config import load
from massager_ctl.frontends.socket.paths import socket_paths
from massager_ctl.model.device import Cause
from massager_ctl.model.requests import SetLevel
from massager_ctl.model.status import Event, LinkState, Status
from massager_ctl.runtime.ownership import own_device
from massager_ctl.safety.presence import Watcher
from massager_ctl.transports.address import SimAddress
from massager_fw.states import Cause as DeviceCause
from tests.e2e.harness import opened
from tests.support.marks import simulated_time


def test_r6_a_viewer_that_hangs_does_not_hold_up_the_stop_on_the_way_out(
    tmp_path: Path, runtime_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MASSAGER_CTL_RUNTIME", str(runtime_folder))
    loop = SimulatedTimeLoop()
    trace = tmp_path / "trace.jsonl"
    left_at = 0.0

    async def main() -> None:
        nonlocal left_at
        async with own_device(
            SimAddress(),
            load(env={}),
            loop.clock,
            simulated=False,
            watcher=Watcher.PERSON,
            trace=trace,
        ) as controller:
            await controller.manual(600)
            controller.request(SetLevel(8.0))
            viewer = socket.socket(socket.AF_UNIX)
            viewer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            viewer.connect(socket_paths()[0])
            viewer.sendall(b'{"request":"watch"}\n')
            await asyncio.sleep(60.0)  # it reads nothing of all this
            status = controller.status.telemetry
            assert status is not None
            left_at = status.uptime_s
        viewer.close()

    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(main())
    stops = [
        line["t"]
        for line in map(json.loads, trace.read_text().splitlines())
        if line["type"] == "event" and line["event"] in ("stop", "end", "disarm", "dead_man")
    ]
    assert stops
    assert stops[0] - left_at <= 0.2


@simulated_time
async def test_a_surface_that_fails_touches_neither_the_session_nor_its_stop() -> None:
    async with opened() as bench:
        faults: list[object] = []
        bench.loop.set_exception_handler(lambda _, context: faults.append(context))

        def broken(news: Status | Event) -> None:
            raise OSError("the pipe is broken")

        bench.controller.add_listener(broken)
        bench.controller.add_event_listener(broken)
        await bench.controller.manual(600)
        bench.controller.request(SetLevel(5.0))
        await asyncio.sleep(5.0)
        assert bench.out["neck_left"] > 2.0
        await bench.controller.stop()
        assert (await bench.controller.ended()).cause is Cause.PERSON
        assert faults


@simulated_time
async def test_r15_a_device_that_restarted_while_idle_is_planned_for_anew() -> None:
    async with opened() as bench:
        bench.device.firmware.core.restart(DeviceCause.WATCHDOG)
        await asyncio.sleep(1.0)
        before = bench.controller.info
        await bench.controller.manual(600)
        assert before is not None
        assert bench.controller.info is not None
        assert bench.controller.info.boot == before.boot + 1
        assert bench.heard("changed")
        assert bench.controller.status.link is LinkState.UP

"""R23: a session that a terminal began in another program goes on only while someone looks at it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from tests.faults.ground import Ground, On, Recipe, laid
from tests.support.marks import simulated_time

from massager_ctl.frontends.socket.remote import RemoteController
from massager_ctl.frontends.socket.server import ControlServer
from massager_ctl.model.device import Cause
from massager_ctl.model.requests import Pause, SetLevel, Start
from massager_ctl.model.status import Phase

pytestmark = [simulated_time, pytest.mark.usefixtures("runtime")]


@pytest_asyncio.fixture
async def g(tmp_path: Path) -> AsyncGenerator[Ground]:
    async with laid(On.MEMORY, Recipe(), tmp_path) as ground:
        await ground.controller.connect()
        yield ground
        ground.holds()


@pytest_asyncio.fixture
async def path(g: Ground) -> AsyncGenerator[str]:
    async with ControlServer(g.controller, "sim:test") as server:
        yield server.path


async def begun(path: str) -> RemoteController:
    """A view, and its session by hand, which runs at some level."""
    view = RemoteController(path)
    await view.open()
    await view.start(Start(None, 20.0, 600.0))
    view.request(SetLevel(10.0))
    await asyncio.sleep(3.0)
    return view


async def test_r23_a_session_whose_terminal_is_gone_fades(g: Ground, path: str) -> None:
    view = await begun(path)
    assert g.is_up
    await view.close()
    await asyncio.sleep(3.5)
    assert g.controller.status.phase is Phase.RUNNING
    await asyncio.sleep(4.5)
    assert not g.is_up
    assert g.controller.status.end_reason == Cause.SAFETY.value
    assert "terminal" in g.controller.status.message


async def test_it_goes_on_while_the_terminal_looks(g: Ground, path: str) -> None:
    view = await begun(path)
    await asyncio.sleep(60.0)
    assert g.is_up
    await view.stop_now()
    await view.close()
    assert not g.is_up


async def test_whoever_presses_something_meanwhile_keeps_it(g: Ground, path: str) -> None:
    view = await begun(path)
    other = RemoteController(path)
    await other.open()
    other.request(SetLevel(9.0))
    await asyncio.sleep(0.5)
    await view.close()
    await asyncio.sleep(20.0)
    assert g.is_up
    await other.stop_now()
    await other.close()


async def test_its_own_presses_leave_it_its_keeper(g: Ground, path: str) -> None:
    view = await begun(path)
    view.request(Pause())
    await asyncio.sleep(0.5)
    await view.close()
    await asyncio.sleep(9.0)
    assert g.controller.status.end_reason == Cause.SAFETY.value


async def test_a_terminal_that_reads_no_longer_is_gone(g: Ground, path: str) -> None:
    reader, writer = await asyncio.open_unix_connection(path, limit=1)
    view = {"view": "frozen"}
    await request(writer, {"request": "watch", **view})
    _, starter = await asyncio.open_unix_connection(path)
    await request(starter, {"request": "start", "profile": None, "duration_s": 600.0, **view})
    for _ in range(600):
        await asyncio.sleep(0.5)
        if not g.controller.status.phase.in_session and g.controller.status.end_reason:
            break
    assert g.controller.status.end_reason == Cause.SAFETY.value
    del reader
    for one in (writer, starter):
        one.close()


async def test_a_start_without_a_view_goes_on(g: Ground, path: str) -> None:
    _, writer = await asyncio.open_unix_connection(path)
    await request(writer, {"request": "start", "profile": None, "duration_s": 600.0})
    await asyncio.sleep(1.0)
    writer.close()
    await asyncio.sleep(30.0)
    assert g.controller.status.phase is Phase.RUNNING
    await g.controller.stop()


@pytest.mark.parametrize("view", [7, "", "x" * 65, None, ["a"]])
async def test_a_view_is_a_short_name(g: Ground, path: str, view: Any) -> None:
    reader, writer = await asyncio.open_unix_connection(path)
    await request(writer, {"request": "status", "view": view})
    answer = json.loads(await reader.readline())
    assert answer["ok"] is (view is None)
    writer.close()
    assert not g.is_up


async def request(writer: asyncio.StreamWriter, request: dict[str, Any]) -> None:
    writer.write(json.dumps(request).encode() + b"\n")
    await writer.drain()

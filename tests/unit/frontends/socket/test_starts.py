"""Starts and changes over the control socket: what they do, and that an old one does nothing (R5)."""

from __future__ import annotations

import asyncio
import json
import time

import pytest
from tests.e2e.harness import opened
from tests.support.marks import simulated_time
from tests.unit.frontends.socket.served import DEVICE, dial, served

from massager_ctl.errors import Refused
from massager_ctl.frontends.socket.server import ControlServer
from massager_ctl.model.requests import Ready
from massager_ctl.model.status import Phase

pytestmark = pytest.mark.usefixtures("runtime")


@simulated_time
async def test_changes_act_at_once_and_answer_with_the_status() -> None:
    async with served() as (bench, _, line):
        assert (await line.ask({"request": "ease"}))["status"]["eased"] == 5.0
        assert (await line.ask({"request": "undo"}))["status"]["eased"] == 0.0
        assert (await line.ask({"request": "pause"}))["status"]["phase"] == "paused"
        assert bench.controller.status.phase is Phase.PAUSED
        assert (await line.ask({"request": "resume"}))["status"]["phase"] == "running"
        answer = await line.ask({"request": "set", "zone": "neck_left", "percent": 20})
        assert answer["error"]["code"] == "refused"


@simulated_time
async def test_r5_an_old_request_is_dropped_unless_it_can_only_lower() -> None:
    async with served() as (bench, _, line):
        old = time.monotonic() - 1.5
        assert (await line.ask({"request": "ease", "t": old}))["ok"] is True
        assert (await line.ask({"request": "pause", "t": old}))["ok"] is True
        for name in ("undo", "resume", "presence", "ready", "reset"):
            request = {"request": name, "t": old}
            answer = await line.ask(request | ({"symptoms": "no"} if name == "ready" else {}))
            assert answer["ok"] is False, name
            assert "R5" in answer["error"]["message"]
        assert bench.controller.status.phase is Phase.PAUSED
        assert bench.controller.status.eased == 5.0
        assert (await line.ask({"request": "stop", "t": old}))["ok"] is True


@simulated_time
async def test_a_start_while_a_session_runs_says_why_not() -> None:
    async with served(start_s=None) as (bench, _, line):
        assert (await line.ask({"request": "start", "cap": 20}))["ok"] is True
        answer = await line.ask({"request": "start", "cap": 20})
        assert answer["error"]["code"] == "refused"
        assert "already running" in answer["error"]["message"]
        assert bench.controller.status.caps[0] == 20.0


@simulated_time
async def test_r5_a_start_that_was_under_way_for_too_long_is_dropped() -> None:
    async with served(start_s=None) as (bench, _, line):
        for age_s, taken in ((0.2, True), (1.5, False)):
            answer = await line.ask({"request": "start", "t": time.monotonic() - age_s})
            assert answer["ok"] is taken, answer
            await bench.controller.stop()
        assert "R5" in answer["error"]["message"]


@pytest.mark.parametrize(("seconds", "taken"), [(0.8, True), (1.2, False)])
@simulated_time
async def test_r5_what_waited_behind_a_slow_start_for_too_long_is_dropped(
    monkeypatch: pytest.MonkeyPatch, seconds: float, taken: bool
) -> None:
    async def ready(_: Ready) -> str:
        return "ready"

    async with served(start_s=None, on_ready=ready) as (bench, _, line):

        async def slow(*_: object, **__: object) -> None:
            await asyncio.sleep(seconds)
            raise Refused("this one never starts", "")

        monkeypatch.setattr(bench.admission, "limits", slow)
        for request in ({"request": "reset"}, {"request": "ready", "symptoms": "no"}):
            line.send(b'{"request":"start"}\n' + json.dumps(request).encode())
            assert (await line.hear())["ok"] is False
            answer = await line.hear()
            assert answer["ok"] is taken, answer
            assert taken or "R5" in answer["error"]["message"]


@simulated_time
async def test_a_start_plays_the_profile_that_was_sent() -> None:
    async with opened() as bench, ControlServer(bench.controller, DEVICE) as server:
        line = await dial(server.path)
        bad = await line.ask({"request": "start", "profile": {"id": "x", "zones": ["front"]}})
        assert bad["error"]["code"] == "bad_profile"
        profile = {
            "id": "sent",
            "title": "Sent over the socket",
            "cap": 20,
            "steps": [{"zones": "neck", "motion": "vibrate", "level": 10, "duration": 60}],
        }
        answer = await line.ask({"request": "start", "profile": profile, "cap": 15})
        assert answer["ok"] is True, answer
        assert answer["status"]["title"] == "Sent over the socket"
        assert answer["status"]["caps"]["neck_left"] == 15
        await bench.controller.stop()
        answer = await line.ask({"request": "start", "profile": None, "duration_s": 60})
        assert answer["status"]["duration_s"] == 60
        answer = await line.ask({"request": "set", "zone": "neck_left", "percent": 20})
        assert answer["status"]["target"]["neck_left"] == 20
        assert answer["status"]["held"][0]["zone"] == "neck_left"
        await line.close()


@pytest.mark.parametrize("stamp", [{}, {"t": time.monotonic() + 1e6}])
@simulated_time
async def test_r5_what_waited_while_this_program_stood_still_starts_nothing(
    stamp: dict[str, float],
) -> None:
    start = {"request": "start", "profile": "manual"} | stamp
    async with served(start_s=None) as (bench, server, line):
        await asyncio.sleep(1.0)
        line.send(start)
        bench.loop.clock.advance(4.0)  # stopped by a signal, say; its system takes what comes
        assert "R5" in (await line.hear())["error"]["message"]
        fresh = await dial(server.path)  # it was waiting to be accepted
        assert "R5" in (await fresh.ask(start))["error"]["message"]
        assert (await fresh.ask({"request": "stop"}))["ok"] is True
        await asyncio.sleep(1.0)
        assert (await fresh.ask(start))["ok"] is True
        await fresh.close()

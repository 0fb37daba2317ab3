"""A stop over the control socket overtakes what came with it, and cancels the starts before it (R6)."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from tests.support.marks import simulated_time
from tests.unit.frontends.socket.served import dial, served

from massager_ctl.model.status import Phase

pytestmark = pytest.mark.usefixtures("runtime")


@simulated_time
async def test_stop_answers_when_the_device_is_at_zero() -> None:
    async with served() as (bench, _, line):
        assert any(bench.out.values())
        answer = await line.ask({"request": "stop"})
        assert answer["ok"] is True
        assert not any(bench.out.values())
        assert answer["status"]["end_reason"] == "person"
        again = await line.ask({"request": "stop"})
        assert again["ok"] is True


@simulated_time
async def test_a_stop_overtakes_what_came_with_it() -> None:
    async with served() as (bench, _, line):
        before = bench.controller.status.eased
        line.send(b'{"request":"ease"}\n{"request":"resume"}\n{"request":"stop"}')
        answers = [await line.hear() for _ in range(3)]
        assert [answer["ok"] for answer in answers].count(False) == 2
        assert bench.controller.status.eased == before
        assert not any(bench.out.values())


@simulated_time
async def test_a_stop_does_not_wait_for_a_start_on_the_same_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with served(start_s=None) as (bench, _, line):
        begun = asyncio.Event()

        async def slow(*_: object, **__: object) -> None:
            begun.set()
            await asyncio.sleep(3600)

        monkeypatch.setattr(bench.admission, "reserve", slow)
        line.send({"request": "start"})
        await begun.wait()
        asked = bench.loop.time()
        answer = await line.ask({"request": "stop"})
        assert answer["ok"] is True
        assert bench.loop.time() - asked < 0.2


@pytest.mark.parametrize("stop", ["stop", "pain"])
@simulated_time
async def test_r6_a_stop_cancels_the_starts_before_it_and_only_those(stop: str) -> None:
    async with served(start_s=None) as (bench, _, line):
        requests = [
            {"request": "start", "id": "first"},
            {"request": stop, "id": "stop"},
            {"request": "start", "id": "second"},
        ]
        line.send("\n".join(map(json.dumps, requests)).encode())
        answers = {answer["id"]: answer for answer in [await line.hear() for _ in range(3)]}
        assert answers["first"]["error"]["code"] == "refused"
        assert "stop" in answers["first"]["error"]["message"]
        assert answers["stop"]["ok"] is True
        assert answers["second"]["ok"] is True, answers["second"]
        assert bench.controller.status.phase is Phase.RUNNING


@simulated_time
async def test_r6_a_stop_of_one_client_cancels_the_start_of_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with served(start_s=None) as (bench, server, line):
        asked, go_on = asyncio.Event(), asyncio.Event()
        limits = bench.admission.limits

        async def held_up(*given: Any, **named: Any) -> Any:
            asked.set()
            await go_on.wait()
            return await limits(*given, **named)

        monkeypatch.setattr(bench.admission, "limits", held_up)
        line.send({"request": "start", "id": 1})
        await asked.wait()
        other = await dial(server.path)
        assert (await other.ask({"request": "stop"}))["ok"] is True
        await other.close()
        go_on.set()
        answer = await line.hear()
        assert (answer["id"], answer["error"]["code"]) == (1, "refused")
        assert bench.controller.status.phase is Phase.IDLE

"""The control socket with a real controller and the simulated device behind it: access, lines, views (R5, R6)."""

from __future__ import annotations

import asyncio
import socket
import stat
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.harness import opened
from tests.support.marks import simulated_time
from tests.unit.frontends.socket.served import DEVICE, dial, served

from massager_ctl.frontends.socket import owners, paths
from massager_ctl.frontends.socket.server import ControlServer
from massager_ctl.model.requests import Ready
from massager_ctl.model.status import Phase

pytestmark = pytest.mark.usefixtures("runtime")


def mode_and_neighbours(path: str) -> tuple[int, list[str]]:
    found = Path(path)
    return stat.S_IMODE(found.stat().st_mode), sorted(map(str, found.parent.iterdir()))


def is_there(path: str) -> bool:
    return Path(path).exists()


@simulated_time
async def test_the_socket_is_for_this_user_alone_and_goes_with_its_owner() -> None:
    async with served(start_s=None) as (_, server, _):
        assert mode_and_neighbours(server.path) == (
            0o600,
            [paths.card_path(server.path), server.path],
        )
    assert not is_there(server.path)


@simulated_time
async def test_a_bad_line_gets_one_error_and_the_next_is_read() -> None:
    async with served(start_s=None) as (_, _, line):
        answer = await line.ask(b"\xff\xfe what?")
        assert (answer["ok"], answer["device"]["identity"]) == (False, DEVICE)
        assert answer["error"]["code"] == "bad_input"
        assert set(answer["error"]) == {"code", "message", "remedy"}
        assert (await line.ask({"request": "status"}))["ok"] is True


@simulated_time
async def test_what_is_meant_for_another_device_is_refused_also_a_stop() -> None:
    async with served() as (bench, _, line):
        for request in ("stop", "pain", "pause", "ease", "reset", "status", "fade"):
            answer = await line.ask({"request": request, "device": "SIM-0000000"})
            assert (answer["ok"], answer["error"]["code"]) == (False, "not_found")
            assert answer["device"]["serial"] == "SIM-00000001"
        assert bench.controller.status.phase is Phase.RUNNING
        assert any(bench.out.values())
        assert (await line.ask({"request": "pause", "device": 7}))["ok"] is False
        answer = await line.ask({"request": "stop", "device": "SIM-00000001"})
        assert answer["ok"] is True
        assert (await line.ask({"request": "stop", "device": 7}))["ok"] is True  # it names none
        assert not any(bench.out.values())


@simulated_time
async def test_the_card_follows_the_device(tmp_path: Path) -> None:
    """The serial number comes with INFO, the port goes with the link."""

    async with (
        opened(connect=False) as bench,
        ControlServer(bench.controller, DEVICE, name="neck") as server,
    ):
        assert owners.read_card(server.path).document() == {
            "identity": DEVICE,
            "address": "sim:",
            "port": "",
            "name": "neck",
            "serial": "",
        }
        await bench.controller.connect()
        card = owners.read_card(server.path)
        assert (card.serial, card.port) == ("SIM-00000001", "sim:")
        await bench.controller.close()
        card = owners.read_card(server.path)
        assert (card.serial, card.port) == ("SIM-00000001", "")


@simulated_time
async def test_a_line_without_end_is_cut_off() -> None:
    async with served(start_s=None) as (_, server, line):
        line.writer.write(b"x" * 300_000)
        answer = await line.hear()
        assert answer["ok"] is False
        assert await line.reader.read() == b""
        other = await dial(server.path)
        assert (await other.ask({"request": "status"}))["ok"] is True
        await other.close()


@simulated_time
async def test_watch_streams_and_a_slow_reader_gets_the_newest() -> None:
    async with served() as (bench, _, line):
        line.send({"request": "watch"})
        first = await line.hear()
        assert first["status"]["phase"] == "running"
        transport = line.writer.transport
        assert isinstance(transport, asyncio.Transport)
        transport.pause_reading()
        await asyncio.sleep(120)
        await bench.controller.stop()
        transport.resume_reading()
        phases: list[str] = []
        while not phases or phases[-1] != "ended":
            phases.append((await line.hear())["status"]["phase"])
        assert len(phases) < 600  # 120 s would be over 1200 statuses


@pytest.mark.parametrize(
    "request_",
    [
        {"request": "status"},
        {"request": "watch"},
        {"request": "ease"},
        {"request": "ease", "points": 7},
        {"request": "stop"},
        {"request": "pain"},
        {"request": "ready", "symptoms": "no"},
        {"request": "reset"},
        {"request": "reset", "confirm": "guessed"},
        {"request": "set", "zone": "neck_left", "percent": 20},
        {"request": "start", "profile": "there-is-none"},
    ],
    ids=str,
)
@simulated_time
async def test_an_answer_carries_the_id_of_its_request(request_: dict[str, Any]) -> None:
    async with served() as (_, _, line):
        for chosen in ("a", 7):
            assert (await line.ask({**request_, "id": chosen}))["id"] == chosen
        assert "id" not in await line.ask({"request": "status"})


@simulated_time
async def test_an_owner_without_remote_control_takes_no_ready() -> None:
    async with served(start_s=None) as (_, _, line):
        request = {"request": "ready", "symptoms": "no"}
        assert (await line.ask(request))["error"]["code"] == "refused"


@simulated_time
async def test_ready_is_answered_by_the_owner() -> None:
    async def on_ready(ready: Ready) -> str:
        return f"symptoms: {ready.symptoms}"

    async with served(start_s=None, on_ready=on_ready) as (_, _, line):
        answer = await line.ask({"request": "ready", "symptoms": "no"})
        assert answer["said"] == "symptoms: no"


@simulated_time
async def test_pain_stops_and_says_what_follows() -> None:
    async with served() as (bench, _, line):
        answer = await line.ask({"request": "pain", "kind": "mild"})
        assert answer["ok"] is True
        assert answer["said"]
        assert answer["status"]["end_reason"] == "pain"
        assert not any(bench.out.values())


@simulated_time
async def test_dead_sockets_are_removed_and_living_ones_are_not(runtime: Path) -> None:
    async with served(start_s=None) as (bench, server, _):
        dead = paths.socket_path("sim:1")
        with socket.socket(socket.AF_UNIX) as sock:
            sock.bind(dead)
        owners.write_card(dead, owners.Card("sim:1"))
        async with ControlServer(bench.controller, "sim:2"):
            living = (paths.socket_path("sim:2"), server.path)
            assert mode_and_neighbours(server.path)[1] == sorted(
                (*living, *map(paths.card_path, living))
            )

"""The control socket with a real controller and the simulated device behind it (R5, R6, R7)."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import stat
import sys
import threading
import time
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.harness import Bench, opened
from tests.support.marks import simulated_time

from massager_ctl.config import data_path
from massager_ctl.errors import (
    InputError,
    LinkLost,
    MassagerError,
    ProfileError,
    Refused,
    StopUnconfirmed,
)
from massager_ctl.frontends.socket import client, owners, paths, stop
from massager_ctl.frontends.socket.folder import ensure_runtime_dir
from massager_ctl.frontends.socket.remote import RemoteController, _decoded, error_from
from massager_ctl.frontends.socket.server import ControlServer
from massager_ctl.frontends.status_document import error_document
from massager_ctl.model.device import Cause, DeviceState
from massager_ctl.model.requests import Ease, PainKind, Pause, Ready, Start
from massager_ctl.model.status import Event, Phase
from massager_ctl.profile.format.load import load_profile
from massager_ctl.runtime.compose import last_device, remember_device
from massager_ctl.transports.address import parse_address

pytestmark = pytest.mark.usefixtures("runtime")

DEVICE = "sim:test"


class Line:
    """One connection, by asyncio: the other end lives on the same loop."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def ask(self, request: dict[str, Any] | bytes) -> dict[str, Any]:
        self.send(request)
        return await self.hear()

    def send(self, request: dict[str, Any] | bytes) -> None:
        data = request if isinstance(request, bytes) else json.dumps(request).encode()
        self.writer.write(data + b"\n")

    async def hear(self) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(await self.reader.readline())
        return answer

    async def close(self) -> None:
        self.writer.close()
        with contextlib.suppress(OSError):
            await self.writer.wait_closed()


async def dial(path: str) -> Line:
    return Line(*await asyncio.open_unix_connection(path, limit=1 << 20))


@contextlib.asynccontextmanager
async def served(
    *, start_s: float | None = 5.0, **callbacks: Any
) -> AsyncGenerator[tuple[Bench, ControlServer, Line]]:
    """A session that has run for `start_s` seconds, its control socket, and one connection to it."""
    async with opened() as bench:
        if start_s is not None:
            await bench.controller.play(load_profile("restorative"))
            await asyncio.sleep(start_s)
        async with ControlServer(bench.controller, DEVICE, **callbacks) as server:
            line = await dial(server.path)
            try:
                yield bench, server, line
            finally:
                await line.close()


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


@simulated_time
async def test_a_start_while_a_session_runs_says_why_not() -> None:
    async with served(start_s=None) as (bench, _, line):
        assert (await line.ask({"request": "start", "cap": 20}))["ok"] is True
        answer = await line.ask({"request": "start", "cap": 20})
        assert answer["error"]["code"] == "refused"
        assert "already running" in answer["error"]["message"]
        assert bench.controller.status.caps[0] == 20.0


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


async def press_button(bench: Bench) -> None:
    bench.device.press()
    await asyncio.sleep(0.2)
    bench.device.release()
    await asyncio.sleep(0.2)


def state(bench: Bench) -> DeviceState | None:
    telemetry = bench.controller.status.telemetry
    return telemetry.state if telemetry else None


@simulated_time
async def test_r7_a_reset_takes_two_steps() -> None:
    async with served() as (bench, _, line):
        await press_button(bench)
        offer = await line.ask({"request": "reset"})
        assert (offer["latched"], offer["cause"]) == (True, "button")
        assert state(bench) is DeviceState.LATCHED
        wrong = await line.ask({"request": "reset", "confirm": "guessed"})
        assert wrong["ok"] is False
        assert state(bench) is DeviceState.LATCHED
        offer = await line.ask({"request": "reset"})
        assert (await line.ask({"request": "reset", "confirm": offer["confirm"]}))["ok"] is True
        await asyncio.sleep(0.2)
        assert state(bench) is DeviceState.IDLE
        again = await line.ask({"request": "reset", "confirm": offer["confirm"]})
        assert again["ok"] is False


@simulated_time
async def test_r7_a_new_cause_voids_the_first_step() -> None:
    async with served() as (bench, _, line):
        await press_button(bench)
        offer = await line.ask({"request": "reset"})
        await line.ask({"request": "reset", "confirm": offer["confirm"]})
        await asyncio.sleep(0.2)
        await press_button(bench)
        first = await line.ask({"request": "reset"})
        await bench.controller.reset()
        await press_button(bench)
        answer = await line.ask({"request": "reset", "confirm": first["confirm"]})
        assert "something else" in answer["error"]["message"]
        assert state(bench) is DeviceState.LATCHED


@simulated_time
async def test_r7_the_second_step_comes_in_time() -> None:
    async with served() as (bench, _, line):
        await press_button(bench)
        offer = await line.ask({"request": "reset"})
        await asyncio.sleep(20)
        assert (await line.ask({"request": "reset", "confirm": offer["confirm"]}))["ok"] is False
        assert state(bench) is DeviceState.LATCHED


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


@simulated_time
async def test_the_clients_of_the_standard_library(runtime: Path) -> None:
    async with served() as (bench, _, _):

        def outside() -> list[dict[str, Any]]:
            owners = client.open_owners()
            assert [paths.device_name(owner.path) for owner in owners] == ["sim_test"]
            return stop.stop_all(owners)

        answers = await asyncio.to_thread(outside)
        assert [answer["ok"] for answer in answers] == [True]
        assert not any(bench.out.values())


def test_an_owner_that_does_not_answer_is_a_stop_that_is_not_confirmed(runtime: Path) -> None:
    ensure_runtime_dir()
    with socket.socket(socket.AF_UNIX) as deaf:
        deaf.bind(paths.socket_path("sim:9"))
        deaf.listen()
        answers = stop.stop_all(client.open_owners(), wait_s=0.05)
        assert answers[0]["error"]["code"] == "stop_unconfirmed"
        assert "Unplug" in answers[0]["error"]["remedy"]


def test_an_owner_that_dies_is_a_stop_that_is_not_confirmed(runtime: Path) -> None:
    ensure_runtime_dir()
    with socket.socket(socket.AF_UNIX) as dying:
        dying.bind(paths.socket_path("sim:9"))
        dying.listen()
        owners = client.open_owners()
        dying.accept()[0].close()
        assert stop.stop_all(owners, wait_s=1.0)[0]["error"]["code"] == "stop_unconfirmed"


def test_ctrl_c_while_a_stop_is_being_confirmed_is_no_confirmation() -> None:
    folder = Path(ensure_runtime_dir())
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(folder / "silent.sock"))
        silent.listen()
        owners = client.open_owners()
        ctrl_c = threading.Timer(0.1, lambda: os.kill(os.getpid(), signal.SIGINT))
        ctrl_c.start()
        error = stop.stop_all(owners)[0]["error"]
        ctrl_c.join()
    assert error["code"] == "stop_unconfirmed"
    assert "you did not wait" in error["message"]


def test_stop_quickly_leaves_what_it_cannot_do(
    runtime: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MASSAGER_CTL_DATA", str(runtime.parent))
    assert stop.stop_quickly(["--help"]) is None
    assert stop.stop_quickly(["a", "b"]) is None
    assert stop.stop_quickly(["massager"]) is None
    assert stop.stop_quickly([]) == 4
    assert "no device was used before" in capsys.readouterr().err
    (runtime.parent / "last-device").write_text("serial:/dev/ttyUSB0")
    assert stop.stop_quickly([]) is None


def test_the_fast_stop_looks_where_the_device_is_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MASSAGER_CTL_DATA", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    remember_device(parse_address("sim:"), data_path())
    assert not stop.used_before() or sys.platform != "linux"
    remember_device(parse_address("serial:/dev/ttyUSB0"), data_path())
    assert stop.used_before()
    assert str(last_device(data_path())) == "serial:/dev/ttyUSB0"


@pytest.mark.parametrize("error", [Refused("no", "why"), InputError("no"), StopUnconfirmed("no")])
def test_an_error_keeps_its_class_over_the_socket(error: MassagerError) -> None:
    found = error_from(error_document(error))
    assert (type(found), found.message, found.remedy) == (type(error), error.message, error.remedy)
    assert isinstance(error_from(None), MassagerError)


@pytest.mark.parametrize("line", [b"[]", b"7", b"{", b""])
def test_an_answer_of_an_owner_is_an_object_or_an_error(line: bytes) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        _decoded(line)


@simulated_time
async def test_a_remote_view_steers_and_sees_the_end() -> None:
    async with served() as (bench, server, _):
        remote = RemoteController(server.path)
        await remote.open()
        await asyncio.sleep(0.5)
        assert remote.status.phase is Phase.RUNNING
        assert remote.status.actual == bench.controller.status.actual
        remote.request(Ease())
        remote.request(Pause())
        await asyncio.sleep(0.5)
        assert (remote.status.eased, remote.status.phase) == (5.0, Phase.PAUSED)
        await remote.stop_now()
        end = await remote.ended()
        assert (end.cause, end.error) == (Cause.PERSON, None)
        await remote.close()


@simulated_time
async def test_a_remote_view_hears_of_a_refusal() -> None:
    async with served(start_s=None) as (_, server, _):
        remote = RemoteController(server.path)
        await remote.open()
        heard: list[Event] = []
        remote.add_event_listener(heard.append)
        remote.request(Ease())
        await asyncio.sleep(0.5)
        assert [event.name for event in heard] == ["refused"]
        with pytest.raises(ProfileError):
            await remote.start(Start({}))
        assert await remote.pain(PainKind.MILD)
        await remote.close()


@simulated_time
async def test_a_remote_view_ends_with_its_owner() -> None:
    async with opened() as bench:
        await bench.play(after_s=5)
        async with ControlServer(bench.controller, DEVICE) as server:
            remote = RemoteController(server.path)
            await remote.open()
            await asyncio.sleep(0.5)
        end = await remote.ended()
        assert isinstance(end.error, LinkLost)
        with pytest.raises(StopUnconfirmed):
            await remote.stop_now()
        await remote.close()
        with pytest.raises(LinkLost):
            await RemoteController(server.path).open()

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
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.harness import Bench, tell

from massager_ctl.compose import last_device, remember_device
from massager_ctl.config import data_path
from massager_ctl.device import Cause, DeviceState
from massager_ctl.errors import (
    DeviceBusy,
    InputError,
    LinkLost,
    MassagerError,
    Refused,
    StopUnconfirmed,
)
from massager_ctl.profile.load import load_profile
from massager_ctl.requests import Ease, PainKind, Pause
from massager_ctl.status import Event, Phase
from massager_ctl.surfaces.control import client, document, paths
from massager_ctl.surfaces.control.remote import RemoteController, error_from
from massager_ctl.surfaces.control.server import ControlServer
from massager_ctl.surfaces.control.starting import starter
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


def serve(
    story: Callable[[Bench, ControlServer, Line], Awaitable[None]],
    *,
    start_s: float | None = 5.0,
    **callbacks: Any,
) -> Bench:
    """A session that has run for `start_s` seconds, its control socket, and one connection to it."""

    async def told(bench: Bench) -> None:
        if start_s is not None:
            await bench.controller.play(load_profile("restorative"))
            await asyncio.sleep(start_s)
        async with ControlServer(bench.controller, DEVICE, **callbacks) as server:
            line = await dial(server.path)
            try:
                await story(bench, server, line)
            finally:
                await line.close()

    return tell(told)


def mode_and_neighbours(path: str) -> tuple[int, list[str]]:
    found = Path(path)
    return stat.S_IMODE(found.stat().st_mode), sorted(map(str, found.parent.iterdir()))


def test_the_socket_is_for_this_user_alone_and_goes_with_its_owner() -> None:
    kept: list[str] = []

    async def story(bench: Bench, server: ControlServer, line: Line) -> None:
        kept.append(server.path)
        assert mode_and_neighbours(server.path) == (0o600, [server.path])

    serve(story, start_s=None)
    assert not Path(kept[0]).exists()


def test_stop_answers_when_the_device_is_at_zero() -> None:
    async def story(bench: Bench, server: ControlServer, line: Line) -> None:
        assert any(bench.out.values())
        answer = await line.ask({"request": "stop"})
        assert answer["ok"] is True
        assert not any(bench.out.values())
        assert answer["status"]["end_reason"] == "person"
        again = await line.ask({"request": "stop"})
        assert again["ok"] is True

    serve(story)


def test_a_stop_overtakes_what_came_with_it() -> None:
    async def story(bench: Bench, server: ControlServer, line: Line) -> None:
        before = bench.controller.status.eased
        line.send(b'{"request":"ease"}\n{"request":"resume"}\n{"request":"stop"}')
        answers = [await line.hear() for _ in range(3)]
        assert [answer["ok"] for answer in answers].count(False) == 2
        assert bench.controller.status.eased == before
        assert not any(bench.out.values())

    serve(story)


def test_a_stop_does_not_wait_for_a_start_on_the_same_connection() -> None:
    begun = asyncio.Event()

    async def slow(_: document.Start) -> None:
        begun.set()
        await asyncio.sleep(3600)

    async def story(bench: Bench, server: ControlServer, line: Line) -> None:
        line.send({"request": "start", "profile": {}})
        await begun.wait()
        asked = bench.loop.time()
        answer = await line.ask({"request": "stop"})
        assert answer["ok"] is True
        assert bench.loop.time() - asked < 0.2

    serve(story, on_start=slow)


def test_changes_act_at_once_and_answer_with_the_status() -> None:
    async def story(bench: Bench, server: ControlServer, line: Line) -> None:
        assert (await line.ask({"request": "ease"}))["status"]["eased"] == 5.0
        assert (await line.ask({"request": "undo_ease"}))["status"]["eased"] == 0.0
        assert (await line.ask({"request": "pause"}))["status"]["phase"] == "paused"
        assert bench.controller.status.phase is Phase.PAUSED
        assert (await line.ask({"request": "resume"}))["status"]["phase"] == "running"
        answer = await line.ask({"request": "set", "zone": "neck_left", "percent": 20})
        assert answer["error"]["code"] == "refused"

    serve(story)


def test_r5_an_old_request_is_dropped_but_not_a_stop_or_an_ease() -> None:
    async def story(bench: Bench, server: ControlServer, line: Line) -> None:
        old = time.monotonic() - 1.5
        answer = await line.ask({"request": "pause", "t": old})
        assert answer["ok"] is False
        assert "R5" in answer["error"]["message"]
        assert bench.controller.status.phase is Phase.RUNNING
        assert (await line.ask({"request": "ease", "t": old}))["ok"] is True
        assert (await line.ask({"request": "stop", "t": old}))["ok"] is True

    serve(story)


def test_a_bad_line_gets_one_error_and_the_next_is_read() -> None:
    async def story(bench: Bench, server: ControlServer, line: Line) -> None:
        answer = await line.ask(b"\xff\xfe what?")
        assert answer == {"ok": False, "error": answer["error"]}
        assert answer["error"]["code"] == "bad_input"
        assert set(answer["error"]) == {"code", "message", "remedy"}
        assert (await line.ask({"request": "status"}))["ok"] is True

    serve(story, start_s=None)


def test_a_line_without_end_is_cut_off() -> None:
    async def story(bench: Bench, server: ControlServer, line: Line) -> None:
        line.writer.write(b"x" * 300_000)
        answer = await line.hear()
        assert answer["ok"] is False
        assert await line.reader.read() == b""
        other = await dial(server.path)
        assert (await other.ask({"request": "status"}))["ok"] is True
        await other.close()

    serve(story, start_s=None)


def test_watch_streams_and_a_slow_reader_gets_the_newest() -> None:
    async def story(bench: Bench, server: ControlServer, line: Line) -> None:
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

    serve(story)


def test_start_hands_the_profile_over_and_tells_why_not() -> None:
    taken: list[document.Start] = []

    async def on_start(start: document.Start) -> None:
        if taken:
            raise DeviceBusy("a session is running already", "Stop it first.")
        taken.append(start)

    async def story(bench: Bench, server: ControlServer, line: Line) -> None:
        request = {"request": "start", "profile": {"id": "x"}, "cap": 20}
        assert (await line.ask(request))["ok"] is True
        assert (await line.ask(request))["error"]["code"] == "busy"
        assert taken == [document.Start({"id": "x"}, 20.0, None)]

    serve(story, start_s=None, on_start=on_start)


def test_r6_a_stop_behind_a_start_in_one_batch_ends_it_and_one_before_it_does_not() -> None:
    taken: list[document.Start] = []

    async def on_start(start: document.Start) -> None:
        taken.append(start)

    async def story(bench: Bench, server: ControlServer, line: Line) -> None:
        start, stop = b'{"request":"start"}\n', b'{"request":"stop"}\n'
        line.send((start + stop).strip())
        answers = [await line.hear() for _ in range(2)]
        assert [answer["ok"] for answer in answers].count(True) == 1
        assert taken == []
        line.send((stop + start).strip())
        assert [(await line.hear())["ok"] for _ in range(2)] == [True, True]
        assert len(taken) == 1

    serve(story, start_s=None, on_start=on_start)


def test_a_start_plays_the_profile_that_was_sent() -> None:
    async def told(bench: Bench) -> None:
        async with ControlServer(
            bench.controller, DEVICE, on_start=starter(bench.controller)
        ) as server:
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

    tell(told)


def test_an_owner_that_takes_no_start_says_so() -> None:
    async def story(bench: Bench, server: ControlServer, line: Line) -> None:
        for request in (
            {"request": "start", "profile": None},
            {"request": "ready", "symptoms": "no"},
        ):
            assert (await line.ask(request))["error"]["code"] == "refused"

    serve(story, start_s=None)


def test_ready_is_answered_by_the_owner() -> None:
    async def on_ready(ready: document.Ready) -> str:
        return f"symptoms: {ready.symptoms}"

    async def story(bench: Bench, server: ControlServer, line: Line) -> None:
        answer = await line.ask({"request": "ready", "symptoms": "no"})
        assert answer["said"] == "symptoms: no"

    serve(story, start_s=None, on_ready=on_ready)


def test_pain_stops_and_says_what_follows() -> None:
    async def story(bench: Bench, server: ControlServer, line: Line) -> None:
        answer = await line.ask({"request": "pain", "kind": "mild"})
        assert answer["ok"] is True
        assert answer["said"]
        assert answer["status"]["end_reason"] == "pain"
        assert not any(bench.out.values())

    serve(story)


async def press_button(bench: Bench) -> None:
    bench.device.press()
    await asyncio.sleep(0.2)
    bench.device.release()
    await asyncio.sleep(0.2)


def state(bench: Bench) -> DeviceState | None:
    telemetry = bench.controller.status.telemetry
    return telemetry.state if telemetry else None


def test_r7_a_reset_takes_two_steps() -> None:
    async def story(bench: Bench, server: ControlServer, line: Line) -> None:
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

    serve(story)


def test_r7_a_new_cause_voids_the_first_step() -> None:
    async def story(bench: Bench, server: ControlServer, line: Line) -> None:
        await press_button(bench)
        offer = await line.ask({"request": "reset"})
        await line.ask({"request": "reset", "confirm": offer["confirm"]})
        await asyncio.sleep(0.2)
        await press_button(bench)
        first = await line.ask({"request": "reset"})
        await bench.controller.reset()
        await press_button(bench)
        answer = await line.ask({"request": "reset", "confirm": first["confirm"]})
        assert "new" in answer["error"]["message"]
        assert state(bench) is DeviceState.LATCHED

    serve(story)


def test_r7_the_second_step_comes_in_time() -> None:
    async def story(bench: Bench, server: ControlServer, line: Line) -> None:
        await press_button(bench)
        offer = await line.ask({"request": "reset"})
        await asyncio.sleep(20)
        assert (await line.ask({"request": "reset", "confirm": offer["confirm"]}))["ok"] is False
        assert state(bench) is DeviceState.LATCHED

    serve(story)


def test_dead_sockets_are_removed_and_living_ones_are_not(runtime: Path) -> None:
    async def story(bench: Bench, server: ControlServer, line: Line) -> None:
        dead = paths.socket_path("sim:1")
        with socket.socket(socket.AF_UNIX) as sock:
            sock.bind(dead)
        async with ControlServer(bench.controller, "sim:2"):
            assert mode_and_neighbours(server.path)[1] == [paths.socket_path("sim:2"), server.path]
            assert dead not in mode_and_neighbours(server.path)[1]

    serve(story, start_s=None)


def test_the_clients_of_the_standard_library(runtime: Path) -> None:
    async def story(bench: Bench, server: ControlServer, line: Line) -> None:
        def outside() -> list[dict[str, Any]]:
            owners = client.open_owners()
            assert [paths.device_name(owner.path) for owner in owners] == ["sim_test"]
            return client.stop_all(owners)

        answers = await asyncio.to_thread(outside)
        assert [answer["ok"] for answer in answers] == [True]
        assert not any(bench.out.values())

    serve(story)


def test_an_owner_that_does_not_answer_is_a_stop_that_is_not_confirmed(runtime: Path) -> None:
    paths.ensure_runtime_dir()
    with socket.socket(socket.AF_UNIX) as deaf:
        deaf.bind(paths.socket_path("sim:9"))
        deaf.listen()
        answers = client.stop_all(client.open_owners(), wait_s=0.05)
        assert answers[0]["error"]["code"] == "stop_unconfirmed"
        assert "Unplug" in answers[0]["error"]["remedy"]


def test_an_owner_that_dies_is_a_stop_that_is_not_confirmed(runtime: Path) -> None:
    paths.ensure_runtime_dir()
    with socket.socket(socket.AF_UNIX) as dying:
        dying.bind(paths.socket_path("sim:9"))
        dying.listen()
        owners = client.open_owners()
        dying.accept()[0].close()
        assert client.stop_all(owners, wait_s=1.0)[0]["error"]["code"] == "stop_unconfirmed"


def test_ctrl_c_while_a_stop_is_being_confirmed_is_no_confirmation() -> None:
    folder = Path(paths.ensure_runtime_dir())
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(folder / "silent.sock"))
        silent.listen()
        owners = client.open_owners()
        ctrl_c = threading.Timer(0.1, lambda: os.kill(os.getpid(), signal.SIGINT))
        ctrl_c.start()
        error = client.stop_all(owners)[0]["error"]
        ctrl_c.join()
    assert error["code"] == "stop_unconfirmed"
    assert "you did not wait" in error["message"]


def test_stop_quickly_leaves_what_it_cannot_do(
    runtime: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MASSAGER_CTL_DATA", str(runtime.parent))
    assert client.stop_quickly(["--help"]) is None
    assert client.stop_quickly(["a", "b"]) is None
    assert client.stop_quickly(["massager"]) is None
    assert client.stop_quickly([]) == 4
    assert "none was used before" in capsys.readouterr().err
    (runtime.parent / "last-device").write_text("serial:/dev/ttyUSB0")
    assert client.stop_quickly([]) is None


def test_the_fast_stop_looks_where_the_device_is_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MASSAGER_CTL_DATA", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    remember_device(parse_address("sim:"), data_path())
    assert not client.used_before() or sys.platform != "linux"
    remember_device(parse_address("serial:/dev/ttyUSB0"), data_path())
    assert client.used_before()
    assert str(last_device(data_path())) == "serial:/dev/ttyUSB0"


@pytest.mark.parametrize("error", [Refused("no", "why"), InputError("no"), StopUnconfirmed("no")])
def test_an_error_keeps_its_class_over_the_socket(error: MassagerError) -> None:
    found = error_from(document.error_document(error))
    assert (type(found), found.message, found.remedy) == (type(error), error.message, error.remedy)
    assert isinstance(error_from(None), MassagerError)


def test_a_remote_view_steers_and_sees_the_end() -> None:
    async def story(bench: Bench, server: ControlServer, line: Line) -> None:
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

    serve(story)


def test_a_remote_view_hears_of_a_refusal() -> None:
    async def story(bench: Bench, server: ControlServer, line: Line) -> None:
        remote = RemoteController(server.path)
        await remote.open()
        heard: list[Event] = []
        remote.add_event_listener(heard.append)
        remote.request(Ease())
        await asyncio.sleep(0.5)
        assert [event.name for event in heard] == ["refused"]
        with pytest.raises(Refused):
            await remote.start({})
        assert await remote.pain(PainKind.MILD)
        await remote.close()

    serve(story, start_s=None)


def test_a_remote_view_ends_with_its_owner() -> None:
    async def told(bench: Bench) -> None:
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

    tell(told)

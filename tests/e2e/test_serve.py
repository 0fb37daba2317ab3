"""The service as a process: started, asked by other processes, ended by a signal in the middle of a session."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
import time
import urllib.request
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.mqtt_harness import PATIENCE_S, Mosquitto, free_port, listener

pytestmark = [pytest.mark.asyncio, pytest.mark.needs("mosquitto")]

COMMAND = (sys.executable, "-m", "massager_ctl.cli.entry")


@dataclass
class Served:
    """A running `massager-ctl serve`."""

    process: asyncio.subprocess.Process
    environment: dict[str, str]
    logs: list[dict[str, Any]]
    reading: asyncio.Task[None]

    async def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal; returns the exit code."""
        self.process.send_signal(number)
        code = await asyncio.wait_for(self.process.wait(), PATIENCE_S)
        await self.reading
        return code

    async def logged(self, event: str) -> dict[str, Any]:
        """The first log line of that name, once it has come."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                for line in self.logs:
                    if line["event"] == event:
                        return line
                await asyncio.sleep(0.02)

    async def run(self, *arguments: str, said: bytes = b"") -> tuple[int, str]:
        """Another command beside it; returns its exit code and what it wrote."""
        process = await asyncio.create_subprocess_exec(
            *COMMAND,
            *arguments,
            env=self.environment,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        out, _ = await asyncio.wait_for(process.communicate(said), PATIENCE_S)
        assert process.returncode is not None
        return process.returncode, out.decode()


@pytest.fixture(autouse=True)
def _own_sockets(runtime_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MASSAGER_CTL_RUNTIME", str(runtime_folder))


def _sockets(folder: Path) -> list[Path]:
    return list(folder.glob("*.sock"))


@contextlib.asynccontextmanager
async def served(tmp_path: Path, *arguments: str, **environment: str) -> AsyncGenerator[Served]:
    """The service with folders of its own; killed at the end if it is still there."""
    variables = {
        **os.environ,
        "MASSAGER_CTL_DATA": str(tmp_path / "data"),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        **environment,
    }
    process = await asyncio.create_subprocess_exec(
        *COMMAND, "serve", *arguments, env=variables, stderr=asyncio.subprocess.PIPE
    )
    logs: list[dict[str, Any]] = []
    stream = process.stderr
    assert stream is not None

    async def read() -> None:
        while line := await stream.readline():
            try:
                logs.append(json.loads(line))
            except ValueError:
                raise AssertionError(f"no log line: {line!r}") from None

    reading = asyncio.ensure_future(read())
    service = Served(process, variables, logs, reading)
    try:
        yield service
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        await reading


async def test_a_remote_session_from_ready_to_sigterm(tmp_path: Path) -> None:
    async with Mosquitto(tmp_path) as broker, listener(broker.port) as ear:
        url = f"mqtt://127.0.0.1:{broker.port}"
        async with served(tmp_path, "--device", "neck=sim:", "--mqtt", url) as service:
            await ear.becomes(phase="idle", problem=False)
            code, said = await service.run("ready", said=b"no\n")
            assert code == 0, said
            assert "10 minutes" in said
            await ear.becomes(ready=True)
            await ear.press("start", "manual")
            await ear.becomes(phase="running", ready=False)
            await ear.press("level/all", 8)
            await ear.until(lambda: ear.state["levels"]["neck_left"] >= 1)
            assert await service.end() == 0
            stopped = await ear.event("stopped")
            assert (stopped["reason"], stopped["confirmed"]) == ("host_closing", True)
            await ear.until(lambda: ear.available == "offline")
        names = [line["event"] for line in service.logs]
        assert names[-1] == "service.ended"
        session = await service.logged("device.started")
        assert len(session["session"]) == 8
        ended = await service.logged("device.ended")
        assert ended["session"] == session["session"]


async def test_a_stop_from_another_terminal_and_one_signal_after_another(tmp_path: Path) -> None:
    async with Mosquitto(tmp_path) as broker, listener(broker.port) as ear:
        url = f"mqtt://127.0.0.1:{broker.port}"
        async with served(tmp_path, "--device", "neck=sim:", "--mqtt", url) as service:
            await ear.becomes(phase="idle", problem=False)
            await service.run("ready", said=b"no\n")
            await ear.press("start", "manual")
            await ear.becomes(phase="running")
            code, said = await service.run("stop")
            assert (code, "confirmed at zero" in said) == (0, True)
            assert (await ear.event("stopped"))["reason"] == "person"
            code, said = await service.run("status", "--json")
            assert code == 0, said
            service.process.send_signal(signal.SIGINT)
            assert await service.end() == 0


async def test_a_later_start_is_ready_at_its_time_and_not_before(tmp_path: Path) -> None:
    soon = time.localtime(time.time() + 3 * 3600)
    async with Mosquitto(tmp_path) as broker, listener(broker.port) as ear:
        url = f"mqtt://127.0.0.1:{broker.port}"
        async with served(tmp_path, "--device", "neck=sim:", "--mqtt", url) as service:
            await ear.becomes(phase="idle", problem=False)
            code, said = await service.run(
                "ready", "--at", time.strftime("%H:%M", soon), said=b"no\n"
            )
            assert code == 0, said
            assert "from 5 minutes before" in said
            await ear.until(lambda: (ear.state["ready_in_min"] or 0) > 170)
            assert ear.state["ready"] is False
            await ear.press("start", "manual")
            assert (await ear.event("rejected"))["why"] == "not_ready"


async def test_ready_refuses_what_the_start_would_be_refused_with(tmp_path: Path) -> None:
    async with Mosquitto(tmp_path) as broker, listener(broker.port) as ear:
        url = f"mqtt://127.0.0.1:{broker.port}"
        async with served(tmp_path, "--device", "neck=sim:?battery=10", "--mqtt", url) as service:
            await ear.until(lambda: ear.state and (ear.state["battery"] or 100) < 15)
            code, said = await service.run("ready", said=b"no\n")
            assert code == 3, said
            assert "its battery is at" in " ".join(said.split())
            assert ear.state["ready"] is False
            assert "Charge it first" in ear.state["advice"]


async def test_a_device_is_forgotten_by_the_broker_once_no_service_offers_it(
    tmp_path: Path,
) -> None:
    async with Mosquitto(tmp_path) as broker, listener(broker.port) as ear:
        url = f"mqtt://127.0.0.1:{broker.port}"
        async with served(tmp_path, "--device", "neck=sim:", "--mqtt", url) as service:
            await ear.becomes(phase="idle", problem=False)
            code, said = await service.run("mqtt", "forget", "neck", "--mqtt", url)
            assert code == 3
            assert "a running service offers 'neck'" in " ".join(said.split())
            await ear.client.publish(ear.topic("cmd/duration"), b"5", 1, retain=True)
            assert await service.end() == 0
            code, said = await service.run("mqtt", "forget", "neck", "--mqtt", url)
            assert code == 0, said
            assert "homeassistant/device/neck/config" in said
            code, said = await service.run("mqtt", "forget", "neck", "--mqtt", url)
            assert "keeps nothing of 'neck'" in said
            nobody = f"mqtt://127.0.0.1:{free_port()}"
            code, said = await service.run("mqtt", "forget", "neck", "--mqtt", nobody)
            assert code == 4
            assert said.startswith("error: no connection to the broker")
            assert "Check that the broker runs" in " ".join(said.split())


async def test_symptoms_make_nothing_ready(tmp_path: Path) -> None:
    async with Mosquitto(tmp_path) as broker, listener(broker.port) as ear:
        url = f"mqtt://127.0.0.1:{broker.port}"
        async with served(tmp_path, "--device", "neck=sim:", "--mqtt", url) as service:
            await ear.becomes(phase="idle", problem=False)
            await service.run("ready", said=b"no\n")
            await ear.becomes(ready=True)
            code, said = await service.run("ready", said=b"unsure\n")
            assert code == 3
            assert "medical care" in " ".join(said.split())
            await ear.becomes(ready=False)
            await ear.press("start", "manual")
            assert (await ear.event("rejected"))["why"] == "not_ready"
        assert "unsure" not in json.dumps(service.logs)


async def test_without_a_broker_it_serves_this_machine_alone(tmp_path: Path) -> None:
    port = free_port()
    async with served(tmp_path, "--device", "sim:", "--no-web", "--metrics", str(port)) as service:
        await service.logged("device.connected")
        code, said = await service.run("ready", said=b"no\n")
        assert code == 3
        assert "MQTT" in said
        code, said = await service.run("status", "--json")
        assert code == 0, said
        text = await asyncio.to_thread(_fetch, f"http://127.0.0.1:{port}/metrics")
        assert 'massager_link_up{device="sim"} 1.0' in text
        assert 'massager_session_running{device="sim"} 0.0' in text
        assert await service.end() == 0


def _fetch(url: str) -> str:
    with urllib.request.urlopen(url, timeout=PATIENCE_S) as answer:
        return answer.read().decode()


async def test_two_devices_have_topics_and_sockets_of_their_own(
    tmp_path: Path, runtime_folder: Path
) -> None:
    async with Mosquitto(tmp_path) as broker, listener(broker.port) as ear:
        url = f"mqtt://127.0.0.1:{broker.port}"
        devices = ("--device", "left=sim:", "--device", "right=sim:")
        async with served(tmp_path, *devices, "--mqtt", url) as service:
            for name in ("left", "right"):
                ear.device = name
                await ear.becomes(phase="idle", problem=False)
            sockets = _sockets(runtime_folder)
            assert len(sockets) == 2
            assert await service.end() == 0


async def test_a_killed_service_is_told_by_its_will(tmp_path: Path) -> None:
    async with Mosquitto(tmp_path) as broker, listener(broker.port) as ear:
        url = f"mqtt://127.0.0.1:{broker.port}"
        async with served(tmp_path, "--device", "neck=sim:", "--mqtt", url) as service:
            await ear.becomes(phase="idle", problem=False)
            service.process.kill()
            await ear.until(lambda: ear.available == "offline")


async def test_the_password_comes_from_the_environment_and_reaches_no_log(tmp_path: Path) -> None:
    async with Mosquitto(tmp_path) as broker, listener(broker.port) as ear:
        url = f"mqtt://someone@127.0.0.1:{broker.port}"
        async with served(
            tmp_path,
            "--device",
            "neck=sim:",
            "--mqtt",
            url,
            MASSAGER_CTL_MQTT_PASSWORD="hush-hush",
        ) as service:
            await ear.becomes(phase="idle", problem=False)
            await service.end()
        assert "hush-hush" not in json.dumps(service.logs)
        assert "somebody" not in json.dumps(service.logs)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--device", "Neck!=sim:"), "is not a name for a device"),
        (("--device", "neck=nothing:"), "is not a device address"),
        (("--device", "a=sim:", "--device", "a=sim:"), "two devices are called 'a'"),
        (("--device", "sim:", "--mqtt", "http://broker"), "mqtt://"),
        (("--device", "sim:", "--mqtt", "mqtt://broker/path"), "ends after its port"),
    ],
)
async def test_what_makes_no_sense_is_refused_before_anything_runs(
    arguments: tuple[str, ...], words: str
) -> None:
    process = await asyncio.create_subprocess_exec(
        *COMMAND,
        "serve",
        *arguments,
        stderr=asyncio.subprocess.PIPE,
    )
    _, said = await asyncio.wait_for(process.communicate(), PATIENCE_S)
    assert process.returncode == 2
    assert words in " ".join(said.decode().split())


async def test_r6_an_end_that_the_device_does_not_confirm_is_told_as_such(
    tmp_path: Path, runtime_folder: Path
) -> None:
    async with served(tmp_path, "--device", "neck=sim:?fault=ack_lost=1000@8") as service:
        await service.logged("device.connected")
        (path,) = _sockets(runtime_folder)
        reader, writer = await asyncio.open_unix_connection(str(path), limit=1 << 20)
        async with asyncio.timeout(PATIENCE_S):
            started = False
            while not started:  # on a busy machine a start may be too old when its turn comes (R5)
                writer.write(b'{"request":"start"}\n')
                answer = json.loads(await reader.readline())
                started = answer["ok"]
                assert started or "s old" in answer["error"]["message"], answer
            writer.write(b'{"request":"watch"}\n')
            while True:  # until the device's own clock is past the moment from which it is silent
                status = json.loads(await reader.readline())["status"]
                if status["telemetry"]["uptime_s"] > 8.5:
                    break
        assert status["phase"] == "running"
        writer.close()
        assert await service.end() == 5
        assert "unplug" in (await service.logged("service.unconfirmed"))["remedy"]

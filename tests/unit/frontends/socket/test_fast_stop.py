"""The stop of the standard library alone: which owners it asks, and when it is not confirmed (R6)."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from tests.support.marks import simulated_time
from tests.unit.frontends.socket.served import served

from massager_ctl.config import data_path
from massager_ctl.frontends.socket import client, paths, stop
from massager_ctl.runtime.compose import last_device, remember_device
from massager_ctl.transports.address import parse_address
from massager_ctl.transports.runtime_folder import ensure_runtime_dir

pytestmark = pytest.mark.usefixtures("runtime")


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

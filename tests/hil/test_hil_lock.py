"""One program per device: two suites, and a suite and a controller, exclude each other by its serial number (R17)."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from firmware_sim.cli import main
from massager_ctl import connect
from massager_ctl.errors import ConfigError, DeviceBusy
from massager_ctl.transports.runtime_folder import RUNTIME_ENV
from massager_hil.lock import Locks

PATIENCE_S = 60.0
NUMBER = "SIM-00000001"
NAME = f"number:{NUMBER}"


@pytest.fixture
def address(request: pytest.FixtureRequest) -> Iterator[str]:
    """A simulator in another process, over TCP; by default it says that it is a real device."""
    fault = getattr(request, "param", "lie_simulated")
    faults = ("--fault", fault) if fault else ()
    with subprocess.Popen(
        [sys.executable, "-m", "firmware_sim", "serve", "--tcp", "127.0.0.1:0", *faults],
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout is not None
        yield f"tcp:{child.stdout.readline().split()[-1]}"
        child.terminate()


@pytest.fixture
def locks() -> Iterator[Locks]:
    made = Locks()
    yield made
    made.release()


def hil(address: str, *more: str) -> Result:
    return CliRunner().invoke(main, ["hil", "--device", address, "-k", "stop-idle", *more])


def test_fault_57_a_device_in_use_by_another_suite_is_one_clear_error(
    address: str, locks: Locks, tmp_path: Path
) -> None:
    locks.take(NAME, NUMBER)
    junit = tmp_path / "out.xml"
    result = hil(address, "--junit", str(junit))
    assert result.exit_code == 4, result.output
    assert f"{NUMBER} is in use by process {os.getpid()}" in result.output
    assert "Traceback" not in result.output
    assert junit.exists()


def test_a_bench_that_is_in_use_is_not_even_switched_off(tmp_path: Path, locks: Locks) -> None:
    locks.take(NAME, NUMBER)
    bench = tmp_path / "bench.toml"
    hook = '["sh", "-c", "touch done"]'
    bench.write_text(
        f'serial = "{NUMBER}"\n[hooks]\npower-off = {hook}\npower-cycle = {hook}', encoding="utf-8"
    )
    result = hil("serial:/nowhere/at/all", "--bench", str(bench))
    assert result.exit_code == 4
    assert "is in use" in result.output
    assert not (tmp_path / "done").exists()


def test_fault_57_a_controller_and_a_suite_exclude_each_other(address: str, locks: Locks) -> None:
    async def held() -> Result:
        async with connect(address):
            return await asyncio.to_thread(hil, address)

    result = asyncio.run(held())
    assert result.exit_code == 4, result.output
    assert f"{NUMBER} is in use" in result.output

    async def refused() -> None:
        with pytest.raises(DeviceBusy, match=NUMBER):
            async with connect(address):
                raise AssertionError("it was not refused")

    locks.take(NAME, NUMBER)
    asyncio.run(refused())


@pytest.mark.parametrize("address", [""], indirect=True)
def test_simulated_devices_share_their_number_and_are_not_locked_by_it(
    address: str, locks: Locks
) -> None:
    locks.take(NAME, NUMBER)
    assert hil(address).exit_code == 0
    locks.take(f"{NAME} {address}", NUMBER)
    assert hil(address).exit_code == 4


def test_a_lock_ends_with_its_process(locks: Locks) -> None:
    taker = f"from massager_hil.lock import Locks; Locks().take({NAME!r}, ''); print(1, flush=True)"
    with subprocess.Popen(
        [sys.executable, "-c", f"{taker}; input()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        with pytest.raises(DeviceBusy, match=f"process {child.pid}"):
            locks.take(NAME, NUMBER)
        child.kill()
        child.wait(PATIENCE_S)
    locks.take(NAME, NUMBER)


def test_the_folder_of_the_locks_is_closed_to_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, locks: Locks
) -> None:
    tmp_path.chmod(0o777)
    monkeypatch.setenv(RUNTIME_ENV, str(tmp_path))
    locks.take(NAME, NUMBER)
    assert tmp_path.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_is_a_link_is_not_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, locks: Locks
) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    monkeypatch.setenv(RUNTIME_ENV, str(tmp_path / "link"))
    with pytest.raises(ConfigError, match="is not a folder"):
        locks.take(NAME, NUMBER)

"""R9: a ledger that is exchanged, removed or linked underneath a program still counts what that program delivers."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.unit.ledger.looked_at import one_session, refusal, used

from massager_ctl.aio.clock import VirtualClock
from massager_ctl.errors import StoreError
from massager_ctl.ledger import repair
from massager_ctl.ledger.base import Reservation
from massager_ctl.ledger.clock_reading import ClockReader
from massager_ctl.ledger.sqlite import FILE, open_store
from massager_ctl.model.requests import PainKind

FIVE_MINUTES = Reservation("MS-1", "gentle", 300.0)

LOOK = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('SELECT * FROM mark'); c.close()"


def exchange(path: Path, other: Path) -> None:
    """Put a copy of `other` in the place of the ledger, as a backup or a renewal does."""
    copy = path.with_name("copy")
    shutil.copy(other, copy)
    copy.replace(path)


@pytest.mark.asyncio
async def test_a_program_that_runs_on_counts_in_the_ledger_that_is_there_now(
    tmp_path: Path, readings: ClockReader, clock: VirtualClock
) -> None:
    store = open_store(tmp_path, readings)
    await store.settle(await store.reserve(FIVE_MINUTES), 300.0, "finished")
    repair.replace_ledger(tmp_path, readings)
    other = open_store(tmp_path, readings)
    await other.report_pain(PainKind.WARNING_SIGN)
    assert await store.lock() is not None, "it reads the one that was replaced"
    clock.advance(700.0)
    await store.settle(await store.reserve(FIVE_MINUTES), 300.0, "finished")
    assert (await other.recent()).used_s == 600.0
    await other.close()
    await store.close()


@pytest.mark.asyncio
async def test_a_ledger_that_is_removed_underneath_a_program_refuses(
    tmp_path: Path, readings: ClockReader
) -> None:
    store = open_store(tmp_path, readings)
    session = await store.reserve(FIVE_MINUTES)
    (tmp_path / FILE).rename(tmp_path / "away")
    for again in (store.reserve(FIVE_MINUTES), store.checkpoint(session, 5.0), store.lock()):
        with pytest.raises(StoreError, match="removed"):
            await again
    (tmp_path / "away").rename(tmp_path / FILE)
    await store.settle(session, 20.0, "person")
    assert (await store.recent()).used_s == 20.0
    await store.close()


@pytest.mark.asyncio
async def test_a_session_goes_on_in_the_ledger_that_took_the_place_of_its_own(
    tmp_path: Path, readings: ClockReader, clock: VirtualClock
) -> None:
    backup = tmp_path / "backup"
    await one_session(backup, readings, 150.0)
    clock.advance(700.0)
    shutil.copytree(backup, tmp_path / "data")
    path = tmp_path / "data" / FILE
    store = open_store(path.parent, readings)
    await store.settle(await store.reserve(FIVE_MINUTES), 200.0, "person")
    clock.advance(700.0)
    session = await store.reserve(FIVE_MINUTES)
    exchange(path, backup / FILE)
    await store.checkpoint(session, 60.0)
    other = open_store(path.parent, readings)
    assert (await other.recent()).open, "nobody else may start meanwhile"
    assert (await other.recent()).used_s == 150.0 + 300.0
    await store.checkpoint(session, 65.0)
    await store.settle(session, 70.0, "person")
    await store.settle(session, 90.0, "person")
    assert [entry.charged_s for entry in await other.history()] == [70.0, 150.0]
    await other.close()
    await store.close()


@pytest.mark.asyncio
async def test_another_process_never_removes_the_log_under_two_devices_of_one_service(
    tmp_path: Path, readings: ClockReader
) -> None:
    first, second = open_store(tmp_path, readings), open_store(tmp_path, readings)
    await first.recent()
    await second.recent()  # its look at the file must not drop the lock of the first
    look = [sys.executable, "-S", "-c", LOOK, str(tmp_path / FILE)]
    await asyncio.to_thread(subprocess.run, look, check=True)
    assert (tmp_path / f"{FILE}-wal").exists()
    await first.close()
    await second.close()
    assert not (tmp_path / f"{FILE}-wal").exists()


@pytest.mark.asyncio
async def test_behind_a_link_the_file_itself_and_its_log_count(
    tmp_path: Path, readings: ClockReader
) -> None:
    real, linked = tmp_path / "real", tmp_path / "linked"
    await one_session(real, readings)
    linked.mkdir()
    (linked / FILE).symlink_to(real / FILE)
    assert await used(linked, readings) == 300.0
    os.truncate(real / FILE, 8192)
    repair.replace_ledger(linked, readings)
    assert (linked / FILE).is_symlink()
    assert await used(real, readings) >= 300.0

    (real / FILE).unlink()
    (real / f"{FILE}-wal").write_bytes(b"\0" * 32)
    error = await refusal(linked, readings)
    assert "is a link to" in error.message
    assert not (real / FILE).exists(), "a new ledger was begun where the link leads"

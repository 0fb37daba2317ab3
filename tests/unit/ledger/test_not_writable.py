"""R9, fault 37: the ledger refuses when it is locked, read-only, or the disk is full."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from tests.unit.ledger.looked_at import TEN_MINUTES, one_session

from massager_ctl.errors import StoreError
from massager_ctl.ledger.base import Reservation
from massager_ctl.ledger.clock_reading import ClockReader
from massager_ctl.ledger.database import FileDatabase, open_file, translated
from massager_ctl.ledger.sqlite import FILE, SqliteStore, open_store


@pytest.mark.asyncio
async def test_fault_37_locked_by_another_process_refuses(
    tmp_path: Path, readings: ClockReader
) -> None:
    await one_session(tmp_path, readings)
    other = sqlite3.connect(tmp_path / FILE, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    store = SqliteStore(FileDatabase(tmp_path / FILE, busy_s=0.05), readings)
    with pytest.raises(StoreError, match="keeps the dose ledger locked"):
        await store.reserve(TEN_MINUTES)
    other.execute("ROLLBACK")
    other.close()
    assert (await store.recent()).used_s == 300.0
    await store.close()


@pytest.mark.asyncio
async def test_fault_37_a_session_whose_end_could_not_be_written_is_settled_before_the_next(
    tmp_path: Path, readings: ClockReader
) -> None:
    """Else it stands as running for as long as the service that played it lives."""
    store = SqliteStore(FileDatabase(tmp_path / FILE, busy_s=0.05), readings)
    session = await store.reserve(TEN_MINUTES)
    other = sqlite3.connect(tmp_path / FILE, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="keeps the dose ledger locked"):
        await store.settle(session, 120.0, "finished")
    with pytest.raises(StoreError, match="keeps the dose ledger locked"):
        await store.recent()
    other.execute("ROLLBACK")
    other.close()
    state = await store.recent()
    assert (state.open, state.used_s) == (False, 120.0)
    await store.close()
    (entry,) = await open_store(tmp_path, readings).history()
    assert (entry.end_reason, entry.charged_s) == ("finished", 120.0)


_ATTEMPT = """
import asyncio, os, resource, signal, sys
from pathlib import Path
from typing import Any
from massager_ctl.aio.clock import SystemClock
from massager_ctl.errors import StoreError
from massager_ctl.ledger.base import Reservation
from massager_ctl.ledger.base import Reservation
from massager_ctl.ledger.clock_reading import ClockReader
from massager_ctl.ledger.sqlite import open_store

async def main(folder, limit):
    if os.getuid() == 0:
        os.setuid(65534)
    if limit:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))
    store = open_store(Path(folder), ClockReader(SystemClock()))
    try:
        await store.reserve(Reservation("MS-1", "gentle", 300.0))
        print("reserved")
    except StoreError as error:
        print(error.message, "|", error.remedy)
    finally:
        await store.close()

asyncio.run(main(*sys.argv[1:]))
"""


def attempt(folder: Path, limit: int = 0) -> str:
    """Reserve in a process that is not root and may not write files beyond `limit` bytes."""
    done = subprocess.run(
        [sys.executable, "-c", _ATTEMPT, str(folder), str(limit) if limit else ""],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
        cwd="/",
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    return done.stdout


@pytest.fixture
def others_folder() -> Path:
    """A folder that the process of `attempt` may reach and write."""
    import tempfile

    folder = Path(tempfile.mkdtemp(prefix="massager-test-"))
    folder.chmod(0o777)
    return folder


def test_fault_37_read_only_refuses(others_folder: Path) -> None:
    try:
        assert attempt(others_folder) == "reserved\n"
        (others_folder / FILE).chmod(0o444)
        others_folder.chmod(0o555)
        said = attempt(others_folder)
        assert "cannot be written" in said
        assert "Check its permissions" in said
        (others_folder / FILE).chmod(0o000)
        assert "Check its permissions" in attempt(others_folder)
    finally:
        others_folder.chmod(0o777)
        shutil.rmtree(others_folder)


def test_fault_37_a_folder_that_cannot_be_made_refuses(others_folder: Path) -> None:
    try:
        others_folder.chmod(0o555)
        assert "cannot be opened (Permission denied)" in attempt(others_folder / "new")
    finally:
        others_folder.chmod(0o777)
        shutil.rmtree(others_folder)


def test_fault_37_a_full_disk_refuses(others_folder: Path) -> None:
    """A file that may not grow: the same errors as from a full disk, and nothing half done afterwards."""
    try:
        assert "is the disk full?" in attempt(others_folder, 8192)
        assert not (others_folder / FILE).exists()
        assert attempt(others_folder) == "reserved\n"
        assert "is the disk full?" in attempt(others_folder, 64)
        connection = open_file(others_folder / FILE)
        assert connection.execute("SELECT count(*) FROM session").fetchone() == (1,)
        connection.close()
    finally:
        shutil.rmtree(others_folder)


def test_errors_of_the_database_are_told_by_what_helps(tmp_path: Path) -> None:
    """Real errors from a real database, each as a person should read it."""
    path = tmp_path / FILE
    connection = open_file(path)
    with pytest.raises(StoreError, match="the dose ledger failed") as caught, translated(path):
        connection.execute("SELECT * FROM nothing")
    assert "doctor" in caught.value.remedy
    connection.execute("PRAGMA max_page_count = 1")
    many = [(f"{number}" * 50,) for number in range(1000)]
    with pytest.raises(StoreError, match=r"is the disk full\?"), translated(path):
        connection.executemany("INSERT INTO device VALUES (?, 0, 0)", many)
    connection.close()
    read_only = sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None)
    with pytest.raises(StoreError, match="cannot be written"), translated(path):
        read_only.execute("DELETE FROM device")
    read_only.close()


class FailsAtTheEnd:
    """The connection of a disk that takes a commit, and fails when the log is written into the main file."""

    def __init__(self, real: sqlite3.Connection) -> None:
        self._real = real

    def execute(self, statement: str, *given: Any) -> sqlite3.Cursor:
        if "wal_checkpoint" in statement:
            raise sqlite3.OperationalError("disk I/O error")
        return self._real.execute(statement, *given)


@pytest.mark.asyncio
async def test_r9_a_reservation_whose_write_failed_after_its_commit_bars_no_later_session(
    tmp_path: Path, readings: ClockReader
) -> None:
    database = FileDatabase(tmp_path / FILE)
    store = SqliteStore(database, readings)
    await store.recent()
    real = database._connection
    assert real is not None
    database._connection = FailsAtTheEnd(real)  # type: ignore[assignment]
    with pytest.raises(StoreError):
        await store.reserve(TEN_MINUTES)
    await asyncio.sleep(0.01)
    database._connection = real
    state = await store.recent()
    assert (state.open, state.used_s) == (False, 0.0)
    await store.settle(await store.reserve(TEN_MINUTES), 5.0, "finished")
    await store.close()


@pytest.mark.asyncio
async def test_r9_what_is_given_back_is_never_another_sessions(
    tmp_path: Path, readings: ClockReader
) -> None:
    """The number of a reservation that was rolled back is the next one's, of another device in the same program."""
    first, second = open_store(tmp_path, readings), open_store(tmp_path, readings)
    session = await second.reserve(Reservation("MS-2", "gentle", 600.0))
    mine = replace(second._reserved[session], device="MS-1")
    first._database.afterwards(lambda c: first._give_back(c, [mine]))
    state = await first.recent()
    assert (state.open, state.used_s) == (True, 600.0)
    await first.close()
    await second.close()

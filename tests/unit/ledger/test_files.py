"""R9, faults 36 to 38: the file outlives the program, and refuses when it cannot be trusted or written."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from massager_ctl.aio.clock import VirtualClock
from massager_ctl.errors import DoseSpent, StoreError
from massager_ctl.ledger import database, repair, rows, schema
from massager_ctl.ledger import process as owner
from massager_ctl.ledger.base import EntryKind, Reservation
from massager_ctl.ledger.clock_reading import ClockReader
from massager_ctl.ledger.database import FileDatabase, open_file, translated
from massager_ctl.ledger.sqlite import FILE, SqliteStore, open_store
from massager_ctl.model.requests import PainKind

TEN_MINUTES = Reservation("MS-1", "gentle", 600.0)


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(1000.0)


@pytest.fixture
def moments(clock: VirtualClock) -> ClockReader:
    return ClockReader(clock, "boot")


async def used(folder: Path, moments: ClockReader) -> float:
    store = open_store(folder, moments)
    try:
        return (await store.recent()).used_s
    finally:
        await store.close()


async def one_session(folder: Path, moments: ClockReader, seconds: float = 300.0) -> None:
    store = open_store(folder, moments)
    session = await store.reserve(Reservation("MS-1", "gentle", seconds))
    await store.settle(session, seconds, "finished")
    await store.close()


async def refusal(folder: Path, moments: ClockReader) -> StoreError:
    store = open_store(folder, moments)
    try:
        with pytest.raises(StoreError) as caught:
            await store.reserve(TEN_MINUTES)
    finally:
        await store.close()
    return caught.value


@pytest.mark.asyncio
async def test_it_outlives_the_program(tmp_path: Path, moments: ClockReader) -> None:
    await one_session(tmp_path, moments)
    assert await used(tmp_path, moments) == 300.0


@pytest.mark.asyncio
async def test_only_the_person_can_read_it(tmp_path: Path, moments: ClockReader) -> None:
    folder = tmp_path / "new" / "data"
    await one_session(folder, moments)
    assert (folder / FILE).stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.name for path in folder.iterdir()} == {FILE}


def test_every_write_is_on_the_disk_when_it_returns(tmp_path: Path) -> None:
    connection = open_file(tmp_path / FILE)
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


@pytest.mark.asyncio
async def test_a_reboot_within_the_rest_frees_nothing_below_the_highest_wall_time(
    tmp_path: Path, clock: VirtualClock
) -> None:
    await one_session(tmp_path, ClockReader(clock, "boot"))
    clock.set_wall(clock.wall() - 400 * 86_400.0)
    store = open_store(tmp_path, ClockReader(clock, "next"))
    with pytest.raises(DoseSpent, match="resting"):
        await store.reserve(TEN_MINUTES)
    await store.close()


@pytest.mark.asyncio
async def test_fault_36_truncated_anywhere_refuses_and_says_how_to_recover(
    tmp_path: Path, moments: ClockReader
) -> None:
    await one_session(tmp_path, moments)
    path = tmp_path / FILE
    whole = path.read_bytes()
    for size in (0, 1, 50, 99, 100, 1024, 4096, 5000, 8192, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        error = await refusal(tmp_path, moments)
        assert "damaged" in error.message, size
        assert "doctor --renew-ledger" in error.remedy
        assert path.stat().st_size == size, "it was changed"


@pytest.mark.asyncio
async def test_fault_36_overwritten_pages_refuse(tmp_path: Path, moments: ClockReader) -> None:
    await one_session(tmp_path, moments)
    path = tmp_path / FILE
    whole = path.read_bytes()
    for start in (0, 4096, len(whole) - 4096):
        path.write_bytes(whole[:start] + b"\xa5" * 4096 + whole[start + 4096 :])
        assert "damaged" in (await refusal(tmp_path, moments)).message, start


@pytest.mark.asyncio
async def test_fault_36_a_log_without_its_file_refuses(
    tmp_path: Path, moments: ClockReader
) -> None:
    (tmp_path / f"{FILE}-wal").write_bytes(b"left over")
    assert "main file is gone" in (await refusal(tmp_path, moments)).message


@pytest.mark.asyncio
async def test_another_programs_database_refuses(tmp_path: Path, moments: ClockReader) -> None:
    connection = sqlite3.connect(tmp_path / FILE)
    connection.execute("CREATE TABLE something (x)")
    connection.close()
    assert "of another program" in (await refusal(tmp_path, moments)).message


@pytest.mark.asyncio
async def test_a_damaged_ledger_is_replaced_by_a_used_up_day(
    tmp_path: Path, moments: ClockReader, clock: VirtualClock
) -> None:
    (tmp_path / FILE).write_bytes(b"rubbish")
    (tmp_path / f"{FILE}-wal").write_bytes(b"more")
    aside = repair.replace_ledger(tmp_path, moments)
    assert aside.read_bytes() == b"rubbish"
    assert aside.with_name(f"{aside.name}-wal").read_bytes() == b"more"
    store = open_store(tmp_path, moments)
    with pytest.raises(DoseSpent, match="30 minutes of the last 24 hours are used up"):
        await store.reserve(TEN_MINUTES)
    entry = (await store.history())[0]
    assert (entry.kind, entry.charged_s) == (EntryKind.RENEWAL, 1800.0)
    clock.advance(86_400.0)
    state = await store.recent()
    assert (state.left_s, state.sessions_ever) == (1800.0, 0)
    await store.close()


@pytest.mark.asyncio
async def test_fault_37_locked_by_another_process_refuses(
    tmp_path: Path, moments: ClockReader
) -> None:
    await one_session(tmp_path, moments)
    other = sqlite3.connect(tmp_path / FILE, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    store = SqliteStore(FileDatabase(tmp_path / FILE, busy_s=0.05), moments)
    with pytest.raises(StoreError, match="keeps the dose ledger locked"):
        await store.reserve(TEN_MINUTES)
    other.execute("ROLLBACK")
    other.close()
    assert (await store.recent()).used_s == 300.0
    await store.close()


_ATTEMPT = """
import asyncio, os, resource, signal, sys
from pathlib import Path
from massager_ctl.aio.clock import SystemClock
from massager_ctl.errors import StoreError
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


def test_every_version_is_brought_up_and_keeps_what_it_holds(tmp_path: Path) -> None:
    for old in range(1, schema.VERSION):
        path = tmp_path / f"v{old}.sqlite3"
        connection = sqlite3.connect(path, isolation_level=None)
        connection.execute("PRAGMA journal_mode = WAL")
        for step in schema.MIGRATIONS[:old]:
            connection.executescript(step)
        connection.execute(f"PRAGMA user_version = {old}")
        connection.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
        connection.execute("INSERT INTO device VALUES ('MS-1', 77.0)")
        connection.close()
        connection = open_file(path)
        assert schema.version(connection) == schema.VERSION
        assert connection.execute("SELECT lifetime_s FROM device").fetchone() == (77.0,)
        assert connection.execute("SELECT count(*) FROM pain").fetchone() == (0,)
        connection.close()


def test_a_migration_is_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_file(tmp_path / FILE).close()
    broken = (*schema.MIGRATIONS, "CREATE TABLE extra (x);\nCREATE TABLE mark (x);\n")
    monkeypatch.setattr(schema, "MIGRATIONS", broken)
    monkeypatch.setattr(schema, "VERSION", len(broken))
    with pytest.raises(sqlite3.OperationalError, match="already exists"):
        open_file(tmp_path / FILE)
    monkeypatch.undo()
    connection = open_file(tmp_path / FILE)
    assert schema.version(connection) == schema.VERSION
    assert (
        connection.execute("SELECT name FROM sqlite_master WHERE name = 'extra'").fetchall() == []
    )
    connection.close()


@pytest.mark.asyncio
async def test_a_newer_version_is_refused_and_not_touched(
    tmp_path: Path, moments: ClockReader
) -> None:
    connection = open_file(tmp_path / FILE)
    connection.execute("PRAGMA user_version = 99")
    rows.put(connection, rows.SealRow(rows.SCHEMA, 99, 0))
    connection.close()
    error = await refusal(tmp_path, moments)
    assert "version 99" in error.message
    assert "update" in error.remedy


@pytest.mark.asyncio
async def test_fault_38_a_session_whose_process_is_gone_is_charged_by_the_rule(
    tmp_path: Path, moments: ClockReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store(tmp_path, moments)
    gone = f"boot {2**22 + 1} 12345"
    with monkeypatch.context() as patched:
        patched.setattr(owner, "mine", lambda boot: gone)
        session = await store.reserve(TEN_MINUTES)
    await store.checkpoint(session, 65.0)
    state = await store.recent()
    assert (state.open, state.used_s) == (False, 85.0)
    assert (await store.history())[0].end_reason == "crashed"
    # It was only thought to be gone: what it still says is charged, and its settling counts.
    await store.checkpoint(session, 200.0)
    assert (await store.recent()).used_s == 220.0
    await store.settle(session, 205.0, "finished")
    assert (await store.recent()).used_s == 205.0
    await store.close()


@pytest.mark.asyncio
async def test_two_programs_share_one_ledger(tmp_path: Path, moments: ClockReader) -> None:
    first, second = open_store(tmp_path, moments), open_store(tmp_path, moments)
    session = await first.reserve(TEN_MINUTES)
    with pytest.raises(DoseSpent, match="already running"):
        await second.reserve(TEN_MINUTES)
    await second.report_pain(PainKind.WARNING_SIGN)
    assert await first.lock() is not None
    await first.settle(session, 10.0, "pain")
    assert (await second.recent()).used_s == 10.0
    await first.close()
    await second.close()


def test_this_process_lives_and_others_do_not() -> None:
    here = owner.mine("boot")
    assert owner.alive(here, "boot")
    assert not owner.alive(here, "next boot")
    assert not owner.alive(f"boot {os.getpid()} 1", "boot")
    assert not owner.alive(f"boot {2**22 + 1} 1", "boot")
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        theirs = f"boot {child.pid} {owner._begun(child.pid)}"
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert not owner.alive(theirs, "boot"), "a zombie plays no session"


def test_without_proc_a_process_is_asked_for_by_its_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owner, "_PROC", tmp_path / "nothing")
    here = owner.mine("boot")
    assert here == f"boot {os.getpid()} "
    assert owner.alive(here, "boot")
    assert not owner.alive(f"boot {2**22 + 1} ", "boot")


def test_a_process_that_may_not_be_asked_is_taken_for_alive(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def forbidden(pid: int, number: int) -> None:
        raise PermissionError

    monkeypatch.setattr(owner.os, "kill", forbidden)
    assert owner._answers(1)


@pytest.mark.asyncio
async def test_two_that_create_it_at_once_end_with_one(
    tmp_path: Path, moments: ClockReader
) -> None:
    path = tmp_path / FILE
    open_file(path).close()
    before = path.stat().st_ino
    database.create_file(path)
    assert path.stat().st_ino == before
    assert await used(tmp_path, moments) == 0.0


def test_a_process_of_somebody_else_is_alive_too() -> None:
    """Asked for as another user, who may not signal process 1."""
    code = (
        "import os; from massager_ctl.ledger import process\n"
        "if os.getuid() == 0: os.setuid(65534)\n"
        "print(process._answers(1))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
        cwd="/",
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.stdout == "True\n"


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


def test_two_programs_that_migrate_at_once_do_it_once(tmp_path: Path) -> None:
    path = tmp_path / "new.sqlite3"
    first = sqlite3.connect(path, isolation_level=None)
    second = sqlite3.connect(path, isolation_level=None)
    begun: list[str] = []

    def other_is_quicker(statement: str) -> None:
        if statement == "BEGIN IMMEDIATE" and not begun:
            begun.append(statement)
            schema.migrate(second)

    first.set_trace_callback(other_is_quicker)
    schema.migrate(first)
    first.set_trace_callback(None)
    assert begun
    assert schema.version(first) == schema.VERSION
    first.close()
    second.close()


@pytest.mark.asyncio
async def test_a_store_that_was_never_used_leaves_nothing(
    tmp_path: Path, moments: ClockReader
) -> None:
    await open_store(tmp_path, moments).close()
    assert not os.listdir(tmp_path)  # noqa: PTH208  a real folder, in no hurry


@pytest.mark.asyncio
async def test_in_memory_a_later_job_is_done_at_once() -> None:
    memory = database.MemoryDatabase()
    memory.afterwards(lambda connection: rows.put(connection, rows.DeviceRow("a", 1.0)))
    assert await memory.read(lambda c: c.execute("SELECT count(*) FROM device").fetchone()) == (1,)
    await memory.close()


@pytest.mark.asyncio
async def test_a_ledger_that_is_refused_is_not_left_open(
    tmp_path: Path, moments: ClockReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    await one_session(tmp_path, moments)
    path = tmp_path / FILE
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + b"\xa5" * 4096 + whole[8192:])
    opened: list[sqlite3.Connection] = []
    real = sqlite3.connect

    def connect(*given: Any, **named: Any) -> sqlite3.Connection:
        opened.append(real(*given, **named))
        return opened[-1]

    monkeypatch.setattr(sqlite3, "connect", connect)
    with pytest.raises((StoreError, sqlite3.Error)):
        open_file(path)
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        opened[0].execute("SELECT 1")


@pytest.mark.asyncio
async def test_a_file_whose_version_is_not_sealed_is_damaged_and_not_newer(
    tmp_path: Path, moments: ClockReader
) -> None:
    await one_session(tmp_path, moments)
    connection = sqlite3.connect(tmp_path / FILE)
    connection.execute(f"DELETE FROM {rows.SealRow.TABLE} WHERE name = ?", (rows.SCHEMA,))
    assert schema.newer(connection) is None
    connection.close()

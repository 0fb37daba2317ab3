"""R9, fault 36: the file outlives the program, and refuses when it cannot be trusted."""

from __future__ import annotations

import gc
import os
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from tests.unit.ledger.looked_at import TEN_MINUTES, one_session, refusal, used

from massager_ctl.aio.clock import VirtualClock
from massager_ctl.errors import DoseSpent, StoreError
from massager_ctl.ledger import database, repair, rows, schema
from massager_ctl.ledger.base import EntryKind
from massager_ctl.ledger.clock_reading import ClockReader
from massager_ctl.ledger.database import open_file
from massager_ctl.ledger.sqlite import FILE, open_store


@pytest.mark.asyncio
async def test_it_outlives_the_program(tmp_path: Path, readings: ClockReader) -> None:
    await one_session(tmp_path, readings)
    assert await used(tmp_path, readings) == 300.0


@pytest.mark.asyncio
async def test_only_the_person_can_read_it(tmp_path: Path, readings: ClockReader) -> None:
    folder = tmp_path / "new" / "data"
    await one_session(folder, readings)
    assert (folder / FILE).stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.name for path in folder.iterdir()} == {FILE}


def test_every_write_is_on_the_disk_when_it_returns_whatever_sqlite_was_built_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect = sqlite3.connect

    def built_for_speed(*given: Any, **named: Any) -> sqlite3.Connection:
        made = connect(*given, **named)
        made.execute("PRAGMA synchronous = OFF")
        return made

    monkeypatch.setattr(sqlite3, "connect", built_for_speed)
    connection = open_file(tmp_path / FILE)
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
    assert connection.execute("PRAGMA trusted_schema").fetchone() == (0,), "nothing of it is run"
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
    tmp_path: Path, readings: ClockReader
) -> None:
    await one_session(tmp_path, readings)
    path = tmp_path / FILE
    whole = path.read_bytes()
    for size in (0, 1, 50, 99, 100, 1024, 4096, 5000, 8192, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        error = await refusal(tmp_path, readings)
        assert "damaged" in error.message, size
        assert "doctor --renew-ledger" in error.remedy
        assert path.stat().st_size == size, "it was changed"


@pytest.mark.asyncio
async def test_fault_36_overwritten_pages_refuse(tmp_path: Path, readings: ClockReader) -> None:
    await one_session(tmp_path, readings)
    path = tmp_path / FILE
    whole = path.read_bytes()
    for start in (0, 4096, len(whole) - 4096):
        path.write_bytes(whole[:start] + b"\xa5" * 4096 + whole[start + 4096 :])
        assert "damaged" in (await refusal(tmp_path, readings)).message, start


@pytest.mark.asyncio
async def test_fault_36_damage_beside_the_rows_refuses_and_damaged_text_names_its_row(
    tmp_path: Path, readings: ClockReader
) -> None:
    await one_session(tmp_path, readings)
    path = tmp_path / FILE
    whole = path.read_bytes()
    path.write_bytes(whole[:36] + b"\0\0\0\5" + whole[40:])  # the length of the list of free pages
    assert "damaged" in (await refusal(tmp_path, readings)).message
    path.write_bytes(whole)
    connection = sqlite3.connect(path)
    connection.execute("UPDATE session SET profile = CAST(x'ff' AS TEXT)")
    connection.commit()
    connection.close()
    message = (await refusal(tmp_path, readings)).message
    assert "session 1 does not match its checksum" in message


@pytest.mark.asyncio
async def test_fault_36_a_log_without_its_file_refuses(
    tmp_path: Path, readings: ClockReader
) -> None:
    (tmp_path / f"{FILE}-wal").write_bytes(b"left over")
    assert "main file is gone" in (await refusal(tmp_path, readings)).message


@pytest.mark.asyncio
async def test_another_programs_database_refuses(tmp_path: Path, readings: ClockReader) -> None:
    connection = sqlite3.connect(tmp_path / FILE)
    connection.execute("CREATE TABLE something (x)")
    connection.close()
    assert "of another program" in (await refusal(tmp_path, readings)).message


@pytest.mark.asyncio
async def test_a_damaged_ledger_is_replaced_by_a_used_up_day(
    tmp_path: Path, readings: ClockReader, clock: VirtualClock
) -> None:
    (tmp_path / FILE).write_bytes(b"rubbish")
    (tmp_path / f"{FILE}-wal").write_bytes(b"more")
    aside = repair.replace_ledger(tmp_path, readings)
    assert aside.read_bytes() == b"rubbish"
    assert aside.with_name(f"{aside.name}-wal").read_bytes() == b"more"
    store = open_store(tmp_path, readings)
    with pytest.raises(DoseSpent, match="30 minutes of the last 24 hours are used up"):
        await store.reserve(TEN_MINUTES)
    entry = (await store.history())[0]
    assert (entry.kind, entry.charged_s) == (EntryKind.RENEWAL, 1800.0)
    clock.advance(86_400.0)
    state = await store.recent()
    assert (state.left_s, state.sessions_ever) == (1800.0, 0)
    await store.close()


@pytest.mark.asyncio
async def test_a_store_that_was_never_used_leaves_nothing(
    tmp_path: Path, readings: ClockReader
) -> None:
    await open_store(tmp_path, readings).close()
    assert not os.listdir(tmp_path)  # noqa: PTH208  a real folder, in no hurry


@pytest.mark.asyncio
async def test_what_was_written_is_in_the_file_and_not_in_its_log(
    tmp_path: Path, readings: ClockReader
) -> None:
    store = open_store(tmp_path, readings)
    await store.reserve(TEN_MINUTES)
    assert (tmp_path / f"{FILE}-wal").stat().st_size == 0
    await store.close()
    with pytest.raises(RuntimeError, match="after shutdown"):
        await store.recent()


@pytest.mark.asyncio
async def test_a_file_that_another_process_was_just_closing_is_looked_at_twice(
    tmp_path: Path, readings: ClockReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    await one_session(tmp_path, readings)
    path = tmp_path / FILE
    whole = path.read_bytes()
    path.write_bytes(whole[:-4096])
    monkeypatch.setattr(database.time, "sleep", lambda _: path.write_bytes(whole))
    open_file(path).close()


@pytest.mark.parametrize("closed", [False, True], ids=["dropped", "closed"])
@pytest.mark.asyncio
async def test_in_memory_nothing_stays_open(closed: bool) -> None:
    memory = database.MemoryDatabase()
    connection = memory._connection
    if closed:
        await memory.close()
    else:
        del memory
        gc.collect()
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        connection.execute("SELECT 1")


@pytest.mark.asyncio
async def test_in_memory_a_later_job_is_done_at_once() -> None:
    memory = database.MemoryDatabase()
    memory.afterwards(lambda connection: rows.put(connection, rows.DeviceRow("a", 1.0)))
    assert await memory.read(lambda c: c.execute("SELECT count(*) FROM device").fetchone()) == (1,)
    await memory.close()


@pytest.mark.asyncio
async def test_a_ledger_that_is_refused_is_not_left_open(
    tmp_path: Path, readings: ClockReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    await one_session(tmp_path, readings)
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
    tmp_path: Path, readings: ClockReader
) -> None:
    await one_session(tmp_path, readings)
    connection = sqlite3.connect(tmp_path / FILE)
    connection.execute(f"DELETE FROM {rows.SealRow.TABLE} WHERE name = ?", (rows.SCHEMA,))
    assert schema.newer(connection) is None
    connection.close()


def test_a_file_system_without_a_write_ahead_log_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite keeps none where memory cannot be shared, as on some network drives."""
    connect = sqlite3.connect

    def on_a_network_drive(path: Path, **given: Any) -> sqlite3.Connection:
        return connect(f"file:{path}?vfs=unix-none", uri=True, **given)

    monkeypatch.setattr(sqlite3, "connect", on_a_network_drive)
    with pytest.raises(StoreError, match="no write-ahead log"):
        database.open_file(tmp_path / FILE)

"""R9: a ledger of an older version is brought up whole; one of a newer version is refused."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from tests.unit.ledger.looked_at import refusal

from massager_ctl.ledger import rows, schema
from massager_ctl.ledger.clock_reading import ClockReader
from massager_ctl.ledger.database import open_file
from massager_ctl.ledger.sqlite import FILE


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
    tmp_path: Path, readings: ClockReader
) -> None:
    connection = open_file(tmp_path / FILE)
    connection.execute("PRAGMA user_version = 99")
    rows.put(connection, rows.SealRow(rows.SCHEMA, 99, 0))
    connection.close()
    error = await refusal(tmp_path, readings)
    assert "version 99" in error.message
    assert "update" in error.remedy


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

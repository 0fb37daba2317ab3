"""The ledger's tables, version by version; a file from a newer version of this program is refused."""

from __future__ import annotations

import sqlite3
from functools import lru_cache
from typing import Final

from massager_ctl.errors import StoreError
from massager_ctl.ledger import rows
from massager_ctl.ledger.transaction import transaction

APPLICATION_ID: Final = 0x6D73_676C
"""Marks the file as this program's ("msgl")."""

_DOSE: Final = """
CREATE TABLE mark (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    boot TEXT NOT NULL,
    boottime REAL NOT NULL,
    at_s REAL NOT NULL,
    high_wall REAL NOT NULL,
    high_at_s REAL NOT NULL
);
CREATE TABLE session (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL CHECK (kind IN ('own', 'foreign', 'renewal')),
    state TEXT NOT NULL CHECK (state IN ('open', 'settled', 'crashed')),
    owner TEXT NOT NULL,
    device TEXT NOT NULL,
    profile TEXT NOT NULL,
    started_wall REAL NOT NULL,
    seen_s REAL NOT NULL,
    planned_s REAL NOT NULL CHECK (planned_s >= 0),
    delivered_s REAL NOT NULL CHECK (delivered_s >= 0),
    charged_s REAL NOT NULL CHECK (charged_s >= delivered_s),
    absorbed INTEGER NOT NULL DEFAULT 0,
    end_reason TEXT NOT NULL DEFAULT ''
);
CREATE INDEX session_seen ON session (seen_s);
CREATE TABLE device (
    serial TEXT PRIMARY KEY,
    lifetime_s REAL NOT NULL
);
"""

_HEALTH: Final = """
CREATE TABLE answer (
    question TEXT PRIMARY KEY,
    answer TEXT NOT NULL,
    doctor_agreed INTEGER NOT NULL,
    boot TEXT NOT NULL,
    boottime REAL NOT NULL,
    wall REAL NOT NULL
);
CREATE TABLE pain (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    at_s REAL NOT NULL,
    wall REAL NOT NULL,
    locks INTEGER NOT NULL
);
"""

# A counter outside the tables and a second order of the rows are two more places that damage could change unseen.
_CHECKSUMS: Final = """
ALTER TABLE session RENAME TO session_before;
CREATE TABLE session (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('own', 'foreign', 'renewal')),
    state TEXT NOT NULL CHECK (state IN ('open', 'settled', 'crashed')),
    owner TEXT NOT NULL,
    device TEXT NOT NULL,
    profile TEXT NOT NULL,
    started_wall REAL NOT NULL,
    seen_s REAL NOT NULL,
    planned_s REAL NOT NULL CHECK (planned_s >= 0),
    delivered_s REAL NOT NULL CHECK (delivered_s >= 0),
    charged_s REAL NOT NULL CHECK (charged_s >= delivered_s),
    absorbed INTEGER NOT NULL,
    end_reason TEXT NOT NULL,
    checksum INTEGER NOT NULL
);
INSERT INTO session SELECT *, 0 FROM session_before;
DROP TABLE session_before;
ALTER TABLE pain RENAME TO pain_before;
CREATE TABLE pain (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    at_s REAL NOT NULL,
    wall REAL NOT NULL,
    locks INTEGER NOT NULL,
    checksum INTEGER NOT NULL
);
INSERT INTO pain SELECT *, 0 FROM pain_before;
DROP TABLE pain_before;
DELETE FROM sqlite_sequence;
ALTER TABLE mark ADD COLUMN wall REAL NOT NULL DEFAULT 0;
UPDATE mark SET wall = high_wall;
ALTER TABLE mark ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;
ALTER TABLE device ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;
ALTER TABLE answer ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;
CREATE TABLE seal (
    name TEXT PRIMARY KEY,
    rows INTEGER NOT NULL,
    digest INTEGER NOT NULL,
    checksum INTEGER NOT NULL
);
"""

MIGRATIONS: Final[tuple[str, ...]] = (_DOSE, _HEALTH, _CHECKSUMS)
"""Entry *n* takes a file from version *n* to *n* + 1. One that was released is never edited."""

VERSION: Final = len(MIGRATIONS)
SEALED_SINCE: Final = 3
"""The first version whose rows carry checksums."""


def version(connection: sqlite3.Connection) -> int:
    """The file's version; 0 for one without tables."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the file to `VERSION`, each step whole or not at all. Raises StoreError for a newer one."""
    while (found := version(connection)) < VERSION:
        with transaction(connection):
            if version(connection) != found:
                continue  # another process was quicker
            for statement in MIGRATIONS[found].split(";\n"):
                connection.execute(statement)
            if found + 1 >= SEALED_SINCE:
                rows.seal(connection, found + 1)
            connection.execute(f"PRAGMA user_version = {found + 1}")
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")


def newer(connection: sqlite3.Connection) -> StoreError | None:
    """The refusal of a file that a newer program wrote; None if its number alone says so, which is damage."""
    found = version(connection)
    try:
        kept = rows.get(connection, rows.SealRow, rows.SCHEMA)
    except (sqlite3.Error, rows.RowDamaged):
        return None
    if kept is None or kept.rows != found:
        return None
    return StoreError(
        f"the ledger has version {found}, and this program knows none above {VERSION}",
        "A newer massager-ctl wrote it: update this one. The ledger was not touched.",
    )


def altered(connection: sqlite3.Connection) -> bool:
    """Whether the tables are not those of the file's version."""
    return _tables(connection) != _expected(version(connection))


def _tables(connection: sqlite3.Connection) -> list[tuple[str, str, str]]:
    return connection.execute(
        "SELECT type, name, coalesce(sql, '') FROM sqlite_master WHERE name != 'sqlite_sequence' ORDER BY name"
    ).fetchall()


@lru_cache
def _expected(to: int) -> list[tuple[str, str, str]]:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    try:
        for step in MIGRATIONS[:to]:
            connection.executescript(step)
        return _tables(connection)
    finally:
        connection.close()

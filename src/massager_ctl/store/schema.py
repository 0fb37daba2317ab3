"""The ledger's tables, version by version; a file from a newer version of this program is refused, never guessed at."""

from __future__ import annotations

import sqlite3
from typing import Final

from massager_ctl.errors import StoreError
from massager_ctl.store.transaction import transaction

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

MIGRATIONS: Final[tuple[str, ...]] = (_DOSE, _HEALTH)
"""Entry *n* takes a file from version *n* to *n* + 1. One that was released is never edited."""

VERSION: Final = len(MIGRATIONS)


def version(connection: sqlite3.Connection) -> int:
    """The file's version; 0 for one without tables."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the file to `VERSION`, each step whole or not at all. Raises StoreError for a newer one."""
    found = version(connection)
    if found > VERSION:
        raise StoreError(
            f"the ledger has version {found}, and this program knows {VERSION} at the most",
            "It was written by a newer massager-ctl: update this one. The ledger was not touched.",
        )
    while (found := version(connection)) < VERSION:
        with transaction(connection):
            if version(connection) != found:
                continue  # another process was quicker
            for statement in MIGRATIONS[found].split(";\n"):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {found + 1}")
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")

"""A transaction: all of a change, or none of it."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Generator


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection) -> Generator[None]:
    """Locks the file from its beginning; on disk at its end, if synchronous is FULL."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(sqlite3.Error):  # a full disk has rolled it back already
            connection.execute("ROLLBACK")
        raise

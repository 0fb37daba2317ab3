"""The store of a simulated device: the same rules, nothing on disk (R9)."""

from __future__ import annotations

from massager_ctl.ledger.clock_reading import ReadingSource
from massager_ctl.ledger.database import MemoryDatabase
from massager_ctl.ledger.sqlite import SqliteStore


class MemoryStore(SqliteStore):
    """A store that is empty at first and gone at the end; no file, no thread, no waiting."""

    def __init__(self, readings: ReadingSource) -> None:
        super().__init__(MemoryDatabase(), readings)

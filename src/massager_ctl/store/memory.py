"""The store of a simulated device: the same rules, kept nowhere (R9)."""

from __future__ import annotations

from massager_ctl.store.database import MemoryDatabase
from massager_ctl.store.moment import MomentSource
from massager_ctl.store.sqlite import SqliteStore


class MemoryStore(SqliteStore):
    """A store that is empty at first and gone at the end; no file, no thread, no waiting."""

    def __init__(self, moments: MomentSource) -> None:
        super().__init__(MemoryDatabase(), moments)

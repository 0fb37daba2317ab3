"""The store on SQLite: in a file for a person (R9, R21, R22), in memory for a simulated device."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from massager_ctl.requests import Origin, PainKind
from massager_ctl.safety.dose import DoseState
from massager_ctl.safety.screening import Answered
from massager_ctl.store import books, health, owner
from massager_ctl.store.base import HistoryEntry, Lock, Reservation, SessionId
from massager_ctl.store.database import Database, FileDatabase, move_aside
from massager_ctl.store.moment import MomentSource

FILE: Final = "ledger.sqlite3"
"""The ledger's name in the data folder."""


class SqliteStore:
    """The ledger and the health record over one database."""

    def __init__(self, database: Database, moments: MomentSource) -> None:
        self._database = database
        self._moments = moments

    async def reserve(self, reservation: Reservation) -> SessionId:
        made: list[SessionId] = []

        def job(connection: sqlite3.Connection) -> SessionId:
            now = self._moments.now()
            made.append(books.reserve(connection, now, owner.mine(now.boot), reservation))
            return made[0]

        try:
            return await self._database.write(job)
        except asyncio.CancelledError:
            # It may be on the books by now, and nobody will run it.
            self._database.afterwards(
                lambda connection: self._give_back(connection, made) if made else None
            )
            raise

    def _give_back(self, connection: sqlite3.Connection, made: list[SessionId]) -> None:
        books.settle(connection, self._moments.now(), made[0], 0.0, "cancelled")

    async def checkpoint(self, session: SessionId, delivered_s: float) -> None:
        await self._database.write(
            lambda connection: books.checkpoint(
                connection, self._moments.now(), session, delivered_s
            )
        )

    async def settle(self, session: SessionId, delivered_s: float, end_reason: str) -> None:
        await self._database.write(
            lambda connection: books.settle(
                connection, self._moments.now(), session, delivered_s, end_reason
            )
        )

    async def foreign(self, device: str, lifetime_s: float) -> float:
        return await self._database.write(
            lambda connection: books.foreign(connection, self._moments.now(), device, lifetime_s)
        )

    async def recent(self) -> DoseState:
        def job(connection: sqlite3.Connection) -> DoseState:
            now = self._moments.now()
            at_s = books.mark(connection, now)
            books.bury(connection, now.boot)
            return books.state(connection, at_s)

        return await self._database.write(job)

    async def history(self, limit: int | None = None) -> tuple[HistoryEntry, ...]:
        return await self._database.read(lambda connection: books.history(connection, limit))

    async def answers(self) -> Mapping[str, Answered]:
        return await self._database.read(health.answers)

    async def answer(self, answers: Iterable[Answered]) -> None:
        given = tuple(answers)
        await self._database.write(lambda connection: health.answer(connection, given))

    async def report_pain(self, kind: PainKind, origin: Origin = Origin.LOCAL) -> None:
        await self._database.write(
            lambda connection: health.report_pain(connection, self._moments.now(), kind, origin)
        )

    async def lock(self) -> Lock | None:
        return await self._database.read(health.lock)

    async def unlock(self) -> None:
        await self._database.write(health.unlock)

    async def mild_ages_s(self) -> tuple[float, ...]:
        return await self._database.write(
            lambda connection: health.mild_ages_s(connection, self._moments.now())
        )

    async def close(self) -> None:
        await self._database.close()


def open_store(folder: Path, moments: MomentSource) -> SqliteStore:
    """The person's store in `folder`; the file is opened, checked or made at the first use."""
    return SqliteStore(FileDatabase(folder / FILE), moments)


async def renew_store(folder: Path, moments: MomentSource) -> Path:
    """Move a damaged ledger aside and begin a new one with the day used up. Returns where the old one is.

    Raises StoreError.
    """
    path = folder / FILE
    aside = move_aside(path, f"{moments.now().wall:.0f}")
    database = FileDatabase(path)
    try:
        await database.write(lambda connection: books.renew(connection, moments.now()))
    finally:
        await database.close()
    return aside

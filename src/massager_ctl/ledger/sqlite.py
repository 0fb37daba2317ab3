"""The store on SQLite: in a file for a person (R9, R21, R22), in memory for a simulated device."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final, TypeVar

from massager_ctl.errors import StoreError
from massager_ctl.ledger import health, rows
from massager_ctl.ledger import process as owner
from massager_ctl.ledger import sessions as books
from massager_ctl.ledger.base import HistoryEntry, Lock, PainReport, Reservation, SessionId
from massager_ctl.ledger.clock_reading import ReadingSource
from massager_ctl.ledger.database import Database, FileDatabase
from massager_ctl.ledger.rows import SessionRow
from massager_ctl.model.requests import Origin, PainKind
from massager_ctl.safety.dose import DoseState
from massager_ctl.safety.dose_time import ClockReading
from massager_ctl.safety.screening import Answered

T = TypeVar("T")

FILE: Final = "ledger.sqlite3"
"""The ledger's name in the data folder."""


class SqliteStore:
    """The ledger and the health record over one database."""

    def __init__(self, database: Database, readings: ReadingSource) -> None:
        self._database = database
        self._readings = readings
        self._seen: tuple[DoseState, ClockReading] | None = None
        self._reserved: dict[SessionId, SessionRow] = {}
        self._ended: dict[SessionId, tuple[float, str]] = {}
        """Delivered seconds and end of sessions that are not settled yet."""

    async def reserve(self, reservation: Reservation) -> SessionId:
        made: list[SessionRow] = []

        def job(connection: sqlite3.Connection, now: ClockReading) -> SessionRow:
            made.append(books.reserve(connection, now, owner.mine(now.boot), reservation))
            return made[0]

        try:
            row = await self._write(job)
        except (asyncio.CancelledError, StoreError):
            # It may be reserved by now, also where the write failed after its commit, and will not run.
            with contextlib.suppress(RuntimeError):  # the ledger was closed meanwhile
                self._database.afterwards(lambda connection: self._give_back(connection, made))
            raise
        self._reserved[row.id] = row
        return row.id

    def _give_back(self, connection: sqlite3.Connection, made: list[SessionRow]) -> None:
        """Settle it at nothing; the number of one that was rolled back may be another session's by now."""
        if made and books.kept(connection, made[0]) is not None:
            books.settle(connection, self._readings.now(), made[0], 0.0, "cancelled")

    async def checkpoint(self, session: SessionId, delivered_s: float) -> None:
        def job(connection: sqlite3.Connection, now: ClockReading) -> None:
            if (row := self._row(connection, session)) is not None:
                books.checkpoint(connection, now, row, delivered_s)

        await self._write(job)

    async def settle(self, session: SessionId, delivered_s: float, end_reason: str) -> None:
        self._ended[session] = delivered_s, end_reason
        await self._write(lambda _connection, _now: None)

    def _row(self, connection: sqlite3.Connection, session: SessionId) -> SessionRow | None:
        """As it was reserved here, or as another store wrote it."""
        return self._reserved.get(session) or rows.get(connection, SessionRow, session)

    async def record_external_use(self, device: str, lifetime_s: float) -> float:
        return await self._write(
            lambda connection, now: books.record_external_use(connection, now, device, lifetime_s)
        )

    async def recent(self) -> DoseState:
        def job(connection: sqlite3.Connection, now: ClockReading) -> DoseState:
            at_s = books.mark(connection, now)
            books.close_crashed(connection, now.boot)
            return books.state(connection, at_s)

        return await self._write(job)

    async def _write(self, job: Callable[[sqlite3.Connection, ClockReading], T]) -> T:
        """Settle what ended, also where that failed before; run a job that changes the dose; keep the new state."""
        ended = dict(self._ended)

        def whole(connection: sqlite3.Connection) -> tuple[T, DoseState, ClockReading]:
            now = self._readings.now()
            for session, (delivered_s, end_reason) in ended.items():
                if (row := self._row(connection, session)) is not None:
                    books.settle(connection, now, row, delivered_s, end_reason)
            result = job(connection, now)
            return result, books.state(connection, books.mark(connection, now)), now

        result, state, now = await self._database.write(whole)
        self._seen = state, now
        for session in ended:
            self._ended.pop(session, None)
        return result

    def left_s(self) -> float | None:
        if self._seen is None:
            return None
        state, then = self._seen
        now = self._readings.now()
        return state.left_after(min(now.boottime - then.boottime, now.wall - then.wall))

    async def history(self, limit: int | None = None) -> tuple[HistoryEntry, ...]:
        return await self._database.read(lambda connection: books.history(connection, limit))

    async def answers(self) -> Mapping[str, Answered]:
        return await self._database.read(health.answers)

    async def answer(self, answers: Iterable[Answered]) -> None:
        given = tuple(answers)
        await self._database.write(lambda connection: health.answer(connection, given))

    async def report_pain(self, kind: PainKind, origin: Origin = Origin.LOCAL) -> None:
        await self._database.write(
            lambda connection: health.report_pain(connection, self._readings.now(), kind, origin)
        )

    async def lock(self) -> Lock | None:
        return await self._database.read(health.lock)

    async def unlock(self) -> None:
        await self._database.write(health.unlock)

    async def pain_reports(self) -> tuple[PainReport, ...]:
        return await self._database.read(health.pain_reports)

    async def mild_ages_s(self) -> tuple[float, ...]:
        return await self._database.write(
            lambda connection: health.mild_ages_s(connection, self._readings.now())
        )

    async def close(self) -> None:
        await self._database.close()


def open_store(folder: Path, readings: ReadingSource) -> SqliteStore:
    """The person's store in `folder`; the file is opened, checked or made at the first use."""
    return SqliteStore(FileDatabase(folder / FILE), readings)

"""What a test asks a ledger file for, and how it changes a row behind the program's back."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest
from msgspec import Struct

from massager_ctl.errors import StoreError
from massager_ctl.ledger.base import Lock, Reservation
from massager_ctl.ledger.clock_reading import ClockReader
from massager_ctl.ledger.sqlite import open_store
from massager_ctl.safety.dose import DoseState

TEN_MINUTES = Reservation("MS-1", "gentle", 600.0)


async def used(folder: Path, readings: ClockReader) -> float:
    store = open_store(folder, readings)
    try:
        return (await store.recent()).used_s
    finally:
        await store.close()


async def one_session(folder: Path, readings: ClockReader, seconds: float = 300.0) -> None:
    store = open_store(folder, readings)
    session = await store.reserve(Reservation("MS-1", "gentle", seconds))
    await store.settle(session, seconds, "finished")
    await store.close()


async def refusal(folder: Path, readings: ClockReader) -> StoreError:
    store = open_store(folder, readings)
    try:
        with pytest.raises(StoreError) as caught:
            await store.reserve(TEN_MINUTES)
    finally:
        await store.close()
    return caught.value


class Known(Struct, frozen=True):
    """What a ledger says, in the order in which a start asks for it."""

    lock: Lock | None
    answers: int
    dose: DoseState
    mild: int
    sessions: int


async def ask(folder: Path, readings: ClockReader) -> Known:
    store = open_store(folder, readings)
    try:
        return Known(
            await store.lock(),
            len(await store.answers()),
            await store.recent(),
            len(await store.mild_ages_s()),
            len(await store.history()),
        )
    finally:
        await store.close()


def known(folder: Path, readings: ClockReader) -> Known:
    return asyncio.run(ask(folder, readings))


def change(path: Path, statement: str) -> None:
    """Change the ledger past its own program."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute(statement)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()

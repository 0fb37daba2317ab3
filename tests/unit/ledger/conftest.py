"""Clocks of the tests of the ledger, and a ledger that was used for weeks."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from massager_ctl.aio.clock import VirtualClock
from massager_ctl.ledger.base import Reservation
from massager_ctl.ledger.clock_reading import ClockReader
from massager_ctl.ledger.sqlite import open_store
from massager_ctl.model.requests import PainKind
from massager_ctl.safety.dose_time import DAY_S
from massager_ctl.safety.screening import QUESTIONS, Answer, Answered


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(1000.0)


@pytest.fixture
def readings(clock: VirtualClock) -> ClockReader:
    return ClockReader(clock, "boot")


@pytest.fixture
def scratch(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory where there is one: hundreds of ledgers are made in it, each fsynced."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        yield tmp_path
        return
    folder = Path(tempfile.mkdtemp(dir=memory, prefix="massager-test-"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def lived_in(scratch: Path, clock: VirtualClock, readings: ClockReader) -> Path:
    """A ledger of some weeks: two sessions today, mild pain, a warning sign that locks, every answer."""
    folder = scratch / "lived-in"

    async def live() -> None:
        store = open_store(folder, readings)
        await store.record_external_use("MS-1", 5000.0)
        for number in range(40):
            session = await store.reserve(Reservation("MS-1", f"profile-{number}", 300.0))
            clock.advance(300.0)
            await store.settle(session, 300.0, "finished")
            clock.advance(DAY_S / 2)
        clock.advance(-DAY_S / 2 + 1200.0)
        session = await store.reserve(Reservation("MS-1", "gentle", 400.0))
        await store.settle(session, 380.0, "finished")
        given = [Answered(question.id, Answer.NO, readings.now()) for question in QUESTIONS]
        await store.answer(given)
        await store.report_pain(PainKind.MILD)
        await store.report_pain(PainKind.WARNING_SIGN)
        await store.close()

    asyncio.run(live())
    return folder

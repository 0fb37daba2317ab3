"""R9, R10: whatever happens to clocks, programs and sessions, no true 24 hours hold more than the dose."""

from __future__ import annotations

import asyncio
import sqlite3
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from massager_ctl.aio.clock import VirtualClock
from massager_ctl.errors import DoseSpent
from massager_ctl.ledger import rows
from massager_ctl.ledger.base import Reservation
from massager_ctl.ledger.in_memory import MemoryStore
from massager_ctl.safety.dose import CHECKPOINT_OVERDUE_S, SECONDS_MAX, SESSION_MIN_S, SESSIONS_MAX
from massager_ctl.safety.dose_time import DAY_S, ClockReading

WORST_S = CHECKPOINT_OVERDUE_S + 6.0 + 1.1
"""Seconds that may run after the last checkpoint of a program that is killed."""


@dataclass
class House:
    """One person, one device, and a computer whose clock anybody may set."""

    clock: VirtualClock = field(default_factory=VirtualClock)
    boot: int = 0
    booted_at: float = 0.0
    delivered: list[tuple[float, float]] = field(default_factory=list[tuple[float, float]])
    lifetime_s: float = 1000.0

    def __post_init__(self) -> None:
        self.store = MemoryStore(self)

    def now(self) -> ClockReading:
        return ClockReading(str(self.boot), self.clock.now - self.booted_at, self.clock.wall())

    def runs(self, seconds: float) -> None:
        """The device runs for so long, in true time."""
        self.delivered.append((self.clock.now, seconds))
        self.clock.advance(seconds)
        self.lifetime_s += seconds

    async def session(self, planned_s: float, share: float, killed: bool) -> None:
        try:
            session = await self.store.reserve(Reservation("MS-1", "gentle", planned_s))
        except DoseSpent:
            return
        ran_s = planned_s * share
        if not killed:
            self.runs(ran_s)
            await self.store.settle(session, ran_s, "finished")
            return
        noted_s = max(0.0, ran_s - WORST_S)
        self.runs(noted_s)
        await self.store.checkpoint(session, noted_s)
        self.runs(ran_s - noted_s)
        await self.store._database.write(_kill)

    async def reboot(self) -> None:
        """A look before and one after: what happens to the wall clock in between, R10 cannot see."""
        await self.store.recent()
        self.boot += 1
        self.booted_at = self.clock.now
        await self.store.recent()

    def worst_day(self) -> tuple[float, int]:
        """The most seconds, and the most whole sessions, that any true 24 hours hold."""
        seconds, sessions = 0.0, 0
        for begin, _ in self.delivered:
            inside = [
                min(ran, begin + DAY_S - at)
                for at, ran in self.delivered
                if begin <= at < begin + DAY_S
            ]
            seconds = max(seconds, sum(inside))
            sessions = max(sessions, sum(1 for ran in inside if ran >= SESSION_MIN_S))
        return seconds, sessions


def _kill(connection: sqlite3.Connection) -> None:
    for row in rows.select(connection, rows.SessionRow, "state = 'open'"):
        rows.put(connection, replace(row, owner="gone 1 1"))


waits = st.tuples(st.just("wait"), st.floats(0.0, DAY_S))
walls = st.tuples(st.just("wall"), st.floats(-400 * DAY_S, 400 * DAY_S))
reboots = st.tuples(st.just("reboot"))
plays = st.tuples(st.just("play"), st.floats(1.0, 1800.0), st.floats(0.0, 1.0), st.booleans())


@given(st.lists(st.one_of(plays, waits, walls, reboots), max_size=25))
def test_no_true_day_holds_more_than_the_dose(steps: list[tuple[object, ...]]) -> None:
    house = House()

    async def live() -> None:
        for step in steps:
            match step:
                case ("wait", float(seconds)):
                    house.clock.advance(seconds)
                case ("wall", float(offset)):
                    house.clock.set_wall(house.clock.wall() + offset)
                case ("reboot",):
                    await house.reboot()
                case ("play", float(planned_s), float(share), bool(killed)):
                    await house.session(planned_s, share, killed)
                case _:
                    raise AssertionError(step)
            charged = sum(entry.charged_s for entry in await house.store.history())
            assert charged >= sum(ran for _, ran in house.delivered) - 1e-6
        await house.store.close()

    asyncio.run(live())
    seconds, sessions = house.worst_day()
    assert seconds <= SECONDS_MAX + 1e-6
    assert sessions <= SESSIONS_MAX


@given(st.lists(st.tuples(st.booleans(), st.floats(1.0, 600.0)), max_size=20))
def test_fault_59_all_that_a_device_ever_ran_is_charged(runs: list[tuple[bool, float]]) -> None:
    """By this host or by another, in any order: the sum is never below what the device counted."""
    house = House()

    async def live() -> None:
        await house.store.record_external_use("MS-1", house.lifetime_s)
        for mine, seconds in runs:
            if mine:
                wanted = Reservation("MS-1", "gentle", seconds, enforced=False)
                session = await house.store.reserve(wanted)
                house.runs(seconds)
                await house.store.settle(session, seconds, "finished")
            else:
                house.runs(seconds)
            await house.store.record_external_use("MS-1", float(int(house.lifetime_s)))
            charged = sum(entry.charged_s for entry in await house.store.history())
            assert charged > house.lifetime_s - 1000.0 - 2.0
        await house.store.close()

    asyncio.run(live())

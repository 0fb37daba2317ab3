"""R9, R10: what every store must do, in a file and in memory alike."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from tests.unit.ledger.looked_at import TEN_MINUTES

from massager_ctl.aio.clock import VirtualClock
from massager_ctl.errors import DoseSpent
from massager_ctl.ledger import process as owner
from massager_ctl.ledger.base import EntryKind, Reservation, Store
from massager_ctl.ledger.clock_reading import ClockReader
from massager_ctl.ledger.in_memory import MemoryStore
from massager_ctl.ledger.sqlite import open_store
from massager_ctl.model.requests import Origin, PainKind
from massager_ctl.safety.dose import DoseState
from massager_ctl.safety.dose_time import DAY_S
from massager_ctl.safety.screening import Answer, Answered


@pytest_asyncio.fixture(params=["file", "memory"])
async def store(
    request: pytest.FixtureRequest, tmp_path: Path, readings: ClockReader
) -> AsyncIterator[Store]:
    made = open_store(tmp_path, readings) if request.param == "file" else MemoryStore(readings)
    yield made
    await made.close()


async def play(store: Store, clock: VirtualClock, seconds: float, device: str = "MS-1") -> None:
    session = await store.reserve(Reservation(device, "gentle", seconds))
    clock.advance(seconds)
    await store.settle(session, seconds, "finished")


@pytest.mark.asyncio
async def test_a_new_store_leaves_everything(store: Store) -> None:
    assert await store.recent() == DoseState()
    assert await store.history() == ()
    assert await store.answers() == {}
    assert await store.lock() is None
    assert await store.mild_ages_s() == ()


@pytest.mark.asyncio
async def test_the_whole_session_is_charged_from_the_start(
    store: Store, clock: VirtualClock
) -> None:
    session = await store.reserve(TEN_MINUTES)
    state = await store.recent()
    assert (state.used_s, state.open) == (600.0, True)
    clock.advance(65.0)
    await store.checkpoint(session, 60.0)
    assert (await store.recent()).used_s == 600.0
    await store.settle(session, 64.0, "person")
    state = await store.recent()
    assert (state.used_s, state.open, state.sessions, state.sessions_ever) == (64.0, False, 0, 0)


@pytest.mark.asyncio
async def test_more_than_planned_is_charged_as_well(store: Store) -> None:
    session = await store.reserve(Reservation("MS-1", "gentle", 60.0))
    await store.checkpoint(session, 70.0)
    assert (await store.recent()).used_s == 90.0
    await store.settle(session, 75.0, "person")
    assert (await store.recent()).used_s == 75.0


@pytest.mark.asyncio
async def test_settling_happens_once_and_never_gives_back_what_was_delivered(store: Store) -> None:
    session = await store.reserve(TEN_MINUTES)
    await store.checkpoint(session, 200.0)
    await store.settle(session, 150.0, "person")
    assert (await store.recent()).used_s == 200.0
    await store.settle(session, 0.0, "again")
    await store.checkpoint(session, 500.0)
    assert (await store.recent()).used_s == 200.0
    assert [entry.end_reason for entry in await store.history()] == ["person"]


@pytest.mark.asyncio
async def test_a_later_checkpoint_takes_nothing_back(store: Store) -> None:
    session = await store.reserve(TEN_MINUTES)
    await store.checkpoint(session, 200.0)
    await store.checkpoint(session, 150.0)
    await store.settle(session, 0.0, "person")
    assert (await store.recent()).used_s == 200.0


@pytest.mark.asyncio
async def test_a_short_session_is_charged_for_what_a_crash_may_hide(store: Store) -> None:
    session = await store.reserve(Reservation("MS-1", "gentle", 5.0))
    assert (await store.recent()).used_s == 20.0
    await store.settle(session, 5.0, "finished")
    assert (await store.recent()).used_s == 5.0


@pytest.mark.asyncio
async def test_a_session_that_the_ledger_does_not_know_changes_nothing(store: Store) -> None:
    """The ledger may have been renewed while it ran."""
    await store.checkpoint(7, 100.0)
    await store.settle(7, 100.0, "finished")
    assert (await store.recent()).used_s == 0.0
    assert list(await store.history()) == []


@pytest.mark.asyncio
async def test_r9_a_session_that_was_taken_for_dead_is_charged_on_and_counts_as_late_as_it_may_have_run(
    store: Store, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = await store.reserve(TEN_MINUTES)
    clock.advance(100.0)
    await store.checkpoint(session, 100.0)
    monkeypatch.setattr(owner, "alive", lambda *_: False)
    assert (await store.recent()).used_s == 120.0
    clock.advance(5.0)
    await store.checkpoint(session, 105.0)
    assert (await store.recent()).used_s == 125.0
    await store.settle(session, 105.0, "finished")
    clock.advance(DAY_S + 5.0)
    assert (await store.recent()).used_s == 105.0
    clock.advance(20.0)
    assert (await store.recent()).used_s == 0.0


@pytest.mark.asyncio
async def test_one_session_at_a_time(store: Store) -> None:
    await store.reserve(TEN_MINUTES)
    with pytest.raises(DoseSpent, match="already running"):
        await store.reserve(Reservation("MS-2", "gentle", 60.0))
    assert len(await store.history()) == 1


@pytest.mark.asyncio
async def test_a_simulated_ledger_refuses_nothing(store: Store, clock: VirtualClock) -> None:
    for _ in range(5):
        session = await store.reserve(Reservation("SIM", "gentle", 900.0, enforced=False))
        await store.settle(session, 900.0, "finished")
    assert len(await store.history()) == 5


@pytest.mark.asyncio
async def test_three_sessions_a_day_and_a_rest_between(store: Store, clock: VirtualClock) -> None:
    for _ in range(3):
        await play(store, clock, 300.0)
        with pytest.raises(DoseSpent, match=r"resting|3 sessions"):
            await store.reserve(TEN_MINUTES)
        clock.advance(600.0)
    with pytest.raises(DoseSpent, match="3 sessions"):
        await store.reserve(TEN_MINUTES)
    clock.advance(DAY_S - 2400.0)
    await play(store, clock, 300.0)
    assert (await store.recent()).sessions_ever == 4


@pytest.mark.parametrize("wall", [-DAY_S, 2 * DAY_S, 2.0, -2.0])
@pytest.mark.asyncio
async def test_faults_6_7_8_moving_the_wall_clock_changes_no_dose(
    store: Store, clock: VirtualClock, wall: float
) -> None:
    await play(store, clock, 900.0)
    before = await store.recent()
    clock.set_wall(clock.wall() + wall)
    assert await store.recent() == before
    with pytest.raises(DoseSpent, match="resting"):
        await store.reserve(TEN_MINUTES)


@pytest.mark.asyncio
async def test_sleep_counts_as_rest(store: Store, clock: VirtualClock) -> None:
    await play(store, clock, 300.0)
    clock.suspend(600.0)
    await store.reserve(TEN_MINUTES)


@pytest.mark.asyncio
async def test_fault_59_another_host_is_charged(store: Store, clock: VirtualClock) -> None:
    assert await store.record_external_use("MS-1", 5000.0) == 0.0
    await play(store, clock, 300.0)
    clock.advance(3600.0)
    assert await store.record_external_use("MS-1", 5300.0) == 0.0
    assert await store.record_external_use("MS-1", 5750.0) == 450.0
    state = await store.recent()
    assert (state.used_s, state.sessions, state.sessions_ever) == (750.0, 2, 1)
    assert state.rest_s == 600.0
    newest = (await store.history(1))[0]
    assert (newest.kind, newest.charged_s) == (EntryKind.FOREIGN, 450.0)


@pytest.mark.asyncio
async def test_less_than_a_devices_own_step_is_no_other_host_but_adds_up(
    store: Store, clock: VirtualClock
) -> None:
    await store.record_external_use("MS-1", 5000.0)
    await play(store, clock, 299.6)
    assert await store.record_external_use("MS-1", 5300.0) == 0.0
    assert await store.record_external_use("MS-1", 5301.0) == pytest.approx(1.4)
    assert await store.record_external_use("MS-1", 5301.0) == 0.0


@pytest.mark.asyncio
async def test_devices_are_counted_apart(store: Store, clock: VirtualClock) -> None:
    await store.record_external_use("MS-1", 5000.0)
    await store.record_external_use("MS-2", 80.0)
    await play(store, clock, 300.0, "MS-1")
    assert await store.record_external_use("MS-2", 90.0) == 10.0
    assert await store.record_external_use("MS-1", 5300.0) == 0.0


@pytest.mark.asyncio
async def test_a_device_that_was_reset_owes_nothing(store: Store) -> None:
    await store.record_external_use("MS-1", 5000.0)
    assert await store.record_external_use("MS-1", 0.0) == 0.0
    assert await store.record_external_use("MS-1", 60.0) == 60.0


@pytest.mark.asyncio
async def test_answers_replace_each_other(store: Store, readings: ClockReader) -> None:
    now = readings.now()
    await store.answer(
        [Answered("stroke", Answer.YES, now, True), Answered("lying", Answer.NO, now)]
    )
    await store.answer([Answered("lying", Answer.NOT_CERTAIN, now)])
    assert await store.answers() == {
        "stroke": Answered("stroke", Answer.YES, now, True),
        "lying": Answered("lying", Answer.NOT_CERTAIN, now),
    }


@pytest.mark.asyncio
async def test_r22_mild_pain_is_kept_by_dose_time(store: Store, clock: VirtualClock) -> None:
    await store.report_pain(PainKind.MILD)
    clock.advance(3600.0)
    clock.set_wall(clock.wall() + 2 * DAY_S)
    assert await store.mild_ages_s() == (3600.0,)
    assert await store.lock() is None


@pytest.mark.asyncio
async def test_r22_a_warning_sign_outweighs_and_screening_unlocks(store: Store) -> None:
    await store.report_pain(PainKind.UNCLASSIFIED)
    lock = await store.lock()
    assert lock is not None
    assert lock.kind is PainKind.UNCLASSIFIED
    await store.report_pain(PainKind.WARNING_SIGN)
    await store.report_pain(PainKind.UNCLASSIFIED)
    lock = await store.lock()
    assert lock is not None
    assert lock.kind is PainKind.WARNING_SIGN
    await store.unlock()
    assert await store.lock() is None


@pytest.mark.asyncio
async def test_r22_saying_here_what_it_was_answers_an_unclassified_report(
    store: Store, clock: VirtualClock
) -> None:
    await store.report_pain(PainKind.UNCLASSIFIED, Origin.REMOTE)
    clock.advance(60.0)
    await store.report_pain(PainKind.MILD, Origin.REMOTE)
    assert await store.lock() is not None, "R18: only someone here can answer"
    await store.report_pain(PainKind.MILD, Origin.LOCAL)
    assert await store.lock() is None
    await store.report_pain(PainKind.UNCLASSIFIED, Origin.LOCAL)
    clock.advance(901.0)
    await store.report_pain(PainKind.MILD, Origin.LOCAL)
    assert await store.lock() is not None, "another pain than that of a quarter of an hour ago"
    await store.unlock()
    await store.report_pain(PainKind.WARNING_SIGN, Origin.LOCAL)
    await store.report_pain(PainKind.MILD, Origin.LOCAL)
    lock = await store.lock()
    assert lock is not None
    assert lock.kind is PainKind.WARNING_SIGN


@pytest.mark.asyncio
async def test_a_reservation_that_is_cancelled_is_given_back(
    tmp_path: Path, readings: ClockReader
) -> None:
    store = open_store(tmp_path, readings)
    task = asyncio.ensure_future(store.reserve(TEN_MINUTES))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait({task})
    state = await store.recent()
    assert not state.open
    assert state.used_s == 0.0
    await store.close()


@pytest.mark.asyncio
async def test_minutes_left_are_true_at_any_moment(store: Store, clock: VirtualClock) -> None:
    """As far as an open session delivered, after it, and when the day frees it again, without another look."""
    assert store.left_s() is None
    await store.recent()
    assert store.left_s() == 1800.0
    session = await store.reserve(TEN_MINUTES)
    assert store.left_s() == 1800.0, "nothing was delivered yet"
    clock.advance(130.0)
    await store.checkpoint(session, 125.0)
    assert store.left_s() == 1675.0
    await store.settle(session, 130.0, "stop")
    assert store.left_s() == 1670.0
    clock.advance(DAY_S - 1.0)
    assert store.left_s() == 1670.0
    clock.advance(1.0)
    assert store.left_s() == 1800.0
    assert (await store.recent()).left_s == 1800.0


@pytest.mark.asyncio
async def test_no_clock_alone_frees_minutes_before_the_next_look(
    store: Store, clock: VirtualClock
) -> None:
    await play(store, clock, 600.0)
    clock.set_wall(clock.wall() + 2 * DAY_S)
    assert store.left_s() == 1200.0
    clock.set_wall(clock.wall() - 4 * DAY_S)
    clock.suspend(2 * DAY_S)
    assert store.left_s() == 1200.0

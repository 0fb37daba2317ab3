"""R1, R9, R21, R22: who may run, how strong, how long; and what a device's own word is worth (fault 56)."""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import pytest
from tests.devices import device_info

from massager_ctl.aio.clock import VirtualClock
from massager_ctl.config import Config, load
from massager_ctl.control.admission import AdmissionPolicy, Subject
from massager_ctl.errors import DoseSpent, MedicalLock, Refused, ScreeningNeeded
from massager_ctl.ledger.base import Lock, Store
from massager_ctl.ledger.clock_reading import ClockReader
from massager_ctl.ledger.in_memory import MemoryStore
from massager_ctl.model.device import Cause, DeviceInfo, Sensing
from massager_ctl.model.requests import Origin, PainKind
from massager_ctl.model.units import Zone
from massager_ctl.safety.dose import DoseState
from massager_ctl.safety.limits import Limits
from massager_ctl.safety.presence import Watcher
from massager_ctl.safety.screening import QUESTIONS, SYMPTOMS, Answer, Answered

INFO = device_info(
    serial="MS-1",
    lifetime_s=1000,
    kneading=frozenset(),
    motions=frozenset(),
    directions=frozenset(),
    sensing=frozenset({Sensing.POWER_SWITCH}),
    simulated=False,
    heat=False,
)
SIMULATED = msgspec.structs.replace(INFO, simulated=True)


class Setup:
    """A person's store, settings and clock, and an admission over them."""

    def __init__(self, config: Config) -> None:
        self.clock = VirtualClock(1000.0)
        self.moments = ClockReader(self.clock, "boot")
        self.store: Store = MemoryStore(self.moments)
        self.config = config

    def admission(self, subject: Subject = Subject.REAL, **more: object) -> AdmissionPolicy:
        return AdmissionPolicy(self.store, self.config, self.moments, subject=subject, **more)  # type: ignore[arg-type]

    async def screen(self, **changed: Answer) -> None:
        now = self.moments.now()
        await self.store.answer(
            Answered(question.id, changed.get(question.id, Answer.NO), now)
            for question in (*QUESTIONS, SYMPTOMS)
        )

    async def play(self, seconds: float = 300.0) -> None:
        entry = await self.admission().reserve(
            INFO, profile="gentle", running_s=seconds, origin=Origin.LOCAL
        )
        self.clock.advance(seconds)
        await self.store.checkpoint(entry.session, seconds - 1.0)
        await entry.settle(seconds, Cause.FINISHED)
        self.clock.advance(3600.0)

    async def limits(
        self, info: DeviceInfo = INFO, subject: Subject = Subject.REAL, cap: float | None = None
    ) -> Limits:
        return await self.admission(subject).limits(info, cap=cap)


@pytest.fixture
def setup(tmp_path: Path) -> Setup:
    path = tmp_path / "config.toml"
    path.write_text("")
    return Setup(load(path, env={}))


@pytest.mark.asyncio
async def test_r21_no_limits_and_no_reservation_without_screening(setup: Setup) -> None:
    asked: list[Callable[[], Awaitable[object]]] = [
        setup.limits,
        lambda: setup.admission().reserve(
            INFO, profile="gentle", running_s=60.0, origin=Origin.LOCAL
        ),
    ]
    for ask in asked:
        with pytest.raises(ScreeningNeeded, match="have not been answered yet") as caught:
            await ask()
        assert "massager-ctl screen" in caught.value.remedy


@pytest.mark.asyncio
async def test_r21_symptoms_block_and_name_medical_care(setup: Setup) -> None:
    await setup.screen(symptoms=Answer.YES)
    with pytest.raises(ScreeningNeeded, match="seek medical care"):
        await setup.limits()


@pytest.mark.asyncio
async def test_r1_the_first_three_sessions_are_capped(setup: Setup) -> None:
    await setup.screen()
    for number in (1, 2, 3):
        limits = await setup.limits()
        assert limits.caps == (25.0,) * 6
        assert limits.binding(Zone.NECK_LEFT).reason == f"session {number} of 3"
        await setup.play()
        setup.clock.advance(86_400.0)
        await setup.screen()
    limits = await setup.limits()
    assert limits.caps == (40.0, 40.0, 40.0, 40.0, 35.0, 35.0)
    assert limits.binding(Zone.NECK_LEFT).reason == "your cap, as long as you set no other"


@pytest.mark.asyncio
async def test_r14_a_device_without_a_power_switch_is_for_the_bench_only(setup: Setup) -> None:
    await setup.screen()
    bare = msgspec.structs.replace(INFO, sensing=frozenset())
    with pytest.raises(Refused, match="no independent power switch: it is for the bench only"):
        await setup.limits(bare)
    assert await setup.limits(bare, Subject.BENCH)
    assert await setup.limits(msgspec.structs.replace(bare, simulated=True), Subject.SAID_SO), (
        "no one wears a simulator"
    )


@pytest.mark.asyncio
async def test_the_cap_option_and_the_device_only_lower(setup: Setup) -> None:
    await setup.screen()
    assert (await setup.limits(cap=20.0)).caps == (20.0,) * 6
    assert (await setup.limits(cap=90.0)).caps == (25.0,) * 6
    weak = msgspec.structs.replace(INFO, caps=(10.0,) * 6, sum_cap=40.0)
    limits = await setup.limits(weak)
    assert (limits.caps, limits.sum_cap) == ((10.0,) * 6, 40.0)


@pytest.mark.asyncio
async def test_fault_56_a_device_that_claims_255_changes_no_cap(setup: Setup) -> None:
    boastful = msgspec.structs.replace(SIMULATED, caps=(255.0,) * 6, sum_cap=1530.0)
    limits = await setup.limits(boastful, Subject.EMBEDDED)
    assert limits.caps == (40.0, 40.0, 40.0, 40.0, 35.0, 35.0)
    assert limits.sum_cap == 200.0


@pytest.mark.asyncio
async def test_fault_56_a_device_that_claims_to_be_simulated_is_screened_and_charged(
    setup: Setup,
) -> None:
    with pytest.raises(ScreeningNeeded):
        await setup.limits(SIMULATED)
    await setup.screen()
    await setup.play(900.0)
    assert (await setup.store.recent()).used_s == 900.0
    assert setup.admission().watcher(SIMULATED) is Watcher.PERSON


@pytest.mark.asyncio
async def test_the_simulated_flag_needs_the_devices_word(setup: Setup) -> None:
    assert (await setup.limits(SIMULATED, Subject.SAID_SO)).cap == 40.0
    with pytest.raises(Refused, match="says that it is real"):
        await setup.limits(INFO, Subject.SAID_SO)


@pytest.mark.asyncio
async def test_a_simulator_neither_blocks_nor_caps_unless_asked(setup: Setup) -> None:
    admission = setup.admission(Subject.EMBEDDED)
    for _ in range(5):
        assert (await admission.limits(SIMULATED, cap=None)).cap == 40.0
        entry = await admission.reserve(
            SIMULATED, profile="gentle", running_s=900.0, origin=Origin.LOCAL
        )
        await entry.settle(900.0, Cause.FINISHED)
    assert admission.dose_left_s is None
    assert admission.watcher(SIMULATED) is Watcher.SIMULATED
    setup.config.path.write_text("[limits]\ncount_simulated = true\n")
    setup.config = load(setup.config.path, env={})
    with pytest.raises(DoseSpent):
        await setup.limits(SIMULATED, Subject.EMBEDDED)


@pytest.mark.asyncio
async def test_r9_the_dose_is_checked_before_planning_and_at_the_reservation(setup: Setup) -> None:
    await setup.screen()
    await setup.play(1500.0)
    admission = setup.admission()
    await admission.limits(INFO, cap=None)
    assert admission.dose_left_s == 300.0
    with pytest.raises(DoseSpent, match="leave 5 min"):
        await admission.reserve(INFO, profile="gentle", running_s=600.0, origin=Origin.LOCAL)
    await setup.play(300.0)
    with pytest.raises(DoseSpent, match="used up"):
        await setup.limits()


@pytest.mark.asyncio
async def test_minutes_left_are_known_before_the_first_start(setup: Setup) -> None:
    await setup.screen()
    await setup.play(300.0)
    vars(setup.store)["_seen"] = None  # as another program finds it
    admission = setup.admission()
    assert admission.dose_left_s is None
    admission.look()
    await admission.close()
    assert admission.dose_left_s == 1500.0
    unread = setup.admission(Subject.EMBEDDED)
    unread.look()
    assert unread.dose_left_s is None, "no one wears it, so no dose is counted"


@pytest.mark.asyncio
async def test_minutes_left_follow_a_session_to_its_end(setup: Setup) -> None:
    await setup.screen()
    admission = setup.admission()
    await admission.limits(INFO, cap=None)
    permit = await admission.reserve(INFO, profile="gentle", running_s=600.0, origin=Origin.LOCAL)
    await setup.store.checkpoint(permit.session, 120.0)
    assert admission.dose_left_s == 1680.0
    await setup.store.settle(permit.session, 150.0, "finished")
    assert admission.dose_left_s == 1650.0


@pytest.mark.asyncio
async def test_fault_59_what_another_host_delivered_is_charged_once_and_told(setup: Setup) -> None:
    await setup.screen()
    await setup.limits()
    admission = setup.admission()
    used_elsewhere = msgspec.structs.replace(INFO, lifetime_s=1100)
    await admission.limits(used_elsewhere, cap=None)
    assert admission.notes == (
        "this device ran for 1 min 40 s without this program; that is charged (R9)",
    )
    await admission.limits(used_elsewhere, cap=None)
    assert admission.notes == ()
    assert admission.dose_left_s == 1700.0


@pytest.mark.asyncio
async def test_over_five_days_in_seven_warns(setup: Setup) -> None:
    for _ in range(6):
        await setup.screen()
        await setup.play(200.0)
        setup.clock.advance(86_400.0 - 3800.0)
    await setup.screen()
    admission = setup.admission()
    await admission.limits(INFO, cap=None)
    assert "6 of the last 7 days" in admission.notes[0]


@pytest.mark.asyncio
async def test_r22_mild_pain_takes_a_quarter_off_for_a_day(setup: Setup) -> None:
    await setup.screen()
    assert "a quarter lower" in await setup.admission().report_pain(PainKind.MILD, Origin.LOCAL)
    limits = await setup.limits()
    assert limits.caps == (18.75,) * 6
    assert "mild pain" in limits.binding(Zone.NECK_LEFT).reason
    setup.clock.advance(86_400.0)
    await setup.screen()
    assert (await setup.limits()).caps == (25.0,) * 6


@pytest.mark.asyncio
async def test_r22_a_warning_sign_locks_until_screened_again(setup: Setup) -> None:
    await setup.screen()
    said = await setup.admission().report_pain(PainKind.WARNING_SIGN, Origin.LOCAL)
    assert "seek medical care" in said
    with pytest.raises(MedicalLock, match="locked after a report of a warning sign"):
        await setup.limits()
    setup.clock.advance(30 * 86_400.0)
    await setup.screen()
    with pytest.raises(MedicalLock):
        await setup.limits()
    await setup.store.unlock()
    assert (await setup.limits()).cap == 25.0


@pytest.mark.asyncio
async def test_r18_unclassified_pain_from_elsewhere_locks_until_answered_here(setup: Setup) -> None:
    await setup.screen()
    await setup.admission().report_pain(PainKind.UNCLASSIFIED, Origin.REMOTE)
    with pytest.raises(MedicalLock, match="has not been classified yet") as caught:
        await setup.limits()
    assert "at this computer" in caught.value.remedy


@pytest.mark.asyncio
async def test_r23_nobody_to_ask_refuses_before_anything_is_reserved(setup: Setup) -> None:
    await setup.screen()
    admission = setup.admission(watcher=Watcher.NOBODY)
    for wish in ({"duration_s": 1200.0}, {"heat": True}):
        with pytest.raises(Refused, match="a person who can answer"):
            await admission.reserve(
                INFO,
                profile="gentle",
                running_s=600.0,
                origin=Origin.LOCAL,
                **wish,  # type: ignore[arg-type]
            )
    assert await setup.store.history() == ()
    await admission.reserve(INFO, profile="gentle", running_s=600.0, origin=Origin.LOCAL)
    await admission.close()


@pytest.mark.asyncio
async def test_r21_the_answer_about_today_is_kept_with_the_others(setup: Setup) -> None:
    await setup.screen()
    setup.clock.advance(13 * 3600.0)
    with pytest.raises(ScreeningNeeded, match="last 12 hours"):
        await setup.limits()
    await setup.admission().answer_symptoms(Answer.NO)
    assert (await setup.limits()).cap == 25.0
    await setup.admission().answer_symptoms(Answer.NOT_CERTAIN)
    with pytest.raises(ScreeningNeeded, match="seek medical care"):
        await setup.limits()


@pytest.mark.asyncio
@pytest.mark.parametrize(("subject", "times"), [(Subject.EMBEDDED, 0), (Subject.REAL, 1)])
async def test_r9_what_the_day_leaves_is_read_once_and_only_where_a_dose_is_counted(
    setup: Setup, monkeypatch: pytest.MonkeyPatch, subject: Subject, times: int
) -> None:
    read: list[DoseState] = []
    recent = setup.store.recent

    async def counted() -> DoseState:
        read.append(await recent())
        return read[-1]

    monkeypatch.setattr(setup.store, "recent", counted)
    admission = setup.admission(subject)
    admission.look()
    admission.look()
    await admission.close()
    assert len(read) == times
    assert (admission.dose_left_s is None) is (times == 0)
    with pytest.raises(sqlite3.ProgrammingError):  # closed
        await recent()


@pytest.mark.asyncio
async def test_r9_a_simulated_device_has_a_dose_if_the_settings_say_so(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("[limits]\ncount_simulated = true\n")
    admission = Setup(load(path, env={})).admission(Subject.EMBEDDED)
    admission.look()
    await admission.close()
    assert admission.dose_left_s == 1800.0


@pytest.mark.asyncio
async def test_the_notes_of_a_session_are_its_own(setup: Setup) -> None:
    admission = setup.admission(Subject.BENCH)
    for _ in range(2):
        await admission.limits(INFO, cap=None)
    assert len(admission.notes) == len(set(admission.notes)) > 0


@pytest.mark.asyncio
async def test_r9_what_others_delivered_is_looked_for_once_in_each_info(
    setup: Setup, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[float] = []

    async def counted(serial: str, lifetime_s: float) -> float:
        looked.append(lifetime_s)
        return 0.0

    await setup.screen()
    monkeypatch.setattr(setup.store, "record_external_use", counted)
    admission = setup.admission()
    for info in (INFO, INFO, device_info(lifetime_s=1200, simulated=False)):
        await admission.limits(info, cap=None)
    assert looked == [1000, 1200]


@pytest.mark.asyncio
async def test_r22_reports_that_damage_took_lock_with_words_of_their_own(
    setup: Setup, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lost() -> Lock:
        return Lock(PainKind.WARNING_SIGN, 0.0, readable=False)

    monkeypatch.setattr(setup.store, "lock", lost)
    with pytest.raises(MedicalLock, match="lost with the damaged ledger"):
        await setup.limits()


@pytest.mark.asyncio
async def test_r22_mild_pain_takes_a_quarter_off_the_lower_of_ones_own_cap_and_the_first_sessions(
    tmp_path: Path,
) -> None:
    for own, expected in ((20.0, 15.0), (40.0, 18.75)):
        path = tmp_path / "config.toml"
        path.write_text(f"[limits]\nuser_cap = {own}\n")
        setup = Setup(load(path, env={}))
        await setup.screen()
        await setup.admission().report_pain(PainKind.MILD, Origin.LOCAL)
        assert (await setup.limits()).cap == expected

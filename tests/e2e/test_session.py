"""Whole sessions: profile file to actuators and back, under simulated time."""

from __future__ import annotations

import asyncio

import pytest

from firmware_sim.trace_rules import violations
from massager_ctl.errors import ExitCode, Refused
from massager_ctl.model.device import Cause
from massager_ctl.model.requests import (
    Ease,
    Fade,
    Origin,
    Pause,
    Presence,
    Resume,
    SetHeat,
    SetLevel,
    Undo,
)
from massager_ctl.model.status import Phase
from massager_ctl.model.units import Zone
from massager_ctl.profile.library import shipped_folder
from tests.e2e.harness import Bench
from tests.support.marks import simulated_time

pytestmark = simulated_time


@pytest.mark.unmeasured
@pytest.mark.parametrize("profile", sorted(path.stem for path in shipped_folder().glob("*.yaml")))
async def test_every_shipped_profile_plays_to_its_end_within_the_rules(
    bench: Bench, profile: str
) -> None:
    await bench.play(profile)
    end = await bench.controller.ended()
    assert end.cause is Cause.FINISHED, end
    assert end.exit_code is ExitCode.OK

    await bench.end()
    assert violations(bench.trace) == []
    assert not any(bench.out.values())


async def test_a_stop_is_zero_at_once_and_confirmed(bench: Bench) -> None:
    await bench.play(after_s=100)
    assert any(bench.out.values())
    asked = bench.loop.time()
    await bench.controller.stop()
    assert bench.loop.time() - asked < 0.1
    assert not any(bench.out.values())
    end = await bench.controller.ended()
    assert (end.cause, end.exit_code) == (Cause.PERSON, ExitCode.OK)


async def test_pause_and_resume_climb_from_zero(bench: Bench) -> None:
    await bench.play(after_s=200)
    bench.controller.request(Pause())
    await asyncio.sleep(0.1)
    assert not any(bench.out.values())
    assert bench.controller.status.phase is Phase.PAUSED
    await asyncio.sleep(60)
    bench.controller.request(Resume())
    await asyncio.sleep(5)
    assert 3 <= bench.out["neck_left"] <= 5.2

    await bench.end()
    assert violations(bench.trace) == []


async def test_r8_a_pause_of_over_five_minutes_ends_the_session(bench: Bench) -> None:
    await bench.play(after_s=20)
    bench.controller.request(Pause())
    end = await bench.controller.ended()
    assert end.cause is Cause.PAUSE_LIMIT
    assert end.exit_code is ExitCode.REFUSED


async def test_ease_lowers_and_undo_climbs_back_slowly(bench: Bench) -> None:
    await bench.play(after_s=200)
    before = bench.out["neck_left"]
    bench.controller.request(Ease())
    await asyncio.sleep(0.1)
    assert bench.out["neck_left"] == pytest.approx(before - 5, abs=0.3)
    bench.controller.request(Undo())
    await asyncio.sleep(1)
    assert bench.out["neck_left"] <= before - 3.5

    await bench.end()
    assert violations(bench.trace) == []


async def test_fade_takes_between_five_and_ten_seconds(bench: Bench) -> None:
    await bench.play(after_s=100)
    asked = bench.loop.time()
    bench.controller.request(Fade())
    end = await bench.controller.ended()
    assert 5 <= bench.loop.time() - asked <= 10
    assert end.exit_code is ExitCode.OK


async def test_manual_climbs_to_its_target_and_ends_by_itself(bench: Bench) -> None:
    await bench.controller.manual(120)
    bench.controller.request(SetLevel(30.0, Zone.NECK_LEFT))
    await asyncio.sleep(30)
    assert bench.out["neck_left"] == 10
    assert bench.out["neck_right"] == 0
    (held,) = bench.controller.status.held
    assert held.rule == "R2"
    end = await bench.controller.ended()
    assert end.cause is Cause.FINISHED

    await bench.end()
    assert violations(bench.trace) == []


async def test_a_running_profile_takes_no_levels_by_hand(bench: Bench) -> None:
    await bench.play(after_s=5)
    with pytest.raises(Refused, match="profile is playing"):
        bench.controller.request(SetLevel(30.0))


async def test_r5_a_stale_request_is_dropped_but_an_ease_never(bench: Bench) -> None:
    await bench.controller.manual()
    now = bench.loop.time()
    await asyncio.sleep(1.5)
    with pytest.raises(Refused, match="R5"):
        bench.controller.request(SetLevel(30.0), received_at=now)
    bench.controller.request(Ease(), received_at=now)
    assert bench.controller.status.eased == 5


async def test_without_a_session_a_request_is_refused_and_a_stop_is_sent_all_the_same(
    bench: Bench,
) -> None:
    with pytest.raises(Refused, match="no session"):
        bench.controller.request(Ease())
    epoch = bench.driver.newest
    await bench.controller.stop()
    await asyncio.sleep(0.2)
    assert epoch is not None
    assert bench.driver.newest is not None
    assert bench.driver.newest.epoch != epoch.epoch


async def test_a_second_session_at_once_is_refused_and_after_the_end_starts_gently(
    bench: Bench,
) -> None:
    await bench.play(after_s=250)
    with pytest.raises(Refused, match="already running"):
        await bench.play()
    await bench.controller.stop()
    await bench.controller.ended()
    await bench.play(after_s=30)
    assert max(bench.out.values()) <= 10

    await bench.end()
    assert violations(bench.trace) == []


async def test_heat_asks_for_somebody_and_the_simulator_answers_for_itself(bench: Bench) -> None:
    await bench.controller.manual()
    bench.controller.request(SetHeat(38.0))
    await asyncio.sleep(600)
    assert bench.heard("presence_due")
    assert bench.controller.status.phase is Phase.RUNNING


async def test_r23_from_elsewhere_only_a_presence_is_a_presence(bench: Bench) -> None:
    await bench.controller.manual()
    bench.controller.request(SetHeat(38.0))
    await asyncio.sleep(100)
    due = bench.controller.status.presence_due_in_s
    assert due is not None
    bench.controller.request(Ease(), origin=Origin.REMOTE)
    assert bench.controller.status.presence_due_in_s == due
    bench.controller.request(Presence(), origin=Origin.REMOTE)
    assert bench.controller.status.presence_due_in_s == 300
    await asyncio.sleep(100)
    bench.controller.request(Ease())
    assert bench.controller.status.presence_due_in_s == 300


async def test_cap_lowers_and_never_raises(bench: Bench) -> None:
    from massager_ctl.profile.format.load import load_profile

    await bench.controller.play(load_profile("restorative"), cap=12.0)
    assert any("12" in note for note in bench.controller.status.notes)
    await asyncio.sleep(400)
    assert max(bench.out.values()) == 12

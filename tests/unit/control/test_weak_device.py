"""R25: what a device without the device's half of the rules gets, and what is said of its stops."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.support.ascii_massager import ASCII, BOTH, AsciiDialect, AsciiPeer
from tests.support.marks import running_loop, simulated_time

from massager_ctl import config as settings
from massager_ctl.control.admission import AdmissionPolicy, Subject
from massager_ctl.control.controller import Controller
from massager_ctl.control.outlook import hindrance, look_ahead
from massager_ctl.control.stop_path import GIVEN_UP_S
from massager_ctl.drivers.dialect import DriverSpec
from massager_ctl.drivers.plain import PlainDriver
from massager_ctl.errors import (
    DriverFault,
    ExitCode,
    OffNotSeen,
    Refused,
    ScreeningNeeded,
    StopUnconfirmed,
)
from massager_ctl.ledger.clock_reading import ClockReader
from massager_ctl.ledger.in_memory import MemoryStore
from massager_ctl.model.device import Cause, Channel
from massager_ctl.model.requests import Origin, Presence, SetLevel, Start
from massager_ctl.model.units import ZERO
from massager_ctl.profile.format.load import load_profile
from massager_ctl.safety.assurance import Assurance, Confirmation, OnDisconnect, Shown
from massager_ctl.safety.presence import Watcher
from massager_ctl.testing.peers import PeerLink

SEEN = Shown(stops_when_left=True, ends_by_timer=True, reads_back=True, no_remote=True)
BEST = msgspec.structs.replace(
    ASCII,
    assurance=Assurance(
        on_disconnect=OnDisconnect.STOPS, stop=Confirmation.STATE, own_remote=False
    ),
)


class Guarded(PlainDriver):
    """As over a transport that has a guardian, which has tests of its own."""

    guarded = True  # type: ignore[assignment]


@contextlib.asynccontextmanager
async def weak(
    spec: DriverSpec = BEST,
    peer: Any = None,
    *,
    shown: Shown = SEEN,
    subject: Subject = Subject.BENCH,
    watcher: Watcher = Watcher.PERSON,
    guarded: bool = False,
    data: Path = Path("unused"),
) -> AsyncGenerator[tuple[Controller, PeerLink]]:
    moments = ClockReader(running_loop().clock)
    config = settings.load(env={"MASSAGER_CTL_DATA": str(data)})
    policy = AdmissionPolicy(
        MemoryStore(moments),
        config,
        moments,
        subject=subject,
        watcher=watcher,
        shown=lambda _: shown,
    )
    async with PeerLink(peer or AsciiPeer()) as link:
        made = Guarded if guarded else PlainDriver
        controller = Controller(made(link.host, spec), policy, clock=running_loop().clock)
        await controller.connect()
        try:
            yield controller, link
        finally:
            with contextlib.suppress(StopUnconfirmed):
                await controller.close()


async def attended(controller: Controller, seconds: float) -> None:
    """So long with a person who answers."""
    for _ in range(int(seconds)):
        await asyncio.sleep(1.0)
        if controller.status.phase.in_session:
            controller.request(Presence())


def taken(link: PeerLink) -> dict[int, float]:
    """When each step was reached first, seconds after the session's first change."""
    first: dict[int, float] = {}
    for at, (step,) in link.history:
        first.setdefault(step, at)
    return first


@simulated_time
async def test_a_step_is_earned_before_it_is_taken_and_the_cap_is_that_of_its_class() -> None:
    async with weak() as (controller, link):
        begun = asyncio.get_running_loop().time()
        await controller.manual()
        controller.request(SetLevel(100.0))
        await attended(controller, 500.0)
        at = {step: when - begun for step, when in taken(link).items() if step}
        assert set(at) == {1, 2, 3}  # no one guards it: 15 % at most
        assert 5.0 <= at[1] <= 6.0
        assert 10.0 <= at[2] <= 11.0
        assert at[3] >= 300.0
        assert controller.status.sent.levels[:3] == (15.0, 15.0, 0.0)
        assert any("no dead-man" in note for note in controller.status.notes)
        await controller.stop()
        assert link.peer.steps == (0,)
        end = await controller.ended()
        assert end.exit_code is ExitCode.OK


@simulated_time
async def test_a_device_without_a_battery_is_hindered_by_none() -> None:
    async with weak() as (controller, _):
        assert controller.status.telemetry is not None
        assert controller.status.telemetry.battery is None
        assert hindrance(controller) is None


@simulated_time
async def test_with_a_guardian_the_cap_is_25() -> None:
    async with weak(guarded=True) as (controller, link):
        await controller.manual()
        controller.request(SetLevel(100.0))
        await attended(controller, 500.0)
        assert link.peer.steps == (4,)
        assert controller.status.caps[:3] == (25.0, 25.0, 0.0)


@simulated_time
async def test_what_is_declared_and_was_not_seen_counts_for_nothing() -> None:
    async with weak(shown=Shown(), guarded=True, subject=Subject.REAL) as (controller, link):
        with pytest.raises(Refused, match="for the bench only"):
            await controller.manual()
        assert all(step == (0,) for _, step in link.history)
    async with weak(shown=Shown(), guarded=True) as (controller, _):
        await controller.manual()
        assert controller.status.caps[0] == 15.0  # its own remote counts as there
        await controller.stop()


@simulated_time
async def test_nobody_who_answers_is_nobody_who_runs_it() -> None:
    async with weak(watcher=Watcher.NOBODY) as (controller, _):
        with pytest.raises(Refused, match="answers every 2 minutes"):
            await controller.manual()
    async with weak() as (controller, link):
        await controller.manual()
        controller.request(SetLevel(15.0))
        await asyncio.sleep(100.0)
        assert controller.status.presence_due_in_s == pytest.approx(20.0, abs=0.5)
        await asyncio.sleep(31.0)
        end = await controller.ended()
        assert end.text == "no one answered for 2 minutes (R23)"
        assert link.peer.steps == (0,)


@simulated_time
async def test_it_is_not_started_from_elsewhere_nor_for_longer_than_ten_minutes() -> None:
    async with weak() as (controller, link):
        with pytest.raises(Refused, match="not started remotely"):
            await controller.manual(origin=Origin.REMOTE)
        with pytest.raises(Refused, match=r"lasts 601 s and .* at most 600 s"):
            await controller.manual(601.0)
        await controller.start(Start())
        assert controller.status.duration_s == 600.0
        await controller.stop()
        assert all(step == (0,) for _, step in link.history)


@simulated_time
async def test_a_lowest_step_above_the_cap_refuses_with_both_numbers() -> None:
    spec = msgspec.structs.replace(BEST, channels=(Channel(BOTH, (33.3, 66.6, 100.0)),))
    async with weak(spec) as (controller, _):
        with pytest.raises(Refused, match=r"lowest level is 33\.3 % and the cap is 15 %"):
            await controller.manual()


@simulated_time
async def test_a_first_step_above_the_first_minute_is_earned_while_it_is_wanted() -> None:
    spec = msgspec.structs.replace(BEST, channels=(Channel(BOTH, (20.0, 100.0)),))
    async with weak(spec, guarded=True) as (controller, link):
        begun = asyncio.get_running_loop().time()
        await controller.manual()
        controller.request(SetLevel(19.0))
        await attended(controller, 200.0)
        assert link.peer.steps == (0,)  # less than its first step is wanted: nothing is earned
        controller.request(SetLevel(20.0))
        await attended(controller, 300.0)
        # 10 % for a minute, then 15 points in four minutes: 20 % after 220 s of it.
        assert 415.0 <= taken(link)[1] - begun <= 425.0
        await controller.stop()


@simulated_time
async def test_a_profile_in_which_nothing_would_be_felt_is_refused() -> None:
    spec = msgspec.structs.replace(BEST, channels=(Channel(BOTH, (24.9, 100.0)),))
    async with weak(spec, guarded=True) as (controller, _):
        with pytest.raises(Refused, match=r"nothing of .* would be felt"):
            await controller.play(load_profile("gentle"), cap=24.9)


@simulated_time
async def test_fault_66_a_stop_that_nothing_confirms_is_sent_not_confirmed_and_sent_again() -> None:
    spec = msgspec.structs.replace(BEST, assurance=Assurance(own_remote=False))
    async with weak(spec, AsciiPeer(mute=True)) as (controller, link):
        await controller.manual()
        controller.request(SetLevel(15.0))
        await attended(controller, 20.0)
        assert link.peer.steps == (2,)
        begun = asyncio.get_running_loop().time()
        with pytest.raises(StopUnconfirmed, match=r"sent, not confirmed.*\n.*Look at it"):
            await controller.stop()
        assert asyncio.get_running_loop().time() - begun < 1.0
        end = await controller.ended()
        assert end.exit_code is ExitCode.UNCONFIRMED
        with pytest.raises(OffNotSeen, match="is it off"):
            await controller.manual()
        with pytest.raises(OffNotSeen):
            await controller.start(Start(off_seen=True), origin=Origin.REMOTE)
        await asyncio.sleep(15.0)
        stops = [at - begun for at, data in link.heard if b"OFF" in data and at >= begun]
        assert max(b - a for a, b in pairwise(stops)) <= 0.5
        assert 9.0 <= stops[-1] <= 10.5
        assert controller.status.link.value == "up"  # its link is what stops it
        await controller.manual(off_seen=True)
        assert controller.status.phase.in_session


@simulated_time
@pytest.mark.parametrize("planned", [False, True])
async def test_r9_a_stop_that_nothing_confirms_is_charged_for_as_long_as_it_is_sent(
    *, planned: bool
) -> None:
    spec = msgspec.structs.replace(BEST, assurance=Assurance(own_remote=False))
    async with weak(spec, AsciiPeer(mute=True), guarded=True) as (controller, link):
        if planned:
            await controller.play(load_profile("gentle"))
        else:
            await controller.manual()
            controller.request(SetLevel(15.0))
        while link.peer.steps == (0,):
            await attended(controller, 10.0)
            assert controller.status.phase.in_session
        with pytest.raises(StopUnconfirmed):
            await controller.stop()
        end = await controller.ended()
        await controller._link.tasks.settled()
        _, (entry,), _ = await controller._admission.history(1)
        assert end.running_s > 0
        assert entry.charged_s >= end.running_s + GIVEN_UP_S


@simulated_time
async def test_a_start_ends_the_stops_that_are_still_sent() -> None:
    spec = msgspec.structs.replace(BEST, assurance=Assurance(own_remote=False))
    async with weak(spec, AsciiPeer(mute=True)) as (controller, link):
        await controller.manual()
        for _ in range(2):
            with pytest.raises(StopUnconfirmed):
                await controller.stop()
        await controller.manual(off_seen=True)
        controller.request(SetLevel(15.0))
        await attended(controller, 20.0)
        assert link.peer.steps == (2,)


@simulated_time
async def test_fault_66_a_level_told_late_still_confirms_the_stop() -> None:
    peer = AsciiPeer(mute=True)
    async with weak(peer=peer) as (controller, link):
        await controller.manual()
        with pytest.raises(StopUnconfirmed, match="does not report level 0"):
            await controller.stop()
        alarms: list[str] = []
        controller.add_event_listener(
            lambda event: alarms.append(event.text) if event.name == "alarm" else None
        )
        peer.mute = False
        await asyncio.sleep(1.0)
        assert controller.unconfirmed is None
        assert alarms == ["the device has reported level 0 after all: it is stopped"]
        sent = len(link.heard)
        await asyncio.sleep(15.0)
        assert len(link.heard) == sent
        await controller.manual()


@simulated_time
async def test_fault_65_a_level_told_above_what_was_sent_stops_it() -> None:
    async with weak() as (controller, link):
        await controller.manual()
        controller.request(SetLevel(15.0))
        await attended(controller, 20.0)
        peer = link.peer
        assert isinstance(peer, AsciiPeer)
        peer.steps = (6,)  # someone pressed a key of its own
        link.far.write(b"=6\n")
        await asyncio.sleep(1.0)
        end = await controller.ended()
        assert (end.cause, end.text) == (
            Cause.SAFETY,
            "the device runs stronger than it was set to (R1)",
        )
        assert link.peer.steps == (0,)


@simulated_time
async def test_fault_64_a_driver_that_fails_in_a_session_ends_it_with_its_last_good_stop() -> None:
    class Fails(AsciiDialect):
        def levels(self, steps: tuple[int, ...], now: float) -> Sequence[bytes]:
            if steps[0] == 2:
                raise KeyError("no such level")
            return super().levels(steps, now)

    async with weak(msgspec.structs.replace(BEST, dialect=Fails)) as (controller, link):
        await controller.manual()
        controller.request(SetLevel(15.0))
        await attended(controller, 15.0)
        end = await controller.ended()
        assert isinstance(end.error, DriverFault)
        assert "failed in `levels`: KeyError: 'no such level'" in end.text
        assert end.exit_code is ExitCode.LINK
        assert [step for _, (step,) in link.history] == [0, 1, 0]
        with pytest.raises(DriverFault):
            await controller.manual()


@simulated_time
async def test_heat_by_hand_is_refused() -> None:
    from massager_ctl.model.requests import SetHeat

    async with weak() as (controller, _):
        await controller.manual()
        with pytest.raises(Refused, match="no heat"):
            controller.request(SetHeat(38.0))
        controller.request(SetHeat(None))  # to switch off what is not there is no fault
        await controller.stop()


@simulated_time
async def test_from_elsewhere_it_is_told_what_it_is_and_why_it_does_not_start() -> None:
    async with weak() as (controller, _):
        outlook = await look_ahead(controller, controller._admission, ZERO)
        assert outlook.refusal is not None
        assert "not started remotely" in outlook.refusal.message
        assert any("no dead-man" in note for note in outlook.notes)
        assert outlook.caps[:3] == (15.0, 15.0, 0.0)


@simulated_time
async def test_one_output_for_two_places_is_set_as_one_by_hand() -> None:
    async with weak() as (controller, link):
        await controller.manual()
        controller.request(SetLevel(10.0, BOTH[0]))
        await attended(controller, 15.0)
        assert link.peer.steps == (2,)
        assert controller.status.sent.levels[:3] == (10.0, 10.0, 0.0)
        await controller.stop()


@simulated_time
async def test_who_may_wear_it_is_screened_as_for_any_device() -> None:
    async with weak(subject=Subject.REAL, guarded=True) as (controller, link):
        with pytest.raises(ScreeningNeeded):
            await controller.manual()
        assert all(step == (0,) for _, step in link.history)


@simulated_time
async def test_r9_by_hand_a_stop_that_nobody_confirms_is_charged_until_it_is_given_up() -> None:
    async with weak() as (controller, _):
        await controller.manual()
        session = controller._open
        assert session is not None
        assert session.run.unconfirmed_s == GIVEN_UP_S
        await controller.stop()

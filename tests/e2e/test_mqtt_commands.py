"""Commands on a whole device in simulated time: what they do, and what they publish (R18, R23)."""

from __future__ import annotations

import asyncio

import pytest

from firmware_sim.faults.catalog import apply_fault
from massager_ctl.frontends.mqtt.topics import EventType
from massager_ctl.model.device import Cause
from massager_ctl.model.status import Phase
from massager_ctl.model.units import Direction, Motion
from tests.e2e.harness import opened
from tests.e2e.mqtt_home import Home
from tests.support.marks import simulated_time


@simulated_time
async def test_a_session_by_hand_turns_and_warms_as_it_was_chosen() -> None:
    async with opened() as bench:
        home = Home(bench)
        home.press("direction", "cw")
        home.press("heat", "36")
        await home.start()
        assert home.started
        home.press("level/all", 5)
        await asyncio.sleep(5)
        sent = bench.controller.status.sent
        assert sent.heat_c == 36.0
        assert {pattern.motion for pattern in sent.patterns} == {Motion.KNEAD}
        home.press("direction", "none")
        await asyncio.sleep(0.3)
        assert {p.motion for p in bench.controller.status.sent.patterns} == {Motion.VIBRATE}
        home.take("heat", b"off")
        await asyncio.sleep(0.3)
        assert bench.controller.status.sent.heat_c is None
        assert home.state.choices.direction is Direction.NONE
        assert home.whys() == []


@simulated_time
async def test_a_session_that_runs_without_the_heat_that_was_chosen_is_not_told_as_rejected() -> (
    None
):
    async with opened("heat=off") as bench:
        home = Home(bench)
        home.press("heat", "36")
        await home.start()
        assert home.started
        assert bench.controller.status.phase is Phase.RUNNING
        assert home.whys() == []
        (clamped,) = [fields for kind, fields in home.said if kind is EventType.CLAMPED]
        assert "heat" in clamped["text"]


@simulated_time
async def test_r19_a_time_stamp_of_hundreds_of_digits_is_rejected_as_any_other() -> None:
    async with opened() as bench:
        home = Home(bench)
        await home.start()
        nonce = home.gate.nonce or ""
        home.take("level/all", f'{{"v":5,"n":"{nonce}","t":1{"0" * 400}}}'.encode())
        assert home.whys() == ["stamp"]


@simulated_time
async def test_r18_what_was_started_from_here_fades_when_its_broker_is_lost() -> None:
    async with opened() as bench:
        home = Home(bench)
        await home.start("restorative")
        await asyncio.sleep(60)
        home.handler.broker_lost()
        end = await asyncio.wait_for(bench.controller.ended(), 3.3)
        assert end.cause is Cause.SAFETY
        # A local one is none of its business.
        await bench.play(after_s=30)
        home.handler.broker_lost()
        await asyncio.sleep(5)
        assert bench.controller.status.phase is Phase.RUNNING


@simulated_time
async def test_r18_without_an_echo_nothing_starts_and_nothing_is_used_up() -> None:
    async with opened() as bench:
        home = Home(bench)
        home.trouble = "the broker has not answered for 4 seconds"
        home.gate.let(bench.loop.time())
        home.press("start", "manual")
        await home.handler.settled()
        assert home.whys() == ["broker"]
        home.take("start", home.stamped("manual"), retained=True)
        assert home.whys() == ["broker", "retained"], "a broker that keeps orders is told as such"
        assert bench.controller.status.phase is Phase.IDLE
        assert home.gate.ready_for_s(bench.loop.time()) > 0
        home.trouble = ""
        await home.start()
        assert bench.controller.status.phase is Phase.RUNNING


@pytest.mark.parametrize("name", ["stop", "pain"])
@simulated_time
async def test_r6_a_stop_right_behind_a_start_outruns_it(name: str) -> None:
    async with opened() as bench:
        for profile in ("manual", "restorative"):
            home = Home(bench)
            home.gate.let(bench.loop.time())
            home.press("start", profile)
            home.take(name)
            await home.handler.settled()
            await asyncio.sleep(1)
            assert not bench.controller.status.phase.in_session
            assert not home.started
        assert max(bench.out.values()) == 0


@simulated_time
async def test_a_start_while_one_runs_is_refused_and_leaves_it_alone() -> None:
    async with opened() as bench:
        await bench.play(after_s=5)
        home = Home(bench)
        await home.start("gentle")
        assert home.whys() == ["refused"]
        assert not home.started
        assert bench.controller.status.profile == "restorative"
        home.press("level/all", 40)
        assert home.whys() == ["refused", "refused"]


@simulated_time
async def test_a_cap_of_a_start_lowers() -> None:
    async with opened() as bench:
        home = Home(bench)
        await home.start({"profile": "restorative", "cap": 15})
        assert max(bench.controller.status.caps) == 15
        assert [kind for kind, _ in home.said] == [EventType.CLAMPED]


@simulated_time
async def test_r23_a_session_that_was_started_from_elsewhere_asks_for_signs_of_life() -> None:
    async with opened() as bench:
        home = Home(bench)
        await home.start()
        due = bench.controller.status.presence_due_in_s
        assert due is not None
        assert due > 299
        await asyncio.sleep(100)
        home.take("presence", b"PRESS")
        assert home.whys() == ["nonce"]  # one that was kept somewhere is no sign of life
        assert (bench.controller.status.presence_due_in_s or 0) < 201
        home.press("presence")
        await asyncio.sleep(0.3)
        assert (bench.controller.status.presence_due_in_s or 0) > 299


@simulated_time
async def test_a_session_by_hand_lasts_as_long_as_was_chosen() -> None:
    async with opened() as bench:
        home = Home(bench)
        home.press("duration", 2)
        await home.start()
        home.press("level/all", 10)
        end = await asyncio.wait_for(bench.controller.ended(), 125)
        assert end.cause is Cause.FINISHED


@simulated_time
async def test_a_refused_start_does_not_spend_that_somebody_is_ready_and_a_stopped_one_does() -> (
    None
):
    async with opened() as bench:
        home = Home(bench)
        home.gate.let(bench.loop.time())
        bench.device.press()
        await asyncio.sleep(0.3)
        home.press("start", "manual")
        await home.handler.settled()
        assert home.whys() == ["refused"]
        assert home.gate.ready_for_s(bench.loop.time()) > 0
        bench.device.release()
        await asyncio.sleep(0.3)
        await bench.controller.reset()
        home.press("start", "manual")
        home.take("stop")
        await home.handler.settled()
        assert home.gate.ready_for_s(bench.loop.time()) == 0


@simulated_time
async def test_nonce_and_state_are_published_before_the_event_that_a_session_began_or_ended() -> (
    None
):
    async with opened() as bench:
        home = Home(bench)
        home.queued()
        with home.publisher.listening():
            await home.start()
            began = home.queued()
            assert began.index("nonce") < began.index("state") < began.index("started")
            await bench.controller.stop()
            ended = home.queued()
            assert ended.index("nonce") < ended.index("state") < ended.index("stopped")


@simulated_time
async def test_r22_pain_again_and_again_stops_each_time_and_is_written_once() -> None:
    async with opened() as bench:
        home = Home(bench)
        await home.start()
        for _ in range(50):
            home.take("pain", b"PRESS")
        await home.handler.settled()
        assert not bench.controller.status.phase.in_session
        assert sum(event.name == "pain" for event in bench.events) == 1


@simulated_time
async def test_r6_every_stop_of_a_device_at_rest_is_confirmed_and_those_of_one_moment_once() -> (
    None
):
    async with opened() as bench:
        home = Home(bench)
        for _ in range(2):
            for _ in range(5):
                home.take("stop")
            await home.handler.settled()
        home.take("stop")
        home.take("pain", b"PRESS")
        home.take("stop")
        await home.handler.settled()
        assert {kind for kind, _ in home.said} == {EventType.STOPPED}
        assert [(said["reason"], said["confirmed"]) for _, said in home.said] == [
            ("person", True),
            ("person", True),
            ("person", True),
            ("pain", True),
        ]


@simulated_time
async def test_r6_every_stop_that_is_not_confirmed_is_a_problem() -> None:
    async with opened() as bench:
        home = Home(bench)
        _, (silent,) = apply_fault(bench.device.firmware.config, "silent")
        silent.start(bench.device)
        for _ in range(3):
            home.take("stop")
        await home.handler.settled()
        assert [kind for kind, _ in home.said] == [EventType.PROBLEM] * 3
        assert {said["why"] for _, said in home.said} == {"stop_unconfirmed"}, home.said


@simulated_time
async def test_a_profile_is_chosen_by_its_title_and_a_direction_by_its_word() -> None:
    async with opened() as bench:
        home = Home(bench)
        home.press("profile", home.state.profiles["gentle"])
        home.press("direction", "vibration")
        home.press("heat", "36 °C")
        assert home.state.choices.profile == "gentle"
        assert home.state.choices.direction is Direction.NONE
        assert home.state.choices.heat == 36.0
        home.press("start")
        assert home.whys() == ["not_ready"]


@simulated_time
async def test_another_service_of_the_same_name_is_told_once_with_a_remedy() -> None:
    async with opened() as bench:
        home = Home(bench)
        home.publisher.conflict(there=True)
        problems = [fields for kind, fields in home.said if kind is EventType.PROBLEM]
        assert [set(fields) for fields in problems] == [{"text", "remedy"}]
        home.publisher.conflict(there=True)
        assert len(problems) == 1


@simulated_time
async def test_r18_a_level_needs_no_echo_of_the_broker() -> None:
    async with opened() as bench:
        home = Home(bench)
        await home.start()
        home.trouble = "the broker has not answered for 4 seconds"
        home.press("level/all", 3)
        assert home.whys() == []
        assert max(bench.controller.aims) == 3


@simulated_time
async def test_r18_how_far_a_clock_is_off_is_kept_until_an_order_is_on_time() -> None:
    async with opened() as bench:
        home = Home(bench)
        await home.start()
        home.take("level/all", home.stamped(3, age_s=30.0))
        assert home.whys() == ["skew"]
        assert home.state.skew_s == pytest.approx(30.0, abs=0.1)
        home.take("ease")
        assert home.state.skew_s is not None, "what raises nothing has no stamp to tell by"
        home.press("level/all", 3)
        assert home.state.skew_s is None


@simulated_time
async def test_r1_a_level_above_the_cap_is_told_with_the_cap() -> None:
    async with opened() as bench:
        home = Home(bench)
        await home.start()
        home.press("level/all", 3)
        assert EventType.CLAMPED not in {kind for kind, _ in home.said}
        home.press("level/trapezius_left", 90)
        ((_, told),) = [each for each in home.said if each[0] is EventType.CLAMPED]
        cap = home.publisher.caps[0]
        assert (told["cap"], told["zone"]) == (cap, "trapezius_left")


@simulated_time
async def test_r22_pain_stops_at_once_while_an_earlier_one_is_written_and_is_written_anew_later() -> (
    None
):
    async with opened() as bench:
        home = Home(bench)
        for count in (1, 2):
            await home.start()
            home.take("pain", b"PRESS")
            home.take("pain", b"PRESS")
            await home.handler.settled()
            assert sum(event.name == "pain" for event in bench.events) == count

"""Commands on a whole device in simulated time: what they do, and that nothing old starts or raises (R18, R23)."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_sim.faults.catalog import apply_fault
from massager_ctl.control.outlook import Outlook
from massager_ctl.frontends.mqtt.announcement import Announcement
from massager_ctl.frontends.mqtt.choices import RemoteState, profile_titles
from massager_ctl.frontends.mqtt.command_handler import CommandHandler
from massager_ctl.frontends.mqtt.publish_queue import PublishQueue
from massager_ctl.frontends.mqtt.publisher import Publisher
from massager_ctl.frontends.mqtt.settings import BrokerSettings
from massager_ctl.frontends.mqtt.topics import COMMANDS, EventType, Topics
from massager_ctl.model.device import Cause
from massager_ctl.model.requests import Origin
from massager_ctl.model.status import Phase
from massager_ctl.model.units import Direction, Motion
from massager_ctl.safety.remote_start import RemoteGate
from tests.e2e.harness import Bench, opened
from tests.support.marks import simulated_time

TOPICS = Topics("neck", "massager", "homeassistant")


class Home:
    """A command handler with its gate and its publisher, and somebody who presses; the queue is never emptied."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.gate = RemoteGate()
        self.said: list[tuple[EventType, dict[str, Any]]] = []
        self.trouble = ""
        self.state = RemoteState()
        self.state.profiles = profile_titles()
        clock = bench.loop.clock
        queue = PublishQueue(TOPICS)
        self.queue = queue
        settings = BrokerSettings("127.0.0.1", 1883)
        self.publisher = Publisher(
            bench.controller,
            self.gate,
            clock,
            self.state,
            lambda: Outlook((40.0, 40.0, 40.0, 40.0, 35.0, 35.0)),
            queue,
            TOPICS,
            Announcement(TOPICS, settings, queue, "0"),
            on_event=lambda kind, fields: self.said.append((kind, fields)),
        )
        self.handler = CommandHandler(
            bench.controller, self.gate, clock, self.state, self.publisher, lambda: self.trouble
        )
        self._presses = 0
        self.publisher.renew_nonce()

    @property
    def started(self) -> bool:
        """Whether the open session was started from here."""
        attempt = self.state.attempt
        return attempt is not None and self.bench.controller.open_attempt is attempt

    def stamped(self, value: Any = "PRESS", age_s: float = 0.0) -> bytes:
        self._presses += 1  # simulated time stands still between two presses; a person's does not
        wall = self.bench.loop.clock.wall() + self._presses * 1e-3
        return json.dumps({"v": value, "n": self.gate.nonce, "t": wall - age_s}).encode()

    def take(
        self, named: str, payload: bytes = b"", *, retained: bool = False, age_s: float = 0.0
    ) -> None:
        """`age_s`: for how long the operating system has had it."""
        received_at = self.bench.loop.time() - age_s
        self.handler.take(named, payload, retained=retained, received_at=received_at)

    def press(self, named: str, value: Any = "PRESS") -> None:
        self.take(named, self.stamped(value))

    async def start(self, value: Any = "manual") -> None:
        self.gate.let(self.bench.loop.time())
        self.press("start", value)
        await self.handler.settled()

    def whys(self) -> list[str]:
        return [fields["why"] for kind, fields in self.said if kind is EventType.REJECTED]

    def queued(self) -> list[str]:
        """What waits to be published, in its order: the last part of a topic, and the type of an event."""
        found: list[str] = []
        while (publication := self.queue.next()) is not None:
            leaf = publication.topic.rpartition("/")[2]
            content = json.loads(publication.payload) if leaf == "event" else {}
            found.append(content.get("event_type", leaf))
        return found


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


STALE = st.sampled_from(
    [
        lambda home, value: json.dumps({"v": value}).encode(),
        lambda home, value: json.dumps({"v": value, "n": "n0", "t": 0}).encode(),
        lambda home, value: home.stamped(value, age_s=3.5),
        lambda home, value: home.stamped(value, age_s=-2.5),
        lambda home, value: json.dumps(value).encode(),
        lambda home, value: b"ON",
    ]
)
VALUES = st.sampled_from([0, 3, 7, 40, 100, "PRESS", "manual", "gentle", "off", "39", "cw", None])
NAMES = st.sampled_from([*COMMANDS, "level/all", "level/neck_left", "level/trapezius_left"])
ORDERS = st.lists(st.tuples(NAMES, VALUES, STALE, st.booleans()), max_size=30)


@settings(max_examples=25)
@given(orders=ORDERS, running=st.booleans())
@simulated_time
async def test_r18_no_stale_order_starts_or_raises_anything(orders: Any, running: bool) -> None:
    async with opened() as bench:
        home = Home(bench)
        home.gate.let(bench.loop.time())
        if running:
            await bench.controller.manual(origin=Origin.LOCAL)
            home.press("level/all", 5)
            home.publisher.renew_nonce()
            await asyncio.sleep(8)
        before = bench.controller.aims
        for named, value, stale, retained in orders:
            home.take(named, stale(home, value), retained=retained)
            after = bench.controller.aims
            assert all(new <= old for new, old in zip(after, before, strict=True))
            before = after
            await asyncio.sleep(0.05)
        await home.handler.settled()
        await asyncio.sleep(5)
        assert max(bench.out.values()) <= 5
        assert not home.started
        arms = [line for line in bench.trace if line["type"] == "event" and line["event"] == "arm"]
        assert len(arms) == running
        assert bench.controller.status.sent.heat_c is None


@simulated_time
async def test_r5_what_the_system_had_for_longer_than_a_second_neither_starts_nor_raises() -> None:
    async with opened() as bench:
        home = Home(bench)
        home.gate.let(bench.loop.time())
        home.take("start", home.stamped("manual", age_s=2.5), age_s=2.5)
        await home.handler.settled()
        assert home.whys() == ["refused"]
        assert bench.controller.status.phase is Phase.IDLE
        home.press("start", "manual")  # it was not spent by that
        await home.handler.settled()
        home.press("level/all", 3)
        await asyncio.sleep(5)
        home.take("level/all", home.stamped(9, age_s=2.5), age_s=2.5)
        assert home.whys() == ["refused", "refused"]
        assert max(bench.controller.aims) == 3
        home.take("level/all", b"1", age_s=30.0)  # what can only lower is never too old
        assert max(bench.controller.aims) == 1


@simulated_time
async def test_r6_what_was_sent_before_a_stop_has_no_effect_though_it_comes_after_it() -> None:
    async with opened() as bench:
        home = Home(bench)
        home.gate.let(bench.loop.time())
        start = home.stamped("manual")
        home.take("stop")
        home.take("start", start)
        await home.handler.settled()
        assert home.whys() == ["nonce"]
        home.press("start", "manual")
        await home.handler.settled()
        assert bench.controller.status.phase is Phase.RUNNING


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

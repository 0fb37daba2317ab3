"""The desk on a whole device in simulated time: what orders do, and that nothing old starts or raises (R18, R23)."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from massager_ctl.device import Cause
from massager_ctl.profile.library import find
from massager_ctl.requests import Origin
from massager_ctl.safety.remote import RemoteGate
from massager_ctl.status import Phase
from massager_ctl.surfaces.mqtt.desk import Desk
from massager_ctl.surfaces.mqtt.topics import COMMANDS, EventType
from massager_ctl.units import Direction, Levels, Motion
from tests.e2e.harness import Bench, tell


class Carrier:
    """What the bridge is to the desk, without a broker."""

    def __init__(self, bench: Bench, gate: RemoteGate) -> None:
        self._bench = bench
        self._gate = gate
        self._renewals = 0
        self.echo_lost = False
        self.said: list[tuple[EventType, dict[str, Any]]] = []

    @property
    def caps(self) -> Levels:
        return self._bench.controller.status.caps

    def say(self, kind: EventType, fields: dict[str, Any]) -> None:
        self.said.append((kind, fields))

    def renew(self) -> None:
        self._renewals += 1
        self._gate.renew(f"n{self._renewals}", self._bench.loop.clock.wall())

    def changed(self) -> None:
        pass

    def whys(self) -> list[str]:
        return [fields["why"] for kind, fields in self.said if kind is EventType.REJECTED]


class Home:
    """A desk, its gate, and somebody who presses."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.gate = RemoteGate()
        self.carrier = Carrier(bench, self.gate)
        self.desk = Desk(bench.controller, self.gate, bench.loop.clock, self.carrier)
        self.desk.profiles = {name: find(name) for name in ("restorative", "gentle")}
        self._presses = 0
        self.carrier.renew()

    def stamped(self, value: Any = "PRESS", age_s: float = 0.0) -> bytes:
        self._presses += 1  # simulated time stands still between two presses; a person's does not
        wall = self.bench.loop.clock.wall() + self._presses * 1e-3
        return json.dumps({"v": value, "n": self.gate.nonce, "t": wall - age_s}).encode()

    def press(self, named: str, value: Any = "PRESS") -> None:
        self.desk.take(named, self.stamped(value), retained=False)

    async def start(self, value: Any = "manual") -> None:
        self.gate.let(self.bench.loop.time())
        self.press("start", value)
        await self.desk.settled()
        self.carrier.renew()  # as the bridge does at each ARM


def test_a_session_by_hand_turns_and_warms_as_it_was_chosen() -> None:
    async def story(bench: Bench) -> None:
        home = Home(bench)
        home.press("direction", "cw")
        home.press("heat", "36")
        await home.start()
        assert home.desk.started_session
        home.press("level/all", 5)
        await asyncio.sleep(5)
        sent = bench.controller.status.sent
        assert sent.heat_c == 36.0
        assert {pattern.motion for pattern in sent.patterns} == {Motion.KNEAD}
        home.press("direction", "none")
        await asyncio.sleep(0.3)
        assert {p.motion for p in bench.controller.status.sent.patterns} == {Motion.VIBRATE}
        home.desk.take("heat", b"off", retained=False)
        await asyncio.sleep(0.3)
        assert bench.controller.status.sent.heat_c is None
        assert home.desk.choices.direction is Direction.NONE
        assert home.carrier.whys() == []

    tell(story)


def test_r18_what_was_started_from_here_fades_when_its_broker_is_lost() -> None:
    async def story(bench: Bench) -> None:
        home = Home(bench)
        await home.start("restorative")
        await asyncio.sleep(60)
        home.desk.broker_lost()
        end = await asyncio.wait_for(bench.controller.ended(), 3.3)
        assert end.cause is Cause.SAFETY
        home.desk.session_over()
        # A local one is none of its business.
        await bench.play(after_s=30)
        home.desk.broker_lost()
        await asyncio.sleep(5)
        assert bench.controller.status.phase is Phase.RUNNING

    tell(story)


def test_r18_without_an_echo_nothing_starts_and_nothing_is_used_up() -> None:
    async def story(bench: Bench) -> None:
        home = Home(bench)
        home.carrier.echo_lost = True
        home.gate.let(bench.loop.time())
        home.press("start", "manual")
        await home.desk.settled()
        assert home.carrier.whys() == ["broker"]
        assert bench.controller.status.phase is Phase.IDLE
        assert home.gate.ready_for_s(bench.loop.time()) > 0
        home.carrier.echo_lost = False
        await home.start()
        assert bench.controller.status.phase is Phase.RUNNING

    tell(story)


@pytest.mark.parametrize("name", ["stop", "pain"])
def test_r6_a_stop_right_behind_a_start_outruns_it(name: str) -> None:
    async def story(bench: Bench) -> None:
        for profile in ("manual", "restorative"):
            home = Home(bench)
            home.gate.let(bench.loop.time())
            home.press("start", profile)
            home.desk.take(name, b"", retained=False)
            await home.desk.settled()
            await asyncio.sleep(1)
            assert not bench.controller.status.phase.in_session
            assert not home.desk.started_session
        assert max(bench.out.values()) == 0

    tell(story)


def test_a_start_while_one_runs_is_refused_and_leaves_it_alone() -> None:
    async def story(bench: Bench) -> None:
        await bench.play(after_s=5)
        home = Home(bench)
        await home.start("gentle")
        assert home.carrier.whys() == ["refused"]
        assert not home.desk.started_session
        assert bench.controller.status.profile == "restorative"
        home.press("level/all", 40)
        assert home.carrier.whys() == ["refused", "refused"]

    tell(story)


def test_a_cap_of_a_start_lowers() -> None:
    async def story(bench: Bench) -> None:
        home = Home(bench)
        await home.start({"profile": "restorative", "cap": 15})
        assert max(bench.controller.status.caps) == 15
        assert [kind for kind, _ in home.carrier.said] == [EventType.CLAMPED]

    tell(story)


def test_r23_a_session_that_was_started_from_elsewhere_asks_for_signs_of_life() -> None:
    async def story(bench: Bench) -> None:
        home = Home(bench)
        await home.start()
        due = bench.controller.status.attention_in_s
        assert due is not None
        assert due > 299
        await asyncio.sleep(100)
        home.desk.take("sign_of_life", b"PRESS", retained=False)
        assert home.carrier.whys() == ["nonce"]  # one that was kept somewhere is no sign of life
        assert (bench.controller.status.attention_in_s or 0) < 201
        home.press("sign_of_life")
        await asyncio.sleep(0.3)
        assert (bench.controller.status.attention_in_s or 0) > 299

    tell(story)


def test_a_session_by_hand_lasts_as_long_as_was_chosen() -> None:
    async def story(bench: Bench) -> None:
        home = Home(bench)
        home.press("duration", 2)
        await home.start()
        home.press("level/all", 10)
        end = await asyncio.wait_for(bench.controller.ended(), 125)
        assert end.cause is Cause.FINISHED

    tell(story)


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
def test_r18_no_stale_order_starts_or_raises_anything(orders: Any, running: bool) -> None:
    async def story(bench: Bench) -> None:
        home = Home(bench)
        home.gate.let(bench.loop.time())
        if running:
            await bench.controller.manual(origin=Origin.LOCAL)
            home.press("level/all", 5)
            home.carrier.renew()
            await asyncio.sleep(8)
        before = bench.controller.aims
        for named, value, stale, retained in orders:
            home.desk.take(named, stale(home, value), retained=retained)
            after = bench.controller.aims
            assert all(new <= old for new, old in zip(after, before, strict=True))
            before = after
            await asyncio.sleep(0.05)
        await home.desk.settled()
        await asyncio.sleep(5)
        assert max(bench.out.values()) <= 5
        assert not home.desk.started_session
        arms = [line for line in bench.trace if line["type"] == "event" and line["event"] == "arm"]
        assert len(arms) == running
        assert bench.controller.status.sent.heat_c is None

    tell(story)

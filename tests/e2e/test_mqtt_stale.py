"""Orders that are old, or were sent before a stop: they start and raise nothing (R18, R5, R6)."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from massager_ctl.frontends.mqtt.topics import COMMANDS
from massager_ctl.model.requests import Origin
from massager_ctl.model.status import Phase
from tests.e2e.harness import opened
from tests.e2e.mqtt_home import Home
from tests.support.marks import simulated_time

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

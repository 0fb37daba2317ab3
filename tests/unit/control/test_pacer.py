"""R4, R6: at most 50 setpoints a second, a request's at once, and none that waits outlives a stop or a newer one."""

from __future__ import annotations

import asyncio

import pytest
from tests.support.marks import running_loop, simulated_time

from massager_ctl.aio.scheduler import Scheduler
from massager_ctl.control.pacer import PERIOD_S, SPACING_S, Pacer
from massager_ctl.model.device import OFF, Setpoint


class Paced:
    """A pacer whose every turn sends; when each was."""

    def __init__(self) -> None:
        self.sent: list[float] = []
        self.late: list[float] = []
        self.sends = True
        self.scheduler = Scheduler()
        self.pacer = Pacer(self, self.scheduler, self.turn)  # type: ignore[arg-type]

    def turn(self, now: float, late: float) -> None:
        self.late.append(late)
        if self.sends:
            self.pacer.send(OFF, now)

    def send(self, setpoint: Setpoint) -> None:
        assert setpoint is OFF
        self.sent.append(now())


def now() -> float:
    return asyncio.get_running_loop().time()


@simulated_time
async def test_r6_what_waits_is_dropped_by_a_stop() -> None:
    paced = Paced()
    await asyncio.sleep(1.0)
    paced.pacer.soon(now())
    await asyncio.sleep(0.001)
    paced.pacer.soon(now())
    paced.pacer.hold()
    await asyncio.sleep(1.0)
    assert len(paced.sent) == 1
    paced.pacer.soon(now())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert len(paced.sent) == 2, "the next request is not in its way"


@simulated_time
async def test_what_waits_is_covered_by_what_is_sent_before_it() -> None:
    paced = Paced()
    await asyncio.sleep(1.0)
    paced.pacer.soon(now())
    await asyncio.sleep(0.001)
    paced.pacer.soon(now())
    await asyncio.sleep(SPACING_S / 2)
    paced.pacer.send(OFF, now())
    await asyncio.sleep(1.0)
    assert len(paced.sent) == 2


@simulated_time
async def test_r4_any_number_of_requests_is_50_a_second_at_most_and_the_heartbeat_goes_on() -> None:
    paced = Paced()
    await asyncio.sleep(1.0)
    paced.pacer.begin(now())
    for _ in range(1000):
        paced.pacer.soon(now())
        await asyncio.sleep(0.001)
    busy, begun = len(paced.sent), now()
    assert 40 <= busy <= 51
    await asyncio.sleep(2.0)
    gaps = [b - a for a, b in zip(paced.sent, paced.sent[1:], strict=False)]
    assert min(gaps) >= SPACING_S - 1e-9
    assert max(gaps) <= PERIOD_S + 1e-9
    assert min(paced.late) >= 0.0
    assert max(paced.late) <= 1e-9
    assert len(paced.sent) >= busy + 9
    paced.pacer.soon(now())
    paced.pacer.end()
    count = len(paced.sent)
    await asyncio.sleep(2.0)
    assert len(paced.sent) == count
    assert now() > begun


@simulated_time
async def test_r4_the_first_setpoint_keeps_its_distance_from_the_arm() -> None:
    paced = Paced()
    for _ in range(12):  # the thirteenth call of a scheduler is due 7 ms after it was asked for
        paced.scheduler.every(PERIOD_S, lambda _now, _late: None).cancel()
    begun = now()
    paced.pacer.begin(begun)
    await asyncio.sleep(PERIOD_S)
    assert [at - begun for at in paced.sent] == [pytest.approx(SPACING_S)]


@simulated_time
async def test_a_request_after_a_turn_that_sent_nothing_has_its_turn() -> None:
    paced = Paced()
    paced.sends = False
    await asyncio.sleep(1.0)
    for _ in range(3):
        paced.pacer.soon(now())
        await asyncio.sleep(0.1)
    assert len(paced.late) == 3


@simulated_time
async def test_r24_a_request_in_a_late_loop_is_as_late_as_the_heartbeat() -> None:
    paced = Paced()
    await asyncio.sleep(1.0)
    paced.pacer.begin(now())
    await asyncio.sleep(1.0)
    paced.late.clear()
    running_loop().clock.advance(1.0)
    paced.pacer.soon(now())
    await asyncio.sleep(0)
    assert 1.0 - PERIOD_S <= paced.late[0] <= 1.0

"""Defence in depth: with either side's limits gone, the other alone keeps R1 to R4 and R8."""

from __future__ import annotations

import asyncio
import contextlib
import math

import pytest

from firmware_sim.config import NO_LIMITS, Claims, DeviceConfig
from firmware_sim.trace_rules import Bounds, violations
from massager_ctl.errors import DeviceRefused, MassagerError
from massager_ctl.model.device import Cause, DeviceState, Setpoint, Telemetry
from massager_ctl.model.requests import SetLevel
from tests.e2e.harness import Bench
from tests.support.marks import simulated_time

pytestmark = simulated_time

FULL = Setpoint((100.0, 100.0, 100.0, 100.0, 100.0, 100.0))


class Bypass:
    """A host without governor, session or limits: it sends what it likes."""

    def telemetry_received(self, telemetry: Telemetry) -> None:
        pass

    def driver_lost(self, error: MassagerError) -> None:
        raise error


async def hammer(bench: Bench, seconds: float) -> None:
    """Arm at full cap and send full levels every 200 ms."""
    await bench.driver.open(Bypass())
    await bench.driver.arm(cap=100.0, limit_s=1800)
    for _ in range(round(seconds / 0.2)):
        bench.driver.send(FULL)
        await asyncio.sleep(0.2)


@pytest.mark.rig(connect=False)
async def test_r1_r2_r3_the_device_alone_holds_a_mad_host(bench: Bench) -> None:
    await hammer(bench, 330)
    assert sum(bench.out.values()) == pytest.approx(200, abs=0.5)
    await bench.driver.stop(Cause.PERSON)

    await bench.end()
    assert violations(bench.trace, Bounds(rise=2.0)) == []


@pytest.mark.rig(connect=False)
async def test_r4_the_device_alone_stops_when_the_host_falls_silent(bench: Bench) -> None:
    await hammer(bench, 20)
    await asyncio.sleep(0.5)
    silent = next(
        line["t"] for line in bench.trace if line["type"] == "event" and line["event"] == "dead_man"
    )
    last = bench.loop.time() - 0.7
    assert 0.5 - 0.02 <= silent - last <= 0.6
    assert not any(bench.out.values())

    await bench.end()
    assert violations(bench.trace, Bounds(rise=2.0)) == []


@pytest.mark.rig(connect=False)
async def test_r8_the_device_alone_ends_what_a_mad_host_would_never_end(bench: Bench) -> None:
    for _ in range(3):
        with contextlib.suppress(DeviceRefused):
            await hammer(bench, 1900)
        await asyncio.sleep(0.3)
        assert bench.driver.newest is not None
        assert bench.driver.newest.state is DeviceState.IDLE
        await bench.driver.close()

    await bench.end()
    assert violations(bench.trace, Bounds(rise=2.0)) == []
    assert max(line["running"] for line in bench.trace if line["type"] == "sample") >= 1600


UNLIMITED = DeviceConfig(
    limits=NO_LIMITS, claims=Claims(caps=(255,) * 6, sum_cap=255, rise=255, session_s=65535)
)
"""A device without caps, envelope, slew or time limit, and that says so."""


@pytest.mark.rig(config=UNLIMITED)
async def test_r1_r2_r3_the_host_alone_holds_with_a_device_that_has_no_limits(bench: Bench) -> None:
    await bench.controller.manual()
    bench.controller.request(SetLevel(100.0))
    end = await bench.controller.ended()
    assert end.cause is Cause.FINISHED

    await bench.end()
    samples = [line for line in bench.trace if line["type"] == "sample"]
    bounds = Bounds(dict.fromkeys(samples[0]["out"], 40.0), step_s=0.2, drive_rise=math.inf)
    assert violations(bench.trace, bounds) == []
    assert 33 <= max(sample["out"]["trapezius_left"] for sample in samples) <= 40


@pytest.mark.unmeasured
@pytest.mark.parametrize("profile", ["full-routine", "ball-release"])
@pytest.mark.rig(config=UNLIMITED)
async def test_r8_the_host_alone_plays_profiles_within_the_rules(
    bench: Bench, profile: str
) -> None:
    await bench.play(profile)
    assert (await bench.controller.ended()).cause is Cause.FINISHED

    bounds = Bounds(step_s=0.2, drive_rise=math.inf)
    await bench.end()
    assert violations(bench.trace, bounds) == []

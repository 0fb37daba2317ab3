"""Faults 39 and 40: the pad or a motor gets too warm, or its sensor cannot be trusted (R7, R11)."""

from __future__ import annotations

import asyncio

import pytest

from massager_ctl.model.device import Cause
from massager_ctl.model.requests import Presence, SetHeat
from tests.faults.aftermath import tripped
from tests.faults.ground import MEMORY, Ground
from tests.support.marks import simulated_time

pytestmark = simulated_time

SAMPLED_S = 0.25

CUT_S = 0.5


def _pad(g: Ground) -> float:
    return g.device.firmware.core.plant.pad_body.celsius


def _heater(g: Ground) -> float:
    return g.device.firmware.core.heat.power


async def _warm(g: Ground, celsius: float = 38.0, seconds: float = 2.0) -> None:
    await g.controller.connect()
    await g.run()
    g.controller.request(SetHeat(celsius))
    await g.goes_on(seconds)
    assert _heater(g) > 0


@pytest.mark.fault(39)
@pytest.mark.laid(on=MEMORY)
async def test_temperature_climbs(g: Ground) -> None:
    await _warm(g, 39.0, 240.0)
    assert 37.0 <= _pad(g) <= 39.2, "it heats, and no further than it was sent"
    g.inject("overheat=8")
    powers: dict[str, list[float]] = {"below": [], "derating": [], "off": []}
    while g.state == "running":
        if _pad(g) > 40.4:
            g.strike()
        await asyncio.sleep(0.1)
        if g.state == "running":
            g.controller.request(Presence())  # with heat someone has to be there (R23)
        pad = _pad(g)
        span = "below" if pad < 39.2 else "derating" if pad < 40.4 else "off"
        powers[span].append(_heater(g))
    assert max(powers["below"]) > max(powers["derating"])
    assert len(powers["off"]) > 3
    assert not any(powers["off"][3:-1])
    g.zero_by(SAMPLED_S + CUT_S, state="fault", cause="over_temperature")
    assert g.samples[-1]["pad_c"] <= 41.0 + 0.3, "41.0 less the sensor's tolerance, read with it"
    assert g.samples[-1]["heat_c"] is None
    await tripped(g, Cause.OVER_TEMPERATURE)


@pytest.mark.fault(39)
async def test_motor_climbs(g: Ground) -> None:
    await g.controller.connect()
    await g.run()
    g.inject("motor_hot=500")
    while g.state == "running":
        g.strike()
        await asyncio.sleep(0.1)
    g.zero_by(SAMPLED_S + CUT_S, state="fault", cause="over_temperature")
    await tripped(g, Cause.OVER_TEMPERATURE)


async def _sensor(g: Ground, spec: str, bound_s: float) -> None:
    await _warm(g)
    g.inject(spec)
    await asyncio.sleep(bound_s)
    g.zero_by(bound_s, state="fault", cause="temperature_sensor")
    assert _heater(g) == 0.0
    await tripped(g, Cause.TEMPERATURE_SENSOR)


@pytest.mark.fault(40)
async def test_sensor_open(g: Ground) -> None:
    await _sensor(g, "sensor_open", SAMPLED_S + CUT_S)


@pytest.mark.fault(40)
async def test_sensor_short(g: Ground) -> None:
    await _sensor(g, "sensor_short", SAMPLED_S + CUT_S)


@pytest.mark.fault(40)
async def test_motor_sensor_open(g: Ground) -> None:
    await _sensor(g, "sensor_open=motor", SAMPLED_S + CUT_S)


@pytest.mark.fault(40)
async def test_sensor_stopped(g: Ground) -> None:
    await _sensor(g, "sensor_stopped", SAMPLED_S + CUT_S)


@pytest.mark.fault(40)
@pytest.mark.laid(on=MEMORY)
async def test_sensor_frozen(g: Ground) -> None:
    """The model expects 10 K a minute at full power, so 10 s without a change are over 1 K off."""
    await _sensor(g, "sensor_frozen", 10.0 + CUT_S)

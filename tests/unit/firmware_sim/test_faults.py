"""Faults, each through the options of an address: what ends a session, what it can bear, and lies."""

from __future__ import annotations

import asyncio

import pytest
from tests.support.marks import simulated_time
from tests.unit.firmware_sim.memory_client import Client

from firmware_sim import wire
from firmware_sim.faults.catalog import FAULTS, FLAWS
from firmware_sim.links.memory import open_simulator
from massager_fw.states import Cause, State


async def after(spec: str, seconds: float = 4.0, *, heat: int = 0) -> Client:
    """A client that drives for a while with the fault `spec`."""
    client = Client(open_simulator("", seed=5))
    client.sim.close()
    client = Client(
        open_simulator(f"fault={spec.replace('+', '%2B').replace('%1', '%251')}", seed=5)
    )
    await client.arm()
    await client.drive(seconds, heat=heat)
    return client


CAUSES: list[tuple[str, int]] = [
    ("stall@2", Cause.STALL),
    ("stall=trapezius_left@arm+2", Cause.STALL),
    ("over_current=trapezius_right@2", Cause.OVER_CURRENT),
    ("pwm_stuck=suboccipital_left@0.5", Cause.STUCK_OUTPUT),
    ("motor_hot=300@1", Cause.OVER_TEMPERATURE),
    ("overheat=300@1", Cause.OVER_TEMPERATURE),
    ("sensor_open@2", Cause.TEMPERATURE_SENSOR),
    ("sensor_short=motor@2", Cause.TEMPERATURE_SENSOR),
    ("sensor_stopped@2", Cause.TEMPERATURE_SENSOR),
    ("battery_sag=1.8@2", Cause.BATTERY_LOW),
    ("brown_out@2:0.2", Cause.BROWN_OUT),
    ("charging@2", Cause.CHARGING),
    ("hang@2", Cause.WATCHDOG),
    ("nvm_flip=life@2", Cause.MEMORY),
    ("nvm_flip@2", Cause.MEMORY),
    ("button@2", Cause.BUTTON),
    ("button_stuck@2:1", Cause.BUTTON),
    ("button_bounce@2", Cause.BUTTON),
    ("button_open@2:0.5", Cause.BUTTON_OPEN),
    ("silent@2", Cause.DEAD_MAN),
    ("delay=5@2", Cause.DEAD_MAN),
    ("drop=1@2", Cause.DEAD_MAN),
    ("corrupt=1@2", Cause.DEAD_MAN),
    ("truncate=1@2", Cause.DEAD_MAN),
    ("flap@2", Cause.LINK_LOST),
    ("unplug@2", Cause.LINK_LOST),
    ("telemetry_silent@2", Cause.DEAD_MAN),
    ("telemetry_freeze@2", Cause.DEAD_MAN),
]


@pytest.mark.parametrize(("spec", "cause"), CAUSES, ids=[spec for spec, _ in CAUSES])
@simulated_time
async def test_a_fault_ends_the_session_with_its_cause(spec: str, cause: Cause) -> None:
    client = await after(spec, 9.0)
    assert client.core.cause is cause
    assert client.core.levels.level == [0] * 6
    client.sim.close()


HARMLESS = [
    "duplicate=1@1",
    "fragment=1@1",
    "fragment=7@1:2",
    "reorder=0.2@1:2",
    "lie_level@1",
    "lie_later=20@1:2",
    "used=100@1",
    "ack_lost@1",
    "garbage@1",
    "stall@2:0.1",
    "overheat=1@1:1",
    "motor_hot=1@1:1",
    "pwm_stuck=neck_left@2:0.02",
    "battery_sag=0.1@1:1",
    "nvm_stuck@1:1",
    "drop=0.2@1:1",
    "delay=0.05@1:1",
    "silent@1:0.1",
    "telemetry_silent@1:0.3",
    "sensor_frozen@1",
    "clock=+10%",
    "clock=-10%",
    "clock",
    "lie_cap=255",
    "lie_simulated",
    "no_sensing",
    "battery=40",
    "stall@reset",
    "button@pain+3",
]


@pytest.mark.parametrize("spec", HARMLESS)
@simulated_time
async def test_a_fault_that_a_session_can_bear_ends_nothing(spec: str) -> None:
    client = await after(spec)
    assert client.core.state is State.RUNNING
    client.sim.close()


def test_every_fault_is_tried_here() -> None:
    tried = {spec.split("@")[0].split("=")[0] for spec in [*HARMLESS, *(s for s, _ in CAUSES)]}
    assert {*FAULTS, *FLAWS} - tried == {"reboot"}


@simulated_time
async def test_a_frozen_pad_sensor_trips_where_the_pad_should_warm_up() -> None:
    client = await after("sensor_frozen@2", 15.0, heat=390)
    assert client.core.cause is Cause.TEMPERATURE_SENSOR
    client.sim.close()


@simulated_time
async def test_a_reboot_is_a_new_epoch_and_nothing_goes_on() -> None:
    client = await after("reboot@2", 3.0)
    assert client.core.memory.boot == 2
    assert client.core.state is State.IDLE
    client.sim.close()


@simulated_time
async def test_a_lost_ack_is_answered_when_the_host_asks_again() -> None:
    client = Client(open_simulator("fault=ack_lost=2@0.1"))
    await asyncio.sleep(0.2)
    for token in (1, 2, 3):
        client.send(wire.Stop(token, 1))
        await asyncio.sleep(0.01)
    assert client.count(wire.Ack) == 1
    assert client.last(wire.Ack).token == 3
    client.sim.close()


@simulated_time
async def test_a_lost_ack_is_lost_whatever_byte_it_ends_with_on_ble() -> None:
    sim = open_simulator("")
    heard: list[bytes] = []
    link = sim.open_link("ble", heard.append, lambda _: None)
    await asyncio.sleep(0.2)
    sim.device.lose_acks(1000)
    for token in range(
        1000
    ):  # the last byte, of the CRC, is any: 00 does not make it a frame of a stream
        link.write(wire.pack(wire.Stop(token, 1)))
    await asyncio.sleep(0.01)
    assert not [body for body in heard if isinstance(wire.parse(body), wire.Ack)]
    sim.close()


@simulated_time
async def test_garbage_is_noise_to_the_host_and_the_next_frame_is_read() -> None:
    client = Client(open_simulator("fault=garbage=500@0.52"))
    await asyncio.sleep(1.0)
    assert client.bad > 0
    assert client.count(wire.Telemetry) >= 8
    client.sim.close()


@simulated_time
async def test_lies_in_info_and_telemetry() -> None:
    client = await after("lie_level@1")
    assert client.last(wire.Telemetry).level == (0,) * 6
    assert client.last(wire.Telemetry).current > 0
    assert client.core.levels.level[0] == 500
    client.sim.close()
    client = Client(open_simulator("fault=lie_cap=255&fault=lie_simulated"))
    client.send(wire.GetInfo(1))
    await asyncio.sleep(0.01)
    info = client.last(wire.Info)
    assert (info.caps, info.flags & 1) == ((255,) * 6, 0)
    client.sim.close()


@simulated_time
async def test_frozen_telemetry_repeats_one_counter() -> None:
    client = Client(open_simulator("fault=telemetry_freeze@0.5:1"))
    await asyncio.sleep(1.4)
    counters = {m.counter for m in client.heard[-5:] if isinstance(m, wire.Telemetry)}
    assert len(counters) == 1
    await asyncio.sleep(1.0)
    assert client.last(wire.Telemetry).counter not in counters
    client.sim.close()


@simulated_time
async def test_a_delayed_line_keeps_its_order_when_the_delay_ends() -> None:
    client = Client(open_simulator("fault=delay=0.3@0.5:0.5"))
    await asyncio.sleep(3.0)
    counters = [m.counter for m in client.heard if isinstance(m, wire.Telemetry)]
    assert counters == list(range(counters[0], counters[-1] + 1))
    client.sim.close()


@simulated_time
async def test_a_clock_that_is_slow_is_slow() -> None:
    client = Client(open_simulator("fault=clock=-10%25"))
    await asyncio.sleep(10.0)
    assert client.last(wire.Telemetry).uptime == pytest.approx(9000, abs=150)
    client.sim.close()

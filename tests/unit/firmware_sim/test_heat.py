"""Heat: its target, what derates it, what trips it, and sensors that cannot be trusted."""

from __future__ import annotations

import pytest
from tests.unit.firmware_sim.lone_device import LOW, make, running, trip_time

from firmware_sim import wire
from firmware_sim.peer import Peer
from firmware_sim.physics.sensors import SensorFault, Thermistor
from firmware_sim.splitmix import SplitMix64
from massager_fw.guard_heat import HeatGuard
from massager_fw.states import Cause, Result, State


def warm(peer: Peer, seconds: float) -> None:
    peer.drive(seconds, LOW, heat=390)


def test_heat_is_off_unless_asked_for_and_stays_below_its_target(peer: Peer) -> None:
    peer.arm()
    peer.drive(20.0, LOW)
    assert not peer.telemetry.flags & 2
    warm(peer, 1.0)
    assert peer.telemetry.flags & 2
    warm(peer, 500.0)
    assert 370 <= peer.telemetry.pad <= 392
    assert peer.firmware.core.state is State.RUNNING
    peer.stop()
    assert peer.firmware.core.plant.heater == 0.0
    peer.run(0.5)
    assert (peer.firmware.core.plant.heater, peer.telemetry.flags & 2) == (0.0, 0), "nor later"


def test_a_device_without_heat_makes_none() -> None:
    peer = make(heat=False)
    peer.arm()
    warm(peer, 5.0)
    assert peer.firmware.core.heat.power == 0.0


def sensors_at(pad: float, motor: float = 30.0) -> tuple[Thermistor, Thermistor]:
    return Thermistor(pad, SplitMix64(0)), Thermistor(motor, SplitMix64(0))


def power_at(guard: HeatGuard, pad: float) -> float:
    reading, motor = sensors_at(pad)
    reading.sample = motor.sample = guard_samples.pop()
    assert guard.step(reading, motor, 0) == Cause.NONE
    return guard.power / 1000


guard_samples = list(range(1000))


def test_heat_derates_and_goes_off_before_it_trips() -> None:
    guard = HeatGuard(0xFF)
    guard.target = 3900
    assert power_at(guard, 30.0) == 1.0
    assert 0.0 < power_at(guard, 38.9) < 0.1
    assert power_at(guard, 39.1) == 0.0
    guard.target = 4500  # even if the control were wrong
    assert power_at(guard, 39.5) == 1.0
    assert power_at(guard, 40.0) == pytest.approx(0.5)
    assert power_at(guard, 40.5) == 0.0
    assert power_at(guard, 39.6) == 0.0
    assert power_at(guard, 39.4) == 1.0


def test_the_trip_is_below_41_by_the_sensors_tolerance() -> None:
    guard = HeatGuard(0xFF)
    guard.target = 3900
    assert power_at(guard, 40.65) == 0.0
    reading, motor = sensors_at(40.7)
    reading.sample = motor.sample = guard_samples.pop()
    assert guard.step(reading, motor, 0) == Cause.OVER_TEMPERATURE
    assert (guard.target, guard.power) == (0.0, 0.0)


@pytest.mark.parametrize("body", ["pad_body", "motor_body"])
def test_over_temperature_trips_and_clears_only_when_cool(peer: Peer, body: str) -> None:
    peer.arm()
    mass = getattr(peer.firmware.core.plant, body)
    mass.extra_w = 40.0
    trip_time(peer, 120.0)
    peer.run(0.1)
    assert (peer.telemetry.state, peer.telemetry.cause) == (State.FAULT, Cause.OVER_TEMPERATURE)
    assert peer.telemetry.latch == 1
    assert mass.celsius < (43.0 if body == "pad_body" else 66.0)
    assert peer.reset().result == Result.CAUSE_PRESENT
    peer.run(10.0)
    assert peer.telemetry.latch == 1
    mass.extra_w = 0.0
    peer.run(900.0)
    assert peer.reset().result == Result.OK


@pytest.mark.parametrize("sensor", ["pad_sensor", "motor_sensor"])
@pytest.mark.parametrize(
    "fault", [SensorFault.OPEN, SensorFault.SHORT, SensorFault.STOPPED], ids=str
)
def test_a_dead_sensor_trips_within_half_a_second(
    peer: Peer, sensor: str, fault: SensorFault
) -> None:
    running(peer)
    getattr(peer.firmware.core.plant, sensor).fault = fault
    assert trip_time(peer) <= 0.5
    assert peer.firmware.core.cause is Cause.TEMPERATURE_SENSOR
    peer.run(2.0)
    assert peer.telemetry.latch == 1
    assert peer.reset().result == Result.CAUSE_PRESENT
    getattr(peer.firmware.core.plant, sensor).fault = SensorFault.NONE
    peer.run(0.5)
    assert peer.reset().result == Result.OK


def test_a_frozen_sensor_trips_where_the_model_expects_a_kelvin(peer: Peer) -> None:
    peer.arm()
    warm(peer, 1.0)
    peer.firmware.core.plant.pad_thermistor.fault = SensorFault.FROZEN
    warm(peer, 9.0)
    assert peer.firmware.core.state is State.RUNNING
    warm(peer, 3.0)
    assert peer.firmware.core.cause is Cause.TEMPERATURE_SENSOR


def test_a_device_without_sensors_says_so() -> None:
    peer = make(sensing=0b11)
    peer.run(0.3)
    assert (peer.telemetry.pad, peer.telemetry.motor) == (wire.NO_SENSOR, wire.NO_SENSOR)
    running(peer)
    assert peer.firmware.core.state is State.RUNNING


def test_r11_heat_is_off_in_a_pause_and_comes_back_with_the_request(peer: Peer) -> None:
    peer.arm()
    peer.drive(3.0, LOW, heat=380)
    assert peer.firmware.core.heat.target == 3800
    peer.drive(0.2, mode=1, heat=380)
    assert (peer.firmware.core.heat.target, peer.firmware.core.plant.heater) == (0.0, 0.0)
    assert not peer.telemetry.flags & 2
    peer.drive(0.2, LOW, heat=380)
    assert peer.firmware.core.heat.target == 3800


def test_r11_heat_is_off_in_a_fade(peer: Peer) -> None:
    peer.arm()
    peer.drive(3.0, LOW, heat=380)
    peer.drive(0.2, LOW, mode=2, heat=380)
    assert peer.firmware.core.heat.target == 0.0
    peer.drive(0.2, LOW, heat=380)
    assert peer.firmware.core.heat.target == 0.0


def test_r11_heat_that_is_asked_for_no_more_is_off_with_nothing_else_changed(peer: Peer) -> None:
    peer.arm()
    peer.drive(3.0, LOW, heat=380)
    assert peer.firmware.core.heat.target == 3800
    peer.drive(0.2, LOW)
    assert (peer.firmware.core.heat.target, peer.firmware.core.plant.heater) == (0, 0.0)


def test_r11_heat_without_a_level_is_allowed(peer: Peer) -> None:
    peer.arm()
    peer.drive(3.0, heat=380)
    assert peer.firmware.core.state is State.ARMED
    assert peer.telemetry.flags & 2

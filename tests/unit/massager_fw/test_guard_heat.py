"""Temperature sensors and the heater's control, look by look (R11)."""

from __future__ import annotations

import pytest

from massager_fw.board import Thermometer
from massager_fw.guard_heat import (
    DERATE,
    EXPECTED,
    FULL_POWER,
    MISSED_SAMPLES,
    MOTOR_CLEAR,
    OFF,
    PLAUSIBLE_HIGH,
    PLAUSIBLE_LOW,
    TRIP,
    UNCHANGED_FRAMES,
    HeatGuard,
    _Watch,
)
from massager_fw.states import Cause


def look(watch: _Watch, sensor: Thermometer, hundredths: int | None) -> bool:
    sensor.sample += 1
    sensor.hundredths = hundredths
    return watch.look(sensor, 0)


@pytest.mark.parametrize(
    ("hundredths", "dead"),
    [
        (None, True),
        (PLAUSIBLE_LOW, True),
        (PLAUSIBLE_LOW + 1, False),
        (PLAUSIBLE_HIGH - 1, False),
        (PLAUSIBLE_HIGH, True),
    ],
)
def test_r11_a_sensor_is_judged_from_its_first_reading_on(
    hundredths: int | None, dead: bool
) -> None:
    watch, sensor = _Watch(), Thermometer()
    assert [look(watch, sensor, hundredths) for _ in range(5)] == [dead] * 5
    assert not look(watch, sensor, 2_500), "it is believed again once it reads sense"


def test_r11_a_sensor_that_is_no_longer_converted_is_dead() -> None:
    watch, sensor = _Watch(), Thermometer()
    assert not look(watch, sensor, 2_500)
    said = [watch.look(sensor, 0) for _ in range(MISSED_SAMPLES)]
    assert said == [False] * (MISSED_SAMPLES - 1) + [True]
    assert not look(watch, sensor, 2_500)


def still(watch: _Watch, sensor: Thermometer, expected: list[int]) -> list[bool]:
    """What is said of a reading that stays as it is, look by look."""
    said: list[bool] = []
    for each in expected:
        sensor.sample += 1
        said.append(watch.look(sensor, each))
    return said


def test_r11_a_reading_that_stays_is_none_once_a_change_was_expected_for_ten_seconds() -> None:
    for first in (0, UNCHANGED_FRAMES - 1, UNCHANGED_FRAMES + 50):
        watch, sensor = _Watch(), Thermometer()
        assert not look(watch, sensor, 2_500)
        waits = max(first + 1, UNCHANGED_FRAMES)
        said = still(watch, sensor, [0] * first + [EXPECTED] + [0] * UNCHANGED_FRAMES)
        assert said.index(True) == waits - 1
        assert all(said[waits - 1 :])
        assert not look(watch, sensor, 2_501), "it moves again"


def test_r11_a_reading_that_stays_where_nothing_was_to_change_is_believed() -> None:
    watch, sensor = _Watch(), Thermometer()
    assert not look(watch, sensor, 2_500)
    assert not any(still(watch, sensor, [EXPECTED - 1, 1 - EXPECTED] * UNCHANGED_FRAMES))


def test_r11_a_dead_sensor_is_believed_again_only_for_a_fresh_reading_that_moved() -> None:
    watch, sensor = _Watch(), Thermometer()
    assert not look(watch, sensor, 2_500)
    assert still(watch, sensor, [0] * (UNCHANGED_FRAMES - 1) + [EXPECTED])[-1]
    assert still(watch, sensor, [-EXPECTED, 0, 0]) == [True] * 3, "it still has not moved"
    assert look(watch, sensor, None)
    sensor.hundredths = 2_500
    assert watch.look(sensor, 0), "nobody has converted that"
    assert not look(watch, sensor, 2_500)


PAD, MOTOR = 4, 8


def heated(pad: int, target: int, sensing: int = PAD, motor: int | None = None) -> tuple[int, int]:
    """The cause and the power after a device's first look, in hundredths of a degree."""
    guard, of_pad, of_motor = HeatGuard(sensing), Thermometer(), Thermometer()
    of_pad.hundredths, of_motor.hundredths, guard.target = pad, motor, target
    return guard.step(of_pad, of_motor, 0), guard.power


def test_r11_heat_that_nobody_asked_for_stays_off_however_cold_it_is() -> None:
    assert heated(-500, 0) == (Cause.NONE, 0)
    assert heated(-500, 3_900) == (Cause.NONE, FULL_POWER)


def test_r11_power_is_derated_from_the_first_look_on() -> None:
    middle = (DERATE + OFF) // 2
    assert heated(DERATE, OFF + 500) == (Cause.NONE, FULL_POWER)
    assert heated(middle, OFF + 500) == (Cause.NONE, FULL_POWER // 2)
    assert heated(OFF, OFF + 500) == (Cause.NONE, 0)


def test_r11_a_sensor_that_is_not_there_is_not_judged() -> None:
    assert heated(2_500, 0, PAD) == (Cause.NONE, 0)
    assert heated(2_500, 0, PAD | MOTOR) == (Cause.TEMPERATURE_SENSOR, 0)
    assert heated(9_999, 0, MOTOR, 2_500) == (Cause.NONE, 0)


@pytest.mark.parametrize(
    ("sensing", "pad", "motor", "hot"),
    [
        (PAD, DERATE, MOTOR_CLEAR, True),
        (PAD, DERATE - 1, MOTOR_CLEAR, False),
        (MOTOR, DERATE, MOTOR_CLEAR, True),
        (MOTOR, DERATE, MOTOR_CLEAR - 1, False),
        (PAD | MOTOR, None, None, False),
    ],
)
def test_r7_what_is_still_hot_is_told_by_the_sensors_that_are_there(
    sensing: int, pad: int | None, motor: int | None, hot: bool
) -> None:
    of_pad, of_motor = Thermometer(), Thermometer()
    of_pad.hundredths, of_motor.hundredths = pad, motor
    assert HeatGuard(sensing).hot(of_pad, of_motor) is hot


def test_r11_what_the_pad_trips_is_not_undone_by_a_cool_motor() -> None:
    assert heated(TRIP, 3_900, PAD | MOTOR, 2_500) == (Cause.OVER_TEMPERATURE, 0)


def test_r7_before_its_first_look_a_device_is_not_blind() -> None:
    assert not HeatGuard(PAD | MOTOR).blind

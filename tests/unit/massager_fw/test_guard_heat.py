"""One temperature sensor, look by look (R11)."""

from __future__ import annotations

import pytest

from massager_fw.board import Thermometer
from massager_fw.guard_heat import MISSED_SAMPLES, PLAUSIBLE_HIGH, PLAUSIBLE_LOW, _Watch


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

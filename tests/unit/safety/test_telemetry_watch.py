"""R1, R11, R13, R14 on the host: telemetry that ends a session, whatever the device itself says of it."""

from __future__ import annotations

import msgspec
import pytest
from tests.devices import telemetry

from massager_ctl.model.device import Cause, DeviceState, Telemetry
from massager_ctl.model.units import ZERO, Levels
from massager_ctl.safety.telemetry_watch import (
    ABOVE_S,
    DENIED_S,
    DRIVEN_MIN,
    IDLE_MA,
    STUCK_S,
    TelemetryWatch,
    uncounted,
)

TEN: Levels = (10.0, 10.0, 10.0, 10.0, 10.0, 10.0)

SOUND = telemetry(
    running_s=1.0,
    owner=1,
    seq=1,
    state=DeviceState.RUNNING,
    levels=TEN,
    current_ma=500,
    allowance_s=1000,
)


def telling(**changed: object) -> Telemetry:
    return msgspec.structs.replace(SOUND, **changed)


def test_a_sound_device_goes_on() -> None:
    watch = TelemetryWatch()
    for second in range(100):
        assert watch.check(second, SOUND, TEN) is None
        assert not watch.stuck(second, SOUND)


@pytest.mark.parametrize(
    ("changed", "cause", "said"),
    [
        ({"pad_c": 41.0}, Cause.SAFETY, "a pad is at 41 °C; 41 is too hot for skin (R11)"),
        ({"pad_c": 60.0}, Cause.SAFETY, "a pad is at 60 °C; 41 is too hot for skin (R11)"),
        ({"motor_c": 65.0}, Cause.SAFETY, "a motor is at 65 °C; 65 is too hot (R11)"),
        ({"battery": 7}, Cause.BATTERY_LOW, "the battery is at 7 % (R13)"),
        ({"battery": 0}, Cause.BATTERY_LOW, "the battery is at 0 % (R13)"),
        ({"charging": True}, Cause.SAFETY, "the charger was plugged in (R13)"),
    ],
)
def test_r11_r13_the_host_ends_it_too(changed: dict[str, object], cause: Cause, said: str) -> None:
    assert TelemetryWatch().check(0.0, telling(**changed), TEN) == (cause, said)


@pytest.mark.parametrize(
    "changed",
    [
        {"pad_c": 40.9},
        {"motor_c": 64.9},
        {"battery": 8},
        {"battery": None},
        {"pad_c": None, "motor_c": None},
    ],
)
def test_r11_r13_right_below_the_bound_it_goes_on(changed: dict[str, object]) -> None:
    assert TelemetryWatch().check(0.0, telling(**changed), TEN) is None


def test_r1_a_device_above_what_it_was_sent_for_long_is_not_obeying() -> None:
    watch = TelemetryWatch()
    too_much = telling(levels=(10.0, 10.0, 10.2, 10.0, 10.0, 10.0))
    assert watch.check(0.0, too_much, TEN) is None, "a frame may still be under way"
    assert watch.check(ABOVE_S, too_much, TEN) is None
    assert watch.check(ABOVE_S + 0.01, too_much, TEN) == (
        Cause.SAFETY,
        "the device runs stronger than it was set to (R1)",
    )


def test_r1_a_moment_above_starts_the_count_anew() -> None:
    watch = TelemetryWatch()
    too_much = telling(levels=(20.0,) * 6)
    assert watch.check(0.0, too_much, TEN) is None
    assert watch.check(0.4, SOUND, TEN) is None
    assert watch.check(0.6, too_much, TEN) is None
    assert watch.check(1.0, too_much, TEN) is None
    assert watch.check(1.2, too_much, TEN) is not None


def test_rounding_is_not_above() -> None:
    watch = TelemetryWatch()
    rounded = telling(levels=(10.1,) * 6)
    assert watch.check(0.0, rounded, TEN) is None
    assert watch.check(10.0, rounded, TEN) is None


FLOWING = telling(levels=ZERO, current_ma=IDLE_MA + 1)


def test_r14_current_at_zero_is_a_stuck_output_after_300_ms() -> None:
    watch = TelemetryWatch()
    assert not watch.stuck(5.0, FLOWING)
    assert not watch.stuck(5.0 + STUCK_S, FLOWING)
    assert watch.stuck(5.0 + STUCK_S + 0.01, FLOWING)


def test_r14_is_told_once_each_time() -> None:
    watch = TelemetryWatch()
    told = [watch.stuck(0.1 * turn, FLOWING) for turn in range(100)]
    assert told.count(True) == 1
    assert not watch.stuck(20.0, SOUND)
    told = [watch.stuck(30.0 + 0.1 * turn, FLOWING) for turn in range(100)]
    assert told.count(True) == 1


@pytest.mark.parametrize(
    "between",
    [
        telling(levels=ZERO, current_ma=IDLE_MA),
        telling(levels=(0.0, 0.0, 0.0, 0.0, 0.0, 0.1), current_ma=500),
    ],
)
def test_r14_idle_current_or_a_level_starts_the_count_anew(between: Telemetry) -> None:
    watch = TelemetryWatch()
    assert not watch.stuck(0.0, FLOWING)
    assert not watch.stuck(0.2, between)
    assert not watch.stuck(0.4, FLOWING)
    assert not watch.stuck(0.7, FLOWING)
    assert watch.stuck(0.71, FLOWING)


def driven_at(percent: float) -> Levels:
    return (0.0, 0.0, percent, 0.0, 0.0, 0.0)


def test_r9_a_driven_device_that_says_for_3_s_that_nothing_runs_denies_it() -> None:
    watch, silent = TelemetryWatch(), telling(levels=ZERO)
    sent = driven_at(DRIVEN_MIN)
    assert not watch.denied(10.0, silent, sent)
    assert not watch.denied(10.0 + DENIED_S - 0.1, silent, sent)
    assert watch.denied(10.0 + DENIED_S, silent, sent)


@pytest.mark.parametrize(
    ("between", "sent"),
    [(telling(levels=ZERO), driven_at(DRIVEN_MIN - 0.1)), (SOUND, driven_at(DRIVEN_MIN))],
)
def test_r9_what_is_too_weak_and_what_runs_is_not_denied(between: Telemetry, sent: Levels) -> None:
    watch, silent = TelemetryWatch(), telling(levels=ZERO)
    watch.denied(10.0, silent, driven_at(DRIVEN_MIN))
    assert not watch.denied(10.0 + DENIED_S, between, sent)
    assert not watch.denied(11.0 + DENIED_S, silent, driven_at(DRIVEN_MIN))


def test_r9_four_fifths_of_what_was_sent_but_ten_seconds_are_counted() -> None:
    assert not uncounted(100.0, 70.0)
    assert uncounted(100.0, 69.0)
    assert not uncounted(10.0, 0.0)

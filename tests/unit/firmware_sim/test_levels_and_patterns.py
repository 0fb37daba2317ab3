"""Caps, envelope, slew, shapes and reversals, each on its own and with literal numbers."""

from __future__ import annotations

from itertools import pairwise

import pytest

from firmware_sim.config import NO_LIMITS, DeviceConfig, Limits, LinkKind, deadman, envelope
from firmware_sim.levels import Levels
from firmware_sim.noise import Noise
from firmware_sim.pattern import VALID, Direction, Patterns
from firmware_sim.physics.plant import Plant

ALL = 0b111111
CW, CCW, ALTERNATE = 0x12, 0x22, 0x32
UP, DOWN, TO_AND_FRO = 0x43, 0x53, 0x33
CIRCLE = 0x14


@pytest.mark.parametrize(
    ("seconds", "cap", "expected"),
    [
        (0, 70, 10.0),
        (60, 70, 10.0),
        (180, 70, 40.0),
        (299.98, 70, 69.99),
        (300, 70, 70.0),
        (9999, 70, 70.0),
        (180, 50, 30.0),
        (180, 35, 22.5),
        (0, 0, 0.0),
    ],
)
def test_the_envelope(seconds: float, cap: int, expected: float) -> None:
    assert envelope(round(seconds * 50), cap * 100) / 100 == pytest.approx(expected, abs=0.011)


def test_the_deadman_of_each_link() -> None:
    assert [deadman(kind) for kind in LinkKind] == [0.5, 0.5, 1.0, 1.0]


def test_the_caps_of_each_zone_and_of_the_sum() -> None:
    levels = Levels(Limits(), ALL)
    levels.open(1000)
    levels.ask([10_000] * 6, 300 * 50)
    # 70 + 70 + 50 + 50 + 35 + 35 is 310: scaled down evenly to 200.
    assert levels.target == [c * 10_000 // 155 for c in (70, 70, 50, 50, 35, 35)]
    assert sum(levels.target) <= 200_00
    assert levels.held
    levels.ask([7_000, 7_000, 0, 0, 0, 0], 300 * 50)
    assert levels.target == [7_000, 7_000, 0, 0, 0, 0]
    assert not levels.held


def test_a_zone_that_does_not_exist_stays_at_zero() -> None:
    levels = Levels(Limits(), 0b000001)
    levels.open(1000)
    levels.ask([5_000] * 6, 0)
    assert levels.target == [1_000, 0, 0, 0, 0, 0]


def test_a_level_rises_two_points_a_second_and_falls_at_once() -> None:
    levels = Levels(Limits(), ALL)
    levels.open(1000)
    assert not levels.ask([1_000] * 6, 0)
    assert levels.rising
    for _ in range(50):
        levels.rise()
    assert levels.level == [200] * 6
    levels.ask([100, 202, 202, 202, 202, 202], 0)
    assert levels.level == [100, 200, 200, 200, 200, 200]
    levels.rise()
    assert levels.level == [100, 202, 202, 202, 202, 202]
    assert not levels.rising
    levels.zero()
    assert levels.level == [0] * 6
    assert not levels.up


def test_lowering_never_raises() -> None:
    levels = Levels(Limits(), ALL)
    levels.open(1000)
    levels.ask([1_000, 2, 0, 0, 0, 0], 0)
    levels.rise()
    levels.lower(3, 4, 0)
    assert levels.level == [3, 1, 0, 0, 0, 0]
    levels.lower(0, 1, 0)
    assert levels.level == [0] * 6


def test_without_limits_a_level_is_what_was_asked_for() -> None:
    levels = Levels(NO_LIMITS, ALL)
    levels.open(1000)
    levels.ask([10_000] * 6, 0)
    levels.rise()
    assert levels.level == [10_000] * 6


def test_the_valid_patterns_are_those_of_the_protocol() -> None:
    steady, turning = [0x00, 0x01, 0x05], [0x12, 0x14, 0x22, 0x24, 0x32]
    assert sorted(VALID) == [*steady, *turning, TO_AND_FRO, 0x34, UP, DOWN]


def play(
    pattern: int, seconds: float, *, period: int = 4000, level: int = 5_000, zones: int = 6
) -> list[list[int]]:
    """The drive of every zone, tick by tick."""
    patterns = Patterns(Limits())
    patterns.ask((pattern,) * 6, period)
    levels = [level] * zones + [0] * (6 - zones)
    drives: list[list[int]] = []
    for tick in range(1, round(seconds * 50) + 1):
        patterns.step(levels, tick)
        drives.append(list(patterns.drive))
    return drives


@pytest.mark.parametrize("pattern", [0x01, 0x05, CW, CIRCLE, UP, DOWN, ALTERNATE])
def test_no_drive_rises_faster_than_ten_points_a_second(pattern: int) -> None:
    drives = play(pattern, 30.0)
    steps = [b - a for x, y in pairwise(drives) for a, b in zip(x, y, strict=True)]
    assert max(steps) == 20
    assert min(min(drive) for drive in drives) >= 0
    assert max(max(drive) for drive in drives) <= 5_000


def test_a_steady_pattern_reaches_its_level_and_settles() -> None:
    patterns = Patterns(Limits())
    patterns.ask((0x01,) * 6, 4000)
    for tick in range(1, 30):
        patterns.step([500, 0, 0, 0, 0, 0], tick)
    assert patterns.drive == [500, 0, 0, 0, 0, 0]
    assert patterns.settled
    assert patterns.turning(0) == Direction.NONE


def test_a_level_that_falls_takes_its_drive_along() -> None:
    patterns = Patterns(Limits())
    patterns.ask((0x01,) * 6, 4000)
    for tick in range(1, 30):
        patterns.step([500, 500, 0, 0, 0, 0], tick)
    patterns.fall([100, 500, 0, 0, 0, 0], 30)
    assert patterns.drive[:2] == [100, 500]
    patterns.step([0, 500, 0, 0, 0, 0], 31)
    assert patterns.drive[:2] == [0, 500]
    patterns.step([0, 400, 0, 0, 0, 0], 32)
    assert patterns.drive[:2] == [0, 400]


def rests(drive: list[int]) -> list[tuple[int, int]]:
    """Start and length of each stretch at zero, in ticks."""
    found: list[tuple[int, int]] = []
    for tick, value in enumerate(drive):
        if value == 0:
            if found and sum(found[-1]) == tick:
                found[-1] = (found[-1][0], found[-1][1] + 1)
            else:
                found.append((tick, 1))
    return found


def test_alternating_rests_300_ms_and_turns_no_more_than_once_in_five_seconds() -> None:
    for period in (1000, 4000, 9000):
        drive = [drives[0] for drives in play(ALTERNATE, 59.0, period=period)]
        found = rests(drive)
        assert len(found) >= 5
        assert all(length >= 15 for _, length in found)
        assert all(b[0] - a[0] >= 250 for a, b in pairwise(found))


def test_a_host_that_turns_too_often_gets_rest_instead() -> None:
    patterns = Patterns(Limits())
    turns: list[tuple[int, int]] = []
    drives: list[int] = []
    for tick in range(1, 3000):
        if tick % 25 == 1:
            patterns.ask((CW if tick // 25 % 2 else CCW,) * 6, 4000)
        patterns.step([1_000] * 6, tick)
        drives.append(patterns.drive[0])
        turn = patterns.turning(0)
        if not turns or turns[-1][1] != turn:
            turns.append((tick, turn))
    assert len(turns) > 3
    assert all(b[0] - a[0] >= 250 for a, b in pairwise(turns[1:]))
    assert all(drives[tick - 16 : tick - 1] == [0] * 15 for tick, _ in turns[1:])


def test_a_direction_is_remembered_over_another_motion() -> None:
    patterns = Patterns(Limits())
    levels = [1_000] * 6
    patterns.ask((CW,) * 6, 4000)
    for tick in range(1, 100):
        patterns.step(levels, tick)
    patterns.ask((0x01,) * 6, 4000)
    patterns.step(levels, 100)
    patterns.ask((CCW,) * 6, 4000)
    patterns.step(levels, 101)
    assert patterns.drive == [0] * 6
    assert patterns.turning(0) == Direction.CW
    for tick in range(102, 120):
        patterns.step(levels, tick)
    assert patterns.turning(0) == Direction.CCW
    assert patterns.drive[0] > 0


def order_of_peaks(drives: list[list[int]], period_ticks: int) -> list[int]:
    cycle = drives[-period_ticks:]
    peaks = [max(range(period_ticks), key=lambda t: cycle[t][zone]) for zone in (0, 2, 4)]
    return sorted((0, 1, 2), key=lambda row: peaks[row])


def test_a_glide_travels_up_and_down_the_zones_of_a_side() -> None:
    up = play(UP, 40.0, period=20_000, level=1_000)
    down = play(DOWN, 40.0, period=20_000, level=1_000)
    assert order_of_peaks(up, 1000) == [0, 1, 2]
    assert order_of_peaks(down, 1000) == [2, 1, 0]
    patterns = Patterns(Limits())
    patterns.ask((UP,) * 6, 4000)
    patterns.step([1_000] * 6, 100)
    assert patterns.turning(3) == Direction.UP


@pytest.mark.parametrize("then", [DOWN, TO_AND_FRO])
def test_r3_a_glide_turns_round_at_rest_and_no_more_than_once_in_five_seconds(then: int) -> None:
    patterns = Patterns(Limits())
    levels = [1_000] * 6
    patterns.ask((UP,) * 6, 4_000)
    for tick in range(1, 249):
        patterns.step(levels, tick)
    patterns.ask((then,) * 6, 4_000)
    way, at_zero, turned_at = Direction.UP, 0, []
    for tick in range(249, 1_500):
        patterns.step(levels, tick)
        if patterns.turning(2) != way:
            way = Direction(patterns.turning(2))
            turned_at.append(tick)
            assert at_zero >= 15
        at_zero = 0 if patterns.drive[2] else at_zero + 1
    assert way is Direction.DOWN or then == TO_AND_FRO
    assert turned_at
    assert all(later - tick >= 250 for tick, later in pairwise(turned_at))


def test_a_knead_swings_within_its_period_and_a_circle_less() -> None:
    knead = [d[0] for d in play(CW, 20.0, period=10_000, level=2_000)][-500:]
    circle = [d[0] for d in play(CIRCLE, 20.0, period=10_000, level=2_000)][-500:]
    assert min(knead) == pytest.approx(500, abs=10)
    assert min(circle) == pytest.approx(1_000, abs=10)
    assert max(knead) > 1_700


def duties(config: DeviceConfig, *, kneads: bool) -> tuple[float, float]:
    plant = Plant(config, Noise(0))
    plant.share(0, kneads=kneads)
    plant.drive([5_000, 0, 0, 0, 0, 0])
    return plant.motors.duty[0], plant.motors.duty[1]


def test_two_actuators_of_a_zone_share_one_drive() -> None:
    vibration, kneading = duties(DeviceConfig(), kneads=True)
    assert (vibration - 0.2) / 0.8 + (kneading - 0.2) / 0.8 == pytest.approx(0.5)
    assert duties(DeviceConfig(), kneads=False) == (pytest.approx(0.6), 0.0)
    assert duties(DeviceConfig(vibration=0), kneads=False) == (0.0, pytest.approx(0.6))
    assert duties(DeviceConfig(vibration=0), kneads=True) == (0.0, pytest.approx(0.6))


def test_noise_is_the_same_for_the_same_seed() -> None:
    one, two, other = Noise(1), Noise(1), Noise(2)
    assert [one.u32() for _ in range(5)] == [two.u32() for _ in range(5)]
    assert one.u64() != other.u64()
    assert all(0.0 <= one.unit() < 1.0 for _ in range(1000))
    assert all(-0.5 <= one.spread(0.5) <= 0.5 for _ in range(1000))

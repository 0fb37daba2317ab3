"""Caps, envelope, slew, shapes and reversals, each on its own and with literal numbers."""

from __future__ import annotations

from itertools import pairwise

import pytest

from firmware_sim.config import NO_LIMITS, DeviceConfig, Limits, LinkKind
from firmware_sim.firmware import Firmware
from firmware_sim.nvm import MemoryNvm
from firmware_sim.splitmix import SplitMix64
from massager_fw.config import deadman, envelope
from massager_fw.field_validation import setpoint_in_range
from massager_fw.frames import Setpoint
from massager_fw.levels import Levels
from massager_fw.pattern import Direction, Patterns

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
    assert [deadman(kind) for kind in LinkKind] == [500, 500, 1000, 1000]


def test_the_caps_of_each_zone_and_of_the_sum() -> None:
    levels = Levels(Limits(), ALL)
    levels.open(1000)
    levels.ask([10_000] * 6, 300 * 50)
    # 70 + 70 + 50 + 50 + 35 + 35 is 310: scaled down evenly to 200.
    assert levels.target == [c * 1000 // 155 * 10 for c in (70, 70, 50, 50, 35, 35)]
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
    assert not levels.up
    for _ in range(50):
        levels.rise()
    assert levels.up
    assert levels.level == [200] * 6
    assert levels.ask([100, 210, 210, 210, 210, 210], 0), "one fell"
    assert levels.level == [100, 200, 200, 200, 200, 200]
    for _ in range(3):
        levels.rise()
    assert levels.level == [100, 210, 210, 210, 210, 210]
    assert not levels.rising
    levels.zero()
    assert levels.level == [0] * 6
    assert not levels.up


def test_lowering_never_raises() -> None:
    levels = Levels(Limits(), ALL)
    levels.open(1000)
    levels.ask([1_000, 20, 0, 0, 0, 0], 0)
    for _ in range(10):
        levels.rise()
    levels.lower(3, 4, 0)
    assert levels.level == [30, 10, 0, 0, 0, 0]
    levels.lower(0, 1, 0)
    assert levels.level == [0] * 6


def test_without_limits_a_level_is_what_was_asked_for() -> None:
    levels = Levels(NO_LIMITS, ALL)
    levels.open(1000)
    levels.ask([10_000] * 6, 0)
    levels.rise()
    assert levels.level == [10_000] * 6


def is_valid(pattern: int) -> bool:
    """Whether a SETPOINT may have this pattern byte."""
    setpoint = Setpoint()
    setpoint.period = 4000
    setpoint.pattern[5] = pattern
    return setpoint_in_range(setpoint)


def test_the_valid_patterns_are_those_of_the_protocol() -> None:
    steady, turning = [0x00, 0x01, 0x05], [0x12, 0x14, 0x22, 0x24, 0x32]
    valid = [byte for byte in range(256) if is_valid(byte)]
    assert valid == [*steady, *turning, TO_AND_FRO, 0x34, UP, DOWN]


def made(vibration: int = ALL, kneading: int = ALL) -> Patterns:
    """Patterns of a device that was switched on long ago."""
    return Patterns(Limits(), vibration, kneading, -1_000)


def play(
    pattern: int, seconds: float, *, period: int = 4000, level: int = 5_000, zones: int = 6
) -> list[list[int]]:
    """The drive of every zone, tick by tick."""
    patterns = made()
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
    patterns = made()
    patterns.ask((0x01,) * 6, 4000)
    for tick in range(1, 60):
        patterns.step([500, 0, 0, 0, 0, 0], tick)
        assert patterns.settled == (patterns.drive[0] == 500), "what has settled moves no more"
    assert patterns.drive == [500, 0, 0, 0, 0, 0]
    assert patterns.settled
    assert patterns.turning(0) == Direction.NONE


def test_a_level_that_falls_takes_its_drive_along() -> None:
    patterns = made()
    patterns.ask((0x01,) * 6, 4000)
    for tick in range(1, 60):
        patterns.step([500, 500, 0, 0, 0, 0], tick)
    patterns.fall([100, 500, 0, 0, 0, 0], 60)
    assert patterns.drive[:2] == [100, 500]
    patterns.step([0, 500, 0, 0, 0, 0], 61)
    assert patterns.drive[:2] == [0, 500]
    patterns.step([0, 400, 0, 0, 0, 0], 62)
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
        assert all(b[0] - a[0] >= max(250, period // 20) for a, b in pairwise(found[1:]))
        assert found[1][0] - found[0][0] >= 250


def test_a_host_that_turns_too_often_gets_rest_instead() -> None:
    patterns = made()
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
    patterns = made()
    levels = [1_000] * 6
    patterns.ask((CW,) * 6, 4000)
    for tick in range(1, 300):
        patterns.step(levels, tick)
    patterns.ask((0x01,) * 6, 4000)
    patterns.step(levels, 300)
    patterns.ask((CCW,) * 6, 4000)
    patterns.step(levels, 301)
    assert patterns.drive == [0] * 6
    assert patterns.turning(0) == Direction.CW
    for tick in range(302, 320):
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
    patterns = made()
    patterns.ask((UP,) * 6, 4000)
    patterns.step([1_000] * 6, 100)
    assert patterns.turning(3) == Direction.UP


@pytest.mark.parametrize("then", [DOWN, TO_AND_FRO])
def test_r3_a_glide_turns_round_at_rest_and_no_more_than_once_in_five_seconds(then: int) -> None:
    patterns = made()
    levels = [1_000] * 6
    patterns.ask((UP,) * 6, 4_000)
    for tick in range(1, 249):
        patterns.step(levels, tick)
    patterns.ask((then,) * 6, 4_000)
    way, at_zero, turned_at = Direction.UP, 0, []
    for tick in range(249, 1_500):
        patterns.step(levels, tick)
        if patterns.turning(2) != way:
            way = patterns.turning(2)
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


@pytest.mark.parametrize(
    ("pattern", "vibration", "kneading", "drives"),
    [
        (0x01, ALL, ALL, (1_000, 0)),
        (CIRCLE, ALL, ALL, (300, 700)),
        (0x01, 0, ALL, (0, 1_000)),
        (CIRCLE, 0, ALL, (0, 1_000)),
        (UP, ALL, 0, (1_000, 0)),
    ],
)
def test_a_zone_drives_the_actuators_that_it_has(
    pattern: int, vibration: int, kneading: int, drives: tuple[int, int]
) -> None:
    patterns = made(vibration, kneading)
    patterns.ask((pattern,) * 6, 20_000)
    seen: set[tuple[int, ...]] = set()
    for tick in range(1, 1_001):
        patterns.step([1_000] * 6, tick)
        seen.add(tuple(patterns.actuators[:2]))
        assert sum(patterns.actuators[:2]) == patterns.drive[0] <= 1_000
    assert drives in seen
    assert {v > 0 for v, _ in seen if v} == ({True} if drives[0] else set())
    assert {k > 0 for _, k in seen if k} == ({True} if drives[1] else set())


MOTIONS = [0x01, 0x05, CW, CIRCLE, UP, ALTERNATE]


@pytest.mark.parametrize("then", MOTIONS)
@pytest.mark.parametrize("first", MOTIONS)
def test_r3_a_change_of_motion_hands_over_within_the_level(first: int, then: int) -> None:
    patterns = made()
    patterns.ask((first,) * 6, 4_000)
    before = [0] * 12
    for tick in range(1, 2_000):
        if tick == 1_000:
            patterns.ask((then,) * 6, 4_000)
        patterns.step([7_000, 7_000, 5_000, 5_000, 3_500, 3_500], tick)
        now = list(patterns.actuators)
        assert all(b - a <= 20 for a, b in zip(before, now, strict=True)), tick
        assert all(now[2 * z] + now[2 * z + 1] <= (70, 50, 35)[z // 2] * 100 for z in range(6))
        before = now


def test_r3_a_hand_over_fades_one_down_while_the_other_comes_up() -> None:
    patterns = made()
    patterns.ask((0x01,) * 6, 4_000)
    for tick in range(1, 500):
        patterns.step([5_000] * 6, tick)
    assert patterns.actuators[:2] == [5_000, 0]
    patterns.ask((CIRCLE,) * 6, 60_000)
    at_start = patterns.actuators[0]
    for tick in range(500, 515):
        patterns.step([5_000] * 6, tick)
        assert patterns.actuators[1] <= 100, "start duty while the stall watch is blanked"
    assert patterns.actuators[0] >= at_start // 2 - 100
    for tick in range(515, 530):
        vibrated, kneaded = patterns.actuators[:2]
        patterns.step([5_000] * 6, tick)
        assert patterns.actuators[1] - kneaded == 20
        assert 0 <= vibrated - patterns.actuators[0] <= 40


def test_r3_a_hand_over_back_fades_the_kneading_down_no_faster_than_vibration_comes_up() -> None:
    patterns = made()
    patterns.ask((CIRCLE,) * 6, 60_000)
    for tick in range(1, 800):
        patterns.step([5_000] * 6, tick)
    patterns.ask((0x05,) * 6, 60_000)
    total = sum(patterns.actuators[:2])
    for tick in range(800, 860):
        vibrated, kneaded = patterns.actuators[:2]
        patterns.step([5_000] * 6, tick)
        assert patterns.actuators[0] - vibrated == 20
        assert kneaded - patterns.actuators[1] <= 20
        assert total <= sum(patterns.actuators[:2]) <= 5_000
        total = sum(patterns.actuators[:2])


@pytest.mark.parametrize("pattern", [CW, UP, ALTERNATE])
def test_r12_a_motor_gets_start_duty_at_most_while_it_is_not_watched(pattern: int) -> None:
    patterns = made()
    patterns.ask((pattern,) * 6, 3_000)
    since = [0] * 12
    starts = 0
    for tick in range(1, 3_000):
        patterns.step([5_000] * 6, tick)
        for m, drive in enumerate(patterns.actuators):
            starts += drive > 0 and since[m] == 0
            since[m] = since[m] + 1 if drive else 0
            assert drive <= 100 or since[m] > 15
    assert starts >= 12


@pytest.mark.parametrize("pattern", [CW, CCW, CIRCLE, UP, DOWN, ALTERNATE])
def test_r3_a_boot_counts_as_a_reversal(pattern: int) -> None:
    """Which way it turned before is not known: nothing that turns or travels begins within 5 s."""
    patterns = Patterns(Limits(), ALL, ALL, 1_000)
    patterns.ask((pattern,) * 6, 4_000)
    for tick in range(1_001, 1_250):
        patterns.step([1_000] * 6, tick)
        assert patterns.drive == [0] * 6
    for tick in range(1_250, 1_400):
        patterns.step([1_000] * 6, tick)
    assert any(patterns.drive)


def test_duty_begins_at_start_duty_and_ends_at_full() -> None:
    core = Firmware(DeviceConfig(), MemoryNvm(), 0).core
    core.patterns.actuators[:5] = [0, 1, 100, 5_050, 10_000]
    core._drive()
    assert core.plant.motors.duty[:5] == [0, 2_000, 2_000, 6_000, 10_000]


def test_noise_is_the_same_for_the_same_seed() -> None:
    one, two, other = SplitMix64(1), SplitMix64(1), SplitMix64(2)
    assert [one.u32() for _ in range(5)] == [two.u32() for _ in range(5)]
    assert one.u64() != other.u64()
    assert all(0.0 <= one.unit() < 1.0 for _ in range(1000))
    assert all(-0.5 <= one.spread(0.5) <= 0.5 for _ in range(1000))

"""The watch over a motor, tick by tick, with what the board senses given (R12, R14)."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from massager_fw.board import ACTUATORS, FULL, Board
from massager_fw.guard_motor import BLANK_TICKS, MotorGuard
from massager_fw.states import Cause

LOCKED_MA = (200, 200)
SOUND_MA, HIGH_MA = 40, 160


class Sensed(Board):
    """A board that senses what a test says, of each motor alike."""

    def __init__(self) -> None:
        self.current_ma = [0] * ACTUATORS
        self.speed = [0] * ACTUATORS


def test_r12_a_moment_of_high_current_before_each_rest_is_no_stall() -> None:
    guard, board, tick = MotorGuard(1, LOCKED_MA), Sensed(), 0
    for _ in range(100):
        for after in range(BLANK_TICKS + 20):
            board.current_ma[0] = HIGH_MA if after == BLANK_TICKS + 5 else SOUND_MA
            tick += 1
            assert guard.check(tick, [FULL] + [0] * (ACTUATORS - 1), board) == Cause.NONE
        for _ in range(10):
            board.current_ma[0] = 0
            tick += 1
            assert guard.check(tick, [0] * ACTUATORS, board) == Cause.NONE


def drive(
    guard: MotorGuard, board: Sensed, begin: int, seen: Sequence[tuple[int, int]]
) -> list[int]:
    """What the guard says of motor 0, driven a tick for each (current in mA, speed)."""
    said: list[int] = []
    for tick, (current, speed) in enumerate(seen, begin + 1):
        board.current_ma[0], board.speed[0] = current, speed
        said.append(guard.check(tick, [FULL] + [0] * (ACTUATORS - 1), board))
    return said


def rest(guard: MotorGuard, board: Sensed, begin: int, current: int, ticks: int) -> list[int]:
    """The same of a motor at rest."""
    board.current_ma[0], board.speed[0] = current, 0
    return [guard.check(begin + k, [0] * ACTUATORS, board) for k in range(1, ticks + 1)]


def test_r14_what_flows_before_a_start_says_nothing_of_the_rest_after_it() -> None:
    guard, board = MotorGuard(1, LOCKED_MA), Sensed()
    said = rest(guard, board, 0, SOUND_MA, 6)
    said += drive(guard, board, 6, [(SOUND_MA, 0)] * 50)
    said += rest(guard, board, 56, SOUND_MA, 6)
    said += rest(guard, board, 62, 0, 20)
    assert set(said) == {Cause.NONE}


@pytest.mark.parametrize("first", [(HIGH_MA, FULL * 4 // 5), (SOUND_MA, 0)])
def test_r12_of_two_signs_of_a_stall_the_earlier_one_counts_over_a_rest(
    first: tuple[int, int],
) -> None:
    guard, board, turns = MotorGuard(3, LOCKED_MA), Sensed(), FULL * 4 // 5
    said = drive(guard, board, 0, [(SOUND_MA, turns)] * 40)
    said += drive(guard, board, 40, [first] * 10 + [(HIGH_MA, 0)] * 2)
    said += rest(guard, board, 52, 0, 1)
    said += drive(guard, board, 53, [(HIGH_MA, 0)] * 14)
    said += rest(guard, board, 67, 0, 1)
    assert set(said) == {Cause.NONE}
    # It stood for 12 and for 14 ticks by its current, and may stand for 33 (800 ms with the blanking).
    again = drive(guard, board, 68, [(HIGH_MA, 0)] * 9)
    assert again.index(Cause.STALL) <= 8


SOUND = (SOUND_MA, FULL)
STANDS = [(1, (HIGH_MA, FULL)), (2, (SOUND_MA, 0))]
"""What is sensed, and how a motor that stands looks by it."""


def runs(
    guard: MotorGuard, *sights: tuple[tuple[int, int], int], begin: int = 0
) -> tuple[list[int], list[bool]]:
    """What the guard says of runs of so many ticks with a tick of rest after each, and when it is calm."""
    board, tick, said, calm = Sensed(), begin, list[int](), list[bool]()
    for sight, ticks in sights:
        for seen in [sight] * ticks:
            said += drive(guard, board, tick, [seen])
            calm.append(guard.calm)
            tick += 1
        said += rest(guard, board, tick, 0, 1)
        tick += 1
    return said, calm


@pytest.mark.parametrize(("sensing", "stands"), STANDS)
def test_r12_a_motor_that_rests_within_its_blanking_again_and_again_is_not_driven_for_800_ms(
    sensing: int, stands: tuple[int, int]
) -> None:
    said, _ = runs(MotorGuard(sensing, LOCKED_MA), *[(stands, 10)] * 10)
    driven = said.index(Cause.STALL) * 10 // 11
    assert 30 <= driven <= 40


@pytest.mark.parametrize(("sensing", "stands"), STANDS)
def test_r12_a_motor_may_be_cut_as_it_comes_to_rest(sensing: int, stands: tuple[int, int]) -> None:
    said, _ = runs(MotorGuard(sensing, LOCKED_MA), (stands, 15), (stands, 20))
    assert said == [Cause.NONE] * 36 + [Cause.STALL]


@pytest.mark.parametrize(("sensing", "stands"), STANDS)
def test_r12_a_motor_that_was_seen_to_turn_is_no_longer_under_suspicion(
    sensing: int, stands: tuple[int, int]
) -> None:
    guard = MotorGuard(sensing, LOCKED_MA)
    said, _ = runs(guard, (stands, 10), (SOUND, 40), (stands, 29))
    assert set(said) == {Cause.NONE}, "blanked for 15 ticks anew, and the first 10 are forgotten"
    begin = len(said)
    said, _ = runs(guard, (SOUND, 10), begin=begin)
    assert set(said) == {Cause.NONE}, "it may turn freely now: nothing is said before it is watched"


def test_r12_moments_of_high_current_do_not_add_up_over_runs_in_which_it_turned() -> None:
    guard, board, said = MotorGuard(1, LOCKED_MA), Sensed(), list[int]()
    high = (HIGH_MA, FULL)
    for _ in range(4):
        said += drive(guard, board, len(said), [SOUND] * 40 + [high] + [SOUND] * 5 + [high] * 12)
        said += rest(guard, board, len(said), 0, 1)
    assert set(said) == {Cause.NONE}


def test_r12_each_start_is_watched_over_from_a_standstill() -> None:
    guard = MotorGuard(3, LOCKED_MA)
    assert guard.calm
    _, calm = runs(guard, (SOUND, 60), (SOUND, 60))
    assert calm[:60] == calm[60:]


def test_r12_time_that_was_blanked_counts_once() -> None:
    guard, board, tick = MotorGuard(1, LOCKED_MA), Sensed(), 0
    said: list[int] = []
    # Blanked for 10 ticks; 12 of high current; blanked for 3; 7 of high current: 32 of 33 ticks, each counted once.
    for seen in ([SOUND_MA] * 10, [HIGH_MA] * 12, [SOUND_MA] * 3, [HIGH_MA] * 7):
        said += drive(guard, board, tick, [(current, 0) for current in seen])
        tick += len(seen)
        said += rest(guard, board, tick, 0, 1)
        tick += 1
    assert set(said) == {Cause.NONE}


def test_r14_only_what_is_seen_on_end_is_a_short_circuit_or_a_current_at_rest() -> None:
    """Seen again after a sound tick it begins anew: a hundred ticks with gaps trip nothing, and without one they do."""
    short_ma = 4 * LOCKED_MA[0]
    for of, driven in (([short_ma], True), ([HIGH_MA], False)):
        for gaps in (True, False):
            guard, board, said = MotorGuard(1, LOCKED_MA), Sensed(), set[int]()
            for tick in range(1, 101):
                sound = SOUND_MA if driven else 0
                board.current_ma[0] = sound if gaps and tick % 2 else of[0]
                board.speed[0] = FULL
                duty = FULL if driven else 0
                said.add(guard.check(tick, [duty] + [0] * (ACTUATORS - 1), board))
            assert (said == {Cause.NONE}) is gaps, (of, driven, gaps, said)


def test_r12_no_tick_is_skipped_while_a_motor_starts_or_gains_speed() -> None:
    guard, board = MotorGuard(1, LOCKED_MA), Sensed()
    board.current_ma[0], board.speed[0] = SOUND_MA, FULL
    calm: list[bool] = []
    for tick in range(1, 301):
        duty = FULL if tick > 150 else FULL // 2
        assert guard.check(tick, [duty] + [0] * (ACTUATORS - 1), board) == Cause.NONE
        calm.append(guard.calm)
    assert not any(calm[:BLANK_TICKS])
    assert all(calm[100:150])
    assert not any(calm[150:155]), "it is to turn faster"
    assert all(calm[250:])

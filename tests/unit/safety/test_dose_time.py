"""R10: no sequence of changes to the wall clock makes dose time run faster than time does."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from massager_ctl.safety.dose_time import (
    DAY_S,
    UNKNOWN_BOOT,
    ClockReading,
    DoseClock,
    advance,
    begin,
    greatest_age,
)

START = ClockReading("a", 100.0, 1_800_000_000.0)


def later(
    moment: ClockReading, seconds: float, *, wall: float = 0.0, boot: str | None = None
) -> ClockReading:
    """`moment` after some seconds, with the wall clock moved by `wall`; in another boot if one is named."""
    boottime = 5.0 if boot else moment.boottime + seconds
    return ClockReading(boot or moment.boot, boottime, moment.wall + seconds + wall)


def test_a_new_ledger_begins_at_zero() -> None:
    assert begin(START) == DoseClock("a", 100.0, START.wall, 0.0, START.wall, 0.0)


def test_within_a_boot_it_follows_boottime() -> None:
    assert advance(begin(START), later(START, 3600.0)).at_s == 3600.0


def test_fault_6_a_wall_clock_set_back_frees_nothing_and_holds_one_look_up() -> None:
    """No one can tell it from a boottime that jumped, so what passed meanwhile is not counted; then it goes on."""
    back = advance(begin(START), later(START, 60.0, wall=-DAY_S))
    assert back.at_s == 0.0
    assert advance(back, later(START, 90.0, wall=-DAY_S)).at_s == 30.0


def test_r10_a_boottime_that_jumps_within_a_boot_frees_nothing() -> None:
    ahead = ClockReading("a", START.boottime + 60.0 + 2 * DAY_S, START.wall + 60.0)
    jumped = advance(begin(START), ahead)
    assert jumped.at_s == 60.0
    behind = ClockReading("a", START.boottime - 50.0, START.wall + 90.0)
    fell = advance(jumped, behind)
    assert fell.at_s == 60.0, "a boottime that falls within a boot proves nothing"
    assert advance(fell, later(behind, 10.0)).at_s == 70.0


def test_r10_a_boottime_that_fell_with_a_wall_clock_set_forward_frees_nothing() -> None:
    assert advance(begin(START), ClockReading("a", 5.0, START.wall + 2 * DAY_S)).at_s == 0.0


def test_fault_7_a_jump_forward_within_a_boot_frees_nothing() -> None:
    assert advance(begin(START), later(START, 60.0, wall=2 * DAY_S)).at_s == 60.0


def test_fault_7_a_jump_that_was_seen_frees_nothing_after_a_reboot_either() -> None:
    seen = advance(begin(START), later(START, 60.0, wall=2 * DAY_S))
    rebooted = later(START, 120.0, wall=2 * DAY_S, boot="b")
    assert advance(seen, rebooted).at_s == 120.0


def test_fault_8_a_step_by_ntp_has_no_effect() -> None:
    mark = advance(begin(START), later(START, 10.0, wall=2.0))
    assert advance(mark, later(START, 20.0, wall=-2.0)).at_s == 16.0, (
        "late by the step, never early"
    )


def test_fault_5_a_suspend_counts_as_time() -> None:
    asleep = ClockReading("a", START.boottime + 3600.0, START.wall + 3600.0)
    assert advance(begin(START), asleep).at_s == 3600.0


def test_r10_a_boottime_of_another_boot_proves_nothing_even_where_it_is_higher() -> None:
    rebooted = ClockReading("b", START.boottime + 10.0, START.wall + DAY_S)
    assert advance(begin(START), rebooted).at_s == DAY_S
    assert greatest_age(START, ClockReading("b", START.boottime + DAY_S, START.wall + 60.0)) == 60.0


def test_across_boots_it_follows_the_wall_clock() -> None:
    assert advance(begin(START), later(START, DAY_S, boot="b")).at_s == DAY_S


def test_across_boots_below_the_highest_wall_time_nothing_passes() -> None:
    back = later(START, 60.0, wall=-DAY_S, boot="b")
    mark = advance(begin(START), back)
    assert mark.at_s == 0.0
    assert mark.high_wall == START.wall
    assert advance(mark, ClockReading("b", back.boottime + 30.0, back.wall + 30.0)).at_s == 30.0


def test_time_is_not_counted_twice_when_a_wrong_clock_is_put_right() -> None:
    """An hour under a wrong clock, then a boot with the right one: the wall clock's day contains that hour."""
    mark = advance(begin(START), ClockReading("b", 5.0, 0.0))
    mark = advance(mark, ClockReading("b", 3605.0, 3600.0))
    assert mark.at_s == 3600.0
    assert advance(mark, ClockReading("c", 5.0, START.wall + DAY_S)).at_s == DAY_S


def test_a_boottime_that_fell_is_another_boot() -> None:
    """Where the system cannot name its boots."""
    mark = begin(ClockReading("unknown", 5000.0, 1000.0))
    assert advance(mark, ClockReading("unknown", 10.0, 1600.0)).at_s == 600.0
    assert advance(mark, ClockReading("unknown", 10.0, 900.0)).at_s == 0.0


@dataclass
class World:
    """True time, and the clocks that a computer in it shows."""

    now: float = 0.0
    boot: int = 0
    booted_at: float = 0.0
    offset: float = 0.0
    marks: list[DoseClock] = field(default_factory=list)

    def look(self) -> float:
        moment = ClockReading(str(self.boot), self.now - self.booted_at, self.now + self.offset)
        self.marks.append(advance(self.marks[-1], moment) if self.marks else begin(moment))
        return self.marks[-1].at_s


seconds = st.floats(0.0, 10 * DAY_S)
offsets = st.floats(-400 * DAY_S, 400 * DAY_S)


@given(st.lists(st.tuples(seconds, offsets), max_size=20))
def test_within_a_boot_no_wall_clock_frees_anything(steps: list[tuple[float, float]]) -> None:
    """However it is set, dose time follows boottime, less what the wall clock was set back."""
    world = World()
    world.look()
    expected = 0.0
    for passed, offset in steps:
        world.now += passed
        expected += min(passed, max(0.0, passed + offset - world.offset))
        world.offset = offset
        assert math.isclose(world.look(), expected, abs_tol=1e-3)
        assert expected <= world.now + 1e-3


@given(st.lists(st.tuples(seconds, offsets, st.booleans()), max_size=20))
def test_r10_neither_clock_alone_frees_anything(steps: list[tuple[float, float, bool]]) -> None:
    """In each step one of the two is moved anywhere, or both are right."""
    world = World()
    world.look()
    for passed, offset, boottime in steps:
        world.now += passed
        if boottime:
            world.booted_at = -offset
        else:
            world.offset = offset
        assert world.look() <= world.now + 1e-3


@given(st.lists(st.tuples(seconds, st.floats(0.0, 400 * DAY_S), st.booleans()), max_size=20))
def test_setting_the_clock_back_frees_nothing_in_any_boot(
    steps: list[tuple[float, float, bool]],
) -> None:
    world = World()
    world.look()
    before = 0.0
    for passed, back, reboots in steps:
        world.now += passed
        world.offset -= back
        if reboots:
            world.boot, world.booted_at = world.boot + 1, world.now
        at_s = world.look()
        assert before <= at_s <= world.now + 1e-3
        before = at_s


@given(st.lists(st.tuples(seconds, offsets, seconds, st.booleans()), max_size=20))
def test_any_change_that_was_seen_frees_nothing(
    steps: list[tuple[float, float, float, bool]],
) -> None:
    """The clock may be moved anywhere in any boot, as long as the ledger looks once before the next boot."""
    world = World()
    world.look()
    for passed, offset, more, reboots in steps:
        world.now += passed
        world.offset = offset
        world.look()
        world.now += more
        if reboots:
            world.boot, world.booted_at = world.boot + 1, world.now
        assert world.look() <= world.now + 1e-3


def test_an_age_at_the_most_follows_boottime_then_the_wall_clock() -> None:
    assert greatest_age(START, later(START, 50.0, wall=-DAY_S)) == 50.0
    assert greatest_age(START, later(START, 50.0, boot="b")) == 50.0
    assert greatest_age(START, later(START, 50.0, wall=-DAY_S, boot="b")) == math.inf


def test_r10_without_the_name_of_the_boot_a_jump_forward_frees_nothing() -> None:
    begun = ClockReading(UNKNOWN_BOOT, 100.0, START.wall)
    assert advance(begin(begun), later(begun, 60.0, wall=2 * DAY_S)).at_s == 60.0


def test_r21_an_age_is_the_most_that_may_have_passed() -> None:
    assert greatest_age(START, later(START, 60.0, wall=DAY_S)) == 60.0 + DAY_S
    assert greatest_age(START, later(START, 60.0, wall=-DAY_S)) == 60.0
    both_fell = ClockReading(START.boot, START.boottime - 50.0, START.wall - 1.0)
    assert math.isinf(greatest_age(START, both_fell))

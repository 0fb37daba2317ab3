"""A session on the pico_w: motors, its switch, the button, its watchdog and its memory; the stand-ins tell all."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from massager_ctl.wire import messages
from tests.firmware.pico import Pico, wired
from tests.firmware.plain_host import PlainHost
from tests.firmware.running_pico import (
    BROWN_OUT,
    BUTTON,
    DEAD_MAN,
    KNEAD,
    LEVELS,
    LIGHT,
    STALL,
    START,
    STUCK,
    VIBRATE,
    WATCHDOG,
    duties,
)
from tests.firmware.unix_board import needs_micropython

pytestmark = needs_micropython


def test_a_session_turns_the_motors_from_start_duty_and_a_stop_is_zero(
    power: Callable[..., Pico],
) -> None:
    board = power()
    host = PlainHost(board)
    host.telemetry(within=10)
    assert host.arm().result == 0
    now = host.drive(2.0, LEVELS, VIBRATE)
    assert now.state == 2
    assert now.levels[0] > 10
    left = duties(board, 2)
    assert left[0] == 0
    assert left[1] == pytest.approx(START, abs=10)
    assert max(left) < 65535 * 0.27
    assert now.current > 0
    assert now.pad == pytest.approx(300, abs=10)
    assert host.stop().result == 0
    host.listen(0.1)
    assert duties(board, 2)[-1] == duties(board, 3)[-1] == 0
    assert duties(board, 4) == [0]


def test_a_host_that_falls_silent_is_a_dead_man(power: Callable[..., Pico]) -> None:
    board = power()
    host = PlainHost(board)
    host.telemetry(within=10)
    host.arm()
    host.drive(1.0, LEVELS, VIBRATE)
    now = host.wait(messages.TelemetryFrame, lambda one: one.cause == DEAD_MAN)
    assert not any(now.levels)
    assert duties(board, 2)[-1] == 0


def test_usb_that_is_unplugged_ends_the_session_at_once(power: Callable[..., Pico]) -> None:
    board = power()
    host = PlainHost(board)
    host.telemetry(within=10)
    host.arm()
    host.drive(1.0, LEVELS, VIBRATE)
    board.hand("usb", 0)
    board.wait(0.3)
    assert duties(board, 2)[-1] == 0
    zero = [line for line in board.noted("pwm") if line[2] == 2][-1][0]
    pulled = board.noted("hand")[-1][0]
    assert zero - pulled < 100
    board.hand("usb", 1)
    assert host.wait(messages.TelemetryFrame, lambda one: one.cause == 17).state == 0


def test_the_button_cuts_within_50_ms_and_latches(power: Callable[..., Pico]) -> None:
    board = power()
    host = PlainHost(board)
    host.telemetry(within=10)
    host.arm()
    host.drive(1.0, LEVELS, VIBRATE)
    board.hand("button", 1)
    now = host.wait(messages.TelemetryFrame, lambda one: one.cause == BUTTON)
    assert now.state == 5
    pressed = board.noted("hand")[-1][0]
    assert [line for line in board.noted("pwm") if line[2] == 2][-1][0] - pressed <= 50
    assert host.arm().result == 4


def test_the_light_says_latched_and_pairing_apart(power: Callable[..., Pico]) -> None:
    """R17: a hold of 5 s opens pairing, which nothing else at the device shows."""

    def half_periods(seconds: float) -> list[int]:
        began = len(board.noted("pin"))
        host.listen(seconds)
        turns = [at for at, _, pin, _ in board.noted("pin")[began:] if pin == LIGHT]
        return [later - sooner for sooner, later in pairwise(turns)]

    board = power()
    host = PlainHost(board)
    host.telemetry(within=10)
    assert not half_periods(2)
    board.hand("button", 1)
    host.listen(1)
    board.hand("button", 0)
    host.listen(0.5)
    assert half_periods(3) == pytest.approx([400] * 6, abs=30)
    board.hand("button", 1)
    host.listen(5.5)
    board.hand("button", 0)
    host.listen(0.5)
    assert half_periods(1) == pytest.approx([100] * 9, abs=30)


def test_kneading_turns_after_five_seconds_and_a_stall_latches(power: Callable[..., Pico]) -> None:
    board = power()
    host = PlainHost(board)
    host.telemetry(within=10)
    host.arm()
    host.drive(6.5, LEVELS, KNEAD)
    assert max(duties(board, 4)) >= int(65535 * 0.30) - 1
    assert max(duties(board, 2)) > 0, "the zone's vibration shares the level"
    board.hand("stall2", 1)
    stalled = board.wait_for("hand")
    now = host.drive(1.5, LEVELS, KNEAD)
    assert (now.state, now.cause) == (6, STALL)
    cut = [line for line in board.noted("pwm") if line[2] == 4][-1]
    assert cut[3] == 0
    assert cut[0] - stalled[0] <= 800
    # A fault outlives the power.
    board.unplug()
    again = PlainHost(power())
    assert again.telemetry(within=10).cause == STALL


def test_a_power_stage_that_conducts_at_zero_opens_the_switch(power: Callable[..., Pico]) -> None:
    board = power()
    host = PlainHost(board)
    host.telemetry(within=10)
    host.arm()
    host.drive(0.5, LEVELS, VIBRATE)
    board.hand("stuck3", 1)
    host.drive(0.8, LEVELS, VIBRATE)
    now = host.telemetry()
    assert (now.state, now.cause) == (6, STUCK)
    assert not now.flags & 8
    opened = [line for line in board.noted("pin") if line[2:] == [10, 0]][-1]
    assert opened[0] - board.noted("hand")[-1][0] <= 300


def test_a_hang_is_reset_and_the_switch_opens_in_hardware(power: Callable[..., Pico]) -> None:
    board = power()
    host = PlainHost(board)
    host.telemetry(within=10)
    host.arm()
    host.drive(1.0, LEVELS, VIBRATE)
    board.hand("hang", 1)
    _, _, after, closed = board.wait_for("bites")
    assert after <= 360
    assert closed is False, "no edge for 350 ms: the motor supply is open although PWM runs on"
    assert duties(board, 2)[-1] > 0
    board.wait_for("reset")
    board.unplug()
    again = power(hang=0)
    now = PlainHost(again).telemetry(within=10)
    assert (now.state, now.cause) == (0, WATCHDOG)
    assert not any(now.levels)


def test_a_board_that_is_never_unplugged_restarts_at_rest_before_its_clock_is_full(
    tmp_path: Path,
) -> None:
    """MicroPython's small integers end at 2**30, which are 12.4 days in milliseconds; here 3 s stand for nine days."""
    with wired(tmp_path, start=[("_LATEST_MS = 3 << 28", "_LATEST_MS = 3000")]) as board:
        host = PlainHost(board)
        host.telemetry(within=10)
        host.arm()
        assert any(host.drive(4.0, LEVELS, VIBRATE).levels)
        assert not board.noted("reset"), "not in a session"
        host.send(messages.Stop(1, 1))
        board.wait_for("reset")


def test_an_estop_latch_outlives_the_watchdog_and_no_power_cycle(
    power: Callable[..., Pico],
) -> None:
    board = power()
    host = PlainHost(board)
    host.telemetry(within=10)
    board.hand("button", 1)
    host.wait(messages.TelemetryFrame, lambda one: one.state == 5)
    board.hand("button", 0)
    host.listen(0.3)
    board.hand("hang", 1)
    board.wait_for("reset")
    board.unplug()
    again = power(hang=0)
    assert PlainHost(again).telemetry(within=10).state == 5
    again.unplug()
    third = power()
    assert PlainHost(third).telemetry(within=10).state == 0


def test_counters_outlive_the_power(power: Callable[..., Pico]) -> None:
    board = power()
    host = PlainHost(board)
    host.telemetry(within=10)
    host.arm()
    host.drive(3.0, LEVELS, VIBRATE)
    host.stop()
    host.listen(0.2)
    board.unplug()
    again = PlainHost(power())
    again.telemetry(within=10)
    again.send(messages.GetInfo(1))
    info = again.wait(messages.Info)
    assert info.boot == 2
    assert info.lifetime >= 2


def test_a_host_that_does_not_read_delays_no_tick(power: Callable[..., Pico]) -> None:
    board = power()
    PlainHost(board).telemetry(within=10)
    board.wait(6)  # some 60 frames of 86 bytes: more than a PTY holds
    assert board.process.poll() is None
    assert not board.noted("bites")


def test_r13_a_brown_out_is_what_the_wiring_says(tmp_path: Path) -> None:
    """A battery of one lithium cell, at 3.9 V and then at 2.9."""
    one_cell = '"mains": False, "empty_mv": 3300, "full_mv": 4200, "lowest_mv": 3000'
    with wired(tmp_path, ('"mains": True, "lowest_mv": 9000', one_cell), supply=3900) as board:
        host = PlainHost(board)
        host.telemetry(within=10)
        host.arm()
        assert any(host.drive(1.0, LEVELS, VIBRATE).levels)
        board.hand("supply", 2900)
        assert host.wait(messages.TelemetryFrame, lambda one: one.cause == BROWN_OUT).state == 0
        assert duties(board, 2)[-1] == 0


def test_without_the_switch_info_says_so(tmp_path: Path) -> None:
    """R14: a host takes such a device for the bench only."""
    switch = 'SWITCH = {"enable": 10, "edge": 11, "sense": "mux6", "divider": 7.8}'
    with wired(tmp_path, (switch, "SWITCH = None")) as board:
        host = PlainHost(board)
        host.telemetry(within=10)
        host.send(messages.GetInfo(5))
        assert host.wait(messages.Info).sensing & 0b100000 == 0

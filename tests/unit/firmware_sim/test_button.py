"""The button: what a press latches, what a hold clears, and what a broken cable reads as (R7)."""

from __future__ import annotations

from tests.unit.firmware_sim.lone_device import LOW, at_zero, hold

from firmware_sim.peer import Peer
from massager_fw.board import CABLE_OPEN, PRESSED, RELEASED
from massager_fw.button import Button, Edge
from massager_fw.states import Cause, Result, State


def test_a_press_is_zero_at_once_and_latches(peer: Peer) -> None:
    peer.arm()
    peer.drive(2.0, LOW)
    peer._take(peer.firmware.press(peer.now))
    assert at_zero(peer)
    telemetry = peer.telemetry
    assert (telemetry.state, telemetry.cause, telemetry.latch) == (State.LATCHED, Cause.BUTTON, 1)
    assert telemetry.flags & 1
    hold(peer, 0.1)
    assert peer.arm().result == Result.LATCHED
    assert not peer.telemetry.flags & 1


def test_bounce_is_one_press(peer: Peer) -> None:
    for k in range(20):
        peer.firmware.press(peer.now)
        peer.run(0.003)
        peer.firmware.release(peer.now)
        peer.run(0.004 + 0.001 * (k % 3))
    peer.run(0.3)
    assert peer.telemetry.latch == 1


def test_a_hold_clears_what_was_latched_before_it_and_only_that(peer: Peer) -> None:
    hold(peer, 2.5)
    assert peer.telemetry.state == State.LATCHED
    hold(peer, 1.8)
    assert peer.telemetry.state == State.LATCHED
    hold(peer, 2.1)
    assert peer.telemetry.state == State.IDLE
    assert peer.telemetry.flags & 32
    assert not peer.telemetry.flags & 16
    assert peer.arm().result == Result.OK
    peer.run(0.1)
    assert not peer.telemetry.flags & 32


def test_a_long_hold_opens_pairing_for_a_minute(peer: Peer) -> None:
    hold(peer, 0.1)
    hold(peer, 5.1)
    assert peer.telemetry.state == State.IDLE
    assert peer.telemetry.flags & 16
    peer.run(59.0)
    assert peer.telemetry.flags & 16
    assert peer.firmware.rules.pairing_open
    peer.run(1.5)
    assert not peer.telemetry.flags & 16
    assert not peer.firmware.rules.pairing_open


def test_attended_ends_after_ten_minutes_counted_at_nine_tenths(peer: Peer) -> None:
    hold(peer, 0.1)
    hold(peer, 2.5)
    peer.run(539.0)
    assert peer.telemetry.flags & 32
    peer.run(2.0)
    assert not peer.telemetry.flags & 32


def test_a_stuck_button_keeps_the_latch(peer: Peer) -> None:
    peer.firmware.press(peer.now)
    peer.run(30.0)
    assert peer.reset().result == Result.BUTTON
    assert peer.telemetry.state == State.LATCHED


def test_an_open_cable_reads_as_pressed(peer: Peer) -> None:
    peer.firmware.cable(True, peer.now)
    peer.run(0.2)
    assert peer.telemetry.cause == Cause.BUTTON_OPEN
    assert peer.reset().result == Result.BUTTON
    peer.firmware.press(peer.now)
    peer.firmware.release(peer.now)
    peer.run(0.2)
    assert peer.telemetry.latch == 1
    peer.firmware.cable(False, peer.now)
    peer.run(0.2)
    assert peer.reset().result == Result.OK


def test_r7_a_cable_that_breaks_and_is_mended_is_no_hand_that_holds_the_button(peer: Peer) -> None:
    for _ in range(2):
        peer.firmware.cable(True, peer.now)
        peer.run(6.0)
        peer.firmware.cable(False, peer.now)
        peer.run(0.5)
    assert peer.telemetry.state == State.LATCHED
    assert not peer.telemetry.flags & (1 << 4 | 1 << 5)  # no pairing, no one attends
    hold(peer, 2.5)
    assert peer.telemetry.state == State.IDLE


def test_r7_a_cable_that_breaks_in_a_hold_spoils_it(peer: Peer) -> None:
    hold(peer, 0.1)
    peer.firmware.press(peer.now)
    peer.run(1.5)
    peer.firmware.cable(True, peer.now)
    peer.firmware.release(peer.now)
    peer.run(1.5)
    peer.firmware.cable(False, peer.now)
    peer.run(0.5)
    assert peer.telemetry.state == State.LATCHED


def test_the_first_edge_acts_and_its_length_is_measured() -> None:
    button = Button()
    assert button.sense(PRESSED, 1000) == Edge.PRESSED
    assert button.sense(RELEASED, 1500) == Edge.NONE
    assert button.sense(PRESSED, 1520) == Edge.NONE
    assert not button.settle(2000)
    button.sense(RELEASED, 3000)
    assert not button.settle(3020)
    assert button.settle(3060)
    assert button.hold_ms == 2000
    assert not button.settle(9000)
    assert button.sense(CABLE_OPEN, 10_000) == Edge.OPENED
    assert button.open


def test_a_board_may_tell_the_same_again_at_each_tick() -> None:
    button = Button()
    assert button.sense(RELEASED, 0) == Edge.NONE
    assert not button.settle(1000), "it was never pressed"
    for now, state in ((1000, PRESSED), (1020, PRESSED), (3000, RELEASED), (3040, RELEASED)):
        assert (button.sense(state, now) == Edge.PRESSED) is (now == 1000)
    assert button.settle(3060)
    assert button.hold_ms == 2000


def test_r7_a_hold_in_which_the_cable_was_open_for_a_moment_is_none() -> None:
    button = Button()
    for now, state in ((0, PRESSED), (1000, CABLE_OPEN), (1100, PRESSED), (4000, RELEASED)):
        button.sense(state, now)
    assert button.settle(4060)
    assert button.hold_ms == 0


def test_a_button_pressed_in_a_fault_leaves_the_fault(peer: Peer) -> None:
    peer.firmware.core.trip(Cause.STALL)
    hold(peer, 0.1)
    assert (peer.telemetry.state, peer.telemetry.cause) == (State.FAULT, Cause.STALL)
    assert peer.telemetry.latch == 2
    hold(peer, 2.5)
    assert peer.telemetry.state == State.IDLE

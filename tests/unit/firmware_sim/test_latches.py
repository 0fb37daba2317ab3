"""The latch counter: what a press and a fault count, and what a hold leaves latched (R7)."""

from __future__ import annotations

from tests.unit.firmware_sim.lone_device import trip

from firmware_sim.peer import Peer
from massager_fw.board import FULL
from massager_fw.states import Cause, Result, State


def hold(peer: Peer, seconds: float) -> None:
    peer.firmware.press(peer.now)
    peer.run(seconds)
    peer._take(peer.firmware.release(peer.now))
    peer.run(0.3)


def test_r7_a_press_while_latched_counts_and_changes_the_epoch(peer: Peer) -> None:
    hold(peer, 0.1)
    before = peer.telemetry
    hold(peer, 0.1)
    after = peer.telemetry
    assert after.state == before.state == State.LATCHED
    assert after.latch == before.latch + 1
    assert after.epoch != before.epoch


def test_r7_the_press_that_latches_clears_nothing_however_long(peer: Peer) -> None:
    hold(peer, 6.0)
    assert peer.telemetry.state == State.LATCHED
    assert peer.telemetry.flags & 16
    assert not peer.telemetry.flags & 32


def test_r7_attended_ends_with_a_new_latch(peer: Peer) -> None:
    hold(peer, 0.1)
    hold(peer, 2.5)
    assert peer.telemetry.flags & 32
    hold(peer, 0.1)
    assert not peer.telemetry.flags & 32
    assert peer.reset().result == Result.OK
    peer.run(0.1)
    assert not peer.telemetry.flags & 32


def test_r7_attended_ends_with_a_fault(peer: Peer) -> None:
    hold(peer, 0.1)
    hold(peer, 2.5)
    trip(peer)
    assert not peer.telemetry.flags & 32


def too_warm(peer: Peer) -> None:
    """The motors get too warm, and stay so."""
    peer.firmware.core.plant.motor_body.celsius = 90.0
    peer.firmware.core.plant.motor_body.extra_w = 16.5
    while peer.telemetry.state != State.FAULT:
        peer.run(0.1)


def test_r7_a_hold_clears_no_fault_whose_cause_lasts(peer: Peer) -> None:
    too_warm(peer)
    for _ in range(3):
        hold(peer, 2.5)
        assert peer.telemetry.state == State.FAULT
        assert not peer.telemetry.flags & 32
    assert peer.reset().result == Result.CAUSE_PRESENT
    peer.firmware.core.plant.motor_body.extra_w = 0.0
    peer.run(600.0)
    hold(peer, 2.5)
    assert peer.telemetry.state == State.IDLE


def test_a_second_fault_counts_and_shows_and_one_that_lasts_does_not(peer: Peer) -> None:
    too_warm(peer)
    first = peer.telemetry
    assert (first.cause, first.latch) == (Cause.OVER_TEMPERATURE, 1)
    peer.run(5.0)
    assert peer.telemetry.latch == 1
    motors = peer.firmware.core.plant.motors
    motors.stuck = {0: 0.5 * FULL}
    motors.disturb()
    peer.run(0.5)
    second = peer.telemetry
    assert (second.cause, second.latch) == (Cause.STUCK_OUTPUT, 2)
    assert second.epoch != first.epoch
    peer.run(5.0)
    assert (peer.telemetry.cause, peer.telemetry.latch) == (Cause.STUCK_OUTPUT, 2)
    motors.stuck = {}
    assert peer.reset().result == Result.CAUSE_PRESENT, "it is still too warm"


def test_r7_a_hold_clears_no_fault_that_came_in_it(peer: Peer) -> None:
    """Whoever began to hold it knew of the latch before."""
    hold(peer, 0.1)
    peer.firmware.press(peer.now)
    peer.run(1.0)
    trip(peer)
    peer.run(1.5)
    peer._take(peer.firmware.release(peer.now))
    peer.run(0.3)
    assert (peer.telemetry.state, peer.telemetry.cause) == (State.FAULT, Cause.STALL)
    hold(peer, 2.5)
    assert peer.telemetry.state == State.IDLE


def test_r7_the_press_that_latches_clears_nothing_over_a_reset_of_the_processor_either(
    peer: Peer,
) -> None:
    peer.firmware.press(peer.now)
    peer.run(1.0)
    peer.firmware.core.restart(Cause.WATCHDOG)
    peer.run(2.5)
    peer._take(peer.firmware.release(peer.now))
    peer.run(0.3)
    assert peer.telemetry.state == State.LATCHED
    assert not peer.telemetry.flags & 32
    hold(peer, 2.5)
    assert peer.telemetry.state == State.IDLE


def test_r7_two_presses_with_a_release_between_them_are_no_hold(peer: Peer) -> None:
    """A contact that was open for 50 ms was released, whenever the rules looked."""
    hold(peer, 0.1)
    for _ in range(2):
        peer.firmware.press(peer.now)
        peer.run(1.2)
        peer.firmware.release(peer.now)
        peer.run(0.06)
    peer.run(0.3)
    assert (peer.telemetry.state, peer.telemetry.latch) == (State.LATCHED, 3)

"""RESET: it clears the newest latch and nothing else."""

from __future__ import annotations

from tests.unit.firmware_sim.lone_device import at_zero, hold

from firmware_sim import wire
from firmware_sim.peer import Peer
from massager_fw.states import Result, State


def test_reset_clears_the_latch_and_raises_nothing(peer: Peer) -> None:
    hold(peer, 0.1)
    assert peer.reset().result == Result.OK
    assert peer.telemetry.state == State.IDLE
    assert at_zero(peer)


def test_reset_names_the_newest_latch(peer: Peer) -> None:
    hold(peer, 0.1)
    old = peer.telemetry.latch
    hold(peer, 0.1)
    assert peer.reset(latch=old).result == Result.WRONG_LATCH
    assert peer.reset().result == Result.OK


def test_a_new_press_voids_a_reset_on_its_way(peer: Peer) -> None:
    hold(peer, 0.1)
    telemetry = peer.telemetry
    late = wire.Reset(9, telemetry.challenge, telemetry.latch)
    hold(peer, 0.1)
    assert peer.ask(late).result == Result.STALE_CHALLENGE


def test_a_reset_refused_while_pressed_does_not_act_when_it_comes_again(peer: Peer) -> None:
    peer.firmware.press(peer.now)
    peer.run(0.2)
    telemetry = peer.telemetry
    reset = wire.Reset(9, telemetry.challenge, telemetry.latch)
    assert peer.ask(reset).result == Result.BUTTON
    peer.firmware.release(peer.now)
    peer.run(0.3)
    assert peer.ask(reset).result == Result.STALE_CHALLENGE
    assert peer.telemetry.state == State.LATCHED


def test_reset_without_a_latch(peer: Peer) -> None:
    assert peer.reset().result == Result.NOT_LATCHED

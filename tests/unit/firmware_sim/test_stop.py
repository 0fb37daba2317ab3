"""STOP: zero from any sender in any state, and nothing sent before it acts after it."""

from __future__ import annotations

import pytest
from tests.unit.firmware_sim.lone_device import LOW

from firmware_sim import wire
from firmware_sim.peer import Peer
from massager_fw.states import Cause, Result, State


def test_nothing_sent_before_a_stop_acts_after_it(peer: Peer) -> None:
    peer.run(0.1)
    arm = wire.frame(wire.pack(peer.arm_message()))
    peer.raw(arm)
    early = wire.frame(wire.pack(peer.setpoint(LOW)))
    peer.stop()
    peer.raw(early)
    peer.raw(arm)
    peer.run(0.2)
    peer.raw(early)
    assert peer.acks()[-1].result == Result.STALE_EPOCH
    peer.run(1.0)
    assert peer.firmware.core.levels.level == [0] * 6
    assert peer.firmware.core.session is None


@pytest.mark.parametrize(
    ("stop", "cause"),
    [
        (bytes.fromhex("01040100000001"), Cause.PERSON),
        (bytes.fromhex("01040100000003"), Cause.PAIN),
        (bytes.fromhex("010401000000fa"), Cause.PERSON),
        (bytes.fromhex("01040100000000"), Cause.PERSON),
        (bytes.fromhex("01040100000009"), Cause.PERSON),
        (bytes.fromhex("02040100000002"), Cause.FINISHED),
        (bytes.fromhex("020401000000020000aabb"), Cause.FINISHED),
    ],
)
def test_stop_of_any_reason_and_version_is_zero(peer: Peer, stop: bytes, cause: Cause) -> None:
    peer.arm()
    peer.drive(2.0, LOW)
    peer.raw(wire.frame(wire.seal(stop)))
    core = peer.firmware.core
    assert core.levels.level == core.patterns.drive == [0] * 6
    assert core.plant.motors.duty == [0.0] * 12
    assert peer.acks()[-1] == wire.Ack(1, 4, Result.OK, core.epoch, 0)
    assert (peer.telemetry.state, peer.telemetry.cause) == (State.IDLE, cause)


def test_stop_cuts_in_behind_half_a_frame(peer: Peer) -> None:
    peer.arm()
    peer.drive(1.0, LOW)
    half = wire.frame(wire.pack(peer.setpoint(LOW)))[:17]
    peer.raw(half)
    peer.raw(b"\x00" + wire.frame(wire.pack(wire.Stop(9, 1))))
    assert peer.acks()[-1].token == 9
    assert peer.firmware.core.levels.level == [0] * 6


def test_stop_leaves_a_latch_a_latch(peer: Peer) -> None:
    peer.firmware.press(peer.now)
    epoch = peer.firmware.core.epoch
    ack = peer.stop()
    assert (ack.result, ack.epoch, ack.detail) == (Result.OK, epoch + 1, 1)
    assert peer.firmware.core.state is State.LATCHED
    assert peer.firmware.core.cause is Cause.BUTTON


def test_a_frame_flood_does_not_delay_the_stop(peer: Peer) -> None:
    peer.arm()
    flood = b"".join(wire.frame(wire.pack(peer.setpoint(LOW))) for _ in range(2000))
    peer.raw(flood + wire.frame(wire.pack(wire.Stop(77, 1))))
    assert peer.acks()[-1].token == 77
    assert peer.firmware.core.levels.level == [0] * 6


def test_a_stop_without_a_session_keeps_the_cause_of_the_last(peer: Peer) -> None:
    peer.arm()
    peer.stop(2)
    peer.stop(1)
    peer.run(0.1)
    assert peer.telemetry.cause == Cause.FINISHED

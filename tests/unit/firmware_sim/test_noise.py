"""Noise on the owner's link: how much of it, for how long, ends a session (R16)."""

from __future__ import annotations

import pytest
from tests.unit.firmware_sim.lone_device import LOW, RUBBISH, make, noisy

from firmware_sim import wire
from firmware_sim.config import LinkKind
from firmware_sim.peer import Peer
from massager_fw.frame_noise import SLOT_TICKS, FrameNoise
from massager_fw.states import Cause, State


def test_r16_noise_throughout_two_seconds_ends_the_session(peer: Peer) -> None:
    peer.arm()
    began = peer.now
    while peer.firmware.core.session is not None and peer.now - began < 4.0:
        noisy(peer, 2, 0.1)
    assert peer.firmware.core.cause is Cause.FRAME_NOISE
    assert 2.0 <= peer.now - began <= 2.2
    assert peer.firmware.core.levels.level == [0] * 6


@pytest.mark.parametrize("bytes_of_noise", [48, 480, 48_000])
def test_r16_a_burst_of_noise_ends_nothing(peer: Peer, bytes_of_noise: int) -> None:
    peer.arm()
    peer.drive(1.0, LOW)
    peer.raw(RUBBISH * (bytes_of_noise // len(RUBBISH)))
    peer.drive(3.0, LOW)
    assert peer.firmware.core.state is State.RUNNING


def test_r16_a_slot_with_less_noise_begins_the_two_seconds_anew(peer: Peer) -> None:
    peer.arm()
    for _ in range(5):
        noisy(peer, 3, 1.5)
        noisy(peer, 1, 0.5)
    assert peer.firmware.core.state is State.RUNNING


def test_r16_half_bad_frames_are_borne_for_ever(peer: Peer) -> None:
    peer.arm()
    noisy(peer, 1, 20.0)
    assert peer.firmware.core.state is State.RUNNING


def test_r16_a_slot_without_frames_breaks_the_row() -> None:
    peer = make()
    peer.run(0.1)
    peer = Peer(peer.firmware, LinkKind.TCP, link=2, now=peer.now)
    peer.arm()
    for _ in range(6):
        noisy(peer, 3, 1.0)
        peer.run(0.9)
        peer.send(peer.setpoint(LOW))
    assert peer.firmware.core.session is not None


def test_r16_noise_before_the_arm_and_on_another_link_does_not_count(peer: Peer) -> None:
    for _ in range(30):
        peer.raw(RUBBISH * 3)
        peer.run(0.1)
    peer.arm()
    noisy(peer, 0, 0.3)
    other = Peer(peer.firmware, link=2, now=peer.now)
    for _ in range(40):
        peer.send(peer.setpoint(LOW))
        other.raw(RUBBISH * 3)
        peer.run(0.1)
    assert peer.firmware.core.state is State.RUNNING


def test_r16_refused_but_good_frames_are_no_noise(peer: Peer) -> None:
    peer.arm()
    stale = wire.frame(wire.pack(peer.setpoint(LOW)))
    for _ in range(30):
        peer.send(peer.setpoint(LOW))
        for _ in range(4):
            peer.raw(stale)
        peer.run(0.1)
    assert peer.firmware.core.state is State.RUNNING


def test_r16_each_slot_is_judged_by_its_own_frames_whenever_it_is_asked() -> None:
    for good_slot in (None, 1):
        noise = FrameNoise(0)
        for tick in range(0, 4 * SLOT_TICKS, 5):
            noise.note(tick, tick // SLOT_TICKS != good_slot)
        assert not noise.over(4 * SLOT_TICKS - 1), "the last slot is not over"
        assert noise.over(4 * SLOT_TICKS) is (good_slot is None)

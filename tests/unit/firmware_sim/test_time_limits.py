"""The limits on armed time, with and without its pauses, and on one pause."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.unit.firmware_sim.lone_device import LOW, device

from firmware_sim.config import Limits
from firmware_sim.peer import Peer
from massager_fw.states import Cause


def test_the_time_limit_of_the_arm_cuts_at_nine_tenths_by_its_own_clock(peer: Peer) -> None:
    peer.arm(limit_s=10)
    start = peer.now
    while peer.firmware.core.session is not None:
        peer.send(peer.setpoint(LOW))
        peer.run(0.1)
    assert peer.firmware.core.cause is Cause.TIME_LIMIT
    assert peer.now - start == pytest.approx(9.0, abs=0.11)


def short(**limits: int) -> Peer:
    return Peer(device(limits=replace(Limits(), **limits)))


def test_armed_time_without_pauses_is_limited_and_pauses_do_not_count() -> None:
    peer = short(session_s=10, with_pauses_s=60)
    peer.arm()
    peer.drive(5.0, LOW)
    peer.drive(20.0, mode=1)
    peer.drive(3.8, LOW)
    assert peer.firmware.core.session is not None
    peer.drive(0.4, LOW)
    assert peer.firmware.core.cause is Cause.TIME_LIMIT


def test_armed_time_with_pauses_is_limited() -> None:
    peer = short(session_s=10, with_pauses_s=12, pause_s=300)
    peer.arm()
    peer.drive(10.6, mode=1)
    assert peer.firmware.core.session is not None
    peer.drive(0.4, mode=1)
    assert peer.firmware.core.cause is Cause.TIME_LIMIT


def test_r8_a_pause_that_is_over_still_counts_to_the_armed_time_with_pauses() -> None:
    peer = short(session_s=10, with_pauses_s=12, pause_s=6)
    peer.arm()
    peer.drive(5.2, mode=1)
    peer.drive(5.4, LOW)
    assert peer.firmware.core.session is not None
    peer.drive(0.4, LOW)
    assert peer.firmware.core.cause is Cause.TIME_LIMIT


def test_r8_a_limit_that_comes_before_the_dead_man_cuts_a_pause_that_just_began() -> None:
    peer = short(with_pauses_s=10)
    peer.arm()
    peer.drive(8.8, LOW)
    peer.send(peer.setpoint(mode=1))
    peer.run(0.18)
    assert peer.firmware.core.session is not None
    peer.run(0.04)
    assert peer.firmware.core.cause is Cause.TIME_LIMIT


def test_one_pause_is_limited() -> None:
    peer = short(pause_s=3)
    peer.arm()
    peer.drive(2.6, mode=1)
    peer.drive(0.4, LOW)
    peer.drive(2.6, mode=1)
    assert peer.firmware.core.session is not None
    peer.drive(0.2, mode=1)
    assert peer.firmware.core.cause is Cause.PAUSE_LIMIT


def test_a_pause_that_is_asked_for_again_is_one_pause() -> None:
    peer = short(pause_s=3)
    peer.arm()
    peer.drive(2.0, mode=1)
    peer.drive(1.4, mode=1, period=5000)
    assert peer.firmware.core.cause is Cause.PAUSE_LIMIT

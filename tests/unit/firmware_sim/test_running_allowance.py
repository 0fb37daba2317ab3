"""The allowance against the device alone: nothing renews it, and it ends the session (R8)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.unit.firmware_sim.lone_device import LOW, make

from firmware_sim.config import Limits
from firmware_sim.nvm import MemoryNvm
from massager_fw.memory import seal
from massager_fw.states import Cause, Result


def test_stopping_and_arming_again_and_again_renews_nothing() -> None:
    peer = make(mains=True)
    left = []
    for _ in range(20):
        assert peer.arm().result == Result.OK
        peer.drive(10.0, LOW)
        peer.stop()
        left.append(peer.firmware.core.allowance.left)
    assert left == sorted(left, reverse=True)
    assert 1620 - 201 <= peer.firmware.core.allowance.left_s <= 1620 - 199


@pytest.mark.slow
def test_the_allowance_ends_the_session_and_refuses_the_next() -> None:
    peer = make(mains=True)
    ran = 0
    for seconds in (900.0, 730.0):
        peer.arm()
        peer.drive(seconds, (20, 0, 0, 0, 0, 0))
        ran += peer.firmware.core.running
        if peer.firmware.core.session is not None:
            peer.stop()
    assert peer.telemetry.cause == Cause.ALLOWANCE
    assert 1619.8 * 50 <= ran <= 1620 * 50
    assert peer.arm().result == Result.ALLOWANCE
    peer.run(2360.0)
    assert peer.arm().result == Result.ALLOWANCE
    peer.run(60.0)
    assert peer.arm().result == Result.OK


def test_r8_what_ran_comes_back_once_all_of_its_slot_is_older_than_the_window() -> None:
    peer = make(mains=True, limits=replace(Limits(), allowance_s=10, window_s=80))
    peer.arm()
    peer.drive(3.0, LOW)
    peer.stop()
    peer.firmware.disconnect(1, peer.now)
    allowance = peer.firmware.core.allowance
    left = []
    for at in (79.0, 119.9, 120.1):  # it ran in the first of the slots of 40 s
        peer.firmware.advance(at)
        left.append(allowance.left)
    assert left[0] == left[1] < 8 * 50
    assert left[2] == 10 * 50


def test_r8_the_allowance_ends_a_session_in_the_middle_of_it() -> None:
    peer = make(mains=True, limits=replace(Limits(), allowance_s=3))
    peer.arm()
    peer.drive(4.0, LOW)
    assert peer.telemetry.cause == Cause.ALLOWANCE
    assert 2.8 * 50 <= peer.firmware.core.running <= 3 * 50


def test_r8_a_device_that_has_no_time_left_stays_as_it_is_while_nobody_uses_it() -> None:
    peer = make(mains=True)
    core = peer.firmware.core
    core.allowance.run(core.allowance.left)
    before = peer.telemetry
    peer.run(0.5)
    assert peer.telemetry.counter == before.counter + 5
    assert peer.telemetry.epoch == before.epoch


def test_a_boot_is_charged_one_interval() -> None:
    nvm = MemoryNvm()
    assert make(nvm).telemetry.allowance == 1620
    assert make(nvm).telemetry.allowance == 1610
    assert make(nvm).telemetry.allowance == 1600


def test_an_allowance_of_another_size_is_not_believed() -> None:
    nvm = MemoryNvm()
    make(nvm)
    record = bytearray(10)
    nvm.records["allowance"] = bytes(record[: seal(record, 8)])
    peer = make(nvm)
    assert peer.telemetry.cause == Cause.MEMORY
    assert peer.telemetry.allowance == 0

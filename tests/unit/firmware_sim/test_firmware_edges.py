"""R4, R7, R8, R16 at the firmware's edges, as mutation testing asked: closed links, the last second, own frames."""

from __future__ import annotations

import pytest

from firmware_sim import wire
from firmware_sim.config import DeviceConfig
from firmware_sim.firmware import Firmware
from firmware_sim.nvm import MemoryNvm
from firmware_sim.peer import Peer, Watch
from massager_fw.states import Cause, Result

LOW = (50, 50, 0, 0, 0, 0)


def peer() -> Peer:
    return Peer(Firmware(DeviceConfig(), MemoryNvm(), 1, recorder=Watch()))


def watch_of(peer: Peer) -> Watch:
    recorder = peer.firmware.core.recorder
    assert isinstance(recorder, Watch)
    return recorder


def test_nothing_is_said_to_a_link_that_is_closed() -> None:
    owner = peer()
    owner.run(0.5)
    assert owner.firmware.disconnect(1, owner.now) == []
    assert owner.firmware.advance(owner.now + 5.0) == []


def test_while_somebody_listens_it_wakes_ten_times_a_second_and_else_once() -> None:
    alone = peer()
    alone.run(0.5)
    assert alone.firmware.next_wake(alone.now) <= alone.now + 0.1 + 1e-6
    alone.firmware.disconnect(1, alone.now)
    assert alone.now + 0.9 <= alone.firmware.next_wake(alone.now) <= alone.now + 1.0 + 1e-6


def test_r4_in_a_session_it_wakes_in_time_for_the_dead_man() -> None:
    owner = peer()
    owner.arm()
    owner.run(0.5)
    # Armed at 0.1 s: the first tick after T is 0.62, and without it there was nothing to do before 0.7.
    assert owner.firmware.next_wake(owner.now) == pytest.approx(0.62)


def test_r24_it_wakes_at_the_next_tick_to_tell_that_it_runs_and_then_ten_times_a_second() -> None:
    owner = peer()
    owner.arm()
    assert owner.firmware.next_wake(owner.now) == pytest.approx(owner.now + 0.1)
    owner.send(owner.setpoint(LOW))
    assert owner.firmware.next_wake(owner.now) == pytest.approx(owner.now + 0.02)
    owner.drive(0.4, LOW)
    assert owner.firmware.core.levels.rising
    assert owner.firmware.next_wake(owner.now) == pytest.approx(owner.now + 0.1)


def test_r8_the_last_second_of_the_allowance_may_still_be_armed_for() -> None:
    owner = peer()
    core = owner.firmware.core
    core.allowance.run(core.allowance.left - 50)
    assert core.allowance.left_s == 1
    assert owner.arm().result == Result.OK


def test_r7_the_trace_tells_by_what_a_latch_was_cleared() -> None:
    owner = peer()
    owner.run(0.2)
    owner._take(owner.firmware.press(owner.now))
    owner.run(0.2)
    owner._take(owner.firmware.release(owner.now))
    owner.run(0.3)
    assert owner.reset().result == Result.OK
    assert [(name, why) for _, name, why in watch_of(owner).events][-1] == ("reset", "frame")


def test_r16_a_devices_own_frames_are_bad_ones_and_many_of_them_are_noise() -> None:
    owner = peer()
    owner.arm()
    for _ in range(12):
        owner.drive(0.2, LOW)
        for _ in range(4):
            owner.send(owner.telemetry)
    assert owner.firmware.core.session is None
    assert owner.firmware.core.cause is Cause.FRAME_NOISE
    assert isinstance(owner.telemetry, wire.Telemetry)

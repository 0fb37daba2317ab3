"""Stall, over-current and an output that is stuck: how soon each is cut, and what latches."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.firmware_sim.lone_device import LOW, at_zero, load, make, running, trip_time

from firmware_sim.config import DeviceConfig
from firmware_sim.core import Core
from firmware_sim.nvm import MemoryNvm
from firmware_sim.peer import Peer
from firmware_sim.physics.motor import LOAD, SHORTED
from firmware_sim.physics.plant import Plant
from massager_fw.board import FULL
from massager_fw.states import Cause, Result, State


@pytest.mark.parametrize("after_s", [2.0, 4.0], ids=["while it rises", "at a steady level"])
def test_a_stall_is_cut_within_500_ms_and_latches_without_retry(peer: Peer, after_s: float) -> None:
    running(peer, after_s)
    load(peer, 1.0)
    assert 0.3 <= trip_time(peer) <= 0.5
    peer.run(0.1)
    assert (peer.telemetry.state, peer.telemetry.cause) == (State.FAULT, Cause.STALL)
    assert peer.arm().result == Result.FAULT
    assert peer.reset().result == Result.OK


def test_a_short_stall_does_not_trip(peer: Peer) -> None:
    running(peer)
    load(peer, 1.0)
    peer.drive(0.2, LOW)
    load(peer, LOAD)
    peer.drive(1.0, LOW)
    assert peer.firmware.core.state is State.RUNNING


def test_a_stall_from_the_start_is_blanked_and_then_cut(peer: Peer) -> None:
    load(peer, 1.0)
    peer.arm()
    assert not at_zero(peer)
    assert 0.6 <= trip_time(peer) <= 0.72
    assert peer.firmware.core.cause is Cause.STALL


def test_speed_alone_shows_a_stall() -> None:
    peer = make(sensing=0b10)
    running(peer)
    load(peer, 1.0)
    assert 0.5 <= trip_time(peer) <= 0.6
    assert peer.firmware.core.cause is Cause.STALL


KNEAD_TO_AND_FRO = 0x32

GLIDE_TO_AND_FRO = 0x33


@pytest.mark.parametrize("sensing", [0b01, 0b10, 0b11], ids=["current", "speed", "both"])
@pytest.mark.parametrize(
    ("pattern", "period"),
    [(KNEAD_TO_AND_FRO, 5000), (GLIDE_TO_AND_FRO, 3000), (GLIDE_TO_AND_FRO, 1100)],
)
@pytest.mark.parametrize("after_s", [k / 10 for k in range(0, 60, 3)])
def test_r12_no_motor_is_driven_for_800_ms_while_it_stands_still(
    pattern: int, period: int, sensing: int, after_s: float
) -> None:
    """Stalled at any moment of a pattern that rests and turns round; what was seen before a rest counts on."""
    peer = make(sensing=sensing)
    peer.run(5.0)
    peer.arm()
    what: dict[str, Any] = {"pattern": (pattern,) * 6, "period": period}
    peer.drive(10.0 + after_s, (100, 0, 0, 0, 0, 0), **what)
    motors = peer.firmware.core.plant.motors
    motors.load[0] = motors.load[1] = 1.0
    motors.disturb()
    driven, ticks = [0, 0], 0
    while peer.firmware.core.state is not State.FAULT and ticks < 1000:
        peer.send(peer.setpoint((100, 0, 0, 0, 0, 0), **what))
        peer.run(0.02)
        ticks += 1
        # A motor that still coasts does not stand yet: below half the speed of a free one it does.
        stands = [speed < 0.4 * duty for speed, duty in zip(motors.speed, motors.duty, strict=True)]
        driven = [time + standing for time, standing in zip(driven, stands[:2], strict=True)]
    assert peer.firmware.core.cause is Cause.STALL
    assert 13 <= max(driven) <= 40, "ticks of 20 ms; 300 ms at least, less the one that cuts"
    peer.run(0.5)
    assert peer.telemetry.latch == 1, "one stall counts once, although its motor rests in that tick"


def test_r12_a_new_session_begins_without_suspicion(peer: Peer) -> None:
    running(peer)
    load(peer, 1.0)
    peer.drive(0.28, LOW)
    peer.stop()
    peer.run(1.0)
    peer.arm()
    assert 0.6 <= trip_time(peer) <= 0.72


def test_over_current_is_cut_within_300_ms(peer: Peer) -> None:
    running(peer)
    motors = peer.firmware.core.plant.motors
    motors.shorted[0] = SHORTED
    motors.disturb()
    assert trip_time(peer) <= 0.3
    assert peer.firmware.core.cause is Cause.OVER_CURRENT


def test_a_stuck_output_opens_the_power_switch(peer: Peer) -> None:
    peer.run(1.0)
    motors = peer.firmware.core.plant.motors
    motors.stuck[0] = FULL
    motors.disturb()
    peer.run(0.32)
    assert (peer.telemetry.state, peer.telemetry.cause) == (State.FAULT, Cause.STUCK_OUTPUT)
    assert not peer.telemetry.flags & 8
    peer.run(1.0)
    assert motors.total_ma() == 0.0
    assert peer.reset().result == Result.CAUSE_PRESENT
    motors.stuck.clear()
    assert peer.reset().result == Result.OK
    peer.run(0.1)
    assert peer.telemetry.flags & 8


def run_on(core: Core, ticks: int) -> None:
    goal = core.tick + ticks
    while core.tick < goal:
        core.run(goal)


class WithoutSwitch(Plant):
    """A power switch that is not there, or that sticks closed."""

    def power(self, on: bool) -> None:
        super().power(on=True)


def test_r14_a_stuck_output_that_no_switch_cuts_counts_once() -> None:
    """It is stored at each count: a memory is not worn by a cause that merely lasts."""
    core = Core(WithoutSwitch(DeviceConfig(), MemoryNvm(), 1), DeviceConfig())
    motors = core.plant.motors
    for count in (1, 2):
        motors.stuck[0] = FULL
        motors.disturb()
        run_on(core, 150)
        assert (core.state, core.cause, core.latch) == (State.FAULT, Cause.STUCK_OUTPUT, count)
        motors.stuck.clear()
        motors.disturb()
        run_on(core, 50)


def test_a_stray_current_that_ends_by_itself_opens_nothing(peer: Peer) -> None:
    peer.run(1.0)
    motors = peer.firmware.core.plant.motors
    motors.stuck[0] = FULL
    motors.disturb()
    peer.run(0.1)
    motors.stuck.clear()
    motors.disturb()
    peer.run(1.0)
    assert peer.telemetry.state == State.IDLE


def test_a_stuck_output_while_running_is_seen_too(peer: Peer) -> None:
    running(peer)
    motors = peer.firmware.core.plant.motors
    motors.stuck[0] = FULL
    motors.disturb()
    peer.drive(1.5, LOW)
    assert peer.firmware.core.state is State.FAULT
    assert motors.total_ma() == 0.0


def test_a_device_that_senses_nothing_sees_no_stall() -> None:
    peer = make(sensing=0)
    running(peer)
    load(peer, 1.0)
    peer.drive(2.0, LOW)
    assert peer.firmware.core.state is State.RUNNING

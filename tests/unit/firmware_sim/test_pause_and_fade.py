"""Pause and fade: they start from zero, never rise again, and outlast a malformed SETPOINT."""

from __future__ import annotations

from typing import Any

from tests.unit.firmware_sim.lone_device import LOW

from firmware_sim.peer import Peer, Watch
from massager_fw.states import Cause, State


def test_pause_and_resume_start_from_zero(peer: Peer) -> None:
    watch = peer.firmware.core.recorder
    assert isinstance(watch, Watch)
    peer.arm()
    peer.drive(3.0, LOW)
    peer.drive(1.0, mode=1)
    assert peer.telemetry.state == State.PAUSED
    assert peer.firmware.core.levels.level == [0] * 6
    peer.send(peer.setpoint(LOW))
    peer.run(0.02)
    assert 0 < peer.firmware.core.levels.level[0] <= 4
    assert watch.names() == ["boot", "arm", "pause", "resume"]


def test_the_trace_tells_a_pause_and_a_fade_once_and_whose_they_are(peer: Peer) -> None:
    peer.arm()
    for period in (4000, 5000):
        peer.drive(0.2, mode=1, period=period)
    for period in (4000, 5000):
        peer.drive(0.2, mode=2, period=period)
    watch = peer.firmware.core.recorder
    assert isinstance(watch, Watch)
    told = [(name, why) for _, name, why in watch.events]
    assert told[2:] == [("pause", "owner"), ("resume", ""), ("fade", "owner")]


def test_a_pause_may_be_left_at_zero(peer: Peer) -> None:
    peer.arm()
    peer.drive(0.4, mode=1)
    assert peer.telemetry.state == State.PAUSED
    peer.drive(0.2)
    assert peer.telemetry.state == State.ARMED


def test_fade_never_rises_again(peer: Peer) -> None:
    peer.arm()
    peer.drive(4.0, (80, 0, 0, 0, 0, 0))
    peer.drive(0.4, (40, 0, 0, 0, 0, 0), mode=2)
    assert peer.telemetry.state == State.FADING
    peer.drive(1.0, (80, 80, 0, 0, 0, 0), mode=0)
    assert peer.firmware.core.levels.level == [400, 0, 0, 0, 0, 0]
    assert peer.telemetry.state == State.FADING
    peer.drive(0.4, mode=1)
    assert peer.firmware.core.levels.level == [0] * 6
    assert peer.telemetry.state == State.FADING


def test_fade_from_a_pause(peer: Peer) -> None:
    peer.arm()
    peer.drive(0.4, mode=1)
    peer.drive(0.4, mode=2)
    assert peer.telemetry.state == State.FADING


def test_a_pause_in_a_fade_lowers_and_is_no_pause(peer: Peer) -> None:
    peer.arm()
    peer.drive(5.0, LOW)
    peer.drive(0.2, LOW, mode=2)
    peer.drive(280.0, mode=1)
    assert peer.telemetry.state == State.FADING
    assert peer.firmware.core.levels.level == [0] * 6
    peer.drive(0.4, LOW)
    assert peer.firmware.core.levels.level == [0] * 6


def test_a_fade_in_a_pause_ends_the_pause(peer: Peer) -> None:
    peer.arm()
    peer.drive(260.0, mode=1)
    peer.drive(30.0, mode=2)
    assert peer.telemetry.state == State.FADING


MALFORMED: dict[str, Any] = {"level": (1001, 0, 0, 0, 0, 0)}


def test_r19_a_malformed_setpoint_leaves_a_pause_and_its_clock(peer: Peer) -> None:
    peer.arm()
    peer.drive(260.0, mode=1)
    peer.drive(5.0, **MALFORMED)
    assert peer.telemetry.state == State.PAUSED
    peer.drive(6.0, mode=1)
    assert peer.telemetry.cause == Cause.PAUSE_LIMIT


def test_r19_a_malformed_setpoint_leaves_a_fade_and_turns_heat_off(peer: Peer) -> None:
    peer.arm()
    peer.drive(3.0, LOW, heat=380)
    peer.drive(0.2, **MALFORMED, heat=380)
    assert peer.firmware.core.heat.target == 0.0
    assert peer.telemetry.state == State.ARMED
    peer.drive(3.0, LOW)
    peer.drive(0.2, LOW, mode=2)
    peer.drive(0.2, **MALFORMED)
    assert peer.telemetry.state == State.FADING
    assert peer.firmware.rejected == 0

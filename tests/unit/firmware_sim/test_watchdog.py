"""The watchdog and its reset: a hung firmware is at zero soon, and what outlives that."""

from __future__ import annotations

from tests.unit.firmware_sim.lone_device import RUBBISH, at_zero, hold, running

from firmware_sim import wire
from firmware_sim.config import LinkKind
from firmware_sim.peer import Peer
from massager_fw.states import Cause, Result, State


def test_the_watchdog_resets_a_hung_firmware_within_512_ms(peer: Peer) -> None:
    running(peer)
    heard = len(peer.heard)
    peer.firmware.core.hang()
    peer.firmware.core.hang()
    peer.run(0.2)
    peer.raw(wire.frame(wire.pack(wire.Stop(1, 1))))
    assert peer.firmware.core.levels.level[0] > 0
    assert len(peer.heard) == heard
    peer.run(0.2)
    assert at_zero(peer)
    assert peer.firmware.core.plant.motors.duty == [0.0] * 12
    assert (peer.telemetry.state, peer.telemetry.cause) == (State.IDLE, Cause.WATCHDOG)
    peer.run(0.2)
    assert peer.arm().result == Result.OK


def test_a_press_while_hung_latches_at_the_reset(peer: Peer) -> None:
    running(peer)
    peer.firmware.core.hang()
    peer.firmware.press(peer.now)
    peer.firmware.disconnect(2, peer.now)
    peer.run(0.5)
    assert peer.telemetry.state == State.LATCHED


def test_a_link_that_goes_down_while_hung(peer: Peer) -> None:
    running(peer)
    peer.firmware.core.hang()
    peer.firmware.disconnect(1, peer.now)
    peer.firmware.advance(peer.now + 0.5)
    assert at_zero(peer)


def test_an_estop_latch_outlives_the_watchdog(peer: Peer) -> None:
    hold(peer, 0.1)
    peer.firmware.core.hang()
    peer.run(0.5)
    assert (peer.telemetry.state, peer.telemetry.cause) == (State.LATCHED, Cause.BUTTON)


def test_r7_an_estop_latch_that_was_cleared_does_not_come_back_with_a_reset_of_the_processor(
    peer: Peer,
) -> None:
    hold(peer, 0.1)
    assert peer.reset().result == Result.OK
    peer.firmware.core.restart(Cause.WATCHDOG)
    peer.run(0.1)
    assert peer.telemetry.state == State.IDLE


def test_an_open_cable_at_boot_latches(peer: Peer) -> None:
    peer.firmware.cable(True, peer.now)
    peer.firmware.core.restart(Cause.NONE)
    peer.run(0.1)
    assert peer.telemetry.cause == Cause.BUTTON_OPEN


def test_a_reset_forgets_half_a_frame_on_every_link(peer: Peer) -> None:
    Peer(peer.firmware, LinkKind.BLE, link=2)
    peer.raw(RUBBISH)
    peer.raw(b"\x05ga")
    peer.firmware.core.restart(Cause.NONE)
    peer.run(0.1)
    peer.send(wire.GetInfo(6))
    info = peer.heard[-1]
    assert isinstance(info, wire.Info)
    assert info.token == 6
    assert peer.firmware.rejected == 0
    data = wire.frame(wire.pack(wire.GetInfo(7)))
    peer.raw(data[:4])
    peer.run(0.3)
    peer.raw(data[4:])
    info = peer.heard[-1]
    assert isinstance(info, wire.Info)
    assert info.token == 7, "TELEMETRY in between is no reset"

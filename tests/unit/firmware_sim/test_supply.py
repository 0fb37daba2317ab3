"""Battery, charger and brown-out: what refuses an ARM and what ends a session."""

from __future__ import annotations

from tests.unit.firmware_sim.lone_device import LOW, at_zero, make, running

from firmware_sim import wire
from firmware_sim.peer import Peer, Watch
from massager_fw.board import Board
from massager_fw.guard_supply import Supply, SupplyGuard
from massager_fw.states import Cause, Result, State


def test_too_little_battery_refuses_to_arm() -> None:
    assert make(battery=14.5).arm().result == Result.BATTERY
    assert make(battery=15.5).arm().result == Result.OK


def test_an_empty_battery_fades_within_a_second_and_stays_stopped() -> None:
    peer = make(battery=20.0)
    running(peer, 3.0)
    pack = peer.firmware.core.plant.battery
    pack.sag_v = 0.5
    peer.drive(0.5, LOW)
    assert peer.telemetry.state == State.FADING
    pack.sag_v = 0.0
    peer.drive(0.5, LOW)
    assert at_zero(peer)
    assert peer.firmware.core.cause is Cause.BATTERY_LOW
    peer.drive(1.0, LOW)
    assert at_zero(peer)


def test_r13_an_empty_battery_takes_the_levels_down_step_by_step_whatever_is_asked_for() -> None:
    peer = make(battery=20.0)
    running(peer, 3.0)
    core = peer.firmware.core
    before = max(core.levels.level)
    core.plant.battery.sag_v = 0.5
    seen: list[int] = []
    for _ in range(12):
        peer.drive(0.1, LOW)
        seen.append(max(core.levels.level))
    watch = core.recorder
    assert isinstance(watch, Watch)
    assert all(max(look.drive) <= max(look.level) for look in watch.looks), "the drives follow"
    assert seen == sorted(seen, reverse=True)
    assert seen[-1] == 0
    assert len(set(seen) - {0, before}) >= 6, "no jump to zero from the level that it had"


def test_r13_a_session_after_one_that_an_empty_battery_faded_begins_without_a_fade() -> None:
    peer = make(battery=20.0)
    running(peer, 1.0)
    pack = peer.firmware.core.plant.battery
    pack.sag_v = 0.5
    peer.drive(0.3, LOW)
    assert peer.telemetry.state == State.FADING
    peer.stop()
    pack.sag_v = 0.0
    peer.run(0.2)
    running(peer, 1.5)
    assert peer.telemetry.state == State.RUNNING


def test_r13_a_charger_ends_a_fade_once_and_for_one_reason() -> None:
    peer = make(battery=20.0)
    running(peer, 1.0)
    core = peer.firmware.core
    core.plant.battery.sag_v = 0.5
    for _ in range(50):
        if core._fade_left != 1:
            peer.drive(0.02, LOW)
    core.plant.battery.charging = True
    peer.drive(0.1, LOW)
    watch = core.recorder
    assert isinstance(watch, Watch)
    assert [why for _, name, why in watch.events if name in ("end", "stop", "trip")] == ["charging"]


def test_r13_an_empty_battery_takes_the_heat_at_once() -> None:
    peer = make(battery=20.0)
    peer.arm()
    peer.drive(3.0, LOW, heat=390)
    core = peer.firmware.core
    assert core.heat.power > 0
    core.plant.battery.sag_v = 0.5
    peer.drive(0.3, LOW, heat=390)
    assert peer.telemetry.state == State.FADING
    assert (core.heat.power, core.plant.heater) == (0.0, 0.0)


def test_mains_devices_have_no_battery() -> None:
    peer = make(mains=True, battery=0.0)
    running(peer)
    assert peer.telemetry.battery == wire.MAINS
    assert peer.firmware.core.state is State.RUNNING


class Charged(Board):
    """A board that reads an empty battery at a charger."""

    charging = True
    battery_percent = 0


def test_r13_what_a_mains_device_reads_of_a_battery_counts_for_nothing() -> None:
    guard = SupplyGuard(Charged(), mains=True)
    assert (guard.look(), guard.may_arm()) == (Supply.FIT, Result.OK)
    assert (guard.charging, guard.percent) == (False, wire.MAINS)


def test_a_charging_device_does_not_run(peer: Peer) -> None:
    running(peer)
    assert not peer.telemetry.flags & 4
    peer.firmware.core.plant.battery.charging = True
    peer.drive(0.4, LOW)
    assert at_zero(peer)
    assert peer.telemetry.cause == Cause.CHARGING
    assert peer.telemetry.flags & 4
    assert peer.arm().result == Result.CHARGING


def test_a_brown_out_is_a_reboot_at_zero(peer: Peer) -> None:
    running(peer)
    pack = peer.firmware.core.plant.battery
    boot, epoch = peer.firmware.core.memory.boot, peer.telemetry.epoch
    pack.sag_v = 6.0
    peer.drive(0.3, LOW)
    pack.sag_v = 0.0
    peer.drive(0.5, LOW)
    assert at_zero(peer)
    assert peer.telemetry.cause == Cause.BROWN_OUT
    assert peer.firmware.core.memory.boot == boot + 1
    assert peer.telemetry.epoch != epoch
    assert peer.telemetry.uptime < 1000
    watch = peer.firmware.core.recorder
    assert isinstance(watch, Watch)
    assert [(name, why) for _, name, why in watch.events][-2:] == [
        ("trip", "brown_out"),
        ("boot", "brown_out"),
    ]
    assert peer.firmware.core.memory.life_ticks < 2.5 * 50, "no interval is charged"

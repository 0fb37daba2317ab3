"""Button, fault latches, supply, watchdog and NVM: what latches, what clears it, what outlives a reboot."""

from __future__ import annotations

from typing import Any

import pytest

from firmware_sim import wire
from firmware_sim.config import DeviceConfig, LinkKind
from firmware_sim.firmware import Firmware
from firmware_sim.nvm import MemoryNvm
from firmware_sim.peer import Peer, Watch
from firmware_sim.physics.motor import LOAD, SHORTED
from firmware_sim.physics.sensors import SensorFault, Thermistor
from firmware_sim.splitmix import SplitMix64
from massager_fw.announce import EPOCHS_PER_BOOT, Announcer
from massager_fw.board import CABLE_OPEN, FULL, PRESSED, RECORDS, RELEASED
from massager_fw.button import Button, Edge
from massager_fw.guard_heat import HeatGuard
from massager_fw.memory import seal, unsealed
from massager_fw.states import Cause, Result, State

LOW = (50, 50, 0, 0, 0, 0)


def make(nvm: MemoryNvm | None = None, **config: Any) -> Peer:
    firmware = Firmware(DeviceConfig(**config), nvm or MemoryNvm(), 1, recorder=Watch())
    return Peer(firmware)


@pytest.fixture
def peer() -> Peer:
    return make()


def hold(peer: Peer, seconds: float) -> None:
    peer.firmware.press(peer.now)
    peer.run(seconds)
    peer.firmware.release(peer.now)
    peer.run(0.3)


def at_zero(peer: Peer) -> bool:
    core = peer.firmware.core
    return core.levels.level == core.patterns.drive == [0] * 6 and core.session is None


# --- the button


def test_a_press_is_zero_at_once_and_latches(peer: Peer) -> None:
    peer.arm()
    peer.drive(2.0, LOW)
    peer._take(peer.firmware.press(peer.now))
    assert at_zero(peer)
    told = peer.telemetry
    assert (told.state, told.cause, told.latch) == (State.LATCHED, Cause.BUTTON, 1)
    assert told.flags & 1
    hold(peer, 0.1)
    assert peer.arm().result == Result.LATCHED
    assert not peer.telemetry.flags & 1


def test_bounce_is_one_press(peer: Peer) -> None:
    for k in range(20):
        peer.firmware.press(peer.now)
        peer.run(0.003)
        peer.firmware.release(peer.now)
        peer.run(0.004 + 0.001 * (k % 3))
    peer.run(0.3)
    assert peer.telemetry.latch == 1


def test_a_hold_clears_what_was_latched_before_it_and_only_that(peer: Peer) -> None:
    hold(peer, 2.5)
    assert peer.telemetry.state == State.LATCHED
    hold(peer, 1.8)
    assert peer.telemetry.state == State.LATCHED
    hold(peer, 2.1)
    assert peer.telemetry.state == State.IDLE
    assert peer.telemetry.flags & 32
    assert not peer.telemetry.flags & 16
    assert peer.arm().result == Result.OK
    peer.run(0.1)
    assert not peer.telemetry.flags & 32


def test_a_long_hold_opens_pairing_for_a_minute(peer: Peer) -> None:
    hold(peer, 0.1)
    hold(peer, 5.1)
    assert peer.telemetry.state == State.IDLE
    assert peer.telemetry.flags & 16
    peer.run(59.0)
    assert peer.telemetry.flags & 16
    peer.run(1.5)
    assert not peer.telemetry.flags & 16


def test_attended_ends_after_ten_minutes_counted_at_nine_tenths(peer: Peer) -> None:
    hold(peer, 0.1)
    hold(peer, 2.5)
    peer.run(539.0)
    assert peer.telemetry.flags & 32
    peer.run(2.0)
    assert not peer.telemetry.flags & 32


def test_a_stuck_button_keeps_the_latch(peer: Peer) -> None:
    peer.firmware.press(peer.now)
    peer.run(30.0)
    assert peer.reset().result == Result.BUTTON
    assert peer.telemetry.state == State.LATCHED


def test_an_open_cable_reads_as_pressed(peer: Peer) -> None:
    peer.firmware.cable(True, peer.now)
    peer.run(0.2)
    assert peer.telemetry.cause == Cause.BUTTON_OPEN
    assert peer.reset().result == Result.BUTTON
    peer.firmware.press(peer.now)
    peer.firmware.release(peer.now)
    peer.run(0.2)
    assert peer.telemetry.latch == 1
    peer.firmware.cable(False, peer.now)
    peer.run(0.2)
    assert peer.reset().result == Result.OK


def test_r7_a_cable_that_breaks_and_is_mended_is_no_hand_that_holds_the_button(peer: Peer) -> None:
    for _ in range(2):
        peer.firmware.cable(True, peer.now)
        peer.run(6.0)
        peer.firmware.cable(False, peer.now)
        peer.run(0.5)
    assert peer.telemetry.state == State.LATCHED
    assert not peer.telemetry.flags & (1 << 4 | 1 << 5)  # no pairing, nobody attends
    hold(peer, 2.5)
    assert peer.telemetry.state == State.IDLE


def test_r7_a_cable_that_breaks_in_a_hold_spoils_it(peer: Peer) -> None:
    hold(peer, 0.1)
    peer.firmware.press(peer.now)
    peer.run(1.5)
    peer.firmware.cable(True, peer.now)
    peer.firmware.release(peer.now)
    peer.run(1.5)
    peer.firmware.cable(False, peer.now)
    peer.run(0.5)
    assert peer.telemetry.state == State.LATCHED


def test_the_first_edge_acts_and_its_length_is_measured() -> None:
    button = Button()
    assert button.sense(PRESSED, 1000) == Edge.PRESSED
    assert button.sense(RELEASED, 1500) == Edge.NONE
    assert button.sense(PRESSED, 1520) == Edge.NONE
    assert not button.settle(2000)
    button.sense(RELEASED, 3000)
    assert not button.settle(3020)
    assert button.settle(3060)
    assert button.hold_ms == 2000
    assert not button.settle(9000)
    assert button.sense(CABLE_OPEN, 10_000) == Edge.OPENED
    assert button.open


# --- RESET


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
    told = peer.telemetry
    late = wire.Reset(9, told.challenge, told.latch)
    hold(peer, 0.1)
    assert peer.ask(late).result == Result.STALE_CHALLENGE


def test_a_reset_refused_while_pressed_does_not_act_when_it_comes_again(peer: Peer) -> None:
    peer.firmware.press(peer.now)
    peer.run(0.2)
    told = peer.telemetry
    reset = wire.Reset(9, told.challenge, told.latch)
    assert peer.ask(reset).result == Result.BUTTON
    peer.firmware.release(peer.now)
    peer.run(0.3)
    assert peer.ask(reset).result == Result.STALE_CHALLENGE
    assert peer.telemetry.state == State.LATCHED


def test_reset_without_a_latch(peer: Peer) -> None:
    assert peer.reset().result == Result.NOT_LATCHED


# --- motors


def load(peer: Peer, value: float) -> None:
    motors = peer.firmware.core.plant.motors
    motors.load[0] = value
    motors.disturb()


def running(peer: Peer, seconds: float = 2.0) -> None:
    peer.arm()
    peer.drive(seconds, LOW)


def trip_time(peer: Peer, most: float = 2.0) -> float:
    """Seconds until everything is at zero."""
    start = peer.now
    while not at_zero(peer) and peer.now < start + most:
        peer.send(peer.setpoint(LOW))
        peer.run(0.02)
    return peer.now - start


def test_a_stall_is_cut_within_500_ms_and_latches_without_retry(peer: Peer) -> None:
    running(peer)
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


# --- heat


def warm(peer: Peer, seconds: float) -> None:
    peer.drive(seconds, LOW, heat=390)


def test_heat_is_off_unless_asked_for_and_stays_below_its_target(peer: Peer) -> None:
    peer.arm()
    peer.drive(20.0, LOW)
    assert not peer.telemetry.flags & 2
    warm(peer, 1.0)
    assert peer.telemetry.flags & 2
    warm(peer, 500.0)
    assert 370 <= peer.telemetry.pad <= 392
    assert peer.firmware.core.state is State.RUNNING
    peer.stop()
    assert peer.firmware.core.plant.heater == 0.0


def test_a_device_without_heat_makes_none() -> None:
    peer = make(heat=False)
    peer.arm()
    warm(peer, 5.0)
    assert peer.firmware.core.heat.power == 0.0


def sensors_at(pad: float, motor: float = 30.0) -> tuple[Thermistor, Thermistor]:
    return Thermistor(pad, SplitMix64(0)), Thermistor(motor, SplitMix64(0))


def power_at(guard: HeatGuard, pad: float) -> float:
    reading, motor = sensors_at(pad)
    reading.sample = motor.sample = guard_samples.pop()
    assert guard.step(reading, motor, 0) == Cause.NONE
    return guard.power / 1000


guard_samples = list(range(1000))


def test_heat_derates_and_goes_off_before_it_trips() -> None:
    guard = HeatGuard(0xFF)
    guard.target = 3900
    assert power_at(guard, 30.0) == 1.0
    assert 0.0 < power_at(guard, 38.9) < 0.1
    assert power_at(guard, 39.1) == 0.0
    guard.target = 4500  # even if the control were wrong
    assert power_at(guard, 39.5) == 1.0
    assert power_at(guard, 40.0) == pytest.approx(0.5)
    assert power_at(guard, 40.5) == 0.0
    assert power_at(guard, 39.6) == 0.0
    assert power_at(guard, 39.4) == 1.0


def test_the_trip_is_below_41_by_the_sensors_tolerance() -> None:
    guard = HeatGuard(0xFF)
    guard.target = 3900
    assert power_at(guard, 40.65) == 0.0
    reading, motor = sensors_at(40.7)
    reading.sample = motor.sample = guard_samples.pop()
    assert guard.step(reading, motor, 0) == Cause.OVER_TEMPERATURE
    assert (guard.target, guard.power) == (0.0, 0.0)


@pytest.mark.parametrize("body", ["pad_body", "motor_body"])
def test_over_temperature_trips_and_clears_only_when_cool(peer: Peer, body: str) -> None:
    peer.arm()
    mass = getattr(peer.firmware.core.plant, body)
    mass.extra_w = 40.0
    trip_time(peer, 120.0)
    peer.run(0.1)
    assert (peer.telemetry.state, peer.telemetry.cause) == (State.FAULT, Cause.OVER_TEMPERATURE)
    assert peer.telemetry.latch == 1
    assert mass.celsius < (43.0 if body == "pad_body" else 66.0)
    assert peer.reset().result == Result.CAUSE_PRESENT
    peer.run(10.0)
    assert peer.telemetry.latch == 1
    mass.extra_w = 0.0
    peer.run(900.0)
    assert peer.reset().result == Result.OK


@pytest.mark.parametrize("sensor", ["pad_sensor", "motor_sensor"])
@pytest.mark.parametrize(
    "fault", [SensorFault.OPEN, SensorFault.SHORT, SensorFault.STOPPED], ids=str
)
def test_a_dead_sensor_trips_within_half_a_second(
    peer: Peer, sensor: str, fault: SensorFault
) -> None:
    running(peer)
    getattr(peer.firmware.core.plant, sensor).fault = fault
    assert trip_time(peer) <= 0.5
    assert peer.firmware.core.cause is Cause.TEMPERATURE_SENSOR
    peer.run(2.0)
    assert peer.telemetry.latch == 1
    assert peer.reset().result == Result.CAUSE_PRESENT
    getattr(peer.firmware.core.plant, sensor).fault = SensorFault.NONE
    peer.run(0.5)
    assert peer.reset().result == Result.OK


def test_a_frozen_sensor_trips_where_the_model_expects_a_kelvin(peer: Peer) -> None:
    peer.arm()
    warm(peer, 1.0)
    peer.firmware.core.plant.pad_thermistor.fault = SensorFault.FROZEN
    warm(peer, 9.0)
    assert peer.firmware.core.state is State.RUNNING
    warm(peer, 3.0)
    assert peer.firmware.core.cause is Cause.TEMPERATURE_SENSOR


def test_a_device_without_sensors_says_so() -> None:
    peer = make(sensing=0b11)
    peer.run(0.3)
    assert (peer.telemetry.pad, peer.telemetry.motor) == (wire.NO_SENSOR, wire.NO_SENSOR)
    running(peer)
    assert peer.firmware.core.state is State.RUNNING


# --- supply


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


def test_mains_devices_have_no_battery() -> None:
    peer = make(mains=True, battery=0.0)
    running(peer)
    assert peer.telemetry.battery == wire.MAINS
    assert peer.firmware.core.state is State.RUNNING


def test_a_charging_device_does_not_run(peer: Peer) -> None:
    running(peer)
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


# --- watchdog


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


def test_an_open_cable_at_boot_latches(peer: Peer) -> None:
    peer.firmware.cable(True, peer.now)
    peer.firmware.core.restart(Cause.NONE)
    peer.run(0.1)
    assert peer.telemetry.cause == Cause.BUTTON_OPEN


# --- NVM


def test_a_fault_latch_outlives_a_reboot_and_its_counter_too() -> None:
    nvm = MemoryNvm()
    peer = make(nvm)
    running(peer)
    load(peer, 1.0)
    trip_time(peer)
    after = make(nvm)
    after.run(0.2)
    told = after.telemetry
    assert (told.state, told.cause, told.latch) == (State.FAULT, Cause.STALL, 1)
    assert not told.flags & 8
    assert after.reset().result == Result.OK
    assert make(nvm).telemetry.state == State.IDLE


def test_a_button_pressed_in_a_fault_leaves_the_fault(peer: Peer) -> None:
    peer.firmware.core.trip(Cause.STALL)
    hold(peer, 0.1)
    assert (peer.telemetry.state, peer.telemetry.cause) == (State.FAULT, Cause.STALL)
    assert peer.telemetry.latch == 2
    hold(peer, 2.5)
    assert peer.telemetry.state == State.IDLE


def test_each_boot_has_epochs_of_its_own() -> None:
    nvm = MemoryNvm()
    epochs = [make(nvm).telemetry.epoch for _ in range(3)]
    assert epochs == [1 << 20, 2 << 20, 3 << 20]


@pytest.mark.parametrize("record", RECORDS)
@pytest.mark.parametrize("bit", [0, 7, 16])
def test_a_flipped_bit_fails_closed(record: str, bit: int) -> None:
    nvm = MemoryNvm()
    running(make(nvm))
    nvm.flip(record, bit)
    peer = make(nvm)
    peer.run(0.2)
    assert (peer.telemetry.state, peer.telemetry.cause) == (State.FAULT, Cause.MEMORY)
    assert not peer.telemetry.flags & 8
    assert peer.arm().result == Result.FAULT
    assert (peer.telemetry.allowance == 0) == (record == "allowance")
    assert bool(peer.telemetry.flags & 64) == (record == "allowance")
    assert peer.reset().result == Result.OK
    expected = Result.ALLOWANCE if record == "allowance" else Result.OK
    assert peer.arm().result == expected


def test_a_record_that_is_gone_fails_closed() -> None:
    nvm = MemoryNvm()
    make(nvm)
    del nvm.records["latch"]
    assert make(nvm).telemetry.cause == Cause.MEMORY


def test_memory_that_takes_no_writes_cannot_be_cleared() -> None:
    nvm = MemoryNvm()
    make(nvm)
    nvm.flip("allowance", 5)
    nvm.stuck = True
    peer = make(nvm)
    assert peer.reset().result == Result.CAUSE_PRESENT
    nvm.stuck = False
    assert peer.reset().result == Result.OK


def test_records_carry_a_crc() -> None:
    record = bytearray(b"abc..")
    assert seal(record, 3) == 5
    assert unsealed(record, 5) == 3
    assert unsealed(bytearray(b"abcde"), 5) == -1
    assert unsealed(bytearray(b"a"), 1) == -1


def test_lifetime_seconds_are_kept_and_rounded_up_after_a_cut() -> None:
    nvm = MemoryNvm()
    peer = make(nvm)
    running(peer, 25.0)
    cut_off = make(nvm)
    assert 25 <= cut_off.firmware.core.memory.life_ticks / 50 <= 35
    running(cut_off, 3.0)
    cut_off.stop()
    clean = make(nvm)
    assert clean.firmware.core.memory.life_ticks == cut_off.firmware.core.memory.life_ticks


# --- allowance


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


def test_a_device_that_senses_nothing_sees_no_stall() -> None:
    peer = make(sensing=0)
    running(peer)
    load(peer, 1.0)
    peer.drive(2.0, LOW)
    assert peer.firmware.core.state is State.RUNNING


def test_a_reset_forgets_half_a_frame_on_every_link(peer: Peer) -> None:
    Peer(peer.firmware, LinkKind.BLE, link=2)
    peer.raw(b"\x05ga")
    peer.firmware.core.restart(Cause.NONE)
    peer.run(0.1)
    peer.send(wire.GetInfo(6))
    info = peer.heard[-1]
    assert isinstance(info, wire.Info)
    assert info.token == 6
    assert peer.firmware.rejected == 0


@pytest.mark.slow
def test_no_epoch_and_no_challenge_comes_back_with_a_reboot() -> None:
    nvm = MemoryNvm()
    one, two = make(nvm), make(nvm)
    assert one.telemetry.challenge != two.telemetry.challenge
    announcer = two.firmware.core.announcer
    seen = {bytes(announcer.epoch)}
    for _ in range(EPOCHS_PER_BOOT):
        announcer.new_epoch()
        seen.add(bytes(announcer.epoch))
    assert len(seen) == EPOCHS_PER_BOOT + 1
    assert bytes(make(nvm).firmware.core.announcer.epoch) not in seen


def test_a_challenge_used_leaves_the_newer_one_good() -> None:
    core = make().firmware.core
    announcer = Announcer(core.memory, core.board)
    first = bytearray(announcer.challenge)
    announcer.renew_if_due(5000)
    second = bytearray(announcer.challenge)
    assert announcer.use(first, 6000)
    assert not announcer.use(first, 6000)
    assert announcer.use(second, 6000)
    assert not announcer.use(second, 6000)


def test_a_challenge_that_was_never_renewed_grows_old() -> None:
    core = make().firmware.core
    announcer = Announcer(core.memory, core.board)
    assert not announcer.use(announcer.challenge, 10_100)

"""What the device tells of itself after a change: INFO, TELEMETRY's flags and cause, the trace's events."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.unit.firmware_sim.lone_device import LOW, RUBBISH, make, running, trip

from firmware_sim import wire
from firmware_sim.config import LinkKind
from firmware_sim.nvm import MemoryNvm
from firmware_sim.peer import Peer, Watch
from massager_fw.codec import RECORD_CRC, crc16
from massager_fw.memory import unsealed
from massager_fw.states import Cause, Result, State


@pytest.mark.parametrize(
    ("field", "value"),
    [("zones", 0b11), ("vibration", 0b1), ("kneading", 0b10), ("motions", 5), ("directions", 0b11)],
)
def test_info_tells_what_the_device_has(field: str, value: int) -> None:
    peer = make(None, **{field: value})
    peer.send(wire.GetInfo(7))
    (info,) = (message for message in peer.heard if isinstance(message, wire.Info))
    assert getattr(info, field) == value


def test_info_tells_which_device_it_is_and_how_long_it_ever_ran(peer: Peer) -> None:
    core = peer.firmware.core
    core.memory.boot, core.memory.life_ticks = 0x01020304, 0x05060708 * 50 + 49
    info = wire.parse(peer.firmware.read_info(1, peer.now))
    assert isinstance(info, wire.Info)
    assert (info.boot, info.lifetime) == (0x01020304, 0x05060708)
    assert info.firmware == core.config.firmware != (0, 0, 0)
    assert info.sensing == core.config.sensing == 0xFF


def test_telemetry_tells_each_actuator_of_each_zone_up_to_the_whole_of_it(peer: Peer) -> None:
    core = peer.firmware.core
    core.levels.level[:] = [10_000, 7_000, 4_991, 301, 9, 0]
    core.patterns.actuators[:] = [10_000, 0, 2_000, 5_000, 0, 4_991, 291, 10, 9, 0, 0, 0]
    telemetry = wire.parse(peer.firmware.read_telemetry(peer.now))
    assert isinstance(telemetry, wire.Telemetry)
    assert telemetry.level == (1000, 700, 500, 31, 1, 0)
    assert telemetry.vibration == (1000, 200, 0, 30, 1, 0)
    assert telemetry.kneading == (0, 500, 500, 1, 0, 0)


def test_telemetry_tells_a_current_that_is_too_great_for_it_as_the_greatest(peer: Peer) -> None:
    current = peer.firmware.core.plant.motors.current
    for each, told in ((50.0, pytest.approx(600, abs=20)), (6_000.0, 0xFFFF)):
        current[:] = [each] * 12
        telemetry = wire.parse(peer.firmware.read_telemetry(peer.now))
        assert isinstance(telemetry, wire.Telemetry)
        assert telemetry.current == told


def test_an_arm_tells_no_cause_of_the_session_before(peer: Peer) -> None:
    peer.arm()
    peer.stop()
    assert peer.telemetry.cause == Cause.PERSON
    assert peer.arm().result == Result.OK
    peer.run(0.1)
    assert peer.telemetry.state != State.IDLE
    assert peer.telemetry.cause == Cause.NONE


def test_r8_a_lost_allowance_is_told_until_the_memory_is_mended(peer: Peer) -> None:
    nvm = MemoryNvm()
    make(nvm)
    nvm.flip("allowance", 5)
    peer = make(nvm)
    assert peer.telemetry.flags & 64
    assert peer.reset().result == Result.OK
    peer.run(0.1)
    assert not peer.telemetry.flags & 64


def test_r11_a_stop_takes_the_heaters_power_at_once(peer: Peer) -> None:
    peer.arm()
    peer.drive(3.0, LOW, heat=390)
    plant = peer.firmware.core.plant
    assert plant.heater > 0.0
    peer.stop()
    assert plant.heater == 0.0
    peer.run(0.5)
    assert plant.heater == 0.0, "and it stays off"


def test_r2_a_level_that_the_envelope_holds_back_rises_with_it(peer: Peer) -> None:
    peer.arm()
    peer.drive(60.0, (500, 0, 0, 0, 0, 0))
    assert peer.telemetry.level[0] == 100
    peer.drive(60.0, (500, 0, 0, 0, 0, 0))
    assert 240 <= peer.telemetry.level[0] <= 250


def test_r13_the_trace_tells_why_it_fades(peer: Peer) -> None:
    peer = make(battery=20.0)
    peer.arm()
    peer.drive(2.0, LOW)
    peer.firmware.core.plant.battery.sag_v = 0.5
    peer.drive(0.3, LOW)
    watch = peer.firmware.core.recorder
    assert isinstance(watch, Watch)
    assert [(name, why) for _, name, why in watch.events if name == "fade"] == [
        ("fade", "battery_low")
    ]


def stop(peer: Peer) -> None:
    peer.stop()


def press(peer: Peer) -> None:
    peer.firmware.press(peer.now)


@pytest.mark.parametrize(
    ("act", "told"),
    [
        (stop, ("stop", "person")),
        (press, ("latch", "button")),
        (trip, ("trip", "stall")),
    ],
)
def test_the_trace_tells_a_stop_a_latch_and_a_trip_and_the_zero_of_the_same_moment(
    peer: Peer, act: Callable[[Peer], None], told: tuple[str, str]
) -> None:
    running(peer, 1.0)
    act(peer)
    watch = peer.firmware.core.recorder
    assert isinstance(watch, Watch)
    assert watch.events[-1][1:] == told
    assert watch.looks[-1].level == (0,) * 6


def test_fault_59_what_another_host_delivered_counts_to_the_lifetime(peer: Peer) -> None:
    memory = peer.firmware.core.memory
    before = memory.life_ticks
    memory.add_life(30)
    assert memory.life_ticks == before + 30 * 50


def test_a_record_too_short_for_a_checksum_is_none_whatever_lies_around_it() -> None:
    record = bytearray(10)
    crc = crc16(record, -3, RECORD_CRC)
    record[7], record[8] = crc & 255, crc >> 8
    assert unsealed(record, -1) == -1


def test_telemetry_comes_ten_times_a_second_before_anybody_asks(peer: Peer) -> None:
    peer.run(1.0)
    telemetry = [m for m in peer.heard if isinstance(m, wire.Telemetry)]
    assert 10 <= len(telemetry) <= 12
    counters = [m.counter for m in telemetry]
    assert counters == list(range(counters[0], counters[0] + len(counters)))
    assert telemetry[-1].state == State.IDLE
    assert telemetry[-1].level == (0,) * 6


def test_info_repeats_the_token_and_needs_no_session(peer: Peer) -> None:
    peer.send(wire.GetInfo(0xCAFE))
    info = peer.heard[-1]
    assert isinstance(info, wire.Info)
    assert (info.token, info.serial, info.deadman, info.caps) == (
        0xCAFE,
        "SIM-00000001",
        500,
        (70, 70, 50, 50, 35, 35),
    )
    assert (info.flags, info.rise, info.sum_cap, info.session) == (0b101, 20, 200, 1800)


def test_a_session_runs_and_says_so(peer: Peer) -> None:
    assert peer.arm().result == Result.OK
    assert peer.firmware.core.state is State.ARMED
    peer.drive(4.0, LOW)
    telemetry = peer.telemetry
    assert telemetry.state == State.RUNNING
    assert telemetry.level == LOW
    assert telemetry.owner == peer.owner
    assert telemetry.seq == peer.seq
    assert telemetry.running == pytest.approx(4000, abs=100)


def test_telemetry_goes_to_every_link_alike(peer: Peer) -> None:
    other = Peer(peer.firmware, link=2)
    peer.run(0.5)
    mine = [wire.frame(wire.pack(m)) for m in peer.heard if isinstance(m, wire.Telemetry)]
    assert [out.data for out in peer.others] == mine[-len(peer.others) :]
    assert other.heard == []


def test_seq_before_the_first_setpoint_is_that_of_the_arm(peer: Peer) -> None:
    peer.seq = 4711
    peer.arm()
    peer.run(0.1)
    assert (peer.telemetry.seq, peer.telemetry.owner) == (4711, peer.owner)
    peer.stop()
    assert (peer.telemetry.seq, peer.telemetry.owner) == (0, 0)


def test_rejected_counts_what_had_no_effect_and_nothing_else(peer: Peer) -> None:
    peer.arm()
    peer.send(peer.setpoint(LOW))
    peer.send(peer.setpoint((1001,) * 6))
    peer.send(wire.GetInfo(5))
    assert peer.firmware.rejected == 0
    peer.send(peer.telemetry)  # a frame that only a device sends
    peer.raw(RUBBISH)
    assert peer.ask(wire.Reset(7, 0, 0)).result == Result.NOT_LATCHED
    assert peer.firmware.rejected == 3
    peer.stop()
    peer.stop()
    assert peer.firmware.rejected == 3


def test_a_question_over_too_small_an_mtu_is_counted() -> None:
    peer = Peer(make().firmware, LinkKind.BLE, link=2, mtu=86)
    peer.send(wire.GetInfo(5))
    assert peer.heard == []
    assert peer.firmware.rejected == 1


def test_levels_are_told_rounded_up_so_that_zero_is_zero(peer: Peer) -> None:
    peer.arm()
    peer.send(peer.setpoint(LOW))
    peer.run(0.04)
    core = peer.firmware.core
    assert 0 < core.levels.level[0] < 10
    telemetry = wire.parse(peer.firmware.read_telemetry(peer.now))
    assert isinstance(telemetry, wire.Telemetry)
    assert telemetry.level[0] == telemetry.vibration[0] == 1
    assert (telemetry.state, telemetry.level[2]) == (State.RUNNING, 0)

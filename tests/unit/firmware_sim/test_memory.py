"""NVM: which latches and counters outlive a reboot, and that a damaged record fails closed."""

from __future__ import annotations

import pytest
from tests.unit.firmware_sim.lone_device import hold, load, make, running, trip_time

from firmware_sim.nvm import MemoryNvm
from firmware_sim.physics.sensors import SensorFault
from massager_fw.board import RECORDS
from massager_fw.memory import seal, unsealed
from massager_fw.states import Cause, Result, State


def test_a_fault_latch_outlives_a_reboot_and_its_counter_too() -> None:
    nvm = MemoryNvm()
    peer = make(nvm)
    running(peer)
    load(peer, 1.0)
    trip_time(peer)
    after = make(nvm)
    after.run(0.2)
    telemetry = after.telemetry
    assert (telemetry.state, telemetry.cause, telemetry.latch) == (State.FAULT, Cause.STALL, 1)
    assert not telemetry.flags & 8
    assert after.reset().result == Result.OK
    assert make(nvm).telemetry.state == State.IDLE


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


@pytest.mark.parametrize("record", RECORDS)
def test_a_record_of_another_size_fails_closed_whatever_its_checksum(record: str) -> None:
    nvm = MemoryNvm()
    make(nvm)
    other = bytearray(8)
    seal(other, 6)
    nvm.records[record] = bytes(other)
    assert make(nvm).telemetry.cause == Cause.MEMORY


@pytest.mark.parametrize("older", ["boot_a", "boot_b"])
def test_r16_of_two_boot_counters_the_greater_counts_after_a_power_cut_between_them(
    older: str,
) -> None:
    nvm = MemoryNvm()
    make(nvm)
    before = nvm.records[older]
    make(nvm)
    nvm.records[older] = before
    assert make(nvm).telemetry.epoch == 3 << 20


def test_what_is_kept_comes_back_whole_however_great_it_is() -> None:
    nvm = MemoryNvm()
    core = make(nvm).firmware.core
    core.memory.add_life(100_000_000)
    core.memory.checkpoint(core.allowance, in_session=False)
    core.memory.save_latch(Cause.NONE, 0xFEDC)
    kept = make(nvm).firmware.core
    assert (kept.memory.life_ticks, kept.latch) == (5_000_000_000, 0xFEDC)


@pytest.mark.parametrize("record", RECORDS)
def test_memory_that_takes_no_writes_cannot_be_cleared(record: str) -> None:
    nvm = MemoryNvm()
    make(nvm)
    nvm.flip(record, 5)
    nvm.stuck = True
    peer = make(nvm)
    assert peer.reset().result == Result.CAUSE_PRESENT
    nvm.stuck = False
    assert peer.reset().result == Result.OK


def test_r7_the_latch_counter_of_a_press_outlives_a_power_cut() -> None:
    nvm = MemoryNvm()
    hold(make(nvm), 0.1)
    assert make(nvm).telemetry.latch == 1


def test_r7_a_fault_whose_cause_outlasts_a_reboot_counts_once() -> None:
    nvm = MemoryNvm()
    for _ in range(2):
        peer = make(nvm)
        peer.firmware.core.plant.pad_thermistor.fault = SensorFault.OPEN
        peer.run(0.5)
        assert (peer.telemetry.cause, peer.telemetry.latch) == (Cause.TEMPERATURE_SENSOR, 1)


def test_records_carry_a_crc() -> None:
    record = bytearray(b"abc..")
    assert seal(record, 3) == 5
    assert unsealed(record, 5) == 3
    assert unsealed(bytearray(b"abcde"), 5) == -1
    assert unsealed(bytearray(b"a"), 1) == -1

"""What the device tells of itself after a change: INFO, TELEMETRY's flags and cause, the trace's events."""

from __future__ import annotations

from typing import Any

import pytest

from firmware_sim import wire
from firmware_sim.config import DeviceConfig
from firmware_sim.firmware import Firmware
from firmware_sim.nvm import MemoryNvm
from firmware_sim.peer import Peer, Watch
from massager_fw.codec import RECORD_CRC, crc16
from massager_fw.memory import unsealed
from massager_fw.states import Cause, Result, State

LOW = (50, 50, 0, 0, 0, 0)


def make(nvm: MemoryNvm | None = None, **config: Any) -> Peer:
    return Peer(Firmware(DeviceConfig(**config), nvm or MemoryNvm(), 1, recorder=Watch()))


@pytest.fixture
def peer() -> Peer:
    return make()


@pytest.mark.parametrize(
    ("field", "value"),
    [("zones", 0b11), ("vibration", 0b1), ("kneading", 0b10), ("motions", 5), ("directions", 0b11)],
)
def test_info_tells_what_the_device_has(field: str, value: int) -> None:
    peer = make(None, **{field: value})
    peer.send(wire.GetInfo(7))
    (info,) = (message for message in peer.heard if isinstance(message, wire.Info))
    assert getattr(info, field) == value


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

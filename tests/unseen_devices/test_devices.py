"""The made-up devices themselves: their own apps drive them, and a changed byte is noticed."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.support.marks import simulated_time
from tests.unseen_devices.checks import CRC_8, CRC_16
from tests.unseen_devices.device import make_device
from tests.unseen_devices.phone import capture

CHECK_VALUES = {
    "CRC-8/SMBUS": 0xF4,
    "CRC-8/I-432-1": 0xA1,
    "CRC-8/ROHC": 0xD0,
    "CRC-8/MAXIM": 0xA1,
    "CRC-8/NRSC-5": 0xF7,
    "CRC-8/SAE-J1850": 0x4B,
    "CRC-8/DVB-S2": 0xBC,
    "CRC-8/WCDMA": 0x25,
    "CRC-16/MODBUS": 0x4B37,
    "CRC-16/ARC": 0xBB3D,
    "CRC-16/IBM-3740": 0x29B1,
    "CRC-16/XMODEM": 0x31C3,
    "CRC-16/KERMIT": 0x2189,
    "CRC-16/IBM-SDLC": 0x906E,
    "CRC-16/UMTS": 0xFEE8,
}
"""Of "123456789", from the public catalogue of CRCs."""


def test_the_crcs_are_those_of_the_catalogue() -> None:
    seen = {
        check.name: int.from_bytes(check.over(b"123456789"), "little" if check.little else "big")
        for check in (*CRC_8, *CRC_16)
    }
    assert {name: seen[name] for name in CHECK_VALUES} == CHECK_VALUES


@pytest.mark.parametrize("seed", range(1, 40))
def test_a_frame_is_read_back_and_with_a_bit_turned_it_is_not(seed: int) -> None:
    framing = make_device(seed).framing
    frame = framing.build(0x21, b"\x05\x01", 7)
    message = framing.read(frame)
    assert message is not None
    assert message.command == 0x21
    assert message.payload.rstrip(b"\0") == b"\x05\x01"
    if framing.check.size:
        turned = bytearray(frame)
        turned[frame.index(b"\x05\x01") + seed % 2] ^= 1 << seed % 8
        assert framing.read(bytes(turned)) is None


def test_the_seeds_differ_in_all_that_is_drawn() -> None:
    devices = [make_device(seed) for seed in range(200)]
    for of in (
        lambda device: device.framing.check.kind,
        lambda device: device.framing.length,
        lambda device: device.coding.kind,
        lambda device: device.stop,
        lambda device: device.answer,
        lambda device: device.keep_alive and device.keep_alive.kind,
    ):
        assert min(Counter(of(device) for device in devices).values()) >= 5


@simulated_time
@pytest.mark.parametrize("seed", [1, 2, 3, 4])
async def test_the_app_drives_its_device(seed: int) -> None:
    device = make_device(seed)
    taken = await capture(device)
    assert taken.log.startswith(b"btsnoop\0")
    assert not taken.record.bad
    assert not taken.record.ignored
    assert not taken.record.lapses
    assert not taken.record.elsewhere
    reached = {level for _, levels in taken.record.levels for level in levels}
    assert reached == set(range(device.levels + 1))
    assert set(taken.record.levels[-1][1]) == {0}
    assert taken.labels.count("stop") == 3

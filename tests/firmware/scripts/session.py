"""A session on a simulated board, in bytes, that makes no object of its own; for MicroPython."""

from __future__ import annotations

from physics import SimulatedBoard

from massager_fw.codec import cobs_encode
from massager_fw.config import DeviceConfig, LinkKind
from massager_fw.firmware import Firmware
from massager_fw.frames import FrameType, put32, seal
from massager_fw.links import NO_MTU
from massager_fw.states import State

LINK = 1
ARM = bytearray(28)
SETPOINT = bytearray(43)
GET_INFO = bytearray(8)
FRAME = bytearray(90)
OWNER = bytearray(b"\xff\xee\xdd\xcc")
SEQ = 0xFFFE0000
"""All of them above 2^30: an object each on a small processor, were they numbers."""
PATTERNS = (0x01, 0x12, 0x32, 0x33, 0x24, 0x05)


class Sent:
    """The number of the last SETPOINT, and of the frames that came back."""

    number = 0
    frames = 0


class Sink:
    """Counts what is sent."""

    def send(self, _link, _data, _length) -> None:
        Sent.frames += 1


def framed(body: bytearray, size: int) -> int:
    """COBS, as a host does it, into FRAME; how many bytes."""
    return cobs_encode(body, size, FRAME)


def head(body: bytearray, kind: int) -> None:
    body[0] = 2
    body[1] = kind


def arm(firmware: Firmware, now: int) -> None:
    announcer = firmware.core.announcer
    head(ARM, FrameType.ARM)
    ARM[6:10] = OWNER
    ARM[10:14] = announcer.epoch
    ARM[14:18] = announcer.challenge
    put32(ARM, 18, SEQ)
    ARM[22] = 0xE8
    ARM[23] = 3
    ARM[24] = 0x8C
    ARM[25] = 0x0A
    firmware.feed(LINK, FRAME, framed(ARM, seal(ARM, 26)), now)


def build_setpoint(firmware: Firmware) -> int:
    """The next one into FRAME; how many bytes. Levels change with each, patterns with every twentieth."""
    Sent.number += 1
    number = Sent.number
    core = firmware.core
    head(SETPOINT, FrameType.SETPOINT)
    for i in range(4):
        SETPOINT[2 + i] = core.announcer.epoch[i]
        SETPOINT[6 + i] = OWNER[i]
    SETPOINT[10] = number & 255
    SETPOINT[11] = number >> 8
    SETPOINT[12] = 0xFE
    SETPOINT[13] = 0xFF
    put32(SETPOINT, 14, core.announcer.counter)
    SETPOINT[18] = 0
    SETPOINT[21] = 0xA0
    SETPOINT[22] = 0x0F
    for zone in range(6):
        level = 50 + number % 40
        SETPOINT[23 + 2 * zone] = level
        SETPOINT[24 + 2 * zone] = 0
        SETPOINT[35 + zone] = PATTERNS[(zone + number // 20) % 6]
    return framed(SETPOINT, seal(SETPOINT, 41))


def setpoint(firmware: Firmware) -> None:
    """The next SETPOINT, now."""
    firmware.feed(LINK, FRAME, build_setpoint(firmware), firmware.core.now_ms)


def get_info(firmware: Firmware) -> None:
    """INFO, asked for now."""
    head(GET_INFO, FrameType.GET_INFO)
    firmware.feed(LINK, FRAME, framed(GET_INFO, seal(GET_INFO, 6)), firmware.core.now_ms)


def running() -> Firmware:
    """A session that has run for four seconds, with two links."""
    firmware = Firmware(SimulatedBoard(Sink()), DeviceConfig())
    firmware.connect(LINK, LinkKind.SERIAL, 0, True, NO_MTU)
    firmware.connect(2, LinkKind.BLE, 0, True, 100)
    firmware.advance(6000)
    arm(firmware, 6000)
    play(firmware, 200, 20)
    assert firmware.core.state == State.RUNNING, firmware.core.state
    return firmware


def play(firmware: Firmware, ticks: int, frames: int) -> None:
    """Ticks, with so many SETPOINTs evenly among them; a GET_INFO after each 25."""
    sent = 0
    now = firmware.core.now_ms
    for tick in range(ticks):
        now += 20
        firmware.advance(now)
        while sent * ticks < tick * frames:
            sent += 1
            setpoint(firmware)
            if sent % 25 == 0:
                get_info(firmware)

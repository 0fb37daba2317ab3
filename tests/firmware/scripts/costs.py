"""Does one thing a number of times on MicroPython, for a count of instructions: `costs.py WHAT NUMBER`."""

from __future__ import annotations

import sys

import session

from massager_fw import report

DATA = bytes(range(40))


def known(_firmware) -> None:
    """CRC-16 of 40 bytes, bit by bit in plain Python: 10.1 ms on an RP2040 at 125 MHz (measured on an emulated one)."""
    crc = 0xFFFF
    for byte in DATA:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x1021) & 0xFFFF if crc & 0x8000 else crc << 1


def tick(firmware) -> None:
    """A tick in which six zones knead."""
    firmware.core.tick += 1
    firmware.core._work()


def frame(firmware) -> None:
    """What is done ten times a second besides."""
    firmware.core._frame()


def telemetry(firmware) -> None:
    """TELEMETRY, packed, sealed and framed for one link."""
    size = report.telemetry(firmware.core, 0, firmware._body)
    firmware._ports[0].send(firmware._body, size)


def setpoint(firmware) -> None:
    """A SETPOINT that changes every level and pattern, from bytes to drives."""
    session.setpoint(firmware)


def checkpoint(firmware) -> None:
    """What is done once in 10 s besides."""
    firmware.core._checkpoint()


def slow(firmware) -> None:
    """What the simulated board does for temperatures and supply."""
    firmware.board.sense_slow()


def store(firmware) -> None:
    """What the simulated board does with the two records of a checkpoint."""
    record = firmware.core.memory._record
    firmware.board.store(3, record, 204)
    firmware.board.store(2, record, 11)


def sense(firmware) -> None:
    """What the simulated board does in a tick: a real one reads converters instead."""
    firmware.board.sense()


def drive(firmware) -> None:
    """What the simulated board does with the duties."""
    firmware.board.drive(firmware.core._duty)


def build(firmware) -> None:
    """What the host does for a SETPOINT: not the device's."""
    session.build_setpoint(firmware)


def main() -> None:
    what, number = globals()[sys.argv[1]], int(sys.argv[2])
    firmware = session.running()
    for _ in range(number):
        what(firmware)


main()

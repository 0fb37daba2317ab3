"""Motors, pad and battery for the firmware on MicroPython's unix port: whole numbers, and nothing made for a tick."""

from __future__ import annotations

import os
import random

from massager_fw.board import ACTUATORS, FULL, RECORDS, Board, Thermometer
from massager_fw.shim import ints

ROOM = 2_400_000
"""Temperatures here are hundred-thousandths of a degree: 24 °C."""
LOCKED_MA = (400, 1500)


class SimulatedBoard(Board):
    """A sound massager in a room of 24 °C, with a battery that lasts. `links` sends what the firmware says."""

    def __init__(self, links) -> None:
        random.seed(int.from_bytes(os.urandom(4), "little"))
        self._links = links
        self._duty = [0] * ACTUATORS
        self._heater = 0
        self._pad = self._copper = ROOM
        self._records = [None] * len(RECORDS)
        self.current_ma = ints([0] * ACTUATORS)
        self.speed = ints([0] * ACTUATORS)
        self.pad_sensor = Thermometer()
        self.motor_sensor = Thermometer()
        self.supply_mv = 8100
        self.battery_percent = 87
        self.sense_slow()

    def sense(self) -> None:
        """Step each motor by a tick: a time constant of 80 ms, and current from the back-EMF."""
        duty, speed, current = self._duty, self.speed, self.current_ma
        for m in range(ACTUATORS):
            driven = duty[m] if self.powered else 0
            now = speed[m]
            if driven or now:
                now += (driven * 4 // 5 - now) * 453 >> 11
                speed[m] = now = max(0, now)
                current[m] = (driven - now) * LOCKED_MA[m & 1] // FULL if driven > now else 0

    def sense_slow(self) -> None:
        """Step the pad (60 J/K, 0.4 W/K, a heater of 10 W) and the motors (40 J/K, 0.25 W/K), and read both."""
        heater = self._heater if self.powered else 0
        self._pad += heater * 5 // 3 - (self._pad - ROOM) // 1500
        self._copper += sum(self.current_ma) * 37 // 40 - (self._copper - ROOM) // 1600
        self.pad_sensor.hundredths = self._pad // 1000
        self.pad_sensor.sample += 1
        self.motor_sensor.hundredths = self._copper // 1000
        self.motor_sensor.sample += 1

    def output_stuck(self) -> bool:
        """It never is."""
        return False

    def drive(self, duty) -> None:
        """Copy the duties; a motor that is let go draws nothing at once."""
        for m in range(ACTUATORS):
            self._duty[m] = duty[m]
            if not duty[m]:
                self.current_ma[m] = 0

    def power(self, on: bool) -> None:
        """The switch of the motor supply."""
        self.powered = on

    def heat(self, permille: int) -> None:
        """The heater's power."""
        self._heater = permille

    def send(self, link: int, data, length: int) -> None:
        """To the link of that number."""
        self._links.send(link, data, length)

    def load(self, record: int, into) -> int:
        """From memory: it lasts as long as the process."""
        kept = self._records[record]
        if kept is None:
            return -1
        into[: len(kept)] = kept
        return len(kept)

    def store(self, record: int, data, length: int) -> None:
        """Into a buffer that is made once."""
        kept = self._records[record]
        if kept is None or len(kept) != length:
            kept = self._records[record] = bytearray(length)
        for i in range(length):
            kept[i] = data[i]

    def keep(self, value: int) -> None:
        """There is no reset here that it could outlive."""
        self.kept = value

    def random(self, into) -> None:
        """From a generator that the system seeded: no object for each."""
        for i in range(len(into)):
            into[i] = random.getrandbits(8)

    def feed_watchdog(self) -> None:
        """Nothing bites here."""

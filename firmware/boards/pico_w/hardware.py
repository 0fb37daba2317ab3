"""`massager_fw.board.Board` on a Raspberry Pi Pico W: pins, converter, switch of the motor supply, watchdog, memory."""

import os
import time

import machine
from analogue import Converter, Current, Ntc, Voltage
from machine import Pin
from motors import Motors, place_of

from massager_fw.board import ACTUATORS, CABLE_OPEN, PRESSED, RELEASED, Board, Thermometer
from massager_fw.shim import ints
from massager_fw.states import Cause

WATCHDOG_MS = 350
"""R24. The switch of the motor supply opens on its own after as long."""

_SCRATCH = 0x4005800C
"""The watchdog's first scratch register: it outlives a reset of the processor, and no power cycle."""
_REASON = 0x40058008
"""Bit 0: the watchdog's timer ran out; a reset that was asked for sets bit 1."""

_OFF_MV = 1500
"""Behind the open switch: what is left in the capacitors, discharged by the drivers and a resistor."""
_OPENS_WITHIN_MS = 500
_DRAINS_MS = 350
"""What the motor supply's capacitor takes to lose its charge."""
_CLOSES_WITHIN_MS = 100
_POOL = 2048
"""A challenge takes four bytes, and is drawn every 5 s of a session."""
_OFFSET_MA = 60
"""More than this at rest is not an offset of a driver."""


class SelfTestFailed(Exception):
    """What is wrong with the hardware: the device stays off."""


class PicoBoard(Board):
    """The board; `pins` is the maker's file."""

    def __init__(self, pins, memory):
        self.pins = pins
        # boot.py has them low already; from here on they are ours.
        switch = pins.SWITCH
        self._enable = None if switch is None else Pin(switch["enable"], Pin.OUT, value=0)
        self._edge = None if switch is None else Pin(switch["edge"], Pin.OUT, value=0)
        self.motors = Motors(pins)
        self._memory = memory
        self._closed = Pin(pins.BUTTON["normally_closed"], Pin.IN, Pin.PULL_UP)
        self._open = Pin(pins.BUTTON["normally_open"], Pin.IN, Pin.PULL_UP)
        charger = pins.SUPPLY.get("charger")
        self._charger = None if charger is None else Pin(charger, Pin.IN, Pin.PULL_DOWN)
        self._light = None if pins.LED is None else Pin(pins.LED, Pin.OUT, value=0)
        self._watchdog = None
        self._pool = bytearray(_POOL)
        self._drawn = _POOL
        self.links = None
        """Where `send` sends to."""

        convert = Converter(pins.MUX, pins.ADC)
        reference = convert.reference_mv
        self._currents = [None] * ACTUATORS
        for actuator in pins.ACTUATORS:
            if actuator.get("sense") is not None:
                source = convert.input(actuator["sense"])
                self._currents[place_of(actuator)] = Current(
                    source, actuator["sense_ohms"], reference
                )
        self._pad = _thermometer(convert, pins.PAD_SENSOR)
        self._motor = _thermometer(convert, pins.MOTOR_SENSOR)
        supply = pins.SUPPLY
        self._supply = Voltage(convert.input(supply["input"]), supply["divider"], reference)
        self._behind = None
        if switch is not None:
            self._behind = Voltage(convert.input(switch["sense"]), switch["divider"], reference)

        self.current_ma = ints([0] * ACTUATORS)
        self.speed = ints([0] * ACTUATORS)
        self.pad_sensor = self._pad or Thermometer()
        self.motor_sensor = self._motor or Thermometer()
        self.supply_mv = 0
        self.brown_out_mv = pins.SUPPLY["lowest_mv"]
        self.battery_percent = 100
        self.charging = False
        self.powered = False
        self.button = self._contacts()
        hung = machine.reset_cause() == machine.WDT_RESET and machine.mem32[_REASON] & 1
        self.reset_cause = Cause.WATCHDOG if hung else Cause.NONE
        self.kept = (
            machine.mem32[_SCRATCH] & 255 if machine.reset_cause() == machine.WDT_RESET else 0
        )
        self.sense_slow()

    # --- at boot

    def test_itself(self):
        """Everything that can be seen without turning a motor; `SelfTestFailed` says what is not as it must be."""
        if self.supply_mv < self.brown_out_mv:
            raise SelfTestFailed(f"the supply is at {self.supply_mv} mV")
        for m in range(ACTUATORS):
            current = self._currents[m]
            if current is not None and current.rest() > _OFFSET_MA:
                raise SelfTestFailed(f"actuator {m} draws current although all is off")
        for name, sensor in (("pad", self._pad), ("motor", self._motor)):
            if sensor is not None and sensor.hundredths is None:
                raise SelfTestFailed(f"the {name}'s thermistor is open or shorted")
        if self._behind is None:
            return
        if not self._comes_to(False, _OPENS_WITHIN_MS):
            raise SelfTestFailed("the switch of the motor supply does not open")
        # Closed for a moment, with every driver asleep; a button that is pressed opens it in hardware.
        self._enable.value(1)
        self._pulse()
        closed = self._comes_to(True, _CLOSES_WITHIN_MS)
        self._enable.value(0)
        if self.button == RELEASED and not closed:
            raise SelfTestFailed("the switch of the motor supply does not close")
        if not self._comes_to(False, _OPENS_WITHIN_MS):
            raise SelfTestFailed("the switch of the motor supply does not open again")
        # Without edges it must open on its own, or nothing would when the processor hangs.
        self._enable.value(1)
        self._pulse()
        time.sleep_ms(WATCHDOG_MS + _DRAINS_MS)
        fell = self._comes_to(False, 1)
        self._enable.value(0)
        if not fell:
            raise SelfTestFailed("the switch of the motor supply stays closed without its edges")

    def _comes_to(self, closed, within_ms):
        for _ in range(within_ms // 5 + 1):
            millivolts = self._behind.read()
            if (millivolts > self.supply_mv - 2000) if closed else millivolts < _OFF_MV:
                return True
            time.sleep_ms(5)
        return False

    def watch(self):
        """From here on a tick that does not come resets the processor; nothing can switch that off again."""
        self._watchdog = machine.WDT(timeout=WATCHDOG_MS)

    # --- what it senses

    def _contacts(self):
        """A changeover: pressed shows one contact open and the other closed, a broken cable both open."""
        rests = not self._closed.value()
        if self._open.value():
            return RELEASED if rests else CABLE_OPEN
        return PRESSED

    def sense_contacts(self):
        """Whether the button has changed."""
        before = self.button
        self.button = self._contacts()
        return before != self.button

    def sense(self):
        currents, found = self._currents, self.current_ma
        for m in range(ACTUATORS):
            current = currents[m]
            if current is not None:
                found[m] = current.read()

    def sense_slow(self):
        if self._pad is not None:
            self._pad.convert()
        if self._motor is not None:
            self._motor.convert()
        self.supply_mv = self._supply.read()
        supply = self.pins.SUPPLY
        if not supply["mains"]:
            span = supply["full_mv"] - supply["empty_mv"]
            percent = (self.supply_mv - supply["empty_mv"]) * 100 // span
            self.battery_percent = min(100, max(0, percent))
            self.charging = self._charger is not None and self._charger.value() == 1

    def output_stuck(self):
        self.sense()
        for m in range(ACTUATORS):
            if not self.motors.duty[m] and self.current_ma[m] > 30:
                return True
        return False

    # --- what it drives

    def drive(self, duty):
        self.motors.drive(duty)

    def power(self, on):
        self.powered = bool(on)
        self.motors.wake(on)
        if self._enable is not None:
            self._edge.value(0)
            self._enable.value(1 if on else 0)

    def heat(self, permille):
        """This board has no heater."""

    def feed_watchdog(self):
        if self._watchdog is not None:
            self._watchdog.feed()
        if self.powered and self._edge is not None:
            self._pulse()

    def _pulse(self):
        self._edge.value(1)
        self._edge.value(0)

    def light(self, on):
        """The light, if there is one."""
        if self._light is not None:
            self._light.value(1 if on else 0)

    # --- links, memory, chance

    def send(self, link, data, length):
        self.links.send(link, data, length)

    def load(self, record, into):
        return self._memory.load(record, into)

    def store(self, record, data, length):
        self._memory.store(record, data, length)

    def tidy(self):
        """At rest: make room in the memory, one block at a time."""
        self._memory.tidy()

    def keep(self, value):
        machine.mem32[_SCRATCH] = value

    def random(self, into):
        for i in range(len(into)):
            if self._drawn == len(self._pool):
                self.draw()
            into[i] = self._pool[self._drawn]
            self._pool[self._drawn] = 0
            self._drawn += 1

    def draw(self):
        """At rest: random bytes for a whole session, as the system hands each one out in a new object."""
        if self._drawn > len(self._pool) // 8:
            self._pool[:] = os.urandom(len(self._pool))
            self._drawn = 0


def _thermometer(convert, described):
    return None if described is None else Ntc(convert.input(described["input"]), described)

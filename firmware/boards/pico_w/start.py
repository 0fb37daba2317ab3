"""The device: board, rules and links, and the loop that gives them their time. It is the watchdog's only food."""

import gc
import time

import about
import machine
import pins
import rp2
from hardware import PicoBoard
from motors import ZONES
from nvm import Nvm
from streams import Streams

from massager_fw.config import DeviceConfig
from massager_fw.firmware import Firmware
from massager_fw.states import Cause, State

TICK_US = 20_000
_REST_US = 1_000
_SLOW_TICKS = 50
_RESTART_MS = 5 << 26
_LATEST_MS = 3 << 28
"""After four days at rest and without a link it starts again, after nine with one too: a count of milliseconds that no
longer fits a small integer (2**30 on 32 bits, 12.4 days) takes memory in each tick."""


class Links:
    """Sends on whichever link it is."""

    def __init__(self, streams, radio):
        self._streams = streams
        self._radio = radio

    def send(self, link, data, length):
        """Send a frame."""
        if not self._streams.send(link, data, length) and self._radio is not None:
            self._radio.send(link, data, length)


def describe():
    """What the rules and INFO must know of the wiring."""
    config = DeviceConfig()
    number = pins.SERIAL or "".join(f"{byte:02X}" for byte in machine.unique_id()[-6:])
    config.serial = number
    config.firmware = about.FIRMWARE
    masks = {"vibration": 0, "kneading": 0}
    sensed = True
    for actuator in pins.ACTUATORS:
        masks[actuator["kind"]] |= 1 << ZONES.index(actuator["zone"])
        sensed = sensed and actuator.get("sense") is not None
    config.vibration, config.kneading = masks["vibration"], masks["kneading"]
    config.zones = masks["vibration"] | masks["kneading"]
    config.heat = False
    config.mains = pins.SUPPLY["mains"]
    config.sensing = (
        sensed
        | (pins.PAD_SENSOR is not None) << 2
        | (pins.MOTOR_SENSOR is not None) << 3
        | (not config.mains) << 4
        | (pins.SWITCH is not None) << 5
        | 1 << 6
        | 1 << 7
    )
    kinds = (pins.VIBRATION or pins.KNEADING, pins.KNEADING or pins.VIBRATION)
    config.start_duty = tuple(int(kind["start_duty"] * 100) for kind in kinds)
    config.locked_ma = tuple(kind["locked_ma"] for kind in kinds)
    return config


def radio_of(firmware):
    """Bluetooth, where pins.py and the board have it."""
    if not pins.BLUETOOTH:
        return None
    try:
        from ble import Radio
    except ImportError:  # a Pico without W
        return None
    return Radio(firmware, pins.NAME)


class Device:
    """Everything that runs."""

    def __init__(self, note):
        self.board = PicoBoard(pins, Nvm(rp2.Flash()))
        self.board.test_itself()
        self.board.draw()
        self.streams = Streams(pins)
        self.board.links = Links(self.streams, None)
        self.firmware = Firmware(self.board, describe())
        self.board.motors.core = self.firmware.core
        self.radio = radio_of(self.firmware)
        self.board.links = Links(self.streams, self.radio)
        hung = self.board.reset_cause == Cause.WATCHDOG
        why = "watchdog" if hung else "power or reset"
        self.now = 0
        self._slow = 0
        gc.collect()
        free = gc.mem_free() // 1024
        boot = self.firmware.core.memory.boot
        note(f"boot {boot}: {why}, firmware {about.VERSION}, {free} KiB of memory free")

    def tick(self):
        """20 ms of the rules."""
        self.now += TICK_US // 1000
        self.firmware.advance(self.now)
        self._slow += 1
        if self._slow == _SLOW_TICKS:
            self._slow = 0
            self._each_second()
        self._shine()

    def turn(self):
        """Between two ticks: the button, what arrived, what waits."""
        if self.board.sense_contacts():
            self.firmware.sense_button(self.now)
        self.streams.turn(self.firmware, self.now)
        if self.radio is not None:
            self.radio.turn(self.now)

    def _each_second(self):
        """What takes long is done only while every level is zero."""
        if not self.firmware.at_rest:
            return
        gc.collect()
        self.board.draw()
        if self.firmware.core.session is not None:
            return
        if self.radio is not None:
            self.radio.each_second()
        self.board.tidy()
        if self.now > (_LATEST_MS if self.firmware.is_connected else _RESTART_MS):
            machine.reset()

    def _shine(self):
        state = self.firmware.core.state
        if self.firmware.pairing_open:
            self.board.light(self.now // 100 & 1)
        elif state in (State.LATCHED, State.FAULT):
            self.board.light(self.now // 400 & 1)
        else:
            self.board.light(state != State.IDLE)


def run(note):
    """Never returns: what fails here stays off, and the watchdog resets what hangs."""
    device = Device(note)
    device.firmware.sense_button(0)
    device.board.watch()
    try:
        _go_on(device)
    finally:
        device.board.power(False)


def _go_on(device):
    due = time.ticks_us()
    while True:
        late = time.ticks_diff(time.ticks_us(), due)
        if late < 0:
            device.turn()
            time.sleep_us(_REST_US)
            continue
        # A tick that comes late is made up for, each of them once.
        due = time.ticks_add(due, TICK_US)
        device.tick()

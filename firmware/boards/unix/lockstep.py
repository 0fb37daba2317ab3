"""The firmware on MicroPython, step by step: a host says what happens and until when, and answers for the hardware.

One line for each request on standard input, answered by any number of lines and one that begins with `=`. In between,
a line that begins with `?` asks for something, and the host answers it with one line. See `firmware_sim.micropython`.
"""

import json
import sys
from binascii import hexlify, unhexlify

import massager_fw.core
import massager_fw.firmware
from massager_fw.board import ACTUATORS, Board, Thermometer
from massager_fw.codec import MAX_BODY
from massager_fw.config import Claims, DeviceConfig, Limits
from massager_fw.shim import ints

NO_READING = "-"


def say(*words):
    """One line to the host."""
    sys.stdout.write(" ".join([str(word) for word in words]) + "\n")


def ask(*words):
    """One line to the host, and the words of its answer."""
    say(*words)
    return sys.stdin.readline().split()


class PipeBoard(Board):
    """Hardware at the other end of a pipe."""

    def __init__(self):
        self.current_ma = ints([0] * ACTUATORS)
        self.speed = ints([0] * ACTUATORS)
        self.pad_sensor = Thermometer()
        self.motor_sensor = Thermometer()
        self.settled = False
        self.sense_slow()

    def is_settled(self):
        """As the host said last."""
        return self.settled

    def sense(self):
        """Currents, speeds, and whether they will stay as they are."""
        words = ask("?s")
        for m in range(ACTUATORS):
            self.current_ma[m] = int(words[m])
            self.speed[m] = int(words[ACTUATORS + m])
        self.settled = words[2 * ACTUATORS] == "1"

    def sense_slow(self):
        """Temperatures and supply."""
        words = ask("?S")
        for sensor, reading, sample in (
            (self.pad_sensor, words[0], words[1]),
            (self.motor_sensor, words[2], words[3]),
        ):
            sensor.hundredths = None if reading == NO_READING else int(reading)
            sensor.sample = int(sample)
        self.supply_mv, self.battery_percent = int(words[4]), int(words[5])
        self.charging = words[6] == "1"

    def total_ma(self):
        """What the current sensor reads."""
        return int(ask("?t")[0])

    def output_stuck(self):
        """Whether a power stage conducts on its own."""
        return ask("?o")[0] == "1"

    def drive(self, duty):
        """Set each duty."""
        self.settled = False
        say("d", *duty)

    def power(self, on):
        """Switch the motor supply."""
        self.settled = False
        self.powered = on
        say("p", int(on))

    def heat(self, permille):
        """Set the heater."""
        say("h", permille)

    def send(self, link, data, length):
        """Send on a link."""
        say("s", link, hexlify(data[:length]).decode())

    def load(self, record, into):
        """Read a record."""
        raw = ask("?l", record)[0]
        if raw == NO_READING:
            return -1
        data = unhexlify(raw[1:])[: len(into)]
        into[: len(data)] = data
        return len(data)

    def store(self, record, data, length):
        """Write a record."""
        say("w", record, hexlify(data[:length]).decode())

    def keep(self, value):
        """Keep a byte over a reset."""
        self.kept = value
        say("k", value)

    def booted(self, count):
        """Tell the host."""
        say("b", count)

    def random(self, into):
        """Ask the host."""
        into[:] = unhexlify(ask("?r")[0])

    def feed_watchdog(self):
        """The host knows that it goes on."""


class Core(massager_fw.core.Core):
    """Tells the host what it did."""

    traced = False

    def note(self, event, reason):
        """An event."""
        say("n", event, "#" + str(reason) if isinstance(reason, int) else "=" + reason)

    def outputs_changed(self):
        """A tick is over."""
        if self.traced:
            patterns = self.patterns
            turning = [patterns.turning(zone) for zone in range(6)]
            say("f", self.tick, self.state, self.running, self.heat.target, *self.levels.level,
                *patterns.actuators, *patterns.motion, *turning)  # fmt: skip


class Firmware(massager_fw.firmware.Firmware):
    """Built around that core."""

    def _make_core(self):
        return Core(self.board, self.config)


def configured(text):
    """A configuration from JSON."""
    config = DeviceConfig()
    fields = json.loads(text)
    for name, values in (("limits", Limits()), ("claims", Claims())):
        for key, value in fields.pop(name).items():
            setattr(values, key, value)
        setattr(config, name, values)
    for key, value in fields.items():
        setattr(config, key, value)
    if not config.limits.enveloped:
        config.limits.envelope = lambda _running, cap: cap
    return config


def serve(firmware, words):
    """One request."""
    what, core = words[0], firmware.core
    if what == "A":
        firmware.board.settled = words[2] == "1"
        firmware.advance(int(words[1]))
    elif what == "F":
        data = unhexlify(words[3])
        firmware.feed(int(words[1]), data, len(data), int(words[2]))
    elif what == "C":
        firmware.connect(int(words[1]), words[3], int(words[2]), words[4] == "1", int(words[5]))
    elif what == "D":
        firmware.disconnect(int(words[1]), int(words[2]))
    elif what == "B":
        firmware.board.button = int(words[1])
        firmware.sense_button(int(words[2]))
    elif what == "b":  # while it hangs: seen at the next boot
        core.button.sense(int(words[1]), int(words[2]))
    elif what in ("I", "T"):
        out = bytearray(MAX_BODY)
        if what == "I":
            size = firmware.read_info(int(words[1]), int(words[2]), out)
        else:
            size = firmware.read_telemetry(int(words[2]), out)
        say("r", hexlify(out[:size]).decode())
    elif what == "R":
        core.tick = int(words[2])
        core.restart(int(words[1]))
    elif what == "L":
        core.memory.add_life(int(words[1]))
    elif what == "c":
        core.config = firmware.config = configured(" ".join(words[1:]))


def main():
    """Serve until the host closes the pipe. The first line is the configuration."""
    words = sys.stdin.readline().split(" ", 1)
    Core.traced = words[0] == "traced"
    firmware = Firmware(PipeBoard(), configured(words[1]))
    line = "start"
    while line:
        core = firmware.core
        say("=", core.tick, core.next_tick, 0 if core.session is None else 1, core.state, core.cause,
            core.latch, firmware.rejected, *core.levels.level)  # fmt: skip
        line = sys.stdin.readline()
        if line:
            serve(firmware, line.split())


main()

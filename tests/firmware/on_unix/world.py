"""What is around a Pico in the tests: wires, motors, a switch with its monostable, thermistors, hands; all recorded.

`/host/log` gets a line for each thing that happened: milliseconds, a word, and values. `/host/hands` is a pipe that
says what hands do: a word and a value a line.
"""

import json
import os
import select
import time

FULL = 65535
SUPPLY_MV = 12_000
MONOSTABLE_MS = 330
# In true time a busy machine may leave the whole process standing for longer than a processor ever stands.
WATCHDOG_BITES = 350 if time.STEPPED else 3000
FREE = 0.25
"""Current of a motor that turns freely over duty times its locked-rotor current; `stallN` says another for motor N."""


class World:
    def __init__(self):
        self._started = time.ticks_ms()
        self._log = open("/host/log", "a")
        self.level = {}
        self.duty = {}
        self.hand = {"button": 0, "cable": 1, "supply": SUPPLY_MV, "usb": 1, "pad": 30, "motor": 30}
        self.last_edge = None
        self.fed = None
        self.pollers = []
        self.cause = 1
        try:
            with open("/host/reset") as file:
                state = json.load(file)
            os.remove("/host/reset")
            self.cause, self.scratch, self.reason = 3, state["scratch"], state["reason"]
        except OSError:
            self.scratch, self.reason = 0, 0
        self._poll = select.poll()
        self._hands = open("/host/hands", "r+b")
        self._poll.register(self._hands, select.POLLIN)
        self._line = b""
        self.note("power")
        self._settle()

    def now(self):
        return time.ticks_diff(time.ticks_ms(), self._started)

    def note(self, word, *values):
        self._log.write(json.dumps([self.now(), word] + list(values)) + "\n")
        self._log.flush()

    # --- hands

    def look_at_hands(self):
        while self._poll.poll(0):
            byte = self._hands.read(1)
            if byte == b"\n":
                word, value = self._line.decode().split()
                self._line = b""
                self.hand[word] = float(value)
                self.note("hand", word, float(value))
            else:
                self._line += byte

    def _settle(self):
        """What the hands did before the power came on."""
        time.sleep_ms(5)
        self.look_at_hands()

    # --- wires

    def write(self, pin, value):
        if self.level.get(pin) != value:
            self.level[pin] = value
            if pin != self._edge() and pin not in wiring().MUX["select"]:
                self.note("pin", pin, value)
        if pin == self._edge() and value:
            self.last_edge = time.ticks_ms()

    def _edge(self):
        return None if wiring().SWITCH is None else wiring().SWITCH["edge"]

    def read(self, pin):
        self.look_at_hands()
        for poll in self.pollers:
            poll()
        button = wiring().BUTTON
        if pin == button["normally_closed"]:
            return int(bool(self.hand["button"]) or not self.hand["cable"])
        if pin == button["normally_open"]:
            return int(not (self.hand["button"] and self.hand["cable"]))
        return self.level.get(pin, 0)

    def turn(self, pin, duty):
        if self.duty.get(pin) != duty:
            self.duty[pin] = duty
            self.note("pwm", pin, duty)

    def switch_closed(self):
        """Enabled, an edge lately, and the button's own contact in series."""
        if self.hand.get("switch_stuck") or wiring().SWITCH is None:
            return True
        if self.hand.get("switch_dead") or not self.level.get(wiring().SWITCH["enable"]):
            return False
        if self.last_edge is None or self.hand["button"]:
            return False
        limit = 60_000 if self.hand.get("monostable_stuck") else MONOSTABLE_MS
        return time.ticks_diff(time.ticks_ms(), self.last_edge) < limit

    def volts(self, name):
        """What is on an input of the converter, millivolts."""
        pins = wiring()
        if name == pins.SUPPLY["input"]:
            return self.hand["supply"] / pins.SUPPLY["divider"]
        if pins.SWITCH is not None and name == pins.SWITCH["sense"]:
            return self.hand["supply"] * self.switch_closed() / pins.SWITCH["divider"]
        for sensor, hand in ((pins.PAD_SENSOR, "pad"), (pins.MOTOR_SENSOR, "motor")):
            if name == sensor["input"]:
                return _ntc_mv(sensor, self.hand[hand])
        for number, actuator in enumerate(pins.ACTUATORS):
            if name == actuator["sense"]:
                return self.current_ma(number, actuator) * actuator["sense_ohms"]
        return 0

    def current_ma(self, number, actuator):
        kind = wiring().VIBRATION if actuator["kind"] == "vibration" else wiring().KNEADING
        if self.hand.get(f"stuck{number}"):
            return kind["locked_ma"] * FREE
        if not self.switch_closed() or not self.level.get(wiring().SLEEP):
            return 0
        ratio = self.hand.get(f"stall{number}") or FREE
        duty = self.duty.get(actuator["pwm"], 0) + self.duty.get(actuator.get("second"), 0)
        return kind["locked_ma"] * ratio * duty / FULL

    # --- the processor

    def feed(self):
        if self.hand.get("hang"):
            self.note("hangs")
            while True:
                time.sleep_ms(1)
                self.bite_if_due()
        self.bite_if_due()
        self.fed = time.ticks_ms()

    def bite_if_due(self):
        if self.fed is not None and time.ticks_diff(time.ticks_ms(), self.fed) > WATCHDOG_BITES:
            closed = self.switch_closed()
            self.note("bites", time.ticks_diff(time.ticks_ms(), self.fed), closed)
            self.reset(1)

    def reset(self, reason):
        with open("/host/reset", "w") as file:
            json.dump({"scratch": self.scratch, "reason": reason}, file)
        self.note("reset", reason)
        while True:  # a new process is the processor after its reset
            time.sleep(1)


def _ntc_mv(sensor, celsius):
    from math import exp

    if celsius <= -100:
        return 3300  # open
    ohms = sensor["ohms_25"] * exp(sensor["beta"] * (1 / (celsius + 273.15) - 1 / 298.15))
    return 3300 * ohms / (ohms + sensor["pull_up_ohms"])


_PINS = []


def wiring():
    """The pins as they are wired: the maker's file in `/host/pins.py`."""
    if not _PINS:
        names = {}
        with open("/host/pins.py") as file:
            exec(file.read(), names)

        class Pins:
            pass

        for name in names:
            setattr(Pins, name, names[name])
        _PINS.append(Pins)
    return _PINS[0]


world = World()

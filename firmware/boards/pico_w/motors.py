"""The power stages: PWM, directions, sleep. A motor changes its direction only while its duty is zero."""

from machine import PWM, Pin

from massager_fw.board import ACTUATORS, FULL

ZONES = (
    "trapezius_left",
    "trapezius_right",
    "neck_left",
    "neck_right",
    "suboccipital_left",
    "suboccipital_right",
)
_KINDS = ("vibration", "kneading")
_OTHER_WAY = (2, 5)
"""The directions of docs/protocol.md that turn the other way: ccw, down."""


def place_of(actuator):
    """An actuator's number in the rules: 2 * zone, and one more if it kneads."""
    return 2 * ZONES.index(actuator["zone"]) + _KINDS.index(actuator["kind"])


class Motor:
    """One power stage."""

    def __init__(self, actuator, frequency):
        self._pwm = PWM(Pin(actuator["pwm"]), freq=frequency, duty_u16=0)
        self._second = None
        self._direction = None
        if actuator.get("second") is not None:
            self._second = PWM(Pin(actuator["second"]), freq=frequency, duty_u16=0)
        elif actuator.get("direction") is not None:
            self._direction = Pin(actuator["direction"], Pin.OUT, value=0)
        self._duty = 0
        self.turned = 0

    def drive(self, duty, turn):
        """Set a duty of `FULL`. A turn the other way waits for a duty of zero, which the rules hold for 300 ms."""
        if turn != self.turned:
            if duty and self._duty:
                duty = 0
            else:
                self.turned = turn
                if self._direction is not None:
                    self._direction.value(turn)
        if duty == self._duty:
            return
        self._duty = duty
        raw = duty * 65535 // FULL
        if self._second is None:
            self._pwm.duty_u16(raw)
            return
        (self._second if not turn else self._pwm).duty_u16(0)
        (self._pwm if not turn else self._second).duty_u16(raw)


class Motors:
    """All power stages, by the numbers of the rules."""

    def __init__(self, pins):
        self._sleep = None if pins.SLEEP is None else Pin(pins.SLEEP, Pin.OUT, value=0)
        self._motors = [None] * ACTUATORS
        for actuator in pins.ACTUATORS:
            kind = pins.VIBRATION if actuator["kind"] == "vibration" else pins.KNEADING
            self._motors[place_of(actuator)] = Motor(actuator, kind["frequency"])
        self.core = None
        """The rules, once there are some: they know which way a zone turns."""
        self.duty = [0] * ACTUATORS
        """As it was set last."""

    def drive(self, duty):
        """Set all of them."""
        motors = self._motors
        core = self.core
        mine = self.duty
        for m in range(ACTUATORS):
            value = duty[m]
            mine[m] = value
            motor = motors[m]
            if motor is not None:
                turn = motor.turned
                if m & 1 and core is not None:
                    way = core.patterns.turned(m >> 1)
                    if way:
                        turn = 1 if way in _OTHER_WAY else 0
                motor.drive(value, turn)

    def wake(self, awake):
        """Let the drivers sleep, or wake them."""
        if self._sleep is not None:
            self._sleep.value(1 if awake else 0)

"""Which pin does what. This is the one file to edit; `massager-ctl firmware build` checks it.

Only plain values may stand here. As it is, it fits the wiring in docs/how-to/build-a-massager.md; start_duty and
locked_ma are examples, and are measured on your own motors. Pins are GP numbers, not the numbers on the board's edge.
"""

BOARD = "pico_w"

# What it is called on Bluetooth, at most 20 characters, and its serial number, at most 12: letters, digits, hyphens,
# in the name also blanks. The serial number "" takes the number of the chip.
NAME = "Massager"
SERIAL = ""

# The zones that exist: trapezius_left, trapezius_right, neck_left, neck_right, suboccipital_left, suboccipital_right.
ZONES = ("trapezius_left", "trapezius_right")

# The two kinds of motor, each with what was measured on your own (how-to): start_duty: percent, 2 more than the
# gentlest that turns every motor of the kind. locked_ma: what one draws at full duty with its rotor held; of several
# the lowest. frequency: of the PWM in hertz. None if there is no motor of the kind.
VIBRATION = {"start_duty": 22.0, "locked_ma": 400, "frequency": 20000}
KNEADING = {"start_duty": 30.0, "locked_ma": 1000, "frequency": 20000}

# The motors. kind: "vibration" or "kneading", one of each a zone at most.
# pwm: speed. direction: which way, for a driver with inputs "speed" and "direction" (PH/EN); or instead second: for a
# driver with an input for each direction (IN/IN). A motor that turns one way needs neither.
# sense: where its current shows, a pin or mux0 to mux7, or None. sense_ohms: volts there for each ampere: a sense
# resistor's ohms, or of a DRV8876 on its carrier 2.5.
# fmt: off
ACTUATORS = (
    {"zone": "trapezius_left", "kind": "vibration", "pwm": 2, "sense": "mux0", "sense_ohms": 2.5},
    {"zone": "trapezius_right", "kind": "vibration", "pwm": 3, "sense": "mux1", "sense_ohms": 2.5},
    {"zone": "trapezius_left", "kind": "kneading", "pwm": 4, "direction": 5, "sense": "mux2", "sense_ohms": 2.5},
    {"zone": "trapezius_right", "kind": "kneading", "pwm": 6, "direction": 7, "sense": "mux3", "sense_ohms": 2.5},
)
# fmt: on

# The button's two sense contacts, each between its pin and ground.
BUTTON = {"normally_closed": 12, "normally_open": 13}

# The retriggerable switch of the motor supply: its clear and its trigger, and the voltage behind it through a divider
# (68 and 10 kiloohm: 7.8). None: without one, for the bench only.
SWITCH = {"enable": 10, "edge": 11, "sense": "mux6", "divider": 7.8}

# Lets all motor drivers sleep when low; None if they cannot.
SLEEP = 8

# The analogue multiplexer 74HC4051: its three selects, and where its output is read. None if there is none.
MUX = {"select": (16, 17, 18), "adc": 26}

# Thermistors, NTC to ground with a resistor to 3.3 V. None if there is none.
PAD_SENSOR = {"input": "mux4", "pull_up_ohms": 10000.0, "ohms_25": 10000.0, "beta": 3950.0}
MOTOR_SENSOR = {"input": "mux5", "pull_up_ohms": 10000.0, "ohms_25": 10000.0, "beta": 3950.0}

# The supply before the switch. mains: an adapter; else a battery, with empty_mv and full_mv, and charger: a pin that
# is high while it charges. Below lowest_mv the device does not start, and a battery ends what runs.
SUPPLY = {"input": "mux7", "divider": 7.8, "mains": True, "lowest_mv": 9000}

# The converter, in millivolts: the voltage at the Pico's pin 35 (ADC_VREF) as you measured it; and what the converter
# reads at zero volts, 0.0 unless you have measured that too.
ADC = {"reference_mv": 3300.0, "zero_mv": 0.0}

# Links. UART: a serial port on two pins, such as {"tx": 0, "rx": 1}, or None. BLUETOOTH needs a Pico W.
USB = True
UART = None
BLUETOOTH = True

# A light: off at rest, on in a session, blinking slowly when latched and fast while pairing is open. None if there is
# none.
LED = 15

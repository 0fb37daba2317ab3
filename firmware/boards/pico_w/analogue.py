"""Voltages as whole numbers, without a float or an object for each reading."""

from math import log

from machine import ADC, Pin

from massager_fw.board import Thermometer

SAMPLES = 4
"""Of one reading: their sum has 18 bits, and its noise is half of one sample's."""
_FULL = 65535 * SAMPLES
_ENDS = 600 * SAMPLES
"""Closer than 1 % to either end a thermistor is shorted or open."""


class Converter:
    """The inputs of pins.py: a pin, or `mux0` to `mux7` behind a multiplexer."""

    def __init__(self, mux, calibration):
        self._select = None
        if mux is not None:
            self._select = [Pin(pin, Pin.OUT, value=0) for pin in mux["select"]]
            self._mux = ADC(mux["adc"])
        self._adc = {}
        self.reference_mv = int(calibration["reference_mv"])
        self._zero = int(calibration["zero_mv"] * 65535 / calibration["reference_mv"])

    def input(self, name):
        """The input of that name."""
        if isinstance(name, str):
            return Input(self._mux, self._select, int(name[3:]), self._zero)
        if name not in self._adc:
            self._adc[name] = ADC(name)
        return Input(self._adc[name], None, 0, self._zero)


class Input:
    """One voltage."""

    def __init__(self, adc, select, channel, zero):
        self._adc = adc
        self._select = select
        self._channel = channel
        self._zero = zero * SAMPLES

    def read(self):
        """0 to 262140 for zero to the reference, the mean of some samples."""
        select = self._select
        if select is not None:
            channel = self._channel
            select[0].value(channel & 1)
            select[1].value(channel >> 1 & 1)
            select[2].value(channel >> 2 & 1)
        adc = self._adc
        if select is not None:
            adc.read_u16()  # the sampling capacitor still holds the other input's voltage
        total = -self._zero
        for _ in range(SAMPLES):
            total += adc.read_u16()
        return total if total > 0 else 0


class Current:
    """Of one motor, milliamperes."""

    def __init__(self, source, ohms, reference_mv):
        self._input = source
        # 8 bits are left out of the reading, so that the product stays a small integer (30 bits).
        self._full_ma = int(reference_mv / ohms)
        self._rest = 0

    def rest(self):
        """What it reads while nothing is driven: the driver's offset. Millivolts are few, or the self-test fails."""
        self._rest = self._input.read()
        return self.ma_of(self._rest)

    def ma_of(self, reading):
        """A reading as milliamperes."""
        return (reading >> 2) * (self._full_ma >> 4) // (_FULL >> 6)

    def read(self):
        """Milliamperes now."""
        reading = self._input.read() - self._rest
        return self.ma_of(reading) if reading > 0 else 0


class Voltage:
    """Behind a divider, millivolts."""

    def __init__(self, source, divider, reference_mv):
        self._input = source
        self._full_mv = int(reference_mv * divider)

    def read(self):
        """Millivolts now."""
        return (self._input.read() >> 8) * self._full_mv // (_FULL >> 8)


class Ntc(Thermometer):
    """A thermistor to ground with a resistor to the reference; a table made at boot spares logarithms later."""

    STEPS = 64

    def __init__(self, source, described):
        self._input = source
        self.sample = 0
        self.hundredths = None
        self._table = [0] * (self.STEPS + 1)
        for step in range(1, self.STEPS):
            ratio = step / self.STEPS
            ohms = described["pull_up_ohms"] * ratio / (1 - ratio)
            kelvin = 1 / (1 / 298.15 + log(ohms / described["ohms_25"]) / described["beta"])
            self._table[step] = round((kelvin - 273.15) * 100)
        self._table[0], self._table[self.STEPS] = self._table[1], self._table[self.STEPS - 1]

    def convert(self):
        """Take one conversion."""
        reading = self._input.read()
        self.sample = self.sample + 1 & 0xFFFFFF
        if reading < _ENDS or reading > _FULL - _ENDS:
            self.hundredths = None
            return
        scaled = reading * self.STEPS
        step = scaled // _FULL
        low = self._table[step]
        self.hundredths = low + (self._table[step + 1] - low) * (scaled % _FULL >> 6) // (
            _FULL >> 6
        )

"""Stands in for the board's `machine`: pins, PWM, converter, watchdog and registers are those of world.py."""

from world import FULL, wiring, world

PWRON_RESET, WDT_RESET = 1, 3


def reset_cause():
    return world.cause


def reset():
    world.reset(2)


def unique_id():
    return b"\xe6\x61\x38\x52\x83\x12\x34\x56"


class Pin:
    IN, OUT, PULL_UP, PULL_DOWN = 0, 1, 1, 2

    def __init__(self, number, mode=-1, pull=-1, value=None):
        self.number = number
        if mode == self.OUT:
            world.write(number, value or 0)

    def value(self, value=None):
        if value is None:
            return world.read(self.number)
        world.write(self.number, 1 if value else 0)


class PWM:
    def __init__(self, pin, freq, duty_u16):
        self._number = pin.number
        world.note("frequency", pin.number, freq)
        world.turn(pin.number, duty_u16)

    def duty_u16(self, duty):
        world.turn(self._number, duty)


class ADC:
    def __init__(self, number):
        self._number = number

    def read_u16(self):
        name = self._number
        mux = wiring().MUX
        if name == mux["adc"]:
            select = [world.level.get(pin, 0) for pin in mux["select"]]
            name = f"mux{select[0] | select[1] << 1 | select[2] << 2}"
        return min(FULL, int(world.volts(name) * FULL / 3300))


class WDT:
    def __init__(self, timeout):
        world.note("watchdog", timeout)
        self.feed()

    def feed(self):
        world.feed()


class _Registers:
    def __getitem__(self, address):
        if address == 0x50110050:
            world.look_at_hands()
            return 1 << 16 if world.hand["usb"] else 0
        return {0x4005800C: world.scratch, 0x40058008: world.reason}[address]

    def __setitem__(self, address, value):
        if address != 0x4005800C:
            raise ValueError("no such register")
        world.scratch = value


mem32 = _Registers()


class UART:
    def __init__(self, number, *arguments, **options):
        world.note("uart", number)
        self._waiting = b""

    def any(self):
        return 0

    def write(self, data, length):
        return length

"""Byte streams to a host: USB and a serial port. Nothing here waits: a host that does not read loses frames."""

import select
import sys

import machine
from machine import UART, Pin

from massager_fw.config import LinkKind
from massager_fw.links import NO_MTU

USB = 1
SERIAL = 2

_RING = 512
_AT_ONCE = 64
"""Bytes that are read in one turn, so that a flood delays no tick."""
_SIE_STATUS = 0x50110050
_SUSPENDED = 1 << 4
_CONNECTED = 1 << 16
_BAUD = 115_200
_UARTS = {0: 0, 12: 0, 16: 0, 4: 1, 8: 1, 20: 1}
"""Which of the two ports a transmitting pin belongs to (RP2040 data sheet, 1.4.3)."""


class UsbStream:
    """The board's USB, on which nothing but frames travels: boot.py has switched the interrupt character off.

    MicroPython shows no DTR. A host that closes its port is noticed by the dead-man (R4).
    """

    def __init__(self):
        self._poll = select.poll()
        self._poll.register(sys.stdin, select.POLLIN)
        self._writable = select.poll()
        self._writable.register(sys.stdout, select.POLLOUT)
        self._in = sys.stdin.buffer
        self._out = sys.stdout.buffer
        self._one = bytearray(1)
        self._ring = bytearray(_RING)
        self._first = 0
        self._held = 0
        self.data = bytearray(_AT_ONCE)

    def is_up(self):
        """Whether a host drives the bus."""
        status = machine.mem32[_SIE_STATUS]
        return bool(status & _CONNECTED) and not status & _SUSPENDED

    def read(self):
        """Take what has come into `data`; how many bytes."""
        count = 0
        one = self._one
        while count < _AT_ONCE:
            ready = False
            for _ in self._poll.ipoll(0):
                ready = True
            if not ready or not self._in.readinto(one):
                break
            self.data[count] = one[0]
            count += 1
        return count

    def send(self, data, length):
        """Take a frame for sending, or none of it where a host has not read for so long that there is no room."""
        if length > _RING - self._held:
            return
        at = self._first + self._held
        for i in range(length):
            self._ring[(at + i) % _RING] = data[i]
        self._held += length
        self.pump()

    def pump(self):
        """Send on as long as there is room: a write with no room would wait for half a second."""
        one = self._one
        while self._held:
            ready = False
            for _ in self._writable.ipoll(0):
                ready = True
            if not ready:
                return
            one[0] = self._ring[self._first]
            self._out.write(one)
            self._first = (self._first + 1) % _RING
            self._held -= 1


class SerialStream:
    """A serial port on two pins. It cannot see whether anybody is there: the dead-man does."""

    def __init__(self, pins):
        self._uart = UART(
            _UARTS[pins["tx"]],
            _BAUD,
            tx=Pin(pins["tx"]),
            rx=Pin(pins["rx"]),
            rxbuf=256,
            txbuf=_RING,
            timeout=0,
        )
        self.data = bytearray(_AT_ONCE)

    def is_up(self):
        """Always, as far as can be known."""
        return True

    def read(self):
        """Take what has come into `data`; how many bytes."""
        waiting = self._uart.any()
        if not waiting:
            return 0
        return self._uart.readinto(self.data, min(waiting, _AT_ONCE)) or 0

    def send(self, data, length):
        """Send a frame."""
        self._uart.write(data, length)

    def pump(self):
        """The port's own interrupts send on."""


class Streams:
    """The byte streams that pins.py asks for, each with its number as a link."""

    def __init__(self, pins):
        self._streams = []
        if pins.USB:
            self._streams.append((USB, UsbStream()))
        if pins.UART is not None:
            self._streams.append((SERIAL, SerialStream(pins.UART)))
        self._up = [False] * len(self._streams)

    def send(self, link, data, length):
        """Send a frame on a link of ours; False if it is none."""
        for number, stream in self._streams:
            if number == link:
                stream.send(data, length)
                return True
        return False

    def turn(self, firmware, now):
        """Links that came or went, then what arrived, then what waits to leave."""
        for index in range(len(self._streams)):
            number, stream = self._streams[index]
            up = stream.is_up()
            if up != self._up[index]:
                self._up[index] = up
                if up:
                    firmware.connect(number, LinkKind.SERIAL, now, True, NO_MTU)
                else:
                    firmware.disconnect(number, now)
            if up:
                count = stream.read()
                if count:
                    firmware.feed(number, stream.data, count, now)
            stream.pump()

"""Everything off, before anything else. Then the door: the device's button, held at boot, lets the installer in."""

from machine import Pin

# Filled in by the build, from pins.py.
OUTPUTS = ()
BUTTON = ()

for number in OUTPUTS:
    Pin(number, Pin.OUT, value=0)

import time

import micropython


def held(contacts):
    """Whether the button is pressed, for 50 ms on end; an open cable shows both contacts open, and is not a hand."""
    closed_at_rest, open_at_rest = (Pin(contact, Pin.IN, Pin.PULL_UP) for contact in contacts)
    for _ in range(10):
        time.sleep_ms(5)
        if not (closed_at_rest.value() and not open_at_rest.value()):
            return False
    return True


# main.py goes by this name.
door_open = held(BUTTON)

if not door_open:
    # A byte 03 in a frame must not stop anything.
    micropython.kbd_intr(-1)

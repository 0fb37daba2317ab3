"""Stands in for `time`: where `/host/clock` is a pipe, time is what the test says, and code takes none of it.

Each line of the pipe is a time in microseconds up to which the board may go; `/host/reached` tells once it is there.
"""

import utime
from utime import ticks_add, ticks_diff  # noqa: F401

try:
    _clock = open("/host/clock", "rb")
    _reached = open("/host/reached", "wb")
except OSError:
    _clock = None
    from utime import sleep, sleep_ms, sleep_us, ticks_ms, ticks_us

STEPPED = _clock is not None
_WRAP = (1 << 30) - 1


class _Now:
    us = 0
    until = 0


if _clock is not None:

    def sleep_us(microseconds):
        goal = _Now.us + microseconds
        while goal > _Now.until:
            if _Now.until:
                _Now.us = _Now.until
                _reached.write(b"%d\n" % _Now.until)
            _Now.until = int(_clock.readline())
        _Now.us = goal

    def sleep_ms(milliseconds):
        sleep_us(milliseconds * 1000)

    def sleep(seconds):
        sleep_us(int(seconds * 1_000_000))

    def ticks_us():
        return _Now.us & _WRAP

    def ticks_ms():
        return _Now.us // 1000 & _WRAP


def time():
    return utime.time()

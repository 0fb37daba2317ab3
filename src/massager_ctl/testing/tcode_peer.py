"""A T-Code device as the public text has it, written without a look at our driver.

https://github.com/multiaxis/TCode-Specification, version 0.3: commands are separated by spaces and carried out at the
end of the line; a magnitude is the digits behind "0."; `I` ramps over milliseconds, `S` by so much in a
tenth of a second.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

_COMMAND: Final = re.compile(rb"([LRV])(\d)(\d+)(?:I(\d+)|S(\d+))?", re.I)
AXES: Final = (b"V0 0000 9999 Vibe0",)


class TCodePeer:
    """One vibration channel. `magnitude`: what it does now, 0 to 1."""

    def __init__(self) -> None:
        self.complaints: list[str] = []
        self._line = b""
        self._from = self._to = self._since = self._until = 0.0
        self._now = 0.0

    @property
    def magnitude(self) -> float:
        """What the channel does at the last moment that was given."""
        if self._now >= self._until:
            return self._to
        done = (self._now - self._since) / (self._until - self._since)
        return self._from + (self._to - self._from) * done

    @property
    def steps(self) -> tuple[int, ...]:
        """Whole hundredths; the last digits of the range stand for all of it."""
        return (int(self.magnitude * 100 + 0.02),)

    def take(self, data: bytes, now: float) -> Sequence[bytes]:
        """Bytes into the buffer; a line is carried out."""
        self._now = now
        answers: list[bytes] = []
        *lines, self._line = (self._line + data).split(b"\n")
        for line in lines:
            for command in line.split():
                answers += self._carry_out(command)
        return answers

    def pass_time(self, now: float) -> Sequence[bytes]:
        """A ramp goes on."""
        self._now = now
        return []

    def link_down(self, now: float) -> None:
        """Nothing: it goes on at its level."""
        self._now = now

    def _carry_out(self, command: bytes) -> list[bytes]:
        match command.upper():
            case b"D0":
                return [b"Made-up device v1\n"]
            case b"D1":
                return [b"TCode v0.3\n"]
            case b"D2":
                return [axis + b"\n" for axis in AXES]
            case b"DSTOP":
                self._ramp(0.0, 0.0)
            case _:
                self._axis(command)
        return []

    def _axis(self, command: bytes) -> None:
        found = _COMMAND.fullmatch(command)
        if found is None:
            self.complaints.append(f"{command!r} is not a command")
            return
        axis, channel, digits, interval, speed = found.groups()
        if (axis.upper(), channel) != (b"V", b"0"):
            self.complaints.append(f"{command!r}: there is no such axis")
            return
        target = int(digits) / 10 ** len(digits)
        seconds = 0.0
        if interval is not None:
            seconds = int(interval) / 1000
        elif speed is not None and int(speed):
            seconds = abs(target - self.magnitude) / (int(speed) / 100) / 10
        self._ramp(target, seconds)

    def _ramp(self, target: float, seconds: float) -> None:
        self._from, self._to = self.magnitude, target
        self._since, self._until = self._now, self._now + seconds

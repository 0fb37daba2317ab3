"""A host of somebody else's: it warms two zones gently, and it was written from docs/protocol.md alone.

It knows nothing of massager-ctl. It reads and writes bytes, and is told the time: call `step` every 200 ms.
"""

from __future__ import annotations

import binascii
import secrets
import struct
from collections.abc import Callable
from enum import Enum

from cobs import cobs

VERSION = 2
ARM, SETPOINT, STOP, TELEMETRY, ACK = 0x02, 0x03, 0x04, 0x82, 0x83
RISE_PER_S = 0.8
SILENCE_S = 1.0
VIBRATE = 1
OPEN_STATES = (1, 2, 3, 4)


class Phase(Enum):
    """What the host is doing."""

    IDLE = "idle"
    ARMING = "arming"
    ASKED = "asked"
    DRIVING = "driving"
    OVER = "over"


class GentleHost:
    """Drives both trapezius zones up to `target` percent, slowly, and ends when anything looks wrong."""

    def __init__(self, write: Callable[[bytes], object], read: Callable[[], bytes]) -> None:
        self._write = write
        self._read = read
        self._buffer = b""
        self._owner = secrets.randbits(31) + 1
        self._seq = self._token = self._counter = self._challenge = 0
        self._epoch = self._session_epoch = 0
        self._heard_at: float | None = None
        self._last_step = 0.0
        self._level = self._target = 0.0
        self.phase = Phase.IDLE
        self.state = 0
        self.why = ""
        self.stop_confirmed = False

    def start(self, target: float) -> None:
        """Ask for a session; it begins once the device has told its epoch and challenge."""
        self._target = target
        self._level = 0.0
        self.phase = Phase.ARMING

    def stop(self, why: str, reason: int = 1) -> None:
        """Send STOP. It is over when the device has confirmed it."""
        self._token += 1
        # A zero first: if half a frame is on the line, this one is read all the same.
        self._write(b"\x00")
        self._send(STOP, struct.pack("<IB", self._token, reason))
        self.phase, self.why = Phase.OVER, why

    def step(self, now: float) -> None:
        """Hear what came, then say what is wanted now."""
        self._hear(now)
        elapsed, self._last_step = now - self._last_step, now
        if self.phase is Phase.DRIVING:
            if self._heard_at is None or now - self._heard_at > SILENCE_S:
                self.stop("the device fell silent", reason=7)
            elif self._epoch != self._session_epoch or self.state not in OPEN_STATES:
                self.phase, self.why = Phase.OVER, f"the device ended it in state {self.state}"
            else:
                rise = RISE_PER_S * min(elapsed, 0.25)
                self._level = min(self._target, self._level + rise)
                self._setpoint()

    def _setpoint(self) -> None:
        self._seq += 1
        tenths = int(self._level * 10)
        fields = (self._session_epoch, self._owner, self._seq, self._counter, 0, 0, 4000)
        levels = (tenths, tenths, 0, 0, 0, 0)
        self._send(SETPOINT, struct.pack("<4IBHH6H6B", *fields, *levels, *(VIBRATE,) * 6))

    def _arm(self) -> None:
        self._token += 1
        self._session_epoch = self._epoch
        fields = (self._token, self._owner, self._epoch, self._challenge, self._seq, 400, 600)
        self._send(ARM, struct.pack("<5I2H", *fields))

    def _send(self, kind: int, payload: bytes) -> None:
        head = bytes((VERSION, kind)) + payload
        body = head + binascii.crc_hqx(head, 0xFFFF).to_bytes(2, "little")
        self._write(cobs.encode(body) + b"\x00")

    def _hear(self, now: float) -> None:
        *runs, self._buffer = (self._buffer + self._read()).split(b"\x00")
        for run in filter(None, runs):
            try:
                body = cobs.decode(run)
            except cobs.DecodeError:
                continue
            good = len(body) > 4 and binascii.crc_hqx(body[:-2], 0xFFFF) == int.from_bytes(
                body[-2:], "little"
            )
            if good and body[1] == TELEMETRY:
                self._heard_at = now
                self._counter, self._epoch, self._challenge = struct.unpack_from("<3I", body, 2)
                self.state = body[30]
                if self.phase is Phase.ARMING and self.state == 0:
                    self._arm()
                    self.phase = Phase.ASKED
            elif good and body[1] == ACK:
                token, of, result = struct.unpack_from("<IBB", body, 2)
                if of == STOP and token == self._token:
                    self.stop_confirmed = result == 0
                elif of == ARM and result == 0:
                    self.phase, self.state = Phase.DRIVING, 1
                elif of == ARM:
                    self.phase, self.why = Phase.OVER, f"ARM was refused with result {result}"

"""A PTY whose bytes are counted on both sides, so that simulated time waits for them and for nothing else."""

from __future__ import annotations

import time
from typing import Final

from firmware_sim.links.pty import PtyPort
from massager_ctl.errors import LinkLost
from massager_ctl.transports.base import Receiver, Transport
from massager_ctl.transports.wrapper import Wrapper

GIVE_UP_S: Final = 2.0
"""Real seconds without a byte after which those that were written and not read count as lost: someone flushed them."""

FLUSHED_S: Final = 0.25
"""The same after a flush, which may have taken them or not."""


class CountedPipe(Wrapper):
    """The host's end of a PTY; `in_flight` compares it with the device's end."""

    def __init__(self, inner: Transport) -> None:
        super().__init__(inner)
        self.port: PtyPort | None = None
        self._is_open = False
        self._asked = 0
        self._heard = 0
        self._flushed = False
        self._last: tuple[int, int] = (0, 0)
        self._since = 0.0
        self._missing = (0, 0)

    def in_flight(self) -> bool:
        """Bytes that one end wrote have not been read by the other, and may still come."""
        if self.port is None or not self._is_open or not self.port.is_up:
            return False
        towards = self._asked - self.inner.backlog - self.port.read_bytes
        back = self.port.written_bytes - self._heard
        now = time.monotonic()
        if (towards, back) == self._missing:
            self._flushed = False
            return False
        if (towards, back) != self._last:
            self._last, self._since = (towards, back), now
        if now - self._since < (FLUSHED_S if self._flushed else GIVE_UP_S):
            return True
        self._missing, self._flushed = self._last, False
        return False

    async def open(self, receiver: Receiver) -> None:
        await super().open(receiver)
        self._asked = self._heard = 0
        self._flushed = False
        self._missing = (0, 0)
        self._is_open = True

    def write(self, data: bytes) -> None:
        self._asked += len(data)
        super().write(data)

    def preempt(self, data: bytes) -> None:
        self._flushed = self.in_flight()
        self._asked += len(data) - self.inner.backlog
        super().preempt(data)

    def data_received(self, data: bytes) -> None:
        self._heard += len(data)
        super().data_received(data)

    def link_lost(self, error: LinkLost) -> None:
        self._is_open = False
        super().link_lost(error)

    async def close(self) -> None:
        self._is_open = False
        await super().close()

    def abort(self) -> None:
        self._is_open = False
        super().abort()

"""Writes whole frames, and never part of one, to the device on a descriptor that another process opened."""

from __future__ import annotations

import os
from collections import deque
from typing import Final

from massager_ctl.guardian.machine import Write

CHUNK: Final = 4096


class FrameWriter:
    """Bytes to an open serial port, pseudo-terminal or socket.

    A frame that has begun is finished before anything else, so that no stop lands inside half a frame.
    """

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self._begun = b""
        """The rest of a frame of which a part is gone."""
        self._seq_begun: int
        self._waiting: deque[tuple[bytes, int]] = deque()
        os.set_blocking(descriptor, False)

    @property
    def wants_room(self) -> bool:
        """Whether something waits until the system takes more."""
        return bool(self._begun or self._waiting)

    def put(self, write: Write) -> None:
        """Queue frames; an urgent one throws away what waits."""
        if write.urgent:
            self._waiting.clear()
        last = len(write.frames) - 1
        for index, frame in enumerate(write.frames):
            self._waiting.append((frame, write.seq if index == last else 0))

    def push(self) -> list[int]:
        """Give the system what it takes now; the numbers of the messages that are gone whole. Raises OSError."""
        gone: list[int] = []
        while True:
            if not self._begun:
                if not self._waiting:
                    return gone
                self._begun, self._seq_begun = self._waiting.popleft()
            try:
                sent = os.write(self.descriptor, self._begun) if self._begun else 0
            except (BlockingIOError, InterruptedError):
                return gone
            self._begun = self._begun[sent:]
            if self._begun:
                return gone
            if self._seq_begun:
                gone.append(self._seq_begun)

    def read(self) -> bytes:
        """What the device said; empty if it hung up. Raises OSError."""
        return os.read(self.descriptor, CHUNK)

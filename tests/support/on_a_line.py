"""A simulated peer at the other end of a pseudo-terminal, for whole programs."""

from __future__ import annotations

import os
import threading
import time
import tty
from typing import Any


class OnALine:
    """A device on a port, in time as it is. `highest`: the highest step that it ever had."""

    def __init__(self, peer: Any) -> None:
        self.peer = peer
        self._fd, theirs = os.openpty()
        tty.setraw(theirs)
        self.port = os.ttyname(theirs)
        self._keep = theirs
        self.highest = 0
        self._over = False
        self._thread = threading.Thread(target=self._play, daemon=True)
        self._thread.start()

    def _play(self) -> None:
        os.set_blocking(self._fd, False)
        while not self._over:
            try:
                data = os.read(self._fd, 4096)
            except BlockingIOError:
                data = b""
            now = time.monotonic()
            answers = [*self.peer.take(data, now), *self.peer.pass_time(now)]
            self.highest = max(self.highest, *self.peer.steps)
            for answer in answers:
                os.write(self._fd, answer)
            time.sleep(0.005)

    def close(self) -> None:
        self._over = True
        self._thread.join()
        os.close(self._fd)
        os.close(self._keep)

"""The guardian's end of its pipe with the controller."""

from __future__ import annotations

import contextlib
import os
from typing import Final

from massager_ctl.guardian.clock import now
from massager_ctl.guardian.machine import Machine
from massager_ctl.guardian.messages import Decoder, Message, Nonsense

_CHUNK: Final = 65_536


class Pipe:
    """Hands what the controller says to a machine, and keeps what the pipe has no room for yet."""

    def __init__(self, descriptor: int) -> None:
        os.set_blocking(descriptor, False)
        self.descriptor = descriptor
        self.gone = False
        """Whether the controller has left its end."""
        self._decoder = Decoder()
        self._unsaid = bytearray()

    @property
    def waits(self) -> bool:
        """Whether something is still to be said."""
        return bool(self._unsaid)

    def say(self, message: Message) -> None:
        """Say it now, or once there is room."""
        self._unsaid += message.encode()
        self.flush()

    def flush(self) -> None:
        """Say what waits, as far as there is room."""
        # It may be full, or the controller is not there any more: `read` notices that.
        with contextlib.suppress(OSError):
            del self._unsaid[: os.write(self.descriptor, self._unsaid)]

    def read(self, machine: Machine) -> None:
        """Let the machine take what has come; it is notified if that makes no sense, and of the controller's end."""
        try:
            data = os.read(self.descriptor, _CHUNK)
            for message in self._decoder.feed(data) if data else ():
                machine.take(message, now())
        except (BlockingIOError, InterruptedError):
            return
        except Nonsense as error:
            machine.trip(str(error), now())
            data = b""
        except OSError:
            data = b""
        if not data:
            self.gone = True
            machine.left(now())

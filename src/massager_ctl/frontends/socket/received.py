"""What a client of a control socket sent, from a line as it came to what it was found to be."""

from __future__ import annotations

from msgspec import Struct

from massager_ctl.control.start_attempt import StartAttempt
from massager_ctl.errors import MassagerError
from massager_ctl.model.requests import Ask, LocalRequest


class Received(Struct, frozen=True):
    """A request, and the loop's time at which the operating system received it."""

    asked: LocalRequest
    at: float


class Junk(Struct, frozen=True):
    """An invalid line, and the id of its request if known."""

    error: MassagerError
    asked: Ask | None


class Stopped(Struct, frozen=True):
    """A line that asked for a stop, which has been sent."""


Item = bytes | Received | Junk | StartAttempt
"""What waits: a line, or the request that was read from it."""

"""What the firmware gives out: bytes for a link, and what an observer of the device may see."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

if TYPE_CHECKING:
    from firmware_sim.core import Core


class SendTo(msgspec.Struct, frozen=True):
    """Bytes to write to a link, framed as that link wants them."""

    link: int
    data: bytes


class Recorder(Protocol):
    """An observer of the outputs; it must not change anything."""

    def event(self, core: Core, event: str, reason: str) -> None:
        """Something happened, in the words of the trace format."""
        ...

    def frame(self, core: Core) -> None:
        """A tick, or several in which no output changed, are over."""
        ...


class NoRecorder:
    """No one looks."""

    def event(self, core: Core, event: str, reason: str) -> None:
        """Nothing."""

    def frame(self, core: Core) -> None:
        """Nothing."""

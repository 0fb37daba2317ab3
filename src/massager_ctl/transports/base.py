"""The interface of every transport."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from functools import cached_property
from typing import Protocol

from massager_ctl.errors import LinkLost


class LinkKind(StrEnum):
    """The kind of link; it sets the dead-man time and the wait for a stop's confirmation (R4, R6)."""

    MEMORY = "memory"
    SERIAL = "serial"
    TCP = "tcp"
    BLE = "ble"

    @cached_property
    def framed(self) -> bool:
        """Whether the link keeps message boundaries (BLE), or is a stream that needs COBS."""
        return self is LinkKind.BLE

    @cached_property
    def dead_man_s(self) -> float:
        """T, the dead-man time of a device on this link (R4)."""
        return 1.0 if self in (LinkKind.BLE, LinkKind.TCP) else 0.5

    @cached_property
    def stop_wait_s(self) -> float:
        """How long to wait for a stop's confirmation before sending it again (R6)."""
        return 0.4 if self is LinkKind.BLE else 0.15


class Receiver(Protocol):
    """Receives what comes from a transport, called from the event loop, never from within `write` or `preempt`."""

    def data_received(self, data: bytes) -> None:
        """Bytes as they came: any chunk of a stream, or one whole body if `kind.framed`."""
        ...

    def link_lost(self, error: LinkLost) -> None:
        """The link is gone and will not come back; called once, and not after `close`."""
        ...


class Transport(Protocol):
    """Carries bytes. It knows nothing of frames, except that `preempt` overtakes everything else.

    `write` and `preempt` never block and never raise for a link that is going down: `link_lost` reports
    that. A library's own exceptions are turned into LinkError here.
    """

    @property
    def kind(self) -> LinkKind:
        """The kind of link."""
        ...

    @property
    def address(self) -> str:
        """The address as you type it, e.g. `serial:/dev/ttyUSB0`."""
        ...

    @property
    def backlog(self) -> int:
        """Bytes that were handed over and that the system has not taken yet; 0 = `write` would go out at once."""
        ...

    async def open(self, receiver: Receiver) -> None:
        """Open the link. Raises DeviceNotFound, DeviceBusy or LinkError within 10 s."""
        ...

    def write(self, data: bytes) -> None:
        """Send after what is waiting. On a framed link `data` is one body."""
        ...

    def preempt(self, data: bytes) -> None:
        """Send now (R6): what is waiting is discarded.

        On a stream the caller begins `data` with `00`, so that half a frame already gone does no harm.
        """
        ...

    def on_drained(self, callback: Callable[[], None] | None) -> None:
        """Call `callback` whenever `backlog` falls to 0; at most one callback, None for none."""
        ...

    async def close(self) -> None:
        """Close the link; may be called twice. Nothing is received after it."""
        ...

    def abort(self) -> None:
        """Drop the link at once without waiting, so that the device's dead-man acts (R6)."""
        ...

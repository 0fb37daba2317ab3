"""Which links to a device can be shared with a guardian, and how that is done on each (R25)."""

from __future__ import annotations

from typing import Protocol

from massager_ctl.transports.base import LinkKind, Receiver, Transport
from massager_ctl.transports.descriptor import DescriptorTransport
from massager_ctl.transports.guardian_process import GuardianProcess


class GuardianLink(Protocol):
    """The link to a device that a guardian watches."""

    address: str
    kind: LinkKind
    first_answer_s: float
    """Seconds that a new guardian may take until it speaks."""
    farewell_s: float
    """Seconds in which a guardian with nothing left to do is expected to have ended."""
    shown: bool
    """Whether a guardian was shown to stop a device on such a way (R25)."""

    @property
    def backlog(self) -> int: ...

    async def open(self, receiver: Receiver) -> None: ...

    def start(self, lock: str, held: str) -> GuardianProcess: ...

    def found(self, peer: str) -> None:
        """The guardian has opened the way to the device with this Bluetooth address."""
        ...

    def write(self, data: bytes) -> None: ...

    def preempt(self, data: bytes) -> None: ...

    def let_go(self) -> None: ...

    def abort(self) -> None: ...

    async def close(self) -> None: ...


class GuardianDescriptorLink:
    """A serial port or a socket that both processes hold."""

    first_answer_s = 5.0
    farewell_s = 0.3
    shown = True

    def __init__(self, inner: DescriptorTransport) -> None:
        self.address, self.kind = inner.address, inner.kind
        self._inner = inner
        self.open, self.write, self.preempt = inner.open, inner.write, inner.preempt
        self.let_go, self.abort, self.close = inner.let_go, inner.abort, inner.close

    @property
    def backlog(self) -> int:
        return self._inner.backlog

    def found(self, peer: str) -> None:
        """Both hold the same descriptor."""

    def start(self, lock: str, held: str) -> GuardianProcess:
        return GuardianProcess.on_descriptor(
            self._inner.descriptor, self.address, lock=lock, held=held
        )


def can_share(inner: object) -> bool:
    """Whether the way to the device can be handed to a second process that outlives this one."""
    return isinstance(inner, DescriptorTransport) and GuardianProcess.possible()


def guardian_link_to(inner: Transport) -> GuardianLink | None:
    """The way to a device, for a guardian; None if it cannot be shared with another process."""
    if not GuardianProcess.possible():
        return None
    if isinstance(inner, DescriptorTransport):
        return GuardianDescriptorLink(inner)
    if inner.kind is LinkKind.BLE:
        from massager_ctl.transports.ble.guardian_link import guardian_link_of

        return guardian_link_of(inner)
    return None

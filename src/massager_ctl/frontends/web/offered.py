"""The interface of a service's device for the page and the API; the runtime implements it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from massager_ctl.control.controller import Controller
from massager_ctl.control.outlook import Outlook
from massager_ctl.errors import MassagerError
from massager_ctl.ledger.base import HistoryEntry, PainReport
from massager_ctl.safety.dose import DoseState
from massager_ctl.safety.remote_start import RemoteGate


class History(Struct, frozen=True):
    """The dose left in this day, and the ledger entries and reports of pain, the newest first."""

    dose: DoseState
    entries: Sequence[HistoryEntry]
    pains: Sequence[PainReport]


class OfferedDevice(Protocol):
    """One device of the service."""

    @property
    def name(self) -> str: ...

    @property
    def controller(self) -> Controller: ...

    @property
    def gate(self) -> RemoteGate: ...

    def renew(self) -> None:
        """Issue a new nonce: what was sent before is void (R18)."""
        ...

    @property
    def outlook(self) -> Outlook:
        """What the next start would get, as last checked."""
        ...

    async def look_ahead(self) -> None:
        """Check again."""
        ...

    def refusal(self) -> MassagerError | None:
        """Why nothing may start now, as last checked."""
        ...

    async def history(self, limit: int) -> History:
        """Raises StoreError."""
        ...

"""What a surface steers by: this process's own controller, or one that another process owns."""

from __future__ import annotations

from asyncio import Task
from collections.abc import Callable
from typing import Protocol

from massager_ctl.device import Cause
from massager_ctl.outcome import SessionEnd
from massager_ctl.requests import Change, PainKind
from massager_ctl.status import Event, Status


class Helm(Protocol):
    """The part of `Controller` that a surface needs once a session runs."""

    @property
    def status(self) -> Status: ...

    def add_listener(self, listener: Callable[[Status], None]) -> Callable[[], None]: ...

    def add_event_listener(self, listener: Callable[[Event], None]) -> Callable[[], None]: ...

    def request(self, change: Change) -> None:
        """Raises InputError, Refused; a refusal by another process comes as an event `refused`."""
        ...

    def stop_now(self, cause: Cause = Cause.PERSON, text: str = ...) -> Task[None]:
        """The stop leaves before this returns; the task ends when it is confirmed (R6)."""
        ...

    async def pain(self, kind: PainKind) -> str: ...

    async def ended(self) -> SessionEnd: ...

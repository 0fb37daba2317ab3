"""The interface to a running session: this process's own controller, or one that another process owns."""

from __future__ import annotations

from asyncio import Task
from collections.abc import Callable
from typing import Protocol

from massager_ctl.model.device import Cause
from massager_ctl.model.outcome import SessionEnd
from massager_ctl.model.requests import Change, PainKind, Start
from massager_ctl.model.status import Event, Status


class SessionControl(Protocol):
    """The part of `Controller` that a front end needs once a session runs."""

    @property
    def status(self) -> Status:
        """The current status."""
        ...

    def add_listener(self, listener: Callable[[Status], None]) -> Callable[[], None]:
        """Call it with every new status; the result removes it."""
        ...

    def add_event_listener(self, listener: Callable[[Event], None]) -> Callable[[], None]:
        """Call it with every event; the result removes it."""
        ...

    def request(self, change: Change) -> None:
        """Raises InputError, Refused; a refusal by another process comes as an event `refused`."""
        ...

    def stop_now(self, cause: Cause = Cause.PERSON, text: str = ...) -> Task[None]:
        """Send the stop before this returns; the task ends when it is confirmed (R6)."""
        ...

    def pain(self, kind: PainKind) -> Task[str]:
        """Send the stop before this returns; the task returns what to tell the person (R22)."""
        ...

    async def start(self, start: Start) -> None:
        """Start a session; returns when the device runs. Raises Refused and its subclasses, ProfileError, LinkError."""
        ...

    async def ended(self) -> SessionEnd:
        """Wait for the end of the running session."""
        ...

"""One device in the service's hands: it is connected again and again, and nothing resumes by itself (R15)."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncGenerator
from typing import Final

import structlog

from massager_ctl.admission import Admission
from massager_ctl.clock import Clock
from massager_ctl.config import Config
from massager_ctl.controller import Controller
from massager_ctl.device import DeviceInfo
from massager_ctl.drivers.base import Driver
from massager_ctl.errors import MassagerError, Refused
from massager_ctl.requests import Origin
from massager_ctl.safety.limits import BOUNDS
from massager_ctl.safety.remote import READY_S, RemoteGate
from massager_ctl.safety.screening import SYMPTOMS, Answer
from massager_ctl.scheduler import Scheduler
from massager_ctl.status import Event, LinkState, Status
from massager_ctl.surfaces.backoff import Backoff
from massager_ctl.surfaces.control.document import Ready
from massager_ctl.surfaces.control.server import ControlServer
from massager_ctl.surfaces.control.starting import starter
from massager_ctl.surfaces.lock import DeviceLock
from massager_ctl.units import Levels

RETRY_FIRST_S: Final = 0.5
RETRY_LONGEST_S: Final = 15.0
"""Seconds between two tries to connect."""

_ANSWERS: Final = {"yes": Answer.YES, "no": Answer.NO, "unsure": Answer.NOT_CERTAIN}
_QUIET: Final = frozenset({"pain"})
"""Events whose text is about a person's health: the log has their name alone."""


class OwnedDevice:
    """Holds one device's controller, its control socket and its gate for requests from elsewhere."""

    def __init__(
        self,
        name: str,
        identity: str,
        driver: Driver,
        admission: Admission,
        config: Config,
        clock: Clock,
        scheduler: Scheduler,
        *,
        lock: DeviceLock | None,
        remote: bool,
    ) -> None:
        """`identity`: as `surfaces.control.paths` has it. `lock`: None for the embedded simulator, which nobody shares.

        `remote`: whether anything may be started from elsewhere at all.
        """
        self.name = name
        self.gate = RemoteGate()
        self.controller = Controller(driver, admission, clock=clock, scheduler=scheduler)
        self._admission = admission
        self._config = config
        self._lock = lock
        self._server = ControlServer(
            self.controller,
            identity,
            on_start=starter(self.controller),
            on_ready=self._ready if remote else None,
        )
        self._lost = asyncio.Event()
        self._caps: Levels = _under(BOUNDS, config.limits.user_cap)
        self._log = structlog.get_logger().bind(device=name, address=driver.address)
        self._session = ""
        self._trouble = ""
        self._ran = False

    @property
    def caps(self) -> Levels:
        """Percent a zone, as the next session would have them (R1)."""
        return self._caps

    @contextlib.asynccontextmanager
    async def held(self) -> AsyncGenerator[None]:
        """Hold the lock and the control socket. Raises DeviceBusy."""
        with self._lock or contextlib.nullcontext():
            async with self._server:
                remove = (
                    self.controller.add_listener(self._status_changed),
                    self.controller.add_event_listener(self._logged),
                )
                try:
                    yield
                finally:
                    for call in remove:
                        call()

    async def keep_connected(self) -> None:
        """Connect, and again whenever the link is lost, until cancelled."""
        backoff = Backoff(RETRY_FIRST_S, RETRY_LONGEST_S)
        while True:
            self._lost.clear()
            try:
                info = await self.controller.connect()
            except MassagerError as error:
                self._tell_trouble(error)
            else:
                backoff.reset()
                self._trouble = ""
                await self._look_ahead(info)
                await self._lost.wait()
                await self._let_go()
            await asyncio.sleep(backoff.next_s())

    async def close(self) -> None:
        """Stop, confirm, settle the ledger, let go. Raises StopUnconfirmed."""
        try:
            await self.controller.close()
        finally:
            await self._admission.close()

    async def _let_go(self) -> None:
        try:
            await self.controller.close()
        except MassagerError as error:
            self._tell_trouble(error)

    def _tell_trouble(self, error: MassagerError) -> None:
        if error.message != self._trouble:
            self._trouble = error.message
            self._log.warning("device.absent", text=error.message, remedy=error.remedy)

    async def _look_ahead(self, info: DeviceInfo) -> None:
        """Learn the caps and the dose that the next session would have; a refusal now is no refusal then."""
        if self.controller.status.phase.in_session:
            return
        try:
            limits = await self._admission.limits(info, cap=None, origin=Origin.LOCAL)
            self._caps = limits.caps
        except MassagerError:
            self._caps = _under(_lower(BOUNDS, info.caps), self._config.limits.user_cap)

    async def _ready(self, ready: Ready) -> str:
        """Somebody at this machine answers R21's question; a clear no lets one remote start happen (R18)."""
        answer = _ANSWERS[ready.symptoms]
        await self._admission.answer_symptoms(answer)
        if answer is not Answer.NO:
            self.gate.revoke()
            raise Refused(SYMPTOMS.reason, "Nothing can be started from elsewhere.")
        self.gate.let(asyncio.get_running_loop().time())
        if self.controller.info is not None:
            await self._look_ahead(self.controller.info)
        return f"One start from elsewhere may happen within {READY_S / 60:.0f} minutes."

    def _status_changed(self, status: Status) -> None:
        if status.link is LinkState.LOST:
            self._lost.set()
        ran, self._ran = self._ran, status.phase.in_session
        if ran and not self._ran and status.info is not None and status.link is LinkState.UP:
            self._looking = asyncio.ensure_future(self._look_ahead(status.info))

    def _logged(self, event: Event) -> None:
        if event.name == "started":
            self._session = secrets.token_hex(4)
        fields = {"session": self._session} if self._session else {}
        if event.name not in _QUIET:
            fields["text"] = event.text
        log = self._log.warning if event.name in ("alarm", "problem") else self._log.info
        log(f"device.{event.name}", **fields)
        if event.name == "ended":
            self._session = ""


def _under(caps: Levels, cap: float) -> Levels:
    return tuple(min(level, cap) for level in caps)  # type: ignore[return-value]


def _lower(caps: Levels, others: Levels) -> Levels:
    return tuple(map(min, caps, others))  # type: ignore[return-value]

"""One device of the service: it is connected again after each loss, and no session resumes on its own (R15)."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncGenerator
from typing import Final

import structlog

from massager_ctl.aio.backoff import Backoff
from massager_ctl.aio.clock import Clock, slept_s
from massager_ctl.aio.scheduler import Scheduler
from massager_ctl.aio.tasks import end_all
from massager_ctl.config import Config
from massager_ctl.control.admission import AdmissionPolicy
from massager_ctl.control.controller import Controller
from massager_ctl.control.outlook import Outlook, hindrance, look_ahead
from massager_ctl.drivers.base import FullDriver
from massager_ctl.errors import InputError, MassagerError, Refused
from massager_ctl.frontends.socket.server import ControlServer
from massager_ctl.frontends.web.offered import History
from massager_ctl.model.device import DeviceInfo
from massager_ctl.model.requests import Ready
from massager_ctl.model.status import Event, LinkState, Phase, Status
from massager_ctl.model.units import Levels, per_zone
from massager_ctl.runtime.compose import check_serial, remember_device
from massager_ctl.runtime.lock import DeviceLock
from massager_ctl.runtime.ownership import go_on_stopping, number_lock
from massager_ctl.safety.limits import BOUNDS
from massager_ctl.safety.remote_start import READY_AHEAD_S, READY_EARLY_S, READY_S, RemoteGate
from massager_ctl.safety.screening import SYMPTOMS, Answer
from massager_ctl.transports.address import parse_address

RETRY_FIRST_S: Final = 0.5
RETRY_LONGEST_S: Final = 15.0
"""Seconds between two attempts to connect."""

_CHANGES_OUTLOOK: Final = frozenset({"pain", "reset"})

LOOK_EVERY_S: Final = 30.0
"""Seconds between two checks of what the next start would get."""

_ANSWERS: Final = {"yes": Answer.YES, "no": Answer.NO, "unsure": Answer.NOT_CERTAIN}
_QUIET: Final = frozenset({"pain"})
"""Events whose text is about a person's health: the log has only their name."""


class OwnedDevice:
    """Holds one device's controller, its control socket and its gate for remote requests."""

    def __init__(  # noqa: PLR0913
        self,
        name: str,
        identity: str,
        driver: FullDriver,
        admission: AdmissionPolicy,
        config: Config,
        clock: Clock,
        scheduler: Scheduler,
        *,
        lock: DeviceLock | None,
        remote: bool,
        serial: str = "",
    ) -> None:
        """`identity`: by `address_identity`. `lock`: None for the embedded simulator, which is not shared.

        `remote`: whether remote starts are allowed at all. `serial`: the number that the device must have, if any.
        """
        self.name = name
        self._address = parse_address(driver.address)
        self.gate = RemoteGate(lambda: slept_s(clock))
        self.controller = Controller(driver, admission, clock=clock, scheduler=scheduler)
        self._admission = admission
        self._lock = lock
        self._number: DeviceLock | None = None
        """The lock of the serial number while it is connected."""
        self._serial = serial
        self._server = ControlServer(
            self.controller,
            identity,
            name=name,
            on_ready=self._ready if remote else None,
            on_noise=self._noise,
        )
        self._clock = clock
        self._lost = asyncio.Event()
        self._config = config
        self._user_cap = config.limits.user_cap
        self._outlook = Outlook(_under(BOUNDS, self._user_cap))
        self._log = structlog.get_logger().bind(device=name, address=driver.address)
        self._session = ""
        self._trouble = ""
        self._ran = False
        self._stood = (False, LinkState.CLOSED)

    @property
    def outlook(self) -> Outlook:
        """What the next start would get, as last checked."""
        return self._outlook

    @contextlib.asynccontextmanager
    async def held(self) -> AsyncGenerator[None]:
        """Hold the lock and the control socket. Raises DeviceBusy."""
        with self._lock or contextlib.nullcontext():
            async with self._server:
                remove = (
                    self.controller.add_listener(self._status_changed),
                    self.controller.add_event_listener(self._logged),
                )
                looking = asyncio.ensure_future(self._look_ahead_again())
                try:
                    yield
                finally:
                    await end_all([looking])
                    for call in remove:
                        call()

    async def keep_connected(self) -> None:
        """Connect, and reconnect whenever the link is lost, until cancelled."""
        backoff = Backoff(RETRY_FIRST_S, RETRY_LONGEST_S)
        while True:
            self._lost.clear()
            try:
                info = await self._connect()
            except MassagerError as error:
                self._tell_trouble(error)
            else:
                backoff.reset()
                self._trouble = ""
                remember_device(self._address, self._config.data, info.serial)
                await self.look_ahead()
                await self._lost.wait()
                await self._let_go()
            await asyncio.sleep(backoff.next_s())

    async def _connect(self) -> DeviceInfo:
        """Connect to the device that was named. Raises LinkError, DeviceNotFound where another one answers, and
        DeviceBusy where another program drives it over another link (R17).
        """
        info = await self.controller.connect()
        try:
            check_serial(self._serial, info, self._address)
            if self._lock is not None and (number := number_lock(info)) is not None:
                number.acquire()
                self._number = number
        except MassagerError:
            await self._let_go()
            raise
        await go_on_stopping(self._lock, self.controller)
        return info

    def renew(self) -> None:
        """Make a new nonce: remote requests sent before are void (R18)."""
        self.gate.renew(secrets.token_urlsafe(12), self._clock.wall())

    async def history(self, limit: int) -> History:
        """The newest ledger entries, and what the day leaves. Raises StoreError."""
        return History(*await self._admission.history(limit))

    async def close(self) -> None:
        """Stop, confirm, settle the ledger, disconnect. Raises StopUnconfirmed."""
        try:
            await self.controller.close()
        finally:
            self._release_number()
            await self._admission.close()

    async def _let_go(self) -> None:
        try:
            await self.controller.close()
        except MassagerError as error:
            self._tell_trouble(error)
        finally:
            self._release_number()

    def _release_number(self) -> None:
        if self._number is not None:
            self._number.release()
            self._number = None

    def _tell_trouble(self, error: MassagerError) -> None:
        if error.message != self._trouble:
            self._trouble = error.message
            self._log.warning("device.absent", text=error.message, remedy=error.remedy)

    async def look_ahead(self) -> None:
        """Update what the next start would get; it may change until then."""
        info = self.controller.info
        fallback = _under(BOUNDS if info is None else _lower(BOUNDS, info.caps), self._user_cap)
        self._outlook = await look_ahead(self.controller, self._admission, fallback)

    async def _look_ahead_again(self) -> None:
        """Update it regularly: rest and minutes left change even if nothing happens."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            if not self.controller.status.phase.in_session:
                await self.look_ahead()

    async def _ready(self, ready: Ready) -> str:
        """A person at this machine answers R21's question; a clear no allows one remote start (R18).

        Refused if a start would be refused now; then nothing becomes ready.
        """
        if not 0 <= ready.opens_in_s <= READY_AHEAD_S:
            raise InputError(
                f"a start can be planned at most {READY_AHEAD_S / 3600:.0f} hours ahead"
            )
        answer = _ANSWERS[ready.symptoms]
        await self._admission.answer_symptoms(answer)
        if answer is not Answer.NO:
            self.gate.revoke()
            raise Refused(SYMPTOMS.reason, "Nothing can be started remotely.")
        await self.look_ahead()
        refusal = self.refusal()
        if refusal is not None:
            self.gate.revoke()
            raise refusal
        now = asyncio.get_running_loop().time()
        if ready.opens_in_s:
            opens_in_s = max(0.0, ready.opens_in_s - READY_EARLY_S)
            lasts_s = ready.opens_in_s + READY_S - opens_in_s
            self.gate.let(now, opens_in_s=opens_in_s, lasts_s=lasts_s)
            return "One remote start may happen then: from 5 minutes before it until 10 minutes after it."
        self.gate.let(now)
        return f"One remote start may happen within {READY_S / 60:.0f} minutes."

    def _noise(self, count: int) -> None:
        self._log.warning("socket.noise", count=count)

    def refusal(self) -> MassagerError | None:
        """Why nothing may start now, as last checked."""
        found = hindrance(self.controller)
        if found is not None:
            return found.error
        if self.controller.status.phase.in_session:
            return Refused("a session is already running", "Stop it first, or wait for its end.")
        return self._outlook.refusal

    def _status_changed(self, status: Status) -> None:
        if status.link is LinkState.LOST:
            self._lost.set()
        if status.telemetry is not None and status.link is LinkState.UP:
            flag = status.telemetry.attended
            self.gate.attended(asyncio.get_running_loop().time(), flag=flag)
        runs = status.phase.in_session and status.phase is not Phase.ARMING
        if (runs, status.link) != self._stood:
            self._stood = (runs, status.link)
            self.renew()
        ran, self._ran = self._ran, status.phase.in_session
        if ran and not self._ran and status.info is not None and status.link is LinkState.UP:
            self._looking = asyncio.ensure_future(self.look_ahead())

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
        if event.name in _CHANGES_OUTLOOK:
            self._looking = asyncio.ensure_future(self.look_ahead())


def _under(caps: Levels, cap: float) -> Levels:
    return per_zone(min(level, cap) for level in caps)


def _lower(caps: Levels, others: Levels) -> Levels:
    return per_zone(map(min, caps, others))

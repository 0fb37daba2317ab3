"""Controls one device: its link, its sessions, and the calls that every front end makes.

It makes a `Run` for each session; it has no safety rule of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
from asyncio import Task
from collections.abc import AsyncIterator, Callable, Generator

from massager_ctl.aio.clock import Clock, SystemClock
from massager_ctl.aio.scheduler import Scheduler
from massager_ctl.control.admission import AdmissionPolicy
from massager_ctl.control.build_status import build_status
from massager_ctl.control.device_link import DeviceLink
from massager_ctl.control.open_session import OpenSession
from massager_ctl.control.preparation import checked_duration, prepare, requested_profile, reserve
from massager_ctl.control.session import Ended, backstop_s
from massager_ctl.control.start_attempt import StartAttempt
from massager_ctl.drivers.base import FullDriver
from massager_ctl.errors import (
    DeviceBusy,
    DeviceRefused,
    MassagerError,
    OffNotSeen,
    Refused,
    StopUnconfirmed,
)
from massager_ctl.model.device import Cause, DeviceInfo, Telemetry
from massager_ctl.model.outcome import SessionEnd
from massager_ctl.model.requests import Change, Origin, PainKind, Start
from massager_ctl.model.status import Event, Status
from massager_ctl.model.units import ZERO, Levels
from massager_ctl.profile.model import Profile
from massager_ctl.profile.plan.make import ProvedProfile, prove_profile
from massager_ctl.safety.freshness import STALE_S, require_fresh
from massager_ctl.safety.presence import PresenceTimer, Watcher
from massager_ctl.safety.telemetry_watch import TelemetryWatch


class Controller:
    """Owns one device. Every front end makes the same few calls and sees the same `Status`."""

    def __init__(
        self,
        driver: FullDriver,
        admission: AdmissionPolicy,
        *,
        clock: Clock | None = None,
        scheduler: Scheduler | None = None,
    ) -> None:
        self._link = DeviceLink(
            driver, clock or SystemClock(), scheduler or Scheduler(), self._status_now
        )
        self._admission = admission
        self._attempts: set[StartAttempt] = set()
        self._session: OpenSession | None = None
        """The open session, or the last one."""
        self._watch = TelemetryWatch()
        """The last one's watch: it looks for a stuck output between sessions as well (R14)."""

    # Life of the link.

    async def connect(self) -> DeviceInfo:
        """Open the link and read INFO. Raises LinkError and its subclasses."""
        info = await self._link.open(self)
        driver = self._link.driver
        self._admission.assure(driver.assurance, info, guarded=driver.guarded)
        self._admission.look()
        return info

    async def close(self) -> None:
        """Stop and confirm if a session is open, then close the link.

        Raises StopUnconfirmed, also for an earlier stop that was not cleared with a reset since.
        A cancellation waits until the stop is confirmed or has failed, at most a second or two.
        """
        closing = asyncio.ensure_future(self._close())
        cancelled: asyncio.CancelledError | None = None
        while not closing.done():
            try:
                await asyncio.wait({closing})
            except asyncio.CancelledError as error:
                cancelled = error
        if cancelled is not None and closing.exception() is None:
            raise cancelled
        closing.result()

    def stop_on_leaving(self) -> None:
        """Send a stop if a session is open, before whatever else `close` has to wait for (R6)."""
        if self._open is not None:
            self.stop_now(Cause.HOST_CLOSING, "this program left")

    async def _close(self) -> None:
        try:
            self.stop_on_leaving()
            await self._link.tasks.settled()  # also the ledger's last entry, confirmed or not
        finally:
            await self._link.close()
        if self.unconfirmed is not None:
            raise self.unconfirmed  # the caller may not have looked at it

    # Requests of front ends.

    def receive(
        self, start: Start, *, origin: Origin = Origin.LOCAL, received_at: float | None = None
    ) -> StartAttempt:
        """Record a start when it arrives; `begin` carries it out, and every stop in between cancels it (R6).

        `received_at`: the loop's time at which the operating system received it; now by default (R5).
        """
        at = self._link.now() if received_at is None else received_at
        attempt = StartAttempt(start, origin, at, self._link.drift())
        self._attempts.add(attempt)
        return attempt

    async def begin(self, attempt: StartAttempt) -> None:
        """Admit, plan, prove, reserve, arm; returns when the device runs.

        Raises Refused and its subclasses, InputError, ProfileError, StoreError, LinkError.
        """
        with self._carried_out(attempt):
            await self._begin(attempt, await requested_profile(attempt.request))

    async def start(
        self, start: Start, *, origin: Origin = Origin.LOCAL, received_at: float | None = None
    ) -> None:
        """`receive` and `begin` in one."""
        await self.begin(self.receive(start, origin=origin, received_at=received_at))

    async def play(
        self,
        profile: Profile | ProvedProfile,
        *,
        cap: float | None = None,
        waits: bool = False,
        off_seen: bool = False,
        origin: Origin = Origin.LOCAL,
    ) -> None:
        """Start a session with a loaded profile, as `Start` says. Raises as `begin`."""
        start = Start(profile.id, cap, waits=waits, off_seen=off_seen)
        attempt = self.receive(start, origin=origin)
        with self._carried_out(attempt):
            proved = profile if isinstance(profile, ProvedProfile) else prove_profile(profile)
            await self._begin(attempt, proved)

    async def manual(
        self,
        duration_s: float | None = None,
        *,
        cap: float | None = None,
        off_seen: bool = False,
        origin: Origin = Origin.LOCAL,
    ) -> None:
        """Start manual control, every level at zero, for `duration_s` or as long as allowed. Raises as `begin`."""
        duration = None if duration_s is None else checked_duration(duration_s)
        await self.start(Start(None, cap, duration, off_seen=off_seen), origin=origin)

    def request(
        self,
        change: Change,
        *,
        received_at: float | None = None,
        origin: Origin = Origin.LOCAL,
    ) -> None:
        """Change the running session; it is sent at once, at most 50 a second.

        `received_at`: as in `receive`. Raises InputError, Refused.
        """
        session = self._open
        if session is None or not session.run.live:
            raise Refused(
                "no session is running", "Start one first, e.g. `massager-ctl run gentle`."
            )
        if received_at is not None:
            require_fresh(change, self._link.now() - received_at)
        session.request(change, origin, self._watcher)

    def fade(self, ended: Ended, seconds: float) -> None:
        """Fade out within `seconds` and end with `ended`, for a front end whose own link is gone (R18)."""
        if self._open is not None:
            self._open.fade(ended, seconds)

    async def stop(self, cause: Cause = Cause.PERSON) -> None:
        """Stop, from any state, and wait until the device has confirmed it. Raises StopUnconfirmed."""
        await asyncio.shield(self.stop_now(cause))

    def stop_now(self, cause: Cause = Cause.PERSON, text: str = "you stopped it") -> Task[None]:
        """Send the stop before this returns; the task ends when the device has confirmed it (R6)."""
        while self._attempts:
            self._attempts.pop().cancel()
        session = self._open
        if session is not None:
            return session.stop(cause, text)
        return self._link.stop_path.stop_now(cause)

    def pain(self, kind: PainKind, origin: Origin = Origin.LOCAL) -> Task[str]:
        """Send the stop before this returns, then lower or lock (R22).

        A remote report is never classified (R18). The task returns what to tell the person; it raises StopUnconfirmed.
        """
        stopping = self.stop_now(Cause.PAIN, "pain was reported")
        kind = kind if origin is Origin.LOCAL else PainKind.UNCLASSIFIED
        return self._link.tasks.start(self._report_pain(kind, origin, stopping))

    async def reset(self) -> None:
        """Clear the latch that the device shows now (R7). The front end asks the person first; never remote.

        Raises DeviceRefused, LinkError, Refused in a session.
        """
        if self._open is not None:
            raise Refused("a session is running", "Stop it first.")
        try:
            await self._link.driver.reset()
        except DeviceRefused as error:
            # A stop that was not confirmed latches on this side alone; the device has just answered that it has none.
            if error.result != "not_latched" or self.unconfirmed is None:
                raise
        self._link.stop_path.clear()
        self._link.feed.event("reset", "the latch was cleared")
        self._link.feed.changed()

    async def ended(self) -> SessionEnd:
        """Wait for the end of the session, confirmed or not. The last one's end if none is open."""
        session = self._session
        if session is None:
            raise Refused("there has been no session yet")
        return await asyncio.shield(session.over)

    # What front ends show.

    @property
    def status(self) -> Status:
        """The current status."""
        return self._link.feed.status

    @property
    def info(self) -> DeviceInfo | None:
        """What the device reported at connect; None before."""
        return self._link.info

    @property
    def aims(self) -> Levels:
        """The levels that manual control aims at, before ease, pause and rules; zero if none runs."""
        return ZERO if self._open is None else self._open.run.aims

    @property
    def unconfirmed(self) -> StopUnconfirmed | None:
        """The stop that was not confirmed and not cleared since; nothing starts while there is one (R6)."""
        return self._link.stop_path.unconfirmed

    @property
    def open_attempt(self) -> StartAttempt | None:
        """The start whose session is open, so that a front end can recognise its own."""
        return None if self._open is None else self._open.run.attempt

    def add_listener(self, listener: Callable[[Status], None]) -> Callable[[], None]:
        """Call `listener` with each new status; the result removes it."""
        return self._link.feed.add_listener(listener)

    def add_event_listener(self, listener: Callable[[Event], None]) -> Callable[[], None]:
        """Call `listener` with each event; the result removes it."""
        return self._link.feed.add_event_listener(listener)

    def watch(self) -> AsyncIterator[Status]:
        """Statuses as they change, the newest only for a slow reader."""
        return self._link.feed.watch()

    # The start of a session.

    @contextlib.contextmanager
    def _carried_out(self, attempt: StartAttempt) -> Generator[None]:
        """After it the attempt is no longer one that a stop cancels."""
        try:
            yield
        finally:
            self._attempts.discard(attempt)

    async def _begin(self, attempt: StartAttempt, profile: ProvedProfile | None) -> None:
        # A start after a stop waits until that one is confirmed and in the ledger; at most a second (R5).
        link = self._link
        # What a person saw before a stop is not so after it.
        attempt.require_valid(link.now(), link.drift())
        if attempt.request.off_seen and attempt.origin is Origin.LOCAL:
            link.stop_path.seen_off()
        await link.tasks.settled(STALE_S)
        self._require_idle()
        prepared = await prepare(attempt, profile, link, self._admission)
        self._require_idle()  # another start may have been faster
        session = self._session = OpenSession(prepared.run, link)
        self._watch = prepared.run.watch
        try:
            entry = await reserve(prepared, self._admission)
        except BaseException as error:
            session.never_ran(error)
            raise
        try:
            attempt.require_valid(link.now(), link.drift())
        except Refused as error:
            await entry.settle(0.0, Cause.SAFETY)
            session.never_ran(error)
            raise
        session.arming(entry)
        await self._arm(session)
        presence = PresenceTimer.for_session(
            prepared.run.source.duration_s,
            attempt.origin,
            link.now(),
            heat=prepared.heat,
            watcher=self._watcher,
            every_s=self._admission.allowed.presence_s,
        )
        session.armed(presence)

    async def _arm(self, session: OpenSession) -> None:
        run = session.run
        try:
            limit_s = backstop_s(run.source.duration_s)
            await self._link.driver.arm(run.governor.limits.cap, limit_s)
        except (DeviceRefused, DeviceBusy) as error:
            session.never_ran(error)
            raise
        except BaseException:
            if run.session.ended is None:
                # The ARM may have arrived all the same, so a stop follows it.
                session.stop(Cause.HOST_CLOSING, "it did not start")
            raise
        if run.session.ended is not None:
            raise Refused(f"it ended before it started: {run.session.ended.text}")

    def _require_idle(self) -> None:
        self._link.require_up()
        if self._open is not None:
            raise Refused("a session is already running", "Stop it first with `massager-ctl stop`.")
        if self.unconfirmed is not None and not self._link.stop_path.latches:
            raise OffNotSeen(
                "nothing confirmed the last stop of this device: is it off? (R25)",
                "Look at it. At this machine `massager-ctl run` and `manual` ask, and go on once it is off.",
            )
        if self.unconfirmed is not None:
            raise Refused(
                "the last stop was not confirmed by the device (R6)",
                "Make sure that it has stopped, then clear this with `massager-ctl reset`.",
            )

    @property
    def _watcher(self) -> Watcher:
        info = self._link.info
        return Watcher.NOBODY if info is None else self._admission.watcher(info)

    @property
    def _open(self) -> OpenSession | None:
        """The session that is open, including its stop."""
        session = self._session
        return session if session is not None and session.run.outcome is None else None

    async def _report_pain(self, kind: PainKind, origin: Origin, stopping: Task[None]) -> str:
        try:
            said = await self._admission.report_pain(kind, origin)
        finally:
            await asyncio.shield(stopping)
        self._link.feed.event("pain", said)
        return said

    # What comes from the driver.

    def telemetry_received(self, telemetry: Telemetry) -> None:
        """The driver received telemetry."""
        now = self._link.now()
        session = self._open
        if session is not None:
            session.telemetry(now, telemetry)
        if self._watch.stuck(now, telemetry):
            text = "current flows although every level is zero (R14)"
            self._link.feed.event("alarm", f"{text}: unplug it")
            if session is not None and session.run.session.ended is None:
                session.stop(Cause.SAFETY, text)
        self._link.feed.changed()

    def driver_lost(self, error: MassagerError) -> None:
        """The driver lost its link, or what a session needs beside it (R25)."""
        self._link.lost(error)
        if self._open is not None:
            self._open.lost(error)
        self._link.feed.changed()

    def _status_now(self) -> Status:
        link, session = self._link, self._session
        return build_status(
            address=link.driver.address,
            link=link.state,
            info=link.info,
            telemetry=link.driver.newest,
            run=None if session is None else session.run,
            now=0.0 if self._open is None else link.now(),
            presence_due_in_s=None if session is None else session.presence_due_in_s,
            unconfirmed=self.unconfirmed,
            dose_left_s=self._admission.dose_left_s,
        )

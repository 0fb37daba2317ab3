"""The async shell around one device: the 200 ms loop, the stop's own road, telemetry (R4, R5, R6, R15, R24)."""

from __future__ import annotations

import asyncio
import math
from asyncio import Future, Task
from collections.abc import AsyncIterator, Callable
from typing import Any, Final, TypeVar

from massager_ctl.books import Admission, Books
from massager_ctl.clock import Clock, SystemClock
from massager_ctl.device import Cause, DeviceInfo, Setpoint, Telemetry
from massager_ctl.drivers.base import Driver
from massager_ctl.errors import (
    DeviceBusy,
    DeviceRefused,
    InputError,
    IntensityError,
    LinkLost,
    MassagerError,
    Refused,
    StopUnconfirmed,
)
from massager_ctl.outcome import DEVICE_SAYS, SessionEnd
from massager_ctl.profile.model import Profile
from massager_ctl.profile.plan import make_plan
from massager_ctl.programme import UNNAMED_MAX_S, Manual, Played, Programme
from massager_ctl.requests import (
    Change,
    Ease,
    Fade,
    Origin,
    PainKind,
    Pause,
    SetHeat,
    SetLevel,
    SetMotion,
    SignOfLife,
    check,
)
from massager_ctl.safety.attention import Attention, Watcher
from massager_ctl.safety.governor import Governor
from massager_ctl.safety.limits import Limits
from massager_ctl.safety.watch import Watch
from massager_ctl.scheduler import Scheduler, Ticking
from massager_ctl.session import (
    ARMED_MAX_S,
    ARMED_WITH_PAUSES_MAX_S,
    Ended,
    Session,
)
from massager_ctl.status import Event, LinkState, Phase, Status
from massager_ctl.stopping import confirm
from massager_ctl.units import ZERO, Intensity, Levels

PERIOD_S: Final = 0.2
"""Seconds between two setpoints; the setpoint is the heartbeat (R4)."""

SPACING_S: Final = 0.02
"""Seconds between two setpoints at the least: 50 a second (R4)."""

NO_RISE_LATE_S: Final = 0.25
STOP_LATE_S: Final = 0.4
"""Seconds by which the loop may be late before nothing rises, and before it stops (R24)."""

STALE_REQUEST_S: Final = 1.0
"""Seconds after which a request is no longer what the person wants (R5)."""

SILENCE_S: Final = 1.0
"""Seconds without telemetry that end a session (R15)."""

INFO_S: Final = 5.0
"""Seconds between two questions for INFO in a session (R15)."""

SUSPEND_S: Final = 0.5
"""Seconds that boottime may run ahead of monotonic before it counts as a suspend (R10)."""


_News = TypeVar("_News", Status, Event)


class Controller:
    """Owns one device. Every surface asks it by the same few calls and sees the same `Status`."""

    def __init__(
        self,
        driver: Driver,
        admission: Admission,
        *,
        clock: Clock | None = None,
        scheduler: Scheduler | None = None,
    ) -> None:
        self._driver = driver
        self._admission = admission
        self._clock = clock or SystemClock()
        self._scheduler = scheduler or Scheduler()
        self._ticking: Ticking | None = None
        self._link = LinkState.CLOSED
        self._info: DeviceInfo | None = None
        self._notes: tuple[str, ...] = ()
        self._session: Session | None = None
        self._governor: Governor | None = None
        self._watch = Watch()
        self._attention: Attention | None = None
        self._books: Books | None = None
        self._ending: Future[SessionEnd] | None = None
        self._last_end: SessionEnd | None = None
        self._stops: set[Task[Any]] = set()
        self._stops_asked = 0
        self._heard_at = 0.0
        self._asked_info_at = 0.0
        self._told_s, self._told_at = 0.0, 0.0
        self._drift = 0.0
        self._wanted = Setpoint()
        self._sent = Setpoint()
        self._sent_at = 0.0
        self._asked_at = 0.0
        """When the last setpoint left that a request asked for."""
        self._soon: asyncio.Handle | None = None
        self._unconfirmed: StopUnconfirmed | None = None
        self._status: Status | None = None
        self._listeners: list[Callable[[Status], None]] = []
        self._event_listeners: list[Callable[[Event], None]] = []

    # Life of the link.

    async def connect(self) -> DeviceInfo:
        """Open the link and read what the device says of itself. Raises LinkError and its kin."""
        self._link = LinkState.CONNECTING
        self._changed()
        try:
            self._info = await self._driver.open(self)
        except BaseException:
            self._link = LinkState.LOST
            self._changed()
            raise
        self._link = LinkState.UP
        self._heard_at = self._now()
        self._event("connected", f"{self._info.serial} on {self._driver.address}")
        self._changed()
        return self._info

    async def close(self) -> None:
        """Stop and confirm if a session is open, then close the link.

        Raises StopUnconfirmed, also for an earlier stop that nobody has cleared with a reset since.
        A cancellation waits until the stop is confirmed, or known not to be: that takes at most a second or two.
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
        """Put a stop on the wire where a session is open, ahead of whatever else `close` has to wait for (R6)."""
        if self._in_session:
            self.stop_now(Cause.HOST_CLOSING, "this program left")

    async def _close(self) -> None:
        try:
            self.stop_on_leaving()
            while self._stops:  # also the ledger's last entry, confirmed or not
                await asyncio.wait(self._stops)
        finally:
            await self._driver.close()
            self._link = LinkState.CLOSED
            self._changed()
        if self._unconfirmed is not None:
            raise self._unconfirmed  # whoever asked may not have listened

    # What surfaces ask.

    async def play(
        self, profile: Profile, *, cap: float | None = None, origin: Origin = Origin.LOCAL
    ) -> None:
        """Admit, plan, prove, reserve, arm; returns when the device runs. `cap`: percent, lowers only.

        Raises Refused and its kin, ProfileError, StoreError, LinkError.
        """
        stops = self._stops_asked
        info = await self._fresh_info()
        limits = await self._admission.limits(info, cap=_checked_cap(cap), origin=origin)
        self._require_no_stop_since(stops)
        plan = make_plan(profile, limits, info)
        heat = any(segment.heat_c is not None for segment in plan.motions)
        await self._begin(
            Played(plan),
            plan.limits,
            plan.running_s,
            (*self._admission.notes, *plan.notes),
            origin,
            heat=heat,
        )

    async def manual(
        self,
        duration_s: float = UNNAMED_MAX_S,
        *,
        cap: float | None = None,
        origin: Origin = Origin.LOCAL,
    ) -> None:
        """Open a session by hand, every level at zero. `duration_s`: up to 900. Raises as `play` does."""
        stops = self._stops_asked
        programme = Manual(_checked_duration(duration_s))
        info = await self._fresh_info()
        limits = await self._admission.limits(info, cap=_checked_cap(cap), origin=origin)
        self._require_no_stop_since(stops)
        await self._begin(programme, limits, programme.duration_s, self._admission.notes, origin)

    def request(
        self,
        change: Change,
        *,
        received_at: float | None = None,
        origin: Origin = Origin.LOCAL,
    ) -> None:
        """Change the running session; it goes out at once, 50 a second at most.

        `received_at`: the loop's time at which a surface received it; older than 1 s is refused, unless it can only
        lower (R5). `origin`: any request from this machine is a sign of life; from elsewhere only one that says so,
        since a broker may deliver the rest late (R18, R23). Raises InputError, Refused.
        """
        now = self._now()
        session = self._session
        if session is None or session.ended is not None or session.phase is Phase.ARMING:
            raise Refused(
                "no session is running", "Start one first, e.g. `massager-ctl run gentle`."
            )
        by_hand = isinstance(change, (SetLevel, SetMotion, SetHeat))
        if by_hand and not isinstance(session.programme, Manual):
            raise Refused(
                "a profile is playing; it sets the levels itself",
                "Ease it with `massager-ctl ease`, or stop it and use `massager-ctl manual`.",
            )
        check(change)
        stale = received_at is not None and now - received_at > STALE_REQUEST_S
        if stale and not isinstance(change, (Ease, Pause, Fade)):
            raise Refused("the request was too old when its turn came (R5)", "Ask again.")
        if isinstance(change, SetHeat) and change.celsius and self._attention is None:
            self._attention = self._attend_heat(now)
        from_here = origin is not Origin.REMOTE
        if self._attention is not None and (from_here or isinstance(change, SignOfLife)):
            self._attention.sign_of_life(now)
        session.take(change, now)
        if not isinstance(change, SignOfLife):
            self._event(type(change).__name__.lower(), f"{type(change).__name__} asked for")
            self._carry_out(session, now)
        self._status = None  # whoever asks next sees it, though it may go out 20 ms later

    def fade(self, ended: Ended, seconds: float) -> None:
        """Fade out within `seconds` and end with `ended`, for a surface whose own link is gone (R18)."""
        session = self._session
        if session is None or session.ended is not None:
            return
        if session.phase is Phase.ARMING:
            self.stop_now(ended.cause, ended.text)
            return
        session.fade(self._now(), ended, seconds)
        self._carry_out(session, self._now())

    def _attend_heat(self, now: float) -> Attention | None:
        """Heat needs somebody who answers, from the moment it is asked for (R23)."""
        watcher = Watcher.NOBODY if self._info is None else self._admission.watcher(self._info)
        return Attention.for_session(0.0, Origin.LOCAL, now, heat=True, watcher=watcher)

    async def stop(self, cause: Cause = Cause.PERSON) -> None:
        """Stop, from any state, and wait until the device has confirmed it. Raises StopUnconfirmed."""
        await asyncio.shield(self.stop_now(cause))

    def stop_now(self, cause: Cause = Cause.PERSON, text: str = "you stopped it") -> Task[None]:
        """Put the stop on the wire before this returns; the task ends when the device has confirmed it (R6)."""
        self._stops_asked += 1
        if self._session is not None:
            self._session.end(Ended(cause, text))
        return self._send_stop(cause)

    async def pain(self, kind: PainKind, origin: Origin = Origin.LOCAL) -> str:
        """Stop at once, then lower or lock (R22). Returns what to tell the person. Raises StopUnconfirmed."""
        stopping = self.stop_now(Cause.PAIN, "pain was reported")
        try:
            said = await self._admission.report_pain(kind, origin)
        finally:
            await asyncio.shield(stopping)
        self._event("pain", said)
        return said

    async def reset(self) -> None:
        """Clear the latch that the device shows now (R7). The surface has asked the person first; never remote.

        Raises DeviceRefused, LinkError, Refused in a session.
        """
        if self._in_session:
            raise Refused("a session is running", "Stop it first.")
        try:
            await self._driver.reset()
        except DeviceRefused as error:
            # A stop that was not confirmed latches on this side alone; the device has just answered that it has none.
            if error.result != "not_latched" or self._unconfirmed is None:
                raise
        self._unconfirmed = None
        self._event("reset", "the latch was cleared")
        self._changed()

    async def ended(self) -> SessionEnd:
        """Wait for the end of the session, confirmed or not. The last one's end where none is open."""
        if self._ending is not None:
            return await asyncio.shield(self._ending)
        if self._last_end is None:
            raise Refused("there was no session yet")
        return self._last_end

    # What surfaces see.

    @property
    def status(self) -> Status:
        """The picture of this moment."""
        if self._status is None:
            self._status = self._picture()
        return self._status

    @property
    def info(self) -> DeviceInfo | None:
        return self._info

    @property
    def aims(self) -> Levels:
        """What a session by hand was last told to aim at, before ease, pause and rules; zero where none runs."""
        session = self._session
        if session is None or not self._in_session or not isinstance(session.programme, Manual):
            return ZERO
        return session.programme.at(session.played_s).levels

    @property
    def unconfirmed(self) -> StopUnconfirmed | None:
        """The stop that was not confirmed and not cleared since; nothing starts as long as there is one (R6)."""
        return self._unconfirmed

    @property
    def stops_asked(self) -> int:
        """How many stops were asked for: where it grew while a start was prepared, that start is void (R6)."""
        return self._stops_asked

    def add_listener(self, listener: Callable[[Status], None]) -> Callable[[], None]:
        """Call `listener` with each new status; the result removes it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def add_event_listener(self, listener: Callable[[Event], None]) -> Callable[[], None]:
        """Call `listener` with each event; the result removes it."""
        self._event_listeners.append(listener)
        return lambda: self._event_listeners.remove(listener)

    async def watch(self) -> AsyncIterator[Status]:
        """Statuses as they change, the newest only for a slow reader."""
        news = asyncio.Event()
        remove = self.add_listener(lambda _: news.set())
        try:
            while True:
                yield self.status
                await news.wait()
                news.clear()
        finally:
            remove()

    # A session's beginning.

    async def _begin(
        self,
        programme: Programme,
        limits: Limits,
        running_s: float,
        notes: tuple[str, ...],
        origin: Origin,
        *,
        heat: bool = False,
    ) -> None:
        info = self._require_idle()
        self._session = session = Session(programme)
        self._notes = notes
        self._governor = Governor(limits, programme.ramp_s)
        self._watch = Watch()
        self._wanted = self._sent = Setpoint()
        self._told_s = 0.0
        self._ending = asyncio.get_running_loop().create_future()
        try:
            permit = await self._admission.reserve(
                info,
                profile=programme.id,
                running_s=running_s,
                origin=origin,
                duration_s=programme.duration_s,
                heat=heat,
            )
        except BaseException as error:
            self._never_ran(session, error)
            raise
        if session.ended is not None:
            await permit.settle(0.0, session.ended.cause)
            raise Refused(f"it ended before it began: {session.ended.text}")
        self._books = Books(permit, self._now(), lambda text: self._event("problem", text))
        try:
            pauses = ARMED_WITH_PAUSES_MAX_S - ARMED_MAX_S
            await self._driver.arm(limits.cap, int(programme.duration_s + pauses))
        except (DeviceRefused, DeviceBusy) as error:
            if session.ended is None:  # else a stop is under way, and its confirmation ends it
                self._never_ran(session, error)
            raise
        except BaseException:
            if session.ended is None:
                # The ARM may have arrived all the same, so a stop follows it.
                self.stop_now(Cause.HOST_CLOSING, "it did not start")
            raise
        if session.ended is not None:
            raise Refused(f"it ended before it began: {session.ended.text}")
        now = self._now()
        session.armed(now)
        self._attention = Attention.for_session(
            programme.duration_s,
            origin,
            now,
            heat=heat,
            watcher=self._admission.watcher(info),
        )
        self._drift = self._clock.boottime() - self._clock.monotonic()
        self._sent_at = self._heard_at = self._told_at = self._asked_info_at = now
        self._ticking = self._scheduler.every(PERIOD_S, self._tick)
        self._event("started", f"{programme.title}, {programme.duration_s / 60:.0f} min")
        self._cycle(now, 0.0)

    def _never_ran(self, session: Session, error: BaseException) -> None:
        session.end(Ended(Cause.SAFETY, f"it did not start: {error}"))
        self._finish(None)

    def _require_idle(self) -> DeviceInfo:
        if self._info is None or self._link is not LinkState.UP:
            raise LinkLost("the device is not connected", "Check the device and the cable.")
        if self._in_session:
            raise Refused("a session is running already", "Stop it first with `massager-ctl stop`.")
        if self._unconfirmed is not None:
            raise Refused(
                "the last stop was not confirmed by the device (R6)",
                "Make sure that it is at rest, then clear this with `massager-ctl reset`.",
            )
        return self._info

    async def _fresh_info(self) -> DeviceInfo:
        """INFO of this very epoch: what others delivered must be on the books (R9), and the plan must fit (R15)."""
        known = self._require_idle()
        info = await self._driver.read_info()
        if info.serial != known.serial:
            self._driver.abort()
            raise LinkLost(
                f"the device on {self._driver.address} is not the one that was connected (R15)",
                "Connect to it anew.",
            )
        if not info.same_device(known):
            self._event(
                "changed", "the device has restarted or changed; it is planned for anew (R15)"
            )
        self._info = info
        return info

    def _require_no_stop_since(self, stops: int) -> None:
        """A stop that came while a start was being prepared ends that start (R6)."""
        if self._stops_asked != stops:
            raise Refused("it was stopped before it began")

    @property
    def _in_session(self) -> bool:
        return self._ending is not None

    # The loop.

    def _tick(self, now: float, late: float) -> None:
        if now >= self._sent_at + SPACING_S:
            self._turn(now, late)
        elif self._soon is None:
            # One has just gone out. The heartbeat follows it, so that no two are more than 200 ms apart.
            loop = asyncio.get_running_loop()
            self._soon = loop.call_at(self._sent_at + SPACING_S, self._send_now)

    def _turn(self, now: float, late: float) -> None:
        session = self._session
        if session is None or session.ended is not None or session.phase is Phase.ARMING:
            return
        try:
            self._cycle(now, late)
        except Exception as error:
            self.stop_now(Cause.SAFETY, f"a fault in this program: {error!r}")
            raise

    def _cycle(self, now: float, late: float) -> None:
        """One turn: look, ask the session what is wanted, let the governor decide, send it."""
        session, governor, telemetry = self._session, self._governor, self._driver.newest
        if session is None or governor is None or telemetry is None:
            return
        silence = now - self._heard_at
        ended = self._reason_to_end(now, late, silence, telemetry)
        if ended is not None:
            session.end(ended)
        else:
            self._ask_for_a_sign(session, now)
            self._wanted = session.step(now)
        if session.ended is not None:
            self._send_stop(session.ended.cause)
            return
        wanted = self._wanted
        may_rise = late <= NO_RISE_LATE_S and silence <= self._driver.kind.dead_man_s / 2
        try:
            levels = governor.admit(
                now, wanted.levels, driven=any(telemetry.levels), may_rise=may_rise
            )
        except IntensityError as error:
            levels = ZERO
            self._event("problem", error.message)
        session.sent(levels)
        self._sent = Setpoint(levels, wanted.patterns, wanted.period_s, wanted.heat_c, wanted.mode)
        self._sent_at = now
        if self._soon is not None:
            self._soon.cancel()  # this one carries what was asked for
            self._soon = None
        self._driver.send(self._sent)
        if now - self._asked_info_at >= INFO_S:
            self._asked_info_at = now
            self._driver.ask_info(self._info_heard)
        if self._books is not None and not self._books.keep(now, self._delivered_s):
            session.fade(now, Ended(Cause.SAFETY, "the dose ledger could not be written (R9)"))
            if session.ended is not None:
                self._send_stop(session.ended.cause)
        self._changed()

    def _reason_to_end(
        self, now: float, late: float, silence: float, telemetry: Telemetry
    ) -> Ended | None:
        if late > STOP_LATE_S:
            return Ended(Cause.HOST_LATE, f"this computer was busy for {late * 1000:.0f} ms (R24)")
        if self._clock.boottime() - self._clock.monotonic() - self._drift > SUSPEND_S:
            return Ended(Cause.HOST_LATE, "this computer was asleep (R10)")
        if silence > SILENCE_S:
            return Ended(Cause.TELEMETRY_LOST, f"the device was silent for {silence:.1f} s (R15)")
        found = self._watch.check(now, telemetry, self._sent.levels)
        if found is not None:
            return Ended(*found)
        return None

    def _ask_for_a_sign(self, session: Session, now: float) -> None:
        """R23: ask in time; the simulated device answers for itself; fade where nobody does."""
        attention = self._attention
        if attention is None or not attention.asking(now):
            return
        if attention.answers_itself:
            attention.sign_of_life(now)
            self._event("attention", "the simulated device gave its own sign of life (R23)")
        elif attention.missed(now):
            session.fade(now, Ended(Cause.SAFETY, "nobody answered for 5 minutes (R23)"))

    def _carry_out(self, session: Session, now: float) -> None:
        """What was asked goes out at once; where it ended the session (a fade from zero), as a stop."""
        if session.ended is None:
            self._send_soon(now)
        else:
            self._send_stop(session.ended.cause)

    def _send_soon(self, now: float) -> None:
        """A request goes out in this turn of the loop, with what else it asks for, or 20 ms after the last request."""
        if self._soon is not None:
            return
        loop = asyncio.get_running_loop()
        due = self._asked_at + SPACING_S
        self._soon = (
            loop.call_soon(self._send_now) if now >= due else loop.call_at(due, self._send_now)
        )

    def _send_now(self) -> None:
        self._soon = None
        now = self._asked_at = self._now()
        due = self._ticking.due if self._ticking is not None else now
        self._turn(now, max(0.0, now - due))

    @property
    def _delivered_s(self) -> float:
        """Seconds of running in this session: the larger of what both sides counted."""
        mine = self._governor.running_s if self._governor else 0.0
        counted = max(mine, self._told_s)
        newest = self._driver.newest
        return max(counted, newest.running_s) if newest and counted else counted

    # A session's end.

    def _send_stop(self, cause: Cause) -> Task[None]:
        """The stop's own road: bytes first, everything else after it."""
        first = self._driver.stop(cause)
        if self._soon is not None:
            self._soon.cancel()
            self._soon = None
        task = asyncio.get_running_loop().create_task(self._confirm_stop(first, cause))
        self._stops.add(task)
        task.add_done_callback(self._stop_done)
        self._changed()
        return task

    async def _confirm_stop(self, first: Future[None], cause: Cause) -> None:
        try:
            await confirm(self._driver, first, cause)
        except StopUnconfirmed as error:
            self._unconfirmed = error
            self._event("alarm", str(error))
            self._finish(error)
            raise
        self._finish(None)

    def _stop_done(self, task: Task[Any]) -> None:
        self._stops.discard(task)
        if not task.cancelled():
            task.exception()  # the session's end tells it as well; nobody need await this task

    def _finish(self, error: MassagerError | None) -> None:
        """The device is at zero, or we said that we do not know."""
        session, ending = self._session, self._ending
        if session is None or ending is None or session.ended is None:
            return
        self._ending = None
        if self._ticking is not None:
            self._ticking.cancel()  # an idle controller is woken by telemetry alone
        ended = session.ended
        running_s = self._delivered_s
        self._last_end = end = SessionEnd(
            ended.cause, ended.text, session.played_s, running_s, error
        )
        books, self._books = self._books, None
        if books is None:
            _resolve(ending, end)
        else:
            may_have_run_on_s = self._driver.kind.dead_man_s + 0.1  # until R4 ended it
            if error is None and ended.cause is not Cause.LINK_LOST:
                # Confirmed, so no longer than since the device last told of this session.
                may_have_run_on_s = min(may_have_run_on_s, self._now() - self._told_at)
            if any(self._sent.levels) or running_s:
                running_s += may_have_run_on_s
            settling = asyncio.ensure_future(books.settle(running_s, ended.cause))
            settling.add_done_callback(lambda _: _resolve(ending, end))
            self._stops.add(settling)
            settling.add_done_callback(self._stop_done)
        self._attention = None
        self._event("ended", ended.text)
        self._changed()

    # What comes from the driver.

    def telemetry_received(self, telemetry: Telemetry) -> None:
        now = self._now()
        self._heard_at = now
        session = self._session
        if session is not None and session.ended is None and session.phase is not Phase.ARMING:
            if telemetry.epoch != self._driver.epoch:
                self._device_ended(session, telemetry)
            elif telemetry.state.in_session:
                self._told_s, self._told_at = telemetry.running_s, now
        if self._watch.stuck(now, telemetry):
            self._event("alarm", "current flows although every level is zero (R14): unplug it")
            if session is not None and session.ended is None:
                self.stop_now(Cause.SAFETY, "current flows although every level is zero (R14)")
        self._changed()

    def _info_heard(self, info: DeviceInfo) -> None:
        session, known = self._session, self._info
        if session is None or session.ended is not None or known is None:
            return
        if not info.same_device(known):
            text = "the device says other things of itself than when it was planned for (R15)"
            self._event("changed", text)
            self.stop_now(Cause.SAFETY, text)

    def _device_ended(self, session: Session, telemetry: Telemetry) -> None:
        """Every end of a session changes the epoch, so a new one means that ours is over."""
        cause = telemetry.cause
        if cause is Cause.TIME_LIMIT and session.remaining_s < 1.0:
            cause = Cause.FINISHED
        text = DEVICE_SAYS.get(cause, f"the device ended it ({cause})")
        self._event(cause, text)
        self.stop_now(cause, text)

    def driver_lost(self, error: MassagerError) -> None:
        self._link = LinkState.LOST
        session = self._session
        if session is not None and self._ending is not None:
            open_still = session.ended is None
            session.end(Ended(Cause.LINK_LOST, error.message))
            if open_still:
                self._finish(error)
        self._event("link_lost", error.message)
        self._changed()

    # The picture.

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    def _event(self, name: str, text: str) -> None:
        event = Event(name, text, self._clock.wall())
        for listener in tuple(self._event_listeners):
            _tell(listener, event)

    def _changed(self) -> None:
        self._status = None
        for listener in tuple(self._listeners):
            _tell(listener, self.status)

    def _picture(self) -> Status:
        session, governor = self._session, self._governor
        status = Status(
            address=self._driver.address,
            link=self._link,
            info=self._info,
            telemetry=self._driver.newest,
            end_reason=self._last_end.cause if self._last_end and not self._in_session else "",
            exit_code=self._last_end.exit_code if self._last_end and not self._in_session else None,
            message=str(self._unconfirmed or ""),
        )
        if session is None or governor is None:
            return status
        programme, played = session.programme, session.played_s
        stopping = self._in_session and session.ended is not None
        live = self._in_session and not stopping
        return Status(
            address=status.address,
            link=status.link,
            info=status.info,
            telemetry=status.telemetry,
            phase=Phase.STOPPING if stopping else session.phase,
            title=programme.title,
            profile=programme.id,
            step=programme.phase_at(played),
            elapsed_s=played,
            remaining_s=session.remaining_s if live else 0.0,
            duration_s=programme.duration_s,
            target=self._wanted.levels if live else ZERO,
            sent=self._sent if live else Setpoint(),
            allowed=governor.allowed(),
            caps=governor.limits.caps,
            held=governor.held(self._wanted.levels) if live else (),
            eased=session.eased,
            guided=programme.guided_at(played) if live else None,
            attention_in_s=self._attention.due_in(self._now()) if self._attention else None,
            dose_left_s=self._admission.dose_left_s,
            notes=self._notes,
            end_reason=status.end_reason,
            exit_code=status.exit_code,
            message=status.message or (session.ended.text if session.ended else ""),
        )


def _tell(listener: Callable[[_News], None], news: _News) -> None:
    """A surface's fault is reported, and touches neither the session nor its stop."""
    try:
        listener(news)
    except Exception as error:  # noqa: BLE001  whatever a surface does wrong
        asyncio.get_running_loop().call_exception_handler(
            {"message": f"a listener failed: {error!r}", "exception": error}
        )


def _resolve(future: Future[SessionEnd], end: SessionEnd) -> None:
    if not future.done():
        future.set_result(end)


def _checked_cap(cap: float | None) -> float | None:
    return None if cap is None else float(Intensity(cap))


def _checked_duration(duration_s: object) -> float:
    if isinstance(duration_s, bool) or not isinstance(duration_s, (int, float)):
        raise InputError(f"a duration of {duration_s!r} is not a number of seconds")
    if not 0 < duration_s < math.inf:  # also false for NaN
        raise InputError("a session by hand lasts some seconds, 900 at the most (R8)")
    return duration_s

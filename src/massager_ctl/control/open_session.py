"""Carries out what one run decides, up to its settlement. A run's end counts as confirmed only if every stop that was
requested in it is confirmed (R6, R9)."""

from __future__ import annotations

import asyncio
from asyncio import Future, Task

from massager_ctl.control.device_link import DeviceLink
from massager_ctl.control.ledger_entry import LedgerEntry
from massager_ctl.control.pacer import Pacer
from massager_ctl.control.run import Run
from massager_ctl.control.session import Ended
from massager_ctl.errors import DriverFault, MassagerError, StopUnconfirmed
from massager_ctl.model.device import Cause, DeviceInfo, Telemetry
from massager_ctl.model.outcome import SessionEnd
from massager_ctl.model.requests import Change, Origin, Presence, name_of
from massager_ctl.model.status import Phase
from massager_ctl.safety.presence import PresenceTimer, Watcher


class OpenSession:
    """One session, from its reservation until its entry in the ledger is written."""

    __slots__ = ("_entry", "_error", "_link", "_stops", "over", "pacer", "run")

    def __init__(self, run: Run, link: DeviceLink) -> None:
        self.run = run
        self.pacer = Pacer(link.driver, link.scheduler, self._turn)
        self.over: Future[SessionEnd] = asyncio.get_running_loop().create_future()
        """Done when the run has ended and its entry in the ledger is written."""
        self._link = link
        self._entry: LedgerEntry | None = None
        """None while nothing can have been delivered."""
        self._stops = 0
        """How many stops of this run are neither confirmed nor given up."""
        self._error: MassagerError | None = None

    @property
    def presence_due_in_s(self) -> float | None:
        """Seconds until presence is due (R23), None if it is not needed."""
        presence = self.run.presence
        return None if presence is None else presence.due_in(self._link.now())

    # Its start.

    def arming(self, entry: LedgerEntry) -> None:
        """ARM is about to be sent: from here on the ledger entry is charged for what may be delivered."""
        entry.begin(self._link.now(), self._problem)
        self._entry = entry

    def armed(self, presence: PresenceTimer | None) -> None:
        """The device has acknowledged ARM."""
        run, link = self.run, self._link
        now = link.now()
        run.armed(now, link.drift(), self._entry, presence)
        self.pacer.begin(now)
        minutes = run.source.duration_s / 60
        link.feed.event("started", f"{run.source.title}, {minutes:.0f} min")
        self._cycle(now, 0.0)

    def never_ran(self, error: BaseException) -> None:
        """ARM failed. If a stop has ended the session, that stop's confirmation is its end."""
        if self.run.session.ended is None:
            self.run.session.end(Ended(Cause.SAFETY, f"it did not start: {error}"))
            self._settle()

    # Requests.

    def request(self, change: Change, origin: Origin, watcher: Watcher) -> None:
        """Change it; that is sent at once, at most 50 times a second. Raises InputError, Refused."""
        link = self._link
        now = link.now()
        self.run.request(change, now, origin, watcher)
        if origin is not Origin.REMOTE and self.run.attempt.origin is Origin.REMOTE:
            link.feed.event("present", "a person at this machine is there")
        if not isinstance(change, Presence):
            name = name_of(change)
            link.feed.event(name, f"{name} asked for")
            self._carry_out(now)
        link.feed.outdated()  # the next status shows it, though it may be sent 20 ms later

    def fade(self, ended: Ended, seconds: float) -> None:
        """Fade out within `seconds` and end with `ended`."""
        session = self.run.session
        if session.ended is not None:
            return
        if session.phase is Phase.ARMING:
            self.stop(ended.cause, ended.text)
            return
        now = self._link.now()
        session.fade(now, ended, seconds)
        self._carry_out(now)

    def stop(self, cause: Cause, text: str) -> Task[None]:
        """End it now, with this reason unless it already has one; as `StopPath.stop_now`."""
        self.run.attempt.cancel()
        self.run.session.end(Ended(cause, text))
        return self._send_stop(cause)

    # The loop.

    def _turn(self, now: float, late: float) -> None:
        if not self.run.live:
            return
        try:
            self._cycle(now, late)
        except DriverFault as error:
            self.fault(error)
        except Exception as error:
            self.stop(Cause.SAFETY, f"a fault in this program: {error!r}")
            raise

    def _cycle(self, now: float, late: float) -> None:
        """Let the run decide and carry it out: a setpoint, or a stop."""
        run, link = self.run, self._link
        telemetry = link.driver.newest
        if telemetry is None:
            return
        setpoint = run.tick(now, late, link.drift(), telemetry)
        if run.news:
            self._tell()
        if setpoint is None:
            self._end()
            return
        self.pacer.send(setpoint, now)
        if run.info_due(now):
            link.driver.ask_info(self.info_heard)
        link.feed.changed()

    def _carry_out(self, now: float) -> None:
        """Send what was requested at once; as a stop if it ended the session (a fade from zero)."""
        if self.run.session.ended is None:
            self.pacer.soon(now)
        else:
            self._end()

    # What comes from the driver.

    def telemetry(self, now: float, telemetry: Telemetry) -> None:
        """Take a telemetry report."""
        ended = self.run.telemetry(now, telemetry, self._link.driver.epoch)
        if ended is not None:
            self._link.feed.event(ended.cause, ended.text)
            self.stop(ended.cause, ended.text)

    def info_heard(self, info: DeviceInfo) -> None:
        """Take a new INFO (R15)."""
        ended = self.run.info_heard(info)
        if ended is not None:
            self._tell()
            self.stop(ended.cause, ended.text)

    def fault(self, error: DriverFault) -> None:
        """The driver failed: send a stop."""
        if self.run.session.ended is None:
            self._error = error
            self._link.feed.event("problem", error.message)
            self.stop(Cause.SAFETY, error.message)

    def lost(self, error: MassagerError) -> None:
        """The link is gone; a stop under way notices that itself. A driver's fault: `fault`."""
        if isinstance(error, DriverFault):
            self.fault(error)
        elif self.run.session.ended is None:
            self.run.session.end(Ended(Cause.LINK_LOST, error.message))
            self._error = error
            self._settle()

    # Its end.

    def _end(self) -> None:
        """The run has decided to end: send a stop with its reason."""
        ended = self.run.session.ended
        if ended is not None:
            self._send_stop(ended.cause)

    def _send_stop(self, cause: Cause) -> Task[None]:
        """Send the stop before anything else."""
        task = self._link.stop_path.stop_now(cause)
        self.pacer.hold()
        self._stops += 1
        task.add_done_callback(self._stop_over)
        self._link.feed.changed()
        return task

    def _stop_over(self, task: Task[None]) -> None:
        if task.cancelled():
            return
        error = task.exception()
        self._stops -= 1
        if error is not None and self._error is None:  # whatever it is, nothing was confirmed (R6)
            known = isinstance(error, MassagerError)
            self._error = error if known else StopUnconfirmed(f"the stop failed: {error!r}")
        if not self._stops:
            self._settle()

    def _settle(self) -> None:
        """Settle: the device is at zero, or the stop is reported as not confirmed."""
        run, link, entry, error = self.run, self._link, self._entry, self._error
        ended = run.session.ended
        assert ended is not None
        self.pacer.end()
        charged_s = 0.0 if entry is None else run.charged_s(link.now(), confirmed=error is None)
        played_s = run.session.played_s
        run.outcome = SessionEnd(ended.cause, ended.text, played_s, run.delivered_s, error)
        if entry is None:
            self._resolve()
        else:
            link.tasks.start(entry.settle(charged_s, ended.cause)).add_done_callback(self._resolve)
        link.feed.event("ended", ended.text)
        link.feed.changed()

    def _resolve(self, _: object = None) -> None:
        if not self.over.done() and self.run.outcome is not None:
            self.over.set_result(self.run.outcome)

    def _tell(self) -> None:
        for name, text in self.run.news:
            self._link.feed.event(name, text)

    def _problem(self, text: str) -> None:
        self._link.feed.event("problem", text)

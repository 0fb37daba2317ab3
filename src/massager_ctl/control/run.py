"""One session from ARM to settlement: it alone decides what is sent next, or that the session ends.

Pure: time, telemetry and requests come in; a setpoint or the reason for an end comes out.
"""

from __future__ import annotations

from typing import Final, Protocol

from massager_ctl.control.session import Ended, Session
from massager_ctl.control.setpoint_source import ManualSource, SetpointSource
from massager_ctl.control.start_attempt import StartAttempt
from massager_ctl.errors import IntensityError, Refused
from massager_ctl.model.device import OFF, Cause, DeviceInfo, Setpoint, Telemetry
from massager_ctl.model.outcome import DEVICE_SAYS, SessionEnd
from massager_ctl.model.requests import (
    Change,
    Origin,
    Presence,
    SetHeat,
    SetLevel,
    SetMotion,
    check,
)
from massager_ctl.model.status import Phase
from massager_ctl.model.units import ZERO, Levels
from massager_ctl.safety.governor import Governor
from massager_ctl.safety.limits import Limits
from massager_ctl.safety.presence import PresenceTimer, Watcher
from massager_ctl.safety.steps import Steps
from massager_ctl.safety.telemetry_watch import TelemetryWatch, uncounted

NO_RISE_LATE_S: Final = 0.25
STOP_LATE_S: Final = 0.4
"""Seconds by which the loop may be late before nothing rises, and before it stops (R24)."""

SILENCE_S: Final = 1.0
"""Seconds without telemetry that end a session (R15)."""

INFO_S: Final = 5.0
"""Seconds between two requests for INFO in a session (R15)."""

SUSPEND_S: Final = 0.5
"""Seconds that boottime may run ahead of monotonic before it counts as a suspend (R10)."""

ANNOUNCEMENT: Final = "motors start soon, gently: put the massager back behind your neck"

DEAD_MAN_MARGIN_S: Final = 0.1
"""Seconds after T by which the device is at zero (R4)."""


class Checkpoints(Protocol):
    """The part of a ledger entry that a run updates."""

    def keep(self, now: float, running_s: float) -> bool:
        """Record it; returns whether the caller has to wait for that."""
        ...


class Run:
    """All that belongs to one session; a new one is made for the next. Times are monotonic seconds.

    `outcome` is None while the session is open, including its stop.
    """

    __slots__ = (
        "_asked_info_at",
        "_dead_man_s",
        "_device_running_s",
        "_drift",
        "_entry",
        "_heard_at",
        "_reported_at",
        "_reported_s",
        "_sent_at",
        "_sent_s",
        "_steps",
        "attempt",
        "governor",
        "info",
        "news",
        "notes",
        "outcome",
        "presence",
        "sent",
        "session",
        "unconfirmed_s",
        "wanted",
        "watch",
    )

    def __init__(
        self,
        attempt: StartAttempt,
        source: SetpointSource,
        limits: Limits,
        info: DeviceInfo,
        *,
        dead_man_s: float,
        notes: tuple[str, ...] = (),
        waits: bool = False,
    ) -> None:
        """`info`: the INFO for which this was planned. `dead_man_s`: T of the link (R4).

        `waits`: whether a person presses a key before motors start after hands-only time (P1).
        """
        self.attempt = attempt
        self.session = Session(source, waits=waits)
        self.governor = Governor(limits, source.ramp_s)
        self.watch = TelemetryWatch()
        self.presence: PresenceTimer | None = None
        self.info = info
        self.notes = notes
        self.wanted = self.sent = OFF
        self.outcome: SessionEnd | None = None
        self.news: tuple[tuple[str, str], ...]
        """Events of the last call: a name and a sentence each."""
        self._dead_man_s = dead_man_s
        self.unconfirmed_s = dead_man_s
        """Seconds that it may run on if its stop is not confirmed."""
        self._steps = Steps(info.channels)
        self._entry: Checkpoints | None
        self._drift: float
        self._sent_at = self._heard_at = self._reported_at = self._asked_info_at = 0.0
        self._sent_s = 0.0
        """Seconds for which a level above zero was sent and may have been delivered (R9)."""
        self._reported_s = 0.0
        """Seconds of running that the device reported for this session."""
        self._device_running_s = 0.0
        """The same, from the newest telemetry of any session."""

    @property
    def live(self) -> bool:
        """Whether it is armed and nothing has ended it."""
        return self.session.ended is None and self.session.phase is not Phase.ARMING

    @property
    def source(self) -> SetpointSource:
        """The source of the wanted setpoints."""
        return self.session.source

    @property
    def by_hand(self) -> bool:
        """Whether it is manual control."""
        return isinstance(self.session.source, ManualSource)

    def armed(
        self,
        now: float,
        drift: float,
        entry: Checkpoints | None,
        presence: PresenceTimer | None,
    ) -> None:
        """The device has acknowledged ARM. `drift`: boottime less monotonic (R10)."""
        self.session.armed(now)
        self._entry = entry
        self.presence = presence
        self._drift = drift
        self._sent_at = self._heard_at = self._reported_at = self._asked_info_at = now

    # Requests.

    def request(self, change: Change, now: float, origin: Origin, watcher: Watcher) -> None:
        """Take one change. Any local request shows presence; a remote one only if it says so (R23).

        Raises InputError, Refused; then nothing has changed.
        """
        if isinstance(change, (SetLevel, SetMotion, SetHeat)) and not self.by_hand:
            raise Refused(
                "a profile is playing; it sets the levels itself",
                "Ease it with `massager-ctl ease`, or stop it and use `massager-ctl manual`.",
            )
        check(change)
        if isinstance(change, SetHeat) and change.celsius and not self.info.heat:
            raise Refused(
                "this device has no heat that a command can switch off (R25)", "Leave the heat off."
            )
        if isinstance(change, SetHeat) and change.celsius and self.presence is None:
            # Heat needs presence from the moment it is requested (R23).
            self.presence = PresenceTimer.for_session(
                0.0, Origin.LOCAL, now, heat=True, watcher=watcher
            )
        if self.presence is not None and (origin is Origin.LOCAL or isinstance(change, Presence)):
            self.presence.shown(now)
        if isinstance(change, SetLevel) and change.zone is not None:
            for zone in self._steps.beside(change.zone):
                self.session.take(SetLevel(change.percent, zone), now)
        else:
            self.session.take(change, now)

    # The loop.

    def tick(self, now: float, late: float, drift: float, telemetry: Telemetry) -> Setpoint | None:
        """What to send at `now`, or None once the session has ended; `session.ended` then says why.

        `late`: seconds by which this comes too late (R24). `drift`: boottime less monotonic (R10). `telemetry`: the
        newest.
        """
        self._count_sent(now)
        self.news = ()
        session = self.session
        silence = now - self._heard_at
        ended = self._reason_to_end(now, late, drift, silence, telemetry)
        if ended is not None:
            session.end(ended)
        else:
            if self.presence is not None and self.presence.asking(now):
                self._ask_for_presence(self.presence, now)
            before = session.motors_in_s(now)
            self.wanted = session.step(now)
            if before is None and session.motors_in_s(now) is not None:
                self.news += (("announcement", ANNOUNCEMENT),)
        if session.ended is not None:
            return None
        wanted = self.wanted
        may_rise = late <= NO_RISE_LATE_S and silence <= self._dead_man_s / 2
        try:
            levels = self.governor.admit(
                now, wanted.levels, driven=self._driven(wanted, telemetry), may_rise=may_rise
            )
            levels = self._steps.taken(levels)
        except IntensityError as error:
            levels = ZERO
            self.news += (("problem", error.message),)
        session.sent(levels)
        self.sent = Setpoint(levels, wanted.patterns, wanted.period_s, wanted.heat_c, wanted.mode)
        if self._entry is not None and not self._entry.keep(now, self.delivered_s):
            session.fade(now, Ended(Cause.SAFETY, "the dose ledger could not be written (R9)"))
            if session.ended is not None:
                return None
        return self.sent

    def _driven(self, wanted: Setpoint, telemetry: Telemetry) -> bool:
        """Whether this time counts as running (R2): something runs, or the curve is below a wanted first step (R25)."""
        return any(telemetry.levels) or self._steps.waits(wanted.levels, self.sent.levels)

    def _ask_for_presence(self, presence: PresenceTimer, now: float) -> None:
        """Fade if presence is missed; a simulated device, which no one wears, shows it itself (R23)."""
        if presence.simulated:
            presence.shown(now)
            self.news += (("presence_due", "the simulated device showed its own presence (R23)"),)
        elif presence.missed(now):
            self.session.fade(
                now,
                Ended(Cause.SAFETY, f"no one answered for {presence.every_s / 60:g} minutes (R23)"),
            )

    def info_due(self, now: float) -> bool:
        """Whether INFO must be requested again (R15); it then counts as requested."""
        if now - self._asked_info_at < INFO_S:
            return False
        self._asked_info_at = now
        return True

    def _reason_to_end(
        self, now: float, late: float, drift: float, silence: float, telemetry: Telemetry
    ) -> Ended | None:
        if late > STOP_LATE_S:
            return Ended(Cause.HOST_LATE, f"this computer was busy for {late * 1000:.0f} ms (R24)")
        if drift - self._drift > SUSPEND_S:
            return Ended(Cause.HOST_LATE, "this computer was suspended (R10)")
        if silence > SILENCE_S:
            return Ended(Cause.TELEMETRY_LOST, f"the device was silent for {silence:.1f} s (R15)")
        if self.watch.denied(now, telemetry, self.sent.levels):
            text = "the device reports that nothing runs while it is driven (R9, R15)"
            self.news = (("alarm", f"{text}: unplug it"),)
            return Ended(Cause.SAFETY, text)
        found = self.watch.check(now, telemetry, self.sent.levels)
        return None if found is None else Ended(*found)

    # What the device reports.

    def telemetry(self, now: float, telemetry: Telemetry, epoch: int) -> Ended | None:
        """Take a report. `epoch`: that of this session; another one in the report means that the device ended it."""
        self._heard_at = now
        self._device_running_s = telemetry.running_s
        if not self.live:
            return None
        if telemetry.epoch != epoch:
            return self._device_ended(telemetry)
        if telemetry.state.in_session:
            self._reported_s, self._reported_at = telemetry.running_s, now
        return None

    def info_heard(self, info: DeviceInfo) -> Ended | None:
        """Check INFO in the session: another device, other caps, or seconds that it does not count (R9, R15)."""
        self.news = ()
        if not self.live:
            return None
        if not info.same_device(self.info):
            text = "the device reports other properties than the session was planned for (R15)"
            self.news = (("changed", text),)
            return Ended(Cause.SAFETY, text)
        if uncounted(self._sent_s, info.lifetime_s - self.info.lifetime_s):
            text = "the device does not count the time for which it runs (R9, R15)"
            self.news = (("alarm", f"{text}: do not use it again"),)
            return Ended(Cause.SAFETY, text)
        return None

    def _device_ended(self, telemetry: Telemetry) -> Ended:
        """Every end of a session changes the epoch, so a new one means that this one is over."""
        cause = telemetry.cause
        if cause is Cause.TIME_LIMIT and self.session.remaining_s < 1.0:
            cause = Cause.FINISHED
        return Ended(cause, DEVICE_SAYS.get(cause, f"the device ended it ({cause})"))

    # The account.

    @property
    def aims(self) -> Levels:
        """The levels that manual control aims at, before ease, pause and rules."""
        return self.source.at(self.session.played_s).levels if self.by_hand else ZERO

    @property
    def delivered_s(self) -> float:
        """Seconds of running so far: the larger of what was sent and what the device reported (R9)."""
        reported = max(self.governor.running_s, self._reported_s)
        if reported:
            reported = max(reported, self._device_running_s)
        return max(reported, self._sent_s)

    def charged_s(self, now: float, *, confirmed: bool) -> float:
        """Seconds of running to charge: what was delivered, and what may have run until it was at zero."""
        may_have_run_on_s = DEAD_MAN_MARGIN_S + (
            self._dead_man_s if confirmed else self.unconfirmed_s
        )
        sent_s = self._sent_s
        if confirmed:
            # No longer than since the device last reported this session, or was last sent something.
            self._count_sent(now)
            sent_s = self._sent_s
            may_have_run_on_s = min(may_have_run_on_s, now - self._reported_at)
        elif any(self.sent.levels):
            sent_s += may_have_run_on_s
        reported_s = max(self.governor.running_s, self._reported_s)
        if reported_s:
            reported_s = max(reported_s, self._device_running_s)
        if reported_s or any(self.sent.levels):
            reported_s += may_have_run_on_s
        return max(reported_s, sent_s)

    def _count_sent(self, now: float) -> None:
        """Account for what was sent last: in force until `now`, or until the dead-man of a silent device (R4)."""
        if any(self.sent.levels):
            heard_until = self._heard_at + self._dead_man_s + DEAD_MAN_MARGIN_S
            self._sent_s += max(0.0, min(now, heard_until) - self._sent_at)
        self._sent_at = now

"""That a session ends when it must, for the reason that there was, and never without one (R4, R6, R8, R15 to R17)."""

from __future__ import annotations

from typing import Final

from massager_hil import wire
from massager_hil.oracle.session import Session, Taken
from massager_hil.oracle.world import FAULT_CAUSES, RULE_OF, World, name_of
from massager_hil.tables import (
    BATTERY_RUN,
    COUNTED,
    DEAD_MAN_OVER_S,
    DEAD_MAN_TIME,
    OPEN,
    PAUSE_S,
    SESSION_S,
    TICK_S,
    WITH_PAUSES_S,
    Cause,
    Flag,
    Mode,
    State,
)

_EDGE_S: Final = TICK_S + 0.001
_COUNT_S: Final = 0.15
"""How exactly a long limit can be seen in TELEMETRY."""


class EndJudge:
    """Follows the session that is open."""

    def __init__(self, world: World) -> None:
        self._world = world

    def still_open(self, session: Session, t: wire.Telemetry, now: float) -> None:
        """TELEMETRY says that the session goes on: it may only if nothing has ended it."""
        w = self._world
        for due in w.ends:
            if now > due.by + _EDGE_S:
                w.sheet.breach(due.rule, due.what, "it is still open", "within its bound")
        silent = now - session.fed_at_most
        if silent > w.dead_man_s + DEAD_MAN_OVER_S + w.slack_s + _EDGE_S:
            what = "a session without a SETPOINT that counts is over"
            w.sheet.breach("R4", what, "it is still open", f"by T + 0.1 s = {w.dead_man_s + 0.1} s")
        if session.frames and session.noise(now, w.slack_s)[1]:
            what = "four noisy slots on end end the session"
            w.sheet.breach("R16", what, "it is still open", "100 ms after the fourth")
        self._limits(session, t)

    def _limits(self, session: Session, t: wire.Telemetry) -> None:
        breach = self._world.sheet.breach
        if session.started_up is None:
            session.started_up = t.uptime
        if t.state == State.PAUSED and session.paused_up is None:
            session.paused_up = t.uptime
        elif t.state != State.PAUSED and session.paused_up is not None:
            session.pauses_ms += t.uptime - session.paused_up
            session.paused_up = None
        armed, total, paused = self._times(session, t)
        limit = COUNTED * min(SESSION_S, session.arm.limit_s)
        if armed > limit + _COUNT_S + _EDGE_S:
            breach("R8", "armed without pauses", f"{armed:.2f} s", f"≤ {limit:.1f} s by its clock")
        if total > COUNTED * WITH_PAUSES_S + _COUNT_S + _EDGE_S:
            breach("R8", "armed with pauses", f"{total:.2f} s", "≤ 2430 s by its clock")
        if paused > COUNTED * PAUSE_S + _COUNT_S + _EDGE_S:
            breach("R8", "length of a pause", f"{paused:.2f} s", "≤ 270 s by its clock")

    def _times(self, session: Session, t: wire.Telemetry) -> tuple[float, float, float]:
        """Armed, in all, and in this pause; seconds of the device's clock."""
        start = t.uptime if session.started_up is None else session.started_up
        total = (t.uptime - start) / 1000
        pause = 0 if session.paused_up is None else t.uptime - session.paused_up
        return total - (session.pauses_ms + pause) / 1000, total, pause / 1000

    def ended(self, session: Session, t: wire.Telemetry, now: float) -> None:
        """TELEMETRY says that the session is over: there has to be a reason, and the cause names it."""
        w = self._world
        # What was sent in the last moment may have come after the end.
        w.rejected.most += sum(now - taken.at <= w.settle_s for taken in session.taken[1:])
        allowed = {cause for due in w.ends for cause in due.causes}
        must = [due for due in w.ends if now > due.at]
        allowed |= self._possible(session, t, now)
        cause = t.cause
        if cause == Cause.DEAD_MAN and session.fed == session.fed_at_most:
            w.sheet.sample(DEAD_MAN_TIME, now - session.fed)
        if cause == Cause.DEAD_MAN and cause not in allowed:
            what = "age of the last SETPOINT that counts, at the dead-man's end"
            age = f"{now - session.fed:.3f} s"
            w.sheet.breach("R4", what, age, f"not before T = {w.dead_man_s} s")
        elif cause not in allowed:
            due = " or ".join(sorted(name_of(c) for c in allowed)) or "no reason to end"
            rule = must[0].rule if must else RULE_OF.get(cause, "R6")
            w.sheet.breach(rule, "cause of the session's end", name_of(cause), due)
        if t.epoch == session.arm.epoch:
            w.sheet.breach("R6", "a session's end changes the epoch", "the same", "a new one")

    def _possible(self, session: Session, t: wire.Telemetry, now: float) -> set[int]:
        w = self._world
        causes: set[int] = set()
        if now - session.fed > w.dead_man_s - w.slack_s - _EDGE_S:
            causes.add(Cause.DEAD_MAN)
        armed, total, paused = self._times(session, t)
        limit = COUNTED * min(SESSION_S, session.arm.limit_s)
        spare = _COUNT_S + w.slack_s
        if armed > limit - spare or total > COUNTED * WITH_PAUSES_S - spare:
            causes.add(Cause.TIME_LIMIT)
        if session.mode is Mode.PAUSE and paused > COUNTED * PAUSE_S - spare:
            causes.add(Cause.PAUSE_LIMIT)
        if t.allowance <= 1:
            causes.add(Cause.ALLOWANCE)
        if session.frames and session.noise(now + 0.1, w.slack_s)[0]:
            causes.add(Cause.FRAME_NOISE)
        if t.battery < BATTERY_RUN or "battery-empty" in w.acts:
            causes.add(Cause.BATTERY_LOW)
        if w.faulted or "overheat" in w.acts:
            causes |= FAULT_CAUSES
        return causes

    def in_session(self, session: Session, t: wire.Telemetry) -> None:
        """Levels, state, owner and heat, by the SETPOINT that TELEMETRY says was taken last."""
        w = self._world
        breach = w.sheet.breach
        if t.owner != session.arm.owner:
            breach("R17", "owner reported", f"{t.owner:08x}", f"{session.arm.owner:08x}")
        newest_first = range(len(session.taken) - 1, -1, -1)
        place = next((i for i in newest_first if session.taken[i].seq == t.seq), None)
        if place is None:
            known = ", ".join(str(k.seq) for k in session.taken[-3:])
            breach("R16", "seq reported: a SETPOINT was taken that must not count", t.seq, known)
            return
        taken = session.taken[place]
        newest = next((i for i in newest_first if session.taken[i].sure), place)
        if place < newest and w.latest_at - session.taken[newest].at > w.settle_s:
            what = "a fresh SETPOINT of the owner is taken"
            breach("R16", what, f"seq {t.seq}", f"seq {session.taken[newest].seq}")
        for zone, (level, asked) in enumerate(zip(t.level, taken.level, strict=True)):
            if level > asked:
                rule = "R19" if taken.malformed else "R1"
                breach(rule, f"level of zone {zone}", f"{level / 10} %", f"asked {asked / 10} %")
            if level > session.arm.cap:
                breach("R1", f"level of zone {zone}", f"{level / 10} %", "the cap of the ARM")
        if taken.malformed and any(t.vibration + t.kneading):
            breach("R19", "drives after a malformed SETPOINT", max(t.vibration + t.kneading), 0)
        if session.vague:
            return
        self._state(taken, t)
        # The first TELEMETRY that names a SETPOINT may leave before the heater follows it.
        said = w.latest.seq if w.latest is not None else t.seq
        before = next((one for one in session.taken if one.seq == said), taken)
        heated = taken.heats or (said != t.seq and before.heats)
        if t.flags & Flag.HEAT and not heated and w.latest_at > taken.at:
            breach("R11", "heat", "on", "off: not asked for, or a pause, a fade or malformed")

    def _state(self, taken: Taken, t: wire.Telemetry) -> None:
        w = self._world
        mode = taken.mode
        due = {Mode.PAUSE: State.PAUSED, Mode.FADE: State.FADING}.get(
            mode, State.RUNNING if any(t.level) else State.ARMED
        )
        drained = t.battery < BATTERY_RUN or "battery-empty" in w.acts
        if t.state != due and not (drained and t.state == State.FADING):
            name = State(t.state).name.lower() if t.state in OPEN else str(t.state)
            rule = "R8" if State.PAUSED in (due, t.state) else "R3"
            if taken.malformed:
                rule = "R19"  # It may change neither mode nor pause.
            w.sheet.breach(rule, "state, by what is asked for", name, due.name.lower())

    def no_late_rise(
        self, session: Session, before: wire.Telemetry, t: wire.Telemetry, now: float
    ) -> None:
        """No level rises once the last SETPOINT is older than T/2."""
        w = self._world
        if w.latest_at - session.fed_at_most <= w.dead_man_s / 2 + w.slack_s + _EDGE_S:
            return
        risen = max(b - a for a, b in zip(before.level, t.level, strict=True))
        if risen > 0:
            age = f"{now - session.fed_at_most:.2f} s after the last SETPOINT"
            w.sheet.breach("R4", "no level rises after T/2", f"{risen / 10} points {age}", "0")

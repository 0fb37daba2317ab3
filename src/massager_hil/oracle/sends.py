"""What each frame of a host must do, decided when it is sent (docs/protocol.md 4 to 8)."""

from __future__ import annotations

from typing import Final

from massager_hil import wire
from massager_hil.oracle.answers import Question
from massager_hil.oracle.receiver import AnyStop, Bad, Received
from massager_hil.oracle.session import Session
from massager_hil.oracle.world import Due, World
from massager_hil.tables import (
    ACK_AFTER_ZERO_S,
    ANSWER_S,
    BATTERY_ARM,
    CONFIRM_S,
    HOST_REASONS,
    OPEN,
    STOP_ZERO_S,
    TICK_S,
    WITH_PAUSES_S,
    Cause,
    Feature,
    Flag,
    Result,
    State,
)

_EDGE_S: Final = TICK_S + 0.001
_TAKEN: Final = frozenset((Result.OK,))


class Sends:
    """Follows the frames that reach the device."""

    def __init__(self, world: World) -> None:
        self._world = world

    def received(self, link: int, frame: Received, now: float) -> None:
        """A whole frame has reached the device on `link`."""
        w = self._world
        w.sheet.frames += 1
        session = w.session
        bad = isinstance(frame, Bad)
        if w.links[link].poor and not isinstance(frame, AnyStop):
            self._may_not(link, frame, now)
            return
        if session is not None and session.link == link and (bad or session.frames):
            session.frames.append((now, bad))
        match frame:
            case Bad():
                w.rejected.add(now, sure=not w.hung)
            case AnyStop():
                self._stop(link, frame, now)
            case wire.GetInfo():
                due = now + ANSWER_S + w.slack_s
                w.answers.ask(Question(link, frame.TYPE, frame.token, due, frozenset()))
            case wire.Arm():
                self._arm(link, frame, now)
            case wire.Setpoint():
                self._setpoint(link, frame, now)
            case wire.Reset():
                self._reset(link, frame, now)

    def _may_not(self, link: int, frame: Received, now: float) -> None:
        """A link without a bond may stop and ask; one with a small MTU may only stop."""
        w = self._world
        due = now + ANSWER_S + w.slack_s
        if isinstance(frame, (wire.Arm, wire.Reset)):
            refused = frozenset((Result.NOT_ALLOWED,))
            w.answers.ask(Question(link, frame.TYPE, frame.token, due, refused))
        elif isinstance(frame, wire.GetInfo) and w.links[link].poor == "ble_unbonded":
            w.answers.ask(Question(link, frame.TYPE, frame.token, due, frozenset()))
        else:
            w.rejected.add(now)

    # --- STOP

    def _stop(self, link: int, stop: AnyStop, now: float) -> None:
        w = self._world
        bound = max(STOP_ZERO_S + ACK_AFTER_ZERO_S, CONFIRM_S[w.kind] if w.kind == "ble" else 0)
        due = now + bound + w.slack_s
        ok = frozenset((Result.OK,))
        w.answers.ask(Question(link, wire.Stop.TYPE, stop.token, due, ok, at=now))
        w.epoch_changes(now)
        w.off_grid_until = now + w.settle_s
        w.tells.append((now + _EDGE_S, -1))
        if w.session is not None:
            cause = stop.reason if stop.reason in HOST_REASONS else Cause.PERSON
            by = now + STOP_ZERO_S + TICK_S + w.slack_s
            w.end_is_due(Due(now, frozenset((cause,)), by, "R6", "STOP ends the session"))
            w.session.end("STOP", now)

    # --- ARM

    def _arm(self, link: int, arm: wire.Arm, now: float) -> None:
        w = self._world
        due = now + ANSWER_S + w.slack_s
        allowed = self._arm_results(link, arm, now)
        w.answers.ask(Question(link, arm.TYPE, arm.token, due, allowed, arm))
        w.off_grid_until = max(w.off_grid_until, now + w.settle_s)
        if Result.OK in allowed and not self._repeats(link, arm):
            # What it opens is known by the ACK; what follows at once is judged by this.
            opened = Session(link, arm, now, allowed == _TAKEN)
            w.asked_for[link, arm.token] = opened
            if w.session is None:
                w.session = opened
                w.ends.clear()
                w.tells.append((now + _EDGE_S, arm.seq))

    def _repeats(self, link: int, arm: wire.Arm) -> bool:
        session = self._world.session
        if session is None or session.over:
            return False
        mine = session.arm
        same = (mine.owner, mine.token, mine.epoch) == (arm.owner, arm.token, arm.epoch)
        return same and session.link == link

    def _arm_results(self, link: int, arm: wire.Arm, now: float) -> frozenset[Result]:
        w = self._world
        last = w.latest
        if last is None or w.hung:
            return frozenset(Result)
        open_now = self._is_open(now)
        if open_now and self._repeats(link, arm):
            return frozenset((Result.OK,))
        if open_now:
            return frozenset((Result.BUSY,))
        results = self._without_session(arm, last, now)
        if open_now is False:
            return results
        if w.session is not None and self._may_be_dead(w.session, now):
            results |= {Result.STALE_EPOCH}
        return results | {Result.BUSY, Result.OK}

    def _may_be_dead(self, session: Session, now: float) -> bool:
        """The dead-man may have ended it, and no TELEMETRY has reported it yet."""
        w = self._world
        return now - session.fed > w.dead_man_s - w.slack_s - _EDGE_S

    def _is_open(self, now: float) -> bool | None:
        """Whether a session is open at the device; None if that is not certain."""
        w = self._world
        session = w.session
        if session is None:
            return None if w.state in OPEN else False
        if session.over:
            return False if now >= session.over_at and not w.slack_s else None
        if not session.sure or self._may_be_dead(session, now) or w.ends:
            return None
        return True

    def _without_session(
        self, arm: wire.Arm, last: wire.Telemetry, now: float
    ) -> frozenset[Result]:
        w = self._world
        maybe: set[Result] = set()
        pressed = w.button.down or last.flags & Flag.BUTTON
        recent = now - w.button.released_at < 0.2 or now - w.button.pressed_at < w.settle_s
        cleared = now - w.cleared_at < w.settle_s or w.button.may_have_cleared(now)
        for state, result in ((State.FAULT, Result.FAULT), (State.LATCHED, Result.LATCHED)):
            if last.state == state:
                if not cleared:
                    return frozenset((result,))
                maybe.add(result)
        if pressed:
            if not recent and not cleared:
                return frozenset((Result.BUTTON,))
            maybe |= {Result.BUTTON, Result.LATCHED}
        if w.epoch_events:
            maybe.add(Result.STALE_EPOCH)
            if all(sure for _, sure in w.epoch_events) and arm.epoch == last.epoch:
                return frozenset(maybe)
        elif arm.epoch != last.epoch:
            return frozenset(maybe | {Result.STALE_EPOCH})
        holds = w.challenges.holds(arm.challenge, now)
        if holds is False:
            return frozenset(maybe | {Result.STALE_CHALLENGE})
        if holds is None:
            maybe.add(Result.STALE_CHALLENGE)
        else:
            w.challenges.use(arm.challenge)
        in_range = arm.owner and 1 <= arm.cap <= 1000 and 1 <= arm.limit_s <= WITH_PAUSES_S
        if not in_range:
            return frozenset(maybe | {Result.MALFORMED})
        return frozenset(maybe | self._fitness(last))

    def _fitness(self, last: wire.Telemetry) -> set[Result]:
        w = self._world
        if w.charging or last.flags & Flag.CHARGING:
            return {Result.CHARGING}
        if not w.info.flags & Feature.MAINS and w.info.sensing & Feature.BATTERY:
            if last.battery < BATTERY_ARM - 1:
                return {Result.BATTERY}
            if last.battery <= BATTERY_ARM:
                return {Result.BATTERY, Result.OK}
        if last.allowance == 0:
            return {Result.ALLOWANCE}
        return {Result.OK} if last.allowance > 1 else {Result.OK, Result.ALLOWANCE}

    # --- RESET

    def _reset(self, link: int, reset: wire.Reset, now: float) -> None:
        w = self._world
        due = now + ANSWER_S + w.slack_s
        allowed = self._reset_results(reset, now)
        w.answers.ask(Question(link, reset.TYPE, reset.token, due, allowed, None))
        w.off_grid_until = max(w.off_grid_until, now + w.settle_s)

    def _reset_results(self, reset: wire.Reset, now: float) -> frozenset[Result]:
        w = self._world
        last = w.latest
        if last is None or w.hung or w.button.may_have_cleared(now):
            return frozenset(Result)
        recent = now - w.button.pressed_at < w.settle_s or now - w.cleared_at < w.settle_s
        if recent and w.slack_s:
            return frozenset(Result)
        if last.state not in (State.LATCHED, State.FAULT):
            return frozenset((Result.NOT_LATCHED,))
        maybe: set[Result] = set()
        holds = w.challenges.holds(reset.challenge, now)
        if holds is False:
            return frozenset((Result.STALE_CHALLENGE,))
        if holds is None:
            maybe.add(Result.STALE_CHALLENGE)
        else:
            w.challenges.use(reset.challenge)
        if reset.latch != last.latch:
            return frozenset(maybe | {Result.WRONG_LATCH})
        if w.button.down or last.flags & Flag.BUTTON:
            due = {Result.BUTTON}
            return frozenset(maybe | due | ({Result.OK} if not w.button.down else set()))
        if last.state == State.FAULT and w.faulted:
            return frozenset(maybe | {Result.OK, Result.CAUSE_PRESENT})
        return frozenset(maybe | {Result.OK})

    # --- SETPOINT

    def _setpoint(self, link: int, ask: wire.Setpoint, now: float) -> None:
        w = self._world
        session = w.session
        verdict = self._verdict(link, ask, now)
        if verdict is False or session is None:
            w.rejected.add(now, sure=not w.hung and verdict is False)
            return
        if verdict is None:
            w.rejected.add(now, sure=False)
        news = session.take(ask, now, sure=bool(verdict))
        if news:
            w.off_grid_until = now + w.settle_s
            if verdict:
                w.tells.append((now + _EDGE_S, ask.seq))

    def _verdict(self, link: int, ask: wire.Setpoint, now: float) -> bool | None:
        """Whether the device has to take it; None if either will do."""
        w = self._world
        session = w.session
        if session is None:
            return None if w.state in OPEN and ask.owner else False
        if session.link != link or session.arm.owner != ask.owner:
            return False
        if session.arm.epoch != ask.epoch or (session.over and self._is_open(now) is False):
            return False
        newer = session.newer(ask.seq)
        if newer is False:
            return False
        age = w.counter_age(ask.echo, now)
        if age is None:
            return False if w.latest_at >= now - 1.0 else None
        spare = w.slack_s + _EDGE_S
        if age > w.dead_man_s + spare:
            return False
        if now - session.fed_at_most > w.dead_man_s + 0.1 + w.slack_s + _EDGE_S:
            return False
        silent = now - session.fed
        certain = newer and session.sure and not session.over and not w.ends
        fresh = age < w.dead_man_s - spare and silent < w.dead_man_s - spare
        return True if certain and fresh else None

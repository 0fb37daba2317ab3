"""What each frame of the device says about what must have happened (docs/protocol.md 4 to 8)."""

from __future__ import annotations

from typing import Final

from massager_hil import wire
from massager_hil.oracle.ends import EndJudge
from massager_hil.oracle.frame import FrameJudge
from massager_hil.oracle.motion import MotionJudge
from massager_hil.oracle.world import World
from massager_hil.tables import OPEN, STOP_TIME, TELEMETRY_S, TICK_S, Flag, Result, State

_EDGE_S: Final = TICK_S + 0.001
_WORD: Final = 0xFFFF
_KEPT: Final = 400
_FAR: Final = 100
_REGULAR_MS: Final = round(TELEMETRY_S * 1000)
_STEADY: Final = (
    *("serial", "firmware", "flags", "boot", "zones", "vibration", "kneading", "motions"),
    *("directions", "caps", "sum_cap", "rise", "deadman", "session", "with_pauses"),
    *("allowance", "sensing"),
)
_SAME_ON_ALL: Final = tuple(name for name in _STEADY if name != "deadman")


class Hears:
    """Follows the frames of the device."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._frames = FrameJudge(world.sheet, world.info)
        self._motion = MotionJudge(world.sheet, world.info)
        self._ends = EndJudge(world)
        self._booted = False

    def boot_is_due(self) -> None:
        """The next TELEMETRY may come from a new boot."""
        self._booted = True

    def link_opened(self) -> None:
        """There may have been none, so that no TELEMETRY was sent for a while."""
        self._motion.unheard = True

    def learn(self, info: wire.Info) -> None:
        """What INFO says now is the measure from here on, after a boot that was due."""
        self._world.info = info
        self._frames.learn(info)
        self._motion.learn(info)

    # --- INFO and ACK

    def info(self, link: int, info: wire.Info) -> None:
        """INFO is the same each time, but for its token and the lifetime."""
        w = self._world
        w.sheet.frames += 1
        w.answers.info(link, info.token)
        steady = _STEADY if not w.links[link].poor else _SAME_ON_ALL
        for name in steady:
            if getattr(info, name) != getattr(w.info, name) and not self._booted:
                said, before = getattr(info, name), getattr(w.info, name)
                w.sheet.breach("R15", f"INFO's {name} stays as it was", said, before)
        if info.lifetime < w.info.lifetime:
            w.sheet.breach("R9", "lifetime", f"{info.lifetime} s", f"≥ {w.info.lifetime} s")
        if self._booted:
            self.learn(info)
            self._booted = False

    def ack(self, link: int, ack: wire.Ack, now: float) -> None:
        """ACK closes its question, and says what the epoch and the latch counter are now."""
        w = self._world
        w.sheet.frames += 1
        question = w.answers.ack(link, ack)
        if question is None:
            return
        if question.of == wire.Stop.TYPE:
            w.sheet.sample(STOP_TIME, now - question.at)
        if ack.result != Result.OK:
            w.rejected.add(now)
        opened = w.asked_for.pop((link, ack.token), None) if question.of == wire.Arm.TYPE else None
        if opened is not None and ack.result == Result.OK:
            if w.session is not opened:
                w.session = opened
                w.ends.clear()
            opened.sure = True
            w.button.ends_attendance()
        elif opened is not None and w.session is opened:
            w.session = None
        if question.of == wire.Reset.TYPE and ack.result == Result.OK:
            w.cleared_at = now
        w.acked_epoch = ack.epoch if question.of == wire.Stop.TYPE else w.acked_epoch
        if w.latest is not None and question.of != wire.Stop.TYPE and not w.epoch_events:
            if ack.epoch != w.latest.epoch:
                epochs = f"{ack.epoch:08x}", f"{w.latest.epoch:08x}"
                w.sheet.breach("R16", "epoch in an ACK that changes none", *epochs)
            if ack.detail != w.latest.latch and not w.faulted:
                w.sheet.breach("R7", "latch counter in an ACK", ack.detail, w.latest.latch)

    # --- TELEMETRY

    def telemetry(self, link: int, t: wire.Telemetry, now: float) -> None:
        """One more; the same one on another link is only compared."""
        w = self._world
        w.sheet.frames += 1
        w.sheet.uptime_ms = t.uptime
        here = w.links[link]
        last = w.latest
        if here.heard is not None and (t.counter - here.heard) & 0xFFFFFFFF != 1:
            restarted = last is not None and (t.uptime < last.uptime or self._starts_again(last, t))
            if not restarted and t.counter != 1:
                step = (t.counter - here.heard) & 0xFFFFFFFF
                w.sheet.breach("R4", "the counter goes up by", step, 1)
        here.heard = t.counter
        if w.recent.get(t.counter) == t:
            return  # Two links do not keep step: the other one has brought it, and newer ones, before.
        if last is not None and (t.uptime < last.uptime or self._starts_again(last, t)):
            self._boots(t)
            last = None
        if last is not None and self._known(last, t):
            return
        w.sheet.within_frames = True
        self._frames.look(t)
        w.sheet.within_frames = False
        session = w.session
        if last is not None:
            self._changes(last, t, now)
        self._motion.renewed |= w.challenges.renewed
        w.challenges.renewed = False
        self._motion.excused = w.faulted
        w.sheet.within_frames = True
        self._motion.look(t, traverses=session is not None and session.traverses)
        w.sheet.within_frames = False
        self._session(last, t, now)
        self._counts(t, now)
        w.button.look(t, now)
        self._times(last, t, now)
        self._remember(t, now)
        w.answers.late(now)

    def _starts_again(self, last: wire.Telemetry, t: wire.Telemetry) -> bool:
        """A boot that is due, so soon after the last one that uptime does not go back."""
        return self._booted and t.epoch != last.epoch and t.counter <= last.counter

    def _known(self, last: wire.Telemetry, t: wire.Telemetry) -> bool:
        """Whether it was heard before, on another link: then it is only compared."""
        w = self._world
        if t.counter == last.counter:
            if t != last:
                w.sheet.breach("R16", "TELEMETRY on all links alike", "it differs", "the same")
            return True
        step = (t.counter - last.counter) & 0xFFFFFFFF
        if step > _FAR and len(w.links) > 1:
            counters = f"{t.counter} after {last.counter}"
            w.sheet.breach("R16", "counters on all links alike", counters, "the same")
        return False

    def _boots(self, t: wire.Telemetry) -> None:
        w = self._world
        if not self._booted and not w.hung:
            w.sheet.breach("R24", "the device has booted on its own", f"uptime {t.uptime} ms", "no")
        epochs = w.latest.epoch if w.latest is not None else -1
        if t.epoch in w.epochs or t.epoch == epochs:
            w.sheet.breach("R16", "an epoch from before the boot", f"{t.epoch:08x}", "a new one")
        if w.latest is not None and w.latest.state == State.FAULT and t.state != State.FAULT:
            w.sheet.breach("R7", "a fault latch outlives a boot", t.state, "fault")
        self._booted = True
        self._motion.boot()
        w.restart()

    def _changes(self, last: wire.Telemetry, t: wire.Telemetry, now: float) -> None:
        """Epoch, latch, cause and state change for a reason only."""
        w = self._world
        breach = w.sheet.breach
        if t.epoch != last.epoch:
            if t.epoch in w.epochs:
                breach("R16", "an epoch comes again", f"{t.epoch:08x}", "never within 2^20 changes")
            ended = w.session is not None and w.session.arm.epoch == last.epoch
            # Under way at the same time: the change before may have been reported when this one was asked for already.
            lately = w.slack_s and now - w.epoch_event_at <= w.settle_s
            if not (w.epoch_events or ended or w.faulted or lately):
                breach("R16", "the epoch changes", f"{t.epoch:08x}", "for a reason only")
            w.challenges.void()
            w.epoch_events.clear()
        elif w.epoch_events and any(sure and now - at > w.settle_s for at, sure in w.epoch_events):
            breach("R6", "a STOP, an end or a latch changes the epoch", "the same", "a new one")
            w.epoch_events.clear()
        if w.acked_epoch is not None:
            if t.epoch != w.acked_epoch and not w.slack_s:
                breach("R6", "epoch in the ACK of STOP", f"{w.acked_epoch:08x}", f"{t.epoch:08x}")
            w.acked_epoch = None
        self._latch(last, t, now)

    def _latch(self, last: wire.Telemetry, t: wire.Telemetry, now: float) -> None:
        w = self._world
        breach = w.sheet.breach
        latched = (State.LATCHED, State.FAULT)
        up = (t.latch - last.latch) & _WORD
        presses = w.button.presses
        if up or now - w.button.pressed_at > _EDGE_S:
            w.button.presses = 0
        else:
            presses = 0  # What was sent before the press is heard after it.
        by_hand = w.faulted or "button" in w.acts
        if up and not presses and not by_hand and t.state not in latched:
            breach("R7", "the latch counter changes", f"by {up}", "for a cause that latches only")
        if not w.slack_s and presses and not w.faulted and up != presses:
            breach("R7", "the latch counter goes up with each press by", up, presses)
        if up > 8:
            breach("R7", "the latch counter jumps", f"by {up}", "one a cause")
        self._clearing(last, t, now, pressed=bool(presses))
        if not last.owner and not t.owner and t.cause != last.cause and t.state not in latched:
            ended = w.session is not None or w.charging or w.slack_s
            if not ended:
                breach("R6", "cause without a session", t.cause, f"{last.cause}, as before")

    def _clearing(
        self, last: wire.Telemetry, t: wire.Telemetry, now: float, *, pressed: bool
    ) -> None:
        """A latch comes and goes for a reason only."""
        w = self._world
        breach = w.sheet.breach
        latched = (State.LATCHED, State.FAULT)
        if last.state in latched and t.state not in latched:
            if w.base_slack_s and "button" in w.acts:
                pass  # Held by a person, for as long as that took.
            elif now - w.cleared_at > w.settle_s + 0.1 and not w.button.may_have_cleared(now):
                breach("R7", "a latch goes", "on its own", "by RESET or a hold only")
        elif t.state in latched and t.state == last.state:
            due = _EDGE_S + w.slack_s < now - w.cleared_at < 0.5
            if due and not pressed and not w.faulted:
                breach("R7", "a RESET that was taken clears the latch", "it does not", "it does")
        if t.state in latched and last.state not in latched:
            w.button.ends_attendance()
            if not pressed and not w.faulted and "button" not in w.acts:
                breach("R7", "it latches", f"cause {t.cause}", "for a reason only")

    def _session(self, last: wire.Telemetry | None, t: wire.Telemetry, now: float) -> None:
        w = self._world
        session = w.session
        if session is None:
            if t.state in OPEN and last is not None and last.state not in OPEN:
                w.sheet.breach("R17", "a session opens", f"state {t.state}", "by an ARM only")
            return
        is_open = t.state in OPEN and t.epoch == session.arm.epoch
        if is_open:
            session.sure = True
            self._ends.in_session(session, t)
            self._ends.still_open(session, t, now)
            if last is not None and last.state in OPEN:
                self._ends.no_late_rise(session, last, t, now)
            return
        young = now - session.at <= w.settle_s and not (last is not None and last.owner)
        if young:
            return  # Sent a moment ago: what is heard now may be from before it.
        if session.sure or not w.slack_s:
            self._ends.ended(session, t, now)
        w.session = None
        w.ends.clear()

    def _counts(self, t: wire.Telemetry, now: float) -> None:
        """`rejected` counts what had no effect, once each."""
        w = self._world
        rejected = w.rejected
        rejected.settle(now, w.settle_s)
        if rejected.base is None:
            rejected.restart(t.rejected)
            return
        counted = (t.rejected - rejected.base) & _WORD
        if not rejected.least <= counted <= rejected.most:
            bound = f"{rejected.least}"
            if rejected.most != rejected.least:
                bound += f" to {rejected.most}"
            w.sheet.breach("R16", "frames counted in `rejected`", counted, bound)
            rejected.restart(t.rejected)

    def _times(self, last: wire.Telemetry | None, t: wire.Telemetry, now: float) -> None:
        """What is reported at once, and what only with the regular TELEMETRY; exact in simulated time alone."""
        w = self._world
        if w.slack_s:
            return
        breach = w.sheet.breach
        for due, seq in w.tells:
            if now > due and (seq < 0 or t.seq != seq or last is None or last.seq != seq):
                what = "STOP" if seq < 0 else "a SETPOINT or ARM that changes something"
                breach(
                    "R24", f"{what} is reported at once", f"{now - due + TICK_S:.3f} s", "at once"
                )
        w.tells.clear()
        if last is None:
            w.grid_ms = None
            return
        news = (last.epoch, last.state, last.cause, last.latch, last.flags & Flag.BUTTON) != (
            *(t.epoch, t.state, t.cause, t.latch, t.flags & Flag.BUTTON),
        )
        if news or now <= w.off_grid_until:
            return
        if w.grid_ms is None:
            w.grid_ms = t.uptime % _REGULAR_MS
        elif t.uptime % _REGULAR_MS != w.grid_ms:
            breach("R24", "a TELEMETRY beside the regular ones", f"{t.uptime} ms", "has a reason")

    def _remember(self, t: wire.Telemetry, now: float) -> None:
        w = self._world
        w.latest, w.latest_at = t, now
        w.epochs.add(t.epoch)
        w.challenges.hear(t.challenge, now)
        w.sent_at[t.counter] = now
        if len(w.links) > 1:
            w.recent[t.counter] = t
        if len(w.sent_at) > _KEPT:
            for counter in list(w.sent_at)[: _KEPT // 2]:
                del w.sent_at[counter]
                w.recent.pop(counter, None)

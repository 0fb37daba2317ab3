"""Levels above zero only in an open session, fed within T, with nothing tripped (R4, R8, R12, R24)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from massager_fw.allowance import CHECKPOINTS_PER_SLOT
from massager_fw.board import together
from massager_fw.config import FRAME_TICKS
from massager_fw.core_state import CHECKPOINT_TICKS, CoreState
from massager_fw.field_validation import (
    FADE,
    PAUSE,
    RUN,
    setpoint_in_range,
    wanted,
)
from massager_fw.guard_supply import FADE_FRAMES, Supply
from massager_fw.session import Session
from massager_fw.states import Cause, Event, State

if TYPE_CHECKING:
    from massager_fw.frames import Arm, Setpoint

# By name here, as the way through a class is long on a small processor.
_ARMED = State.ARMED
_RUNNING = State.RUNNING
_PAUSED = State.PAUSED
_FADING = State.FADING
_NO_CAUSE = Cause.NONE


class Core(CoreState):
    """The device without its links. Time is counted in ticks of 20 ms since power-on."""

    __slots__ = ()

    # --- time

    @property
    def next_tick(self) -> int:
        """The tick at which an observer may see something new."""
        if self.state == _ARMED and self.levels.rising:
            return self.tick + 1
        if self.session is not None:
            return min(self._next_frame, self.session.cut_tick)
        return self._next_frame

    def run(self, goal: int) -> bool:
        """Tick on towards `goal`; stops early, with True, when TELEMETRY is due."""
        while self.tick < goal:
            if self._still():
                self._skip(goal)
            else:
                self.tick += 1
                self._work()
            session = self.session
            if session is not None and self.tick >= session.cut_tick:
                self.end(session.over(self.tick))
            if self.tick >= self._next_frame:
                self._frame()
                return True
            if self.changed:
                return True
        return self.changed

    def _still(self) -> bool:
        """Nothing changes from tick to tick but the time."""
        return (
            self.patterns.settled
            and self.board.is_settled()
            and not self.levels.rising
            and self.motor_guard.calm
        )

    def _skip(self, goal: int) -> None:
        until = min(goal, self._next_frame)
        if self.session is not None:
            until = min(until, self.session.cut_tick)
        if self.levels.up:
            self.running += until - self.tick
            self._unsaved += until - self.tick
        self.tick = until

    def _work(self) -> None:
        """One tick in which something moves."""
        levels, session, board = self.levels, self.session, self.board
        if levels.up:
            self.running += 1
            self._unsaved += 1
        if levels.rising and session is not None and self.tick <= session.rise_until:
            levels.rise()
            self.patterns.settled = False
            if self.state == _ARMED:
                self._follow(Event.MOVE)
        if not self.patterns.settled:
            self.patterns.step(levels.level, self.tick)
            self._drive()
        board.sense()
        cause = self.motor_guard.check(self.tick, self._duty, board)
        if cause != self._wrong:
            self._wrong = cause
            if cause != _NO_CAUSE:
                self.trip(cause)
        board.feed_watchdog()
        self.outputs_changed()

    def _frame(self) -> None:
        """Ten times a second: what is slow."""
        self._next_frame += FRAME_TICKS
        self._account()
        board, heat = self.board, self.heat
        board.sense_slow()
        cause = heat.step(board.pad_sensor, board.motor_sensor, int(together(board.current_ma)))
        board.heat(heat.power)
        if cause != _NO_CAUSE and cause != self._warm:
            self.trip(cause)
        self._warm = cause
        self._check_supply()
        if self.levels.held and self.levels.retarget(self.running):
            self._fell()
        session = self.session
        if session is not None and self.allowance.left <= FRAME_TICKS:
            self.end(Cause.ALLOWANCE)
        elif session is not None and session.noise.over(self.tick):
            self.end(Cause.FRAME_NOISE)
        self.announcer.renew_if_due(self.now_ms)
        if self.button.settle(self.now_ms):
            self._released()
        if self.tick >= self._next_checkpoint:
            self._next_checkpoint += CHECKPOINT_TICKS
            self._checkpoint()
        self.outputs_changed()

    def _checkpoint(self) -> None:
        self._checkpoints += 1
        if self._checkpoints % CHECKPOINTS_PER_SLOT == 0:
            self.allowance.turn_slot()
        self.memory.checkpoint(self.allowance, in_session=self.session is not None)

    # --- the session

    def arm(self, arm: Arm, link: int, deadman_ms: int, now: int) -> None:
        """Open a session; the caller has made every check."""
        self.session = Session(arm, link, deadman_ms, self.limits, now)
        self.running = 0
        self.memory.checkpoint(self.allowance, in_session=True)
        self.motor_guard.forget_suspicions()
        self._wrong = _NO_CAUSE
        self.levels.open(arm.cap)
        self.cause = _NO_CAUSE
        self.attended_until = 0
        self._fade_left = 0
        self._follow(Event.ARM)
        self.note("arm", "")

    def take(self, setpoint: Setpoint, session: Session, now: int) -> None:
        """A fresh and authentic SETPOINT: it feeds the dead-man, and then it is obeyed."""
        session.count(setpoint.seq_high, setpoint.seq_low)
        session.feed(now)
        asked = self._asked
        if not setpoint_in_range(setpoint):
            session.wished = False
            for zone in range(6):
                asked[zone] = 0
            self.heat.off()
        else:
            if session.wished and session.wish.wishes_like(setpoint):
                return
            session.wish.wish(setpoint)
            session.wished = True
            self.patterns.ask(setpoint.pattern, setpoint.period)
            if setpoint.mode != RUN or self.state == _PAUSED:
                self._mode(setpoint.mode, session)
            if setpoint.mode == RUN and self.config.heat and self.state != _FADING:
                self.heat.target = setpoint.heat * 10
            else:
                self.heat.off()
            wanted(self._abilities, setpoint, asked)
        self.changed = True
        if self.state == _FADING:
            for zone in range(6):
                asked[zone] = min(asked[zone], self.levels.level[zone])
        self.levels.ask(asked, self.running)
        self._fell()

    def _mode(self, mode: int, session: Session) -> None:
        """Pause, fade, or out of a pause."""
        state = self.state
        if state == _FADING:
            return  # nothing but an end leads out of it
        if mode == PAUSE:
            session.pause(self.tick)
            self._follow(Event.PAUSE)
        else:
            session.resume(self.tick)
            self._follow(Event.FADE if mode == FADE else Event.RUN)
        if state == _PAUSED != self.state:
            self.note("resume", "")
        if self.state != state and self.state == _PAUSED:
            self.note("pause", "owner")
        elif self.state == _FADING:
            self.note("fade", "owner")

    def _fell(self) -> None:
        """Levels may have fallen: drives, motors and state follow at once."""
        self.patterns.fall(self.levels.level, self.tick)
        self._drive()
        if self.state == _RUNNING and not self.levels.up:
            self._follow(Event.REST)
        self.outputs_changed()

    # --- supply, reset

    def _check_supply(self) -> None:
        if self.session is None:
            return
        found = self.supply.look()
        if found == Supply.BROWN_OUT:
            self.end(Cause.BROWN_OUT)
            self.restart(Cause.BROWN_OUT)
            return
        if found == Supply.CHARGING:
            self.end(Cause.CHARGING)
            return
        if found == Supply.LOW and not self._fade_left:
            self._fade_left = FADE_FRAMES
            self.heat.off()
            self._follow(Event.FADE)
            self.note("fade", Cause.BATTERY_LOW)
        if self._fade_left:
            self._fade_left -= 1
            self.levels.lower(self._fade_left, self._fade_left + 1, self.running)
            self._fell()
            if not self._fade_left:
                self.end(Cause.BATTERY_LOW)

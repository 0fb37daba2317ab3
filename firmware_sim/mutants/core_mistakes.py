"""Devices with one mistake in the core: each class breaks one rule, and the sound device knows none of them."""

from __future__ import annotations

from firmware_sim.core import Core
from massager_fw import field_validation
from massager_fw.allowance import CHECKPOINT_S, Allowance
from massager_fw.announce import Announcer
from massager_fw.board import Board, Thermometer
from massager_fw.frames import Arm, Setpoint
from massager_fw.guard_heat import HeatGuard
from massager_fw.guard_motor import MotorGuard
from massager_fw.guard_supply import Supply, SupplyGuard
from massager_fw.pattern import KNEADING_TENTHS, Motion, Patterns
from massager_fw.session import Session
from massager_fw.states import Cause, Result, State

_LONG_TICKS = 150
_FULL = 1000
_LONGEST_S = 2700


class LateDeadMan(Core):
    """R4: the dead-man waits longer than T."""

    def arm(self, arm: Arm, link: int, deadman_ms: int, now: int) -> None:
        super().arm(arm, link, deadman_ms * 8 // 5, now)


class EarlyDeadMan(Core):
    """R4: the dead-man does not wait for T."""

    def arm(self, arm: Arm, link: int, deadman_ms: int, now: int) -> None:
        super().arm(arm, link, deadman_ms * 4 // 5, now)


class _RisingSession(Session):
    def feed(self, now: int) -> None:
        super().feed(now)
        self.rise_until = self.cut_tick


class RisesOnOldAge(Core):
    """R4: levels rise on until the dead-man, however old the last SETPOINT is."""

    def arm(self, arm: Arm, link: int, deadman_ms: int, now: int) -> None:
        super().arm(arm, link, deadman_ms, now)
        self.session = _RisingSession(arm, link, deadman_ms, self.limits, now)


class _SequenceFromZero(Session):
    def newer(self, high: int, low: int) -> bool:
        return high << 16 | low > self.seq


class SequenceDoesNotWrap(Core):
    """R16: after 2^32 SETPOINTs none is newer."""

    def arm(self, arm: Arm, link: int, deadman_ms: int, now: int) -> None:
        super().arm(arm, link, deadman_ms, now)
        self.session = _SequenceFromZero(arm, link, deadman_ms, self.limits, now)


class _AnySequence(Session):
    def newer(self, high: int, low: int) -> bool:
        return high << 16 | low != self.seq


class OldSequence(Core):
    """R16: only the very same number is refused, and an overtaken SETPOINT is obeyed."""

    def arm(self, arm: Arm, link: int, deadman_ms: int, now: int) -> None:
        super().arm(arm, link, deadman_ms, now)
        self.session = _AnySequence(arm, link, deadman_ms, self.limits, now)


class ArmLimitIgnored(Core):
    """R8: the ARM's own limit is forgotten."""

    def arm(self, arm: Arm, link: int, deadman_ms: int, now: int) -> None:
        super().arm(arm, link, deadman_ms, now)
        arm.limit_s = _LONGEST_S
        self.session = Session(arm, link, deadman_ms, self.limits, now)


class ArmCapIgnored(Core):
    """R1: the ARM's own cap is forgotten."""

    def arm(self, arm: Arm, link: int, deadman_ms: int, now: int) -> None:
        super().arm(arm, link, deadman_ms, now)
        self.levels.open(_FULL)


class AllowanceRenewed(Core):
    """R8: each ARM begins a new hour."""

    def arm(self, arm: Arm, link: int, deadman_ms: int, now: int) -> None:
        self.allowance = Allowance(self.limits)
        super().arm(arm, link, deadman_ms, now)


class AllowanceNotCounted(Core):
    """R8: running takes nothing off the allowance."""

    def _account(self) -> None:
        self._unsaved, ran = 0, self._unsaved
        self.memory.life_ticks += ran


class HourIsFixed(Core):
    """R8: an hour is one by the clock, and all of it comes back at its end."""

    def _checkpoint(self) -> None:
        super()._checkpoint()
        if self._checkpoints * CHECKPOINT_S % self.limits.window_s == 0:
            self.allowance = Allowance(self.limits)


class AllowanceForgotten(Core):
    """R8: a reboot gives the hour back."""

    def boot(self, cause: int) -> None:
        super().boot(cause)
        self.allowance = Allowance(self.limits)


class EarnedAtZero(Core):
    """R2: the envelope goes by the time since ARM."""

    _armed_at = 0

    def arm(self, arm: Arm, link: int, deadman_ms: int, now: int) -> None:
        super().arm(arm, link, deadman_ms, now)
        self._armed_at = self.tick

    def take(self, setpoint: Setpoint, session: Session, now: int) -> None:
        self.running = max(self.running, self.tick - self._armed_at)
        super().take(setpoint, session, now)


class EnvelopeGoesOn(Core):
    """R2: a new ARM goes on where the last session ended."""

    def arm(self, arm: Arm, link: int, deadman_ms: int, now: int) -> None:
        ran = self.running
        super().arm(arm, link, deadman_ms, now)
        self.running = ran


class ResumesAtLevel(Core):
    """R3: after a pause the levels are at once where they were."""

    _before: tuple[int, ...] = ()

    def take(self, setpoint: Setpoint, session: Session, now: int) -> None:
        if setpoint.mode == field_validation.PAUSE and self.levels.up:
            self._before = tuple(self.levels.level)
        resumes = (
            self.state == State.PAUSED and setpoint.mode == field_validation.RUN and self._before
        )
        super().take(setpoint, session, now)
        if resumes:
            self.levels.level = [
                min(a, b) for a, b in zip(self._before, self.levels.target, strict=True)
            ]
            self.levels.up = any(self.levels.level)
            self._before = ()


class _JumpingPatterns(Patterns):
    def step(self, level: list[int], tick: int) -> None:
        super().step(level, tick)
        for zone in range(6):
            kneads = self.motion[zone] in (Motion.KNEAD, Motion.CIRCLE)
            part = self.drive[zone] * KNEADING_TENTHS // 10 if kneads else 0
            self.actuators[2 * zone] = self.drive[zone] - part
            self.actuators[2 * zone + 1] = part


class HandOverJumps(Core):
    """R3: a change of motion moves a zone's drive from one actuator to the other at once."""

    def boot(self, cause: int) -> None:
        super().boot(cause)
        config = self.config
        self.patterns = _JumpingPatterns(self.limits, config.vibration, config.kneading, self.tick)


class FadeTurnsBack(Core):
    """R3: a later SETPOINT raises the levels again although a fade was asked for."""

    def take(self, setpoint: Setpoint, session: Session, now: int) -> None:
        if self.state == State.FADING and setpoint.mode == field_validation.RUN:
            self.state = State.RUNNING
        super().take(setpoint, session, now)


class MalformedIsClamped(Core):
    """R19: a level that is out of range becomes the highest that is not."""

    def take(self, setpoint: Setpoint, session: Session, now: int) -> None:
        if not field_validation.setpoint_in_range(setpoint):
            setpoint.mode = field_validation.RUN
            setpoint.heat = min(setpoint.heat, 390) if setpoint.heat >= 300 else 0
            setpoint.period = min(max(setpoint.period, 1000), 60_000)
            setpoint.level = [min(level, _FULL) for level in setpoint.level]
            setpoint.pattern = [Motion.VIBRATE] * 6
        super().take(setpoint, session, now)


class MalformedIsSkipped(Core):
    """R19: what is out of range leaves the levels as they were."""

    def take(self, setpoint: Setpoint, session: Session, now: int) -> None:
        if field_validation.setpoint_in_range(setpoint):
            super().take(setpoint, session, now)
        else:
            session.count(setpoint.seq_high, setpoint.seq_low)
            session.feed(now)
            self.changed = True


class IdleStopKeepsEpoch(Core):
    """R6: a STOP without a session changes nothing, so that an ARM on its way still acts."""

    def end(self, cause: int) -> None:
        if self.session is not None:
            super().end(cause)


class _SameEpoch(Announcer):
    def _name_epoch(self) -> None:
        self._boot = 1
        super()._name_epoch()


class EpochAgainAfterBoot(Core):
    """R16: each boot begins with the same epoch."""

    def boot(self, cause: int) -> None:
        super().boot(cause)
        self.announcer = _SameEpoch(self.memory, self.board)


class LatchNotHeld(Core):
    """R7: letting go of the button clears the latch."""

    def _released(self) -> None:
        self.changed = True
        if self.state == State.LATCHED:
            self.clear("button")


class ButtonIdle(Core):
    """R7: the button does nothing without a session."""

    def press(self, edge: int) -> None:
        if self.session is not None:
            super().press(edge)


class StopClearsLatch(Core):
    """R7: a STOP clears the e-stop latch."""

    def end(self, cause: int) -> None:
        if self.state == State.LATCHED:
            self.clear("stop")
        super().end(cause)


class _CoolGuard(HeatGuard):
    def step(self, pad: Thermometer, motor: Thermometer, current_ma: int) -> int:
        super().step(pad, motor, current_ma)
        return Cause.NONE


class NoHeatTrip(Core):
    """R11: too warm a pad trips nothing."""

    def boot(self, cause: int) -> None:
        super().boot(cause)
        self.heat = _CoolGuard(self.config.sensing)


class _BlindGuard(MotorGuard):
    ignored = frozenset({Cause.STALL, Cause.OVER_CURRENT})

    def check(self, tick: int, duty: list[int], board: Board) -> int:
        cause = super().check(tick, duty, board)
        return Cause.NONE if cause in self.ignored else cause


class NoStallTrip(Core):
    """R12: a motor that is held fast is driven on."""

    def boot(self, cause: int) -> None:
        super().boot(cause)
        self.motor_guard = _BlindGuard(self.config.sensing, self.config.locked_ma)


class _TrustingGuard(_BlindGuard):
    ignored = frozenset({Cause.STUCK_OUTPUT})


class NoPowerSwitch(Core):
    """R14: a power stage that stays on is left on."""

    def boot(self, cause: int) -> None:
        super().boot(cause)
        self.motor_guard = _TrustingGuard(self.config.sensing, self.config.locked_ma)


class _FitSupply(SupplyGuard):
    def look(self) -> int:
        return Supply.FIT

    def may_arm(self) -> int:
        return Result.OK


class BatteryIgnored(Core):
    """R13: runs on an empty battery, and while charging."""

    def boot(self, cause: int) -> None:
        super().boot(cause)
        self.supply = _FitSupply(self.plant, mains=self.config.mains)


class SlowWatchdog(Core):
    """R24: a firmware that hangs is reset 3 s later."""

    def hang(self) -> None:
        if self._hung_at is None:
            self._hung_at = self.tick + _LONG_TICKS


class FaultForgotten(Core):
    """R7: a fault latch does not outlive a reboot."""

    state = State.IDLE  # before the first boot

    def boot(self, cause: int) -> None:
        if self.state == State.FAULT:
            self.memory.save_latch(Cause.NONE, self.latch)
        super().boot(cause)

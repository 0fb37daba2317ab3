"""Devices with one mistake in the core: each class breaks one rule, and the sound device knows none of them."""

from __future__ import annotations

from firmware_sim import judge, wire
from firmware_sim.allowance import Allowance
from firmware_sim.announce import Announcer
from firmware_sim.button import Edge
from firmware_sim.core import Core
from firmware_sim.guard_heat import HeatGuard
from firmware_sim.guard_motor import MotorGuard
from firmware_sim.guard_supply import Supply, SupplyGuard
from firmware_sim.noise import Noise
from firmware_sim.physics.motor import Motors
from firmware_sim.physics.sensors import Thermistor
from firmware_sim.session import Session
from firmware_sim.states import Cause, Result, State

_LATE = 1.6
_EARLY = 0.8
_LONG_TICKS = 150
_FULL = 1000
_LONGEST_S = 2700


class LateDeadMan(Core):
    """R4: the dead-man waits longer than T."""

    def arm(self, arm: wire.Arm, link: int, deadman_s: float, now: float) -> None:
        super().arm(arm, link, deadman_s * _LATE, now)


class EarlyDeadMan(Core):
    """R4: the dead-man does not wait for T."""

    def arm(self, arm: wire.Arm, link: int, deadman_s: float, now: float) -> None:
        super().arm(arm, link, deadman_s * _EARLY, now)


class _RisingSession(Session):
    def feed(self, now: float) -> None:
        super().feed(now)
        self.rise_until = self.cut_tick


class RisesOnOldAge(Core):
    """R4: levels rise on until the dead-man, however old the last SETPOINT is."""

    def arm(self, arm: wire.Arm, link: int, deadman_s: float, now: float) -> None:
        super().arm(arm, link, deadman_s, now)
        self.session = _RisingSession(arm, link, deadman_s, self.limits, now)


class _SequenceFromZero(Session):
    def newer(self, seq: int) -> bool:
        return seq > self.seq


class SequenceDoesNotWrap(Core):
    """R16: after 2^32 SETPOINTs none is newer."""

    def arm(self, arm: wire.Arm, link: int, deadman_s: float, now: float) -> None:
        super().arm(arm, link, deadman_s, now)
        self.session = _SequenceFromZero(arm, link, deadman_s, self.limits, now)


class _AnySequence(Session):
    def newer(self, seq: int) -> bool:
        return seq != self.seq


class OldSequence(Core):
    """R16: only the very same number is refused, and an overtaken SETPOINT is obeyed."""

    def arm(self, arm: wire.Arm, link: int, deadman_s: float, now: float) -> None:
        super().arm(arm, link, deadman_s, now)
        self.session = _AnySequence(arm, link, deadman_s, self.limits, now)


class ArmLimitIgnored(Core):
    """R8: the ARM's own limit is forgotten."""

    def arm(self, arm: wire.Arm, link: int, deadman_s: float, now: float) -> None:
        super().arm(arm, link, deadman_s, now)
        longer = wire.Arm(
            arm.token, arm.owner, arm.epoch, arm.challenge, arm.seq, arm.cap, _LONGEST_S
        )
        self.session = Session(longer, link, deadman_s, self.limits, now)


class ArmCapIgnored(Core):
    """R1: the ARM's own cap is forgotten."""

    def arm(self, arm: wire.Arm, link: int, deadman_s: float, now: float) -> None:
        super().arm(arm, link, deadman_s, now)
        self.levels.open(_FULL)


class AllowanceRenewed(Core):
    """R8: each ARM begins a new hour."""

    def arm(self, arm: wire.Arm, link: int, deadman_s: float, now: float) -> None:
        self.allowance = Allowance(self.limits)
        super().arm(arm, link, deadman_s, now)


class AllowanceNotCounted(Core):
    """R8: running takes nothing off the allowance."""

    def _account(self) -> None:
        self._unsaved, ran = 0, self._unsaved
        self.memory.life_ticks += ran


class AllowanceForgotten(Core):
    """R8: a reboot gives the hour back."""

    def _boot(self, cause: Cause) -> None:
        super()._boot(cause)
        self.allowance = Allowance(self.limits)


class EarnedAtZero(Core):
    """R2: the envelope goes by the time since ARM."""

    _armed_at = 0

    def arm(self, arm: wire.Arm, link: int, deadman_s: float, now: float) -> None:
        super().arm(arm, link, deadman_s, now)
        self._armed_at = self.tick

    def take(self, setpoint: wire.Setpoint, session: Session, now: float) -> None:
        self.running = max(self.running, self.tick - self._armed_at)
        super().take(setpoint, session, now)


class EnvelopeGoesOn(Core):
    """R2: a new ARM goes on where the last session ended."""

    def arm(self, arm: wire.Arm, link: int, deadman_s: float, now: float) -> None:
        ran = self.running
        super().arm(arm, link, deadman_s, now)
        self.running = ran


class ResumesAtLevel(Core):
    """R3: after a pause the levels are at once where they were."""

    _before: tuple[int, ...] = ()

    def take(self, setpoint: wire.Setpoint, session: Session, now: float) -> None:
        if setpoint.mode == judge.PAUSE and self.levels.up:
            self._before = tuple(self.levels.level)
        resumes = self.state is State.PAUSED and setpoint.mode == judge.RUN and self._before
        super().take(setpoint, session, now)
        if resumes:
            self.levels.level = [
                min(a, b) for a, b in zip(self._before, self.levels.target, strict=True)
            ]
            self.levels.up = any(self.levels.level)
            self._before = ()


class FadeTurnsBack(Core):
    """R3: a later SETPOINT raises the levels again although a fade was asked for."""

    def take(self, setpoint: wire.Setpoint, session: Session, now: float) -> None:
        if self.state is State.FADING and setpoint.mode == judge.RUN:
            self.state = State.RUNNING
        super().take(setpoint, session, now)


class MalformedIsClamped(Core):
    """R19: a level that is out of range becomes the highest that is not."""

    def take(self, setpoint: wire.Setpoint, session: Session, now: float) -> None:
        if not judge.setpoint_in_range(setpoint):
            level = tuple(min(level, _FULL) for level in setpoint.level)
            setpoint = wire.Setpoint(
                setpoint.epoch,
                setpoint.owner,
                setpoint.seq,
                setpoint.echo,
                judge.RUN,
                min(setpoint.heat, 390) if setpoint.heat >= 300 else 0,
                min(max(setpoint.period, 1000), 60_000),
                level,
                (1,) * 6,
            )
        super().take(setpoint, session, now)


class MalformedIsSkipped(Core):
    """R19: what is out of range leaves the levels as they were."""

    def take(self, setpoint: wire.Setpoint, session: Session, now: float) -> None:
        if judge.setpoint_in_range(setpoint):
            super().take(setpoint, session, now)
        else:
            session.seq = setpoint.seq
            session.feed(now)
            self.changed = True


class IdleStopKeepsEpoch(Core):
    """R6: a STOP without a session changes nothing, so that an ARM on its way still acts."""

    def end(self, cause: Cause) -> None:
        if self.session is not None:
            super().end(cause)


class EpochAgainAfterBoot(Core):
    """R16: each boot begins with the same epoch."""

    def _boot(self, cause: Cause) -> None:
        super()._boot(cause)
        self.announcer = Announcer(1, lambda: 1, Noise(self.memory.boot))


class LatchNotHeld(Core):
    """R7: letting go of the button clears the latch."""

    def _released(self) -> None:
        self.changed = True
        if self.state is State.LATCHED:
            self.clear("button")


class ButtonIdle(Core):
    """R7: the button does nothing without a session."""

    def press(self, edge: Edge) -> None:
        if self.session is not None:
            super().press(edge)


class StopClearsLatch(Core):
    """R7: a STOP clears the e-stop latch."""

    def end(self, cause: Cause) -> None:
        if self.state is State.LATCHED:
            self.clear("stop")
        super().end(cause)


class _CoolGuard(HeatGuard):
    def step(
        self, pad: Thermistor, motor: Thermistor, current_ma: float, dt: float
    ) -> Cause | None:
        super().step(pad, motor, current_ma, dt)
        return None


class NoHeatTrip(Core):
    """R11: too warm a pad trips nothing."""

    def _boot(self, cause: Cause) -> None:
        super()._boot(cause)
        self.heat = _CoolGuard(self.config.sensing)


class _BlindGuard(MotorGuard):
    ignored = frozenset({Cause.STALL, Cause.OVER_CURRENT})

    def check(self, tick: int, motors: Motors) -> Cause | None:
        cause = super().check(tick, motors)
        return None if cause in self.ignored else cause


class NoStallTrip(Core):
    """R12: a motor that is held fast is driven on."""

    def _boot(self, cause: Cause) -> None:
        super()._boot(cause)
        self.motor_guard = _BlindGuard(self.config.sensing)


class _TrustingGuard(_BlindGuard):
    ignored = frozenset({Cause.STUCK_OUTPUT})


class NoPowerSwitch(Core):
    """R14: a power stage that stays on is left on."""

    def _boot(self, cause: Cause) -> None:
        super()._boot(cause)
        self.motor_guard = _TrustingGuard(self.config.sensing)


class _FitSupply(SupplyGuard):
    def look(self) -> Supply:
        return Supply.FIT

    def may_arm(self) -> Result:
        return Result.OK


class BatteryIgnored(Core):
    """R13: runs on an empty battery, and while charging."""

    def _boot(self, cause: Cause) -> None:
        super()._boot(cause)
        self.supply = _FitSupply(self.plant.battery, mains=self.config.mains)


class SlowWatchdog(Core):
    """R24: a firmware that hangs is reset 3 s later."""

    def hang(self) -> None:
        if self._hung_at is None:
            self._hung_at = self.tick + _LONG_TICKS


class FaultForgotten(Core):
    """R7: a fault latch does not outlive a reboot."""

    def _boot(self, cause: Cause) -> None:
        if self.state is State.FAULT:
            self.memory.save_latch(Cause.NONE, self.latch)
        super()._boot(cause)

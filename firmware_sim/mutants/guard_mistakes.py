"""Devices that mistake a hand, a sensor, the supply or noise (R7, R11, R13, R16, R17, R24)."""

# A mistake reaches into what it breaks.
# pyright: reportPrivateUsage=false

from __future__ import annotations

from typing import Final

from firmware_sim.core import Core
from firmware_sim.firmware import Rules
from massager_fw.button import CLEAR_HOLD_MS
from massager_fw.field_validation import FADE, PAUSE, setpoint_in_range
from massager_fw.frame_noise import FrameNoise
from massager_fw.frames import Setpoint
from massager_fw.guard_heat import HeatGuard
from massager_fw.guard_supply import Supply, SupplyGuard
from massager_fw.links import Port
from massager_fw.pattern import Patterns
from massager_fw.session import Session
from massager_fw.states import Cause, Result, State

# --- heat


class _Warm(Core):
    """Heat goes on where it has to be off."""

    def cold(self, setpoint: Setpoint) -> bool:
        raise NotImplementedError

    def take(self, setpoint: Setpoint, session: Session, now: int) -> None:
        target, power = self.heat.target, self.heat.power
        super().take(setpoint, session, now)
        if target and self.cold(setpoint):
            self.heat.target, self.heat.power = target, power


class HeatInPause(_Warm):
    """R11: heat stays on in a pause."""

    def cold(self, setpoint: Setpoint) -> bool:
        return setpoint.mode == PAUSE


class HeatInFade(_Warm):
    """R11: heat stays on in a fade."""

    def cold(self, setpoint: Setpoint) -> bool:
        return setpoint.mode == FADE


class HeatAfterMalformed(_Warm):
    """R11: heat stays on after a malformed SETPOINT."""

    def cold(self, setpoint: Setpoint) -> bool:
        return not setpoint_in_range(setpoint)


class _LateTrip(HeatGuard):
    def step(self, pad: object, motor: object, current_ma: int) -> int:
        cause = super().step(pad, motor, current_ma)  # pyright: ignore[reportArgumentType]
        reading = getattr(pad, "hundredths", None)
        warm = cause == Cause.OVER_TEMPERATURE and reading is not None and reading < 4300
        return Cause.NONE if warm else cause


class HeatTripsLate(Core):
    """R11: the pad trips at 43 °C."""

    def boot(self, cause: int) -> None:
        super().boot(cause)
        self.heat = _LateTrip(self.config.sensing)


class _TrustsSensor(HeatGuard):
    def step(self, pad: object, motor: object, current_ma: int) -> int:
        cause = super().step(pad, motor, current_ma)  # pyright: ignore[reportArgumentType]
        return Cause.NONE if cause == Cause.TEMPERATURE_SENSOR else cause


class OpenSensorIgnored(Core):
    """R11: a temperature sensor whose wire is open trips nothing."""

    def boot(self, cause: int) -> None:
        super().boot(cause)
        self.heat = _TrustsSensor(self.config.sensing)


# --- noise


class _Impatient(FrameNoise):
    def over(self, tick: int) -> bool:
        return super().over(tick) or self._row >= 3


class _Patient(FrameNoise):
    def over(self, tick: int) -> bool:
        super().over(tick)
        return self._row >= 8


class _Hears(Core):
    noise_type: type[FrameNoise] = FrameNoise

    def arm(self, arm: object, link: int, deadman_ms: int, now: int) -> None:
        super().arm(arm, link, deadman_ms, now)  # pyright: ignore[reportArgumentType]
        if self.session is not None:
            self.session.noise = self.noise_type(self.tick)


class NoiseOfThreeSlots(_Hears):
    """R16: three noisy half seconds end a session."""

    noise_type = _Impatient


class NoiseOfEightSlots(_Hears):
    """R16: a session outlives noise for four seconds."""

    noise_type = _Patient


class RefusedIsNoise(Rules):
    """R16: good frames that are refused count as noise."""

    def _reject(self) -> None:
        super()._reject()
        session = self.core.session
        if session is not None:
            session.noise.note(self.core.tick, bad=True)
            session.noise.note(self.core.tick, bad=True)


# --- hands and supply


class FirstHoldClears(Core):
    """R7: the press that latches clears as well, where it is held for 2 s."""

    def press(self, edge: int) -> None:
        super().press(edge)
        self._latched_before = True


class PressClearsOverReset(Core):
    """R7: the press that latches clears as well, where the processor was reset while it was held."""

    def press(self, edge: int) -> None:
        latched = self.state in (State.LATCHED, State.FAULT)
        super().press(edge)
        self._latched_before = latched


class PressForgetsFault(Core):
    """R7: a press in a fault leaves an e-stop latch, as far as the memory knows."""

    def press(self, edge: int) -> None:
        super().press(edge)
        if self.state == State.FAULT:
            self.memory.save_latch(Cause.NONE, self.latch)


class StopInFaultIsNothing(Core):
    """R6: STOP in a fault gives no new epoch."""

    def end(self, cause: int) -> None:
        if self.state != State.FAULT:
            super().end(cause)


class _ForgetsWay(Core):
    """Does not know any more which way a zone turned, nor when."""

    def forget(self) -> None:
        config = self.config
        self.patterns = Patterns(self.limits, config.vibration, config.kneading, self.tick - 1000)


class WayForgottenAtEnd(_ForgetsWay):
    """R3: a new session may turn the other way at once."""

    def end(self, cause: int) -> None:
        super().end(cause)
        self.forget()


class WayForgottenInPause(_ForgetsWay):
    """R3: after a pause a zone may turn the other way at once."""

    def _mode(self, mode: int, session: Session) -> None:
        super()._mode(mode, session)
        if mode == PAUSE:
            self.forget()


class PressWhileLatchedIsNothing(Core):
    """R7: a press while latched neither counts nor gives a new epoch."""

    def press(self, edge: int) -> None:
        if self.state == State.LATCHED:
            self._latched_before = True
        else:
            super().press(edge)


class HoldOfOneSecond(Core):
    """R7: a hold of one second clears a latch."""

    def _released(self) -> None:
        if self.button.hold_ms >= CLEAR_HOLD_MS // 2:
            self.button.hold_ms = max(self.button.hold_ms, CLEAR_HOLD_MS)
        super()._released()


class AttendedByAnyHold(Core):
    """R7: a hold that cleared nothing sets the flag attended."""

    def _released(self) -> None:
        super()._released()
        if self.button.hold_ms >= CLEAR_HOLD_MS:
            self.attended_until = self.tick + 27_000


class AttendedOverArm(Core):
    """R7: an ARM leaves the flag attended as it is."""

    def arm(self, arm: object, link: int, deadman_ms: int, now: int) -> None:
        until = self.attended_until
        super().arm(arm, link, deadman_ms, now)  # pyright: ignore[reportArgumentType]
        self.attended_until = until


class PairingForTwoMinutes(Core):
    """R17: pairing stays open for two minutes."""

    def _released(self) -> None:
        before = self.pairing_until
        super()._released()
        if self.pairing_until != before:
            self.pairing_until += 3000


class PairingByShortHold(Core):
    """R17: a hold of 2 s opens pairing."""

    def _released(self) -> None:
        super()._released()
        if self.button.hold_ms >= CLEAR_HOLD_MS:
            self.pairing_until = self.tick + 3000


class _Battery(SupplyGuard):
    def may_arm(self) -> int:
        result = super().may_arm()
        return Result.OK if result == Result.BATTERY else result


class ArmsOnLowBattery(Core):
    """R13: an ARM is taken below 15 %."""

    def boot(self, cause: int) -> None:
        super().boot(cause)
        self.supply = _Battery(self.plant, mains=self.config.mains)


class _Charging(SupplyGuard):
    def look(self) -> int:
        found = super().look()
        return Supply.FIT if found == Supply.CHARGING else found


class RunsWhileCharging(Core):
    """R13: a charger that is plugged in does not end a session."""

    def boot(self, cause: int) -> None:
        super().boot(cause)
        self.supply = _Charging(self.plant, mains=self.config.mains)


class ResetWhileCausePresent(Rules):
    """R7: a RESET clears a fault whose cause is still there."""

    def _may_reset(self, port: Port, reset: bytearray, now: int) -> int:
        result = super()._may_reset(port, reset, now)
        return Result.OK if result == Result.CAUSE_PRESENT else result


class NotReportedAtOnce(Rules):
    """R24: what changes is reported with the next regular TELEMETRY."""

    def _tell_changes(self) -> None:
        self.core.changed = False


GUARDS: Final[dict[str, type[Core | Rules]]] = {
    "heat-in-pause": HeatInPause,
    "heat-in-fade": HeatInFade,
    "heat-after-malformed": HeatAfterMalformed,
    "heat-trips-late": HeatTripsLate,
    "open-sensor-ignored": OpenSensorIgnored,
    "noise-of-three-slots": NoiseOfThreeSlots,
    "noise-of-eight-slots": NoiseOfEightSlots,
    "refused-is-noise": RefusedIsNoise,
    "first-hold-clears": FirstHoldClears,
    "press-clears-over-reset": PressClearsOverReset,
    "press-forgets-fault": PressForgetsFault,
    "stop-in-fault-is-nothing": StopInFaultIsNothing,
    "way-forgotten-at-end": WayForgottenAtEnd,
    "way-forgotten-in-pause": WayForgottenInPause,
    "press-while-latched-is-nothing": PressWhileLatchedIsNothing,
    "hold-of-one-second": HoldOfOneSecond,
    "attended-by-any-hold": AttendedByAnyHold,
    "attended-over-arm": AttendedOverArm,
    "pairing-for-two-minutes": PairingForTwoMinutes,
    "pairing-by-short-hold": PairingByShortHold,
    "arms-on-low-battery": ArmsOnLowBattery,
    "runs-while-charging": RunsWhileCharging,
    "reset-while-cause-present": ResetWhileCausePresent,
    "not-reported-at-once": NotReportedAtOnce,
}

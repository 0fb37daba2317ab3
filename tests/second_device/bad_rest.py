"""Broken resets, clocks, protections and reports (R7, R8, R12 to R14, R24)."""

from tests.second_device import codec, memory, outputs
from tests.second_device.motors import TICK, Motor, Zone
from tests.second_device.outputs import PAUSE, Session
from tests.second_device.sound import BATTERY, OK, SecondDevice


class ChallengeUsedAgain(SecondDevice):
    """R7, section 6: an ARM or RESET that is refused later gives its challenge back."""

    def use_challenge(self, challenge: int) -> bool:
        return any(value == challenge for value, _ in self.challenges)


class ChallengesKept(SecondDevice):
    """Section 6: the newest eight challenges are good, whatever their age."""

    def draw(self) -> None:
        self.challenges = [*self.challenges[-7:], (self.random.getrandbits(32), self.up)]

    def use_challenge(self, challenge: int) -> bool:
        for value, drawn in self.challenges:
            if value == challenge:
                self.challenges.remove((value, drawn))
                self.draw()
                return True
        return False


class ResetOfAnyLatch(SecondDevice):
    """R7: RESET does not compare the latch counter."""

    def reset(self, link: int, ask: codec.Reset) -> None:
        super().reset(link, codec.Reset(ask.token, ask.challenge, self.latch))


class ResetWhilePressed(SecondDevice):
    """R7: RESET is taken while the button is pressed."""

    def reset_result(self, link: int, ask: codec.Reset) -> int:
        pressed, self.pressed = self.pressed, False
        result = super().reset_result(link, ask)
        self.pressed = pressed
        return result


class OnePressClears(SecondDevice):
    """R7: the press that sets the latch clears it when it is held."""

    def press(self, now: float) -> None:
        super().press(now)
        self.can_clear = True


class ClearsWhileHeld(SecondDevice):
    """R7: the hold acts after 2 s, before the release."""

    def button_tick(self) -> None:
        if self.pressed and self.can_clear and self.now - self.pressed_at >= 2:
            self.clear()
            self.can_clear = False
        super().button_tick()


class PressWhileLatchedUncounted(SecondDevice):
    """R7: a press while latched does not count."""

    def latch_up(self, cause: int) -> None:
        if not (self.latched and cause == outputs.BUTTON):
            super().latch_up(cause)


class StopClearsLatch(SecondDevice):
    """R6, R7: a STOP clears the e-stop latch."""

    def stop(self, link: int, payload: bytes) -> None:
        self.latched = False
        super().stop(link, payload)


class LimitInOwnSeconds(SecondDevice):
    """R8: limit_s is not counted at 0.9."""

    def armed_limit(self, session: Session) -> float:
        return min(1620.0, session.limit_s)


class SessionOf1800(SecondDevice):
    """R8: a session of 1800 s by its own clock."""

    def armed_limit(self, session: Session) -> float:
        return min(1800.0, 0.9 * session.limit_s)


class LimitIgnored(SecondDevice):
    """R8: limit_s of the ARM is not kept."""

    def armed_limit(self, session: Session) -> float:
        return 1620.0


class PauseCounts(SecondDevice):
    """Section 4: the pauses count into limit_s."""

    def armed_limit(self, session: Session) -> float:
        return super().armed_limit(session) - (session.total - session.armed)


class PauseForEver(SecondDevice):
    """R8: one pause has no limit."""

    def pause_limit(self) -> float:
        return 1e9


class WithPausesForEver(SecondDevice):
    """R8: a session with pauses has no limit."""

    def total_limit(self) -> float:
        return 1e9


class PauseAskedAnew(SecondDevice):
    """R8: each SETPOINT that asks for a pause starts its clock again."""

    def apply(self, session: Session, ask: codec.Setpoint) -> None:
        super().apply(session, ask)
        if session.mode == PAUSE:
            session.paused = 0.0


class MalformedRefunds(SecondDevice):
    """R8: a malformed SETPOINT starts the pause's clock again."""

    def on_malformed(self, session: Session) -> None:
        super().on_malformed(session)
        session.paused = 0.0


class RepeatedArmRefunds(SecondDevice):
    """R8: a repeated ARM starts the time again."""

    def repeat(self, session: Session, ask: codec.Arm) -> None:
        session.armed = session.total = 0.0


class HourAnewAtArm(SecondDevice):
    """R8: each ARM has the whole hour's allowance."""

    def open(self, link: int, ask: codec.Arm) -> None:
        self.hour = memory.Hour()
        super().open(link, ask)


class HourAnewAtBoot(SecondDevice):
    """R8: a boot forgets the running time."""

    def start_up(self, power: bool) -> None:
        self.nvm.pop("hour", None)
        super().start_up(power)


class LifetimeOnlyAtEnd(SecondDevice):
    """R8: the lifetime is written at the end of a session only."""

    def save_time(self, opened: bool) -> None:
        if not opened:
            super().save_time(opened)


class StallRetried(SecondDevice):
    """R12: a stall ends the session and latches nothing."""

    def trip(self, cause: int) -> None:
        if cause != 50:
            super().trip(cause)
            return
        self.finish(4)
        for motor in self.motors():
            motor.high = motor.still = 0.0


class StallOnlyVibration(SecondDevice):
    """R12: a kneading motor is not watched."""

    def tripping(self) -> int:
        for zone in self.zones:
            zone.kneading.high = zone.kneading.still = 0.0
        return super().tripping()


class StallOfTwoSeconds(SecondDevice):
    """R12: a stall is cut after 2 s."""

    def tripping(self) -> int:
        for motor in self.motors():
            motor.high = max(0.0, motor.high - TICK * 0.85)
            motor.still = max(0.0, motor.still - TICK * 0.7)
        return super().tripping()


class _BlankMotor(Motor):
    def top(self, rising: float) -> float:
        return self.drive + rising


class _BlankZone(Zone):
    def __post_init__(self) -> None:
        self.vibration, self.kneading = _BlankMotor(), _BlankMotor()


class BlankedAtFullDrive(SecondDevice):
    """R12: the drive rises on while the watch is blanked."""

    zone_class = _BlankZone


class _RestMotor(Motor):
    def cut(self) -> None:
        super().cut()
        self.still = 0.0

    def drive_to(self, drive: float) -> None:
        super().drive_to(drive)
        if drive <= 0:
            self.still = self.high = 0.0


class _RestZone(Zone):
    def __post_init__(self) -> None:
        self.vibration, self.kneading = _RestMotor(), _RestMotor()


class StallForgottenInRest(SecondDevice):
    """R12: what was seen of a stall before a rest is forgotten."""

    zone_class = _RestZone


class FaultNotKept(SecondDevice):
    """R12: a fault latch does not outlive a reboot."""

    def read_fault(self) -> None:
        super().read_fault()
        self.fault = self.cause = 0


class MemoryFailsOpen(SecondDevice):
    """Section 8: a record that cannot be read is taken for none."""

    def start_up(self, power: bool) -> None:
        super().start_up(power)
        if self.fault == outputs.MEMORY:
            self.clear()


class ArmsOnLowBattery(SecondDevice):
    """R13: an ARM is taken down to 8 %."""

    def fitness(self, ask: codec.Arm) -> int:
        result = super().fitness(ask)
        return OK if result == BATTERY and self.battery >= 8 else result


class BatteryRecovers(SecondDevice):
    """R13: a battery that recovers ends the fade."""

    def drain(self, session: Session) -> None:
        super().drain(session)
        session.sinking = session.sinking and self.battery < 8


class RunsWhileCharging(SecondDevice):
    """R13: a charger that is plugged in ends no session."""

    def charger(self, plugged: bool, now: float) -> None:
        self.run_to(now)
        self.plugged = plugged
        self.settle()


class StuckOutputUnseen(SecondDevice):
    """R14: current at rest is not watched."""

    def tripping(self) -> int:
        for motor in self.motors():
            motor.leak = 0.0
        return super().tripping()


class EstopLostAtReset(SecondDevice):
    """R24: the e-stop latch does not outlive a reset."""

    def start_up(self, power: bool) -> None:
        super().start_up(power=True)


class SessionOutlivesReset(SecondDevice):
    """R24: a reset goes on with the session."""

    def start_up(self, power: bool) -> None:
        held = getattr(self, "session", None)
        super().start_up(power)
        if not power:
            self.session = held


VARIANTS: tuple[type[SecondDevice], ...] = (
    ChallengeUsedAgain,
    ChallengesKept,
    ResetOfAnyLatch,
    ResetWhilePressed,
    OnePressClears,
    ClearsWhileHeld,
    PressWhileLatchedUncounted,
    StopClearsLatch,
    LimitInOwnSeconds,
    SessionOf1800,
    LimitIgnored,
    PauseCounts,
    PauseForEver,
    WithPausesForEver,
    PauseAskedAnew,
    MalformedRefunds,
    RepeatedArmRefunds,
    HourAnewAtArm,
    HourAnewAtBoot,
    LifetimeOnlyAtEnd,
    StallRetried,
    StallOnlyVibration,
    StallOfTwoSeconds,
    BlankedAtFullDrive,
    StallForgottenInRest,
    FaultNotKept,
    MemoryFailsOpen,
    ArmsOnLowBattery,
    BatteryRecovers,
    RunsWhileCharging,
    StuckOutputUnseen,
    EstopLostAtReset,
    SessionOutlivesReset,
)

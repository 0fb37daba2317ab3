"""Broken levels, envelopes, slews and patterns (R1 to R3)."""

from tests.second_device import codec
from tests.second_device.motors import Zone
from tests.second_device.outputs import PAUSE, Session
from tests.second_device.sound import SecondDevice


class CapOfOneZone(SecondDevice):
    """R1: the last zone has the neck's cap."""

    def start_up(self, power: bool) -> None:
        super().start_up(power)
        self.zones[5].cap = 500


class NoSumCap(SecondDevice):
    """R1: the sum over the zones is not bounded."""

    def scaled(self, most: list[float]) -> list[float]:
        return most


class ArmCapIgnored(SecondDevice):
    """R1: the cap of the ARM is checked and not kept."""

    def open(self, link: int, ask: codec.Arm) -> None:
        super().open(link, ask)
        if self.session is not None:
            self.session.cap = 1000


class RepeatedArmRaisesCap(SecondDevice):
    """R1, ARM: a repetition takes over its cap."""

    def repeat(self, session: Session, ask: codec.Arm) -> None:
        session.cap = ask.cap


class LeftAndRightExchanged(SecondDevice):
    """Section 4: the neck's left and right are exchanged."""

    def apply(self, session: Session, ask: codec.Setpoint) -> None:
        super().apply(session, ask)
        left, right = self.zones[2], self.zones[3]
        left.asked, right.asked = right.asked, left.asked
        left.lower(left.asked)
        right.lower(right.asked)


class EnvelopeByArmedTime(SecondDevice):
    """R2: the envelope goes by time armed, at zero too."""

    def envelope(self, zone: Zone, session: Session) -> float:
        return self.curve(zone.cap, session.armed)


class EnvelopeByWholeTime(SecondDevice):
    """R2: the envelope earns in a pause as well."""

    def envelope(self, zone: Zone, session: Session) -> float:
        return self.curve(zone.cap, session.running + session.total - session.armed)


class EnvelopeTooShort(SecondDevice):
    """R2: the cap is reached after 240 s."""

    def curve(self, cap: int, running: float) -> float:
        return super().curve(cap, running if running <= 60 else 60 + (running - 60) * 4 / 3)


class EnvelopeJumps(SecondDevice):
    """R2: after 60 s the line starts from the origin, not from 10 %."""

    def curve(self, cap: int, running: float) -> float:
        return super().curve(cap, running) if running <= 60 else min(cap, cap * running / 300)


class EnvelopeOfGreatestCap(SecondDevice):
    """R2: every zone climbs towards 70 % and is cut at its own cap."""

    def envelope(self, zone: Zone, session: Session) -> float:
        return min(zone.cap, self.curve(700, session.running))


class EnvelopeNotInOneZone(SecondDevice):
    """R2: one zone has no envelope."""

    def envelope(self, zone: Zone, session: Session) -> float:
        return zone.cap if zone.index == 4 else super().envelope(zone, session)


class EnvelopeKeptOverArm(SecondDevice):
    """R2: a new ARM goes on where the last session stopped."""

    def open(self, link: int, ask: codec.Arm) -> None:
        earned = self.last_running
        super().open(link, ask)
        if self.session is not None:
            self.session.running = earned


class RiseTwice(SecondDevice):
    """R3: a level rises 4 points a second."""

    def rise(self, session: Session) -> float:
        return 2 * super().rise(session)


class RiseOfOneZone(SecondDevice):
    """R3: one zone jumps to what is allowed."""

    def level_tick(self, session: Session) -> None:
        super().level_tick(session)
        self.zones[1].level = self.allowed(session)[1]


class RiseAnewAfterPause(SecondDevice):
    """R3: after a pause the levels come back at once."""

    before: tuple[float, ...] = ()

    def apply(self, session: Session, ask: codec.Setpoint) -> None:
        levels, paused = tuple(zone.level for zone in self.zones), session.mode == PAUSE
        super().apply(session, ask)
        if session.mode == PAUSE and not paused:
            self.before = levels
        elif paused and session.mode == 0 and self.before:
            for zone, level in zip(self.zones, self.before, strict=True):
                zone.level = min(level, zone.asked)


class SlewLostAfterMalformed(SecondDevice):
    """R3, R19: after a malformed SETPOINT the levels come back at once."""

    before: tuple[float, ...] = ()

    def on_malformed(self, session: Session) -> None:
        self.before = tuple(zone.level for zone in self.zones)
        super().on_malformed(session)

    def apply(self, session: Session, ask: codec.Setpoint) -> None:
        super().apply(session, ask)
        for zone, level in zip(self.zones, self.before, strict=False):
            zone.level = min(level, zone.asked)
        self.before = ()


class FadeRises(SecondDevice):
    """Section 4: in a fade a later SETPOINT may raise a level again."""

    def allowed(self, session: Session) -> list[float]:
        if session.mode != 2:
            return super().allowed(session)
        return [min(z.asked, session.cap, self.envelope(z, session)) for z in self.zones]


class FadeRisesInOneZone(SecondDevice):
    """Section 4: in a fade the suboccipital zones still rise."""

    def allowed(self, session: Session) -> list[float]:
        most = super().allowed(session)
        if session.mode == 2:
            for i in (4, 5):
                most[i] = min(
                    self.zones[i].asked, session.cap, self.envelope(self.zones[i], session)
                )
        return most


class FadeLeftByPause(SecondDevice):
    """Section 8, Pause: a pause in a fade ends the fade."""

    def apply(self, session: Session, ask: codec.Setpoint) -> None:
        if session.mode == 2 and ask.mode == PAUSE:
            session.mode = PAUSE
        super().apply(session, ask)


class _DriveUnboundedZone(Zone):
    def rising(self) -> float:
        return 1000.0


class DriveUnbounded(SecondDevice):
    """R3: a drive follows the pattern at any rate."""

    zone_class = _DriveUnboundedZone


class _MotionJumpsZone(Zone):
    def hand_over(self, want: float) -> tuple[float, float]:
        old = self.vibration.drive + self.kneading.drive
        total = int(min(want, old + self.rising()))
        knead = int(total * self.share())
        return total - knead, knead


class MotionJumps(SecondDevice):
    """R3: when the motion changes, the level jumps from one actuator to the other."""

    zone_class = _MotionJumpsZone


class _SumOverLevelZone(Zone):
    def hand_over(self, want: float) -> tuple[float, float]:
        vib, knead = super().hand_over(want)
        return (max(vib, knead), knead) if self.share() else (vib, knead)


class SumOverLevel(SecondDevice):
    """Section 8, Patterns: both actuators get the whole kneading share."""

    zone_class = _SumOverLevelZone


class _ReversalWithoutRestZone(Zone):
    def resting(self) -> float:
        return 0.0


class ReversalWithoutRest(SecondDevice):
    """R3: a reversal rests one tick."""

    zone_class = _ReversalWithoutRestZone


class _ReversalTooOftenZone(Zone):
    def apart(self) -> float:
        return 2.0 if self.reversed_at else 5.02


class ReversalTooOften(SecondDevice):
    """R3: a commanded reversal waits 2 s, not 5."""

    zone_class = _ReversalTooOftenZone


class _BootIsNoReversalZone(Zone):
    def apart(self) -> float:
        return 5.02 if self.reversed_at else 0.0


class BootIsNoReversal(SecondDevice):
    """R3: the first motion after a boot begins at once."""

    zone_class = _BootIsNoReversalZone


class _ReversalForgottenZone(Zone):
    def may_move(self, now: float, period: float) -> bool:
        if self.pattern & 15 == 1:
            self.sense = 0
        return super().may_move(now, period)


class ReversalForgotten(SecondDevice):
    """R3: a vibration between two motions makes it forget which way it turned."""

    zone_class = _ReversalForgottenZone


class _GlideTurnsAtOnceZone(Zone):
    def may_move(self, now: float, period: float) -> bool:
        want = self.wanted_sense(now, period)
        if self.pattern & 15 == 3 and self.sense and want != self.sense:
            self.sense, self.since, self.reversed_at = want, now, now
        return super().may_move(now, period)


class GlideTurnsAtOnce(SecondDevice):
    """R3: a glide turns without a rest."""

    zone_class = _GlideTurnsAtOnceZone


VARIANTS: tuple[type[SecondDevice], ...] = (
    CapOfOneZone,
    NoSumCap,
    ArmCapIgnored,
    RepeatedArmRaisesCap,
    LeftAndRightExchanged,
    EnvelopeByArmedTime,
    EnvelopeByWholeTime,
    EnvelopeTooShort,
    EnvelopeJumps,
    EnvelopeOfGreatestCap,
    EnvelopeNotInOneZone,
    EnvelopeKeptOverArm,
    RiseTwice,
    RiseOfOneZone,
    RiseAnewAfterPause,
    SlewLostAfterMalformed,
    FadeRises,
    FadeRisesInOneZone,
    FadeLeftByPause,
    DriveUnbounded,
    MotionJumps,
    SumOverLevel,
    ReversalWithoutRest,
    ReversalTooOften,
    BootIsNoReversal,
    ReversalForgotten,
    GlideTurnsAtOnce,
)

"""Patterns, drives and motors of one zone: what a level becomes at its two actuators."""

import math
from dataclasses import dataclass, field

TICK = 0.02
STEP = 2.0  # tenths of a percent a tick: 10 points a second
START = 10.0  # tenths: the drive while the watch is blanked
BLANK = 0.3
REST = 0.32
APART = 5.02
LOCKED_MA = 500.0
VIBRATE, KNEAD, GLIDE, CIRCLE, HOLD = 1, 2, 3, 4, 5
ALTERNATE = 3


@dataclass(slots=True)
class Motor:
    """A motor with its drive in tenths of a percent, and a model of its speed and current."""

    drive: float = 0.0
    speed: float = 0.0
    blank: float = 0.0
    high: float = 0.0
    still: float = 0.0
    short: float = 0.0
    off: float = 1.0
    leak: float = 0.0
    jammed: bool = False
    shorted: bool = False
    stuck: bool = False

    def duty(self) -> float:
        if self.drive <= 0:
            return 0.0
        return 0.2 + 0.8 * max(0.0, self.drive - START) / (1000.0 - START)

    def current(self, powered: bool) -> float:
        if not powered:
            return 0.0
        if self.stuck:
            return 180.0
        duty = self.duty()
        if self.shorted:
            return 2.0 * duty * LOCKED_MA
        return max(0.0, duty - 0.9 * self.speed) * LOCKED_MA if duty else 0.0

    def turn(self) -> None:
        """Let one tick pass in the mechanics."""
        goal = 0.0 if self.jammed else self.duty()
        self.speed = goal if self.jammed else self.speed + (goal - self.speed) * 0.4

    def top(self, rising: float) -> float:
        """The most that this motor may be driven at in this tick."""
        limit = self.drive + rising
        if self.blank > 0 or self.drive <= 0:
            limit = min(limit, START)
        return limit

    def cut(self) -> None:
        """Free-wheel at once; being off already changes nothing."""
        if self.drive > 0:
            self.drive = self.off = 0.0

    def drive_to(self, drive: float) -> None:
        if drive > 0 and self.drive <= 0:
            self.blank = BLANK if self.still <= 0 else 0.1
        elif drive > 0:
            self.blank = max(0.0, self.blank - TICK)
        self.drive = max(0.0, drive)
        self.off = 0.0 if self.drive > 0 else self.off + TICK

    def trouble(self, powered: bool) -> int:
        """The cause that this motor trips with now (R12, R14), or 0."""
        if self.drive <= 0 and not self.stuck:
            self.high = self.short = self.leak = 0.0
            return 0
        amps, duty = self.current(powered), self.duty()
        if duty <= 0:
            self.high = self.short = 0.0
            over = self.off > 0.02 and amps > 30
            self.leak = self.leak + TICK if over else 0.0
            return 52 if self.leak >= 0.2 else 0
        self.leak = 0.0
        self.short = self.short + TICK if amps > 1.2 * duty * LOCKED_MA else 0.0
        slow = self.speed < 0.5 * duty
        self.still = self.still + TICK if slow else 0.0
        if self.blank <= 0:
            self.high = self.high + TICK if amps > 0.6 * duty * LOCKED_MA else 0.0
        if self.short >= 0.2:
            return 51
        return 50 if self.high >= 0.3 or self.still >= 0.7 else 0


@dataclass(slots=True)
class Zone:
    """One zone: what was asked of it, where it is, and which way it moved last."""

    index: int
    cap: int
    both: bool = True
    asked: int = 0
    pattern: int = 0
    level: float = 0.0
    sense: int = 0
    reversed_at: float = 0.0
    since: float = 0.0
    vibration: Motor = field(default_factory=Motor)
    kneading: Motor = field(default_factory=Motor)

    def motors(self) -> tuple[Motor, Motor]:
        return self.vibration, self.kneading

    def wanted_sense(self, now: float, period: float) -> int:
        """Which way the pattern wants to go now; 0 if it has no way."""
        motion, direction = self.pattern & 15, self.pattern >> 4
        if motion not in (KNEAD, GLIDE, CIRCLE):
            return 0
        if direction != ALTERNATE:
            return 1 if direction in (1, 4) else -1
        if self.sense == 0:
            return 1
        turn = math.ceil(5.4 / period) * period
        return -self.sense if now - self.since >= turn else self.sense

    def shape(self, phase: float) -> float:
        """The share of the level that the pattern wants now, 0 to 1."""
        motion = self.pattern & 15
        if motion in (KNEAD, CIRCLE):
            return 0.65 - 0.35 * math.cos(2 * math.pi * phase)
        if motion == GLIDE:
            where = 3 * (phase if self.sense > 0 else 1 - phase)
            away = abs(where - (self.index // 2 + 0.5))
            return max(0.0, 1.0 - min(away, 3 - away))
        return 1.0 if motion in (VIBRATE, HOLD) else 0.0

    def apart(self) -> float:
        """Seconds between two reversals."""
        return APART

    def resting(self) -> float:
        """Seconds at zero before a reversal."""
        return REST

    def may_move(self, now: float, period: float) -> bool:
        """Whether the pattern may drive in this tick; False while a reversal rests or waits."""
        want = self.wanted_sense(now, period)
        if want == 0:
            return True
        if self.sense == 0:
            if now < self.reversed_at + self.apart():
                return False
            self.sense, self.since = want, now
            return True
        if want == self.sense:
            return True
        if now < self.reversed_at + self.apart() and self.pattern >> 4 == ALTERNATE:
            return True
        if self.zero_for() < self.resting() or now < self.reversed_at + self.apart():
            return False
        self.sense, self.since, self.reversed_at = want, now, now
        return True

    def zero_for(self) -> float:
        return min(self.vibration.off, self.kneading.off)

    def lower(self, level: float) -> None:
        """A level that falls takes its drives with it at once."""
        self.level = min(self.level, level)
        total = self.vibration.drive + self.kneading.drive
        for motor in self.motors():
            if self.level <= 0:
                motor.cut()
            elif total > self.level:
                motor.drive = float(int(motor.drive * self.level / total))
                motor.off = motor.off if motor.drive else 0.0

    def share(self) -> float:
        """The kneading actuator's part of the drive."""
        kneads = self.pattern & 15 in (KNEAD, CIRCLE)
        return 0.7 if kneads and self.both else 0.0

    def rising(self) -> float:
        return STEP

    def move(self, now: float, phase: float, period: float) -> None:
        """Drive both actuators for one tick."""
        want = 0.0
        if self.level > 0 and self.may_move(now, period):
            want = min(self.level, self.level * self.shape(phase))
        vib, knead = self.hand_over(want)
        for motor, drive in ((self.vibration, vib), (self.kneading, knead)):
            motor.drive_to(drive)
            motor.turn()

    def hand_over(self, want: float) -> tuple[float, float]:
        """Split `want`: both rise at the rate of R3, and what one cannot take yet stays with the other."""
        old_v, old_k = self.vibration.drive, self.kneading.drive
        total = int(min(want, old_v + old_k + self.rising()) + 1e-6)
        part = self.share()
        top_v, top_k = self.vibration.top(self.rising()), self.kneading.top(self.rising())
        vib, knead = min(total - int(total * part), top_v), min(int(total * part), top_k)
        left = total - vib - knead
        if left > 0 and old_v > vib:
            vib = min(vib + left, max(old_v, vib), top_v)
        elif left > 0 and old_k > knead:
            knead = min(knead + left, max(old_k, knead), top_k)
        return vib, knead

"""Levels, envelope, heat, time and faults of the device: what happens in a tick, whoever asked for it."""

import random
from dataclasses import dataclass

from tests.second_device import codec, memory
from tests.second_device.motors import TICK, Motor, Zone

CAPS = (70, 70, 50, 50, 35, 35)
SUM_CAP = 2000.0
IDLE, ARMED, RUNNING, PAUSED, FADING, LATCHED, FAULT = range(7)
RUN, PAUSE, FADE = range(3)
DEAD_MAN, LINK_LOST, TIME_LIMIT, PAUSE_LIMIT, ALLOWANCE, NOISE = 16, 17, 18, 19, 20, 21
BATTERY_LOW, WATCHDOG, CHARGING, BUTTON = 22, 24, 25, 32
OVER_TEMPERATURE, SENSOR, MEMORY = 48, 49, 53
EPS = 1e-6


@dataclass(slots=True)
class Session:
    """What a session knows: who holds it, what it may, and what it used up."""

    link: int
    owner: int
    token: int
    seq: int
    cap: int
    limit_s: int
    fed: float
    began: float
    armed: float = 0.0
    total: float = 0.0
    paused: float = 0.0
    running: float = 0.0
    saved: float = 0.0
    mode: int = RUN
    heat: int = 0
    period: int = 4000
    last: tuple[object, ...] | None = None
    sinking: bool = False
    sink_rate: float = 0.0
    slot: int = 0
    frames: int = 0
    bad: int = 0
    noisy: int = 0


class Outputs:
    """The half of the device below the frames: one method a rule, so that a broken one can be put in its place."""

    zone_class: type[Zone] = Zone

    def __init__(self, seed: int, nvm: dict[str, bytes]) -> None:
        self.seed, self.nvm = seed, nvm
        self.battery, self.plugged, self.mains = 86.0, False, False
        self.pad, self.motor_heat, self.pad_sensor = 24.0, 24.0, True
        self.pressed, self.pressed_at, self.opened_at = False, 0.0, -1.0
        self.can_clear = False
        self.latched = False
        self.now, self.cause, self.boot = 0.0, 0, 0
        self.start_up(power=True)

    def start_up(self, power: bool) -> None:
        """Boot: outputs off, records read, an interval charged (R8, R24)."""
        self.zones = [self.zone_class(i, cap * 10) for i, cap in enumerate(CAPS)]
        self.session: Session | None = None
        self.latched = self.latched and not power
        self.cause = BUTTON if self.latched else 0
        self.up, self.phase, self.last_running = 0.0, 0.0, 0.0
        self.changes, self.counter, self.rejected = 0, 0, 0
        self.attended_until = self.pairing_until = -1.0
        self.fault, self.latch, self.lifetime = 0, 0, 0.0
        self.hour = memory.Hour()
        self.hour.load(self.nvm)
        broken = False
        for read in (self.read_boot, self.read_fault, self.read_lifetime):
            try:
                read()
            except memory.Unreadable:
                broken = True
        if broken:
            self.fault = self.cause = MEMORY
            self.latch = (self.latch + 1) & 0xFFFF
        memory.put(self.nvm, "boot", "<I", self.boot)
        self.save_fault()
        self.save_time(False)
        self.random = random.Random(f"{self.seed}/{self.boot}")
        self.challenges: list[tuple[int, float]] = []
        self.draw()

    def read_boot(self) -> None:
        stored = memory.get(self.nvm, "boot", "<I")
        self.boot = (stored[0] if stored else 0) + 1

    def read_fault(self) -> None:
        stored = memory.get(self.nvm, "fault", "<BH")
        if stored:
            self.fault, self.latch = stored
            self.cause = self.fault or self.cause

    def read_lifetime(self) -> None:
        stored = memory.get(self.nvm, "life", "<IB")
        if stored:
            self.lifetime = stored[0] / 1000 + (10.0 if stored[1] else 0.0)

    def save_fault(self) -> None:
        memory.put(self.nvm, "fault", "<BH", self.fault, self.latch)

    def save_time(self, opened: bool) -> None:
        memory.put(self.nvm, "life", "<IB", int(self.lifetime * 1000), int(opened))
        self.hour.save(self.nvm)

    def draw(self) -> None:
        """A new challenge beside the one before it."""
        self.challenges = [*self.challenges[-1:], (self.random.getrandbits(32), self.up)]

    def new_epoch(self) -> None:
        self.changes += 1
        self.challenges = []
        self.draw()

    @property
    def epoch(self) -> int:
        return (self.boot * 2**20 + self.changes) % 2**32

    def state(self) -> int:
        session = self.session
        if self.fault or self.latched:
            return FAULT if self.fault else LATCHED
        if session is None:
            return IDLE
        if session.mode == FADE or session.sinking:
            return FADING
        if session.mode == PAUSE:
            return PAUSED
        return RUNNING if self.any_level() else ARMED

    def any_level(self) -> bool:
        return any(zone.level > 0 for zone in self.zones)

    def zero(self) -> None:
        """Every level and drive to zero, now."""
        for zone in self.zones:
            zone.level, zone.asked = 0.0, 0
            zone.vibration.cut()
            zone.kneading.cut()

    def finish(self, cause: int) -> None:
        """The session is over; without one only a latch changes the cause."""
        self.zero()
        if self.session is None:
            return
        self.last_running, self.session, self.cause = self.session.running, None, cause
        self.save_time(False)
        self.new_epoch()

    def latch_up(self, cause: int) -> None:
        """A cause that latches: e-stop for the button, fault for the rest."""
        if self.session is not None:
            self.finish(cause)
        else:
            self.zero()
            self.new_epoch()
        self.latch = (self.latch + 1) & 0xFFFF
        self.attended_until = -1.0
        if cause >= OVER_TEMPERATURE:
            self.fault = self.cause = cause
        elif not self.fault:
            self.latched, self.cause = True, cause
        self.save_fault()

    def clear(self) -> None:
        """Take a latch away, and do nothing else."""
        self.fault, self.latched = 0, False
        self.save_fault()

    # Levels

    def envelope(self, zone: Zone, session: Session) -> float:
        """E(running) of one zone in tenths (R2)."""
        return self.curve(zone.cap, session.running)

    def curve(self, cap: int, running: float) -> float:
        if running <= 60:
            return min(100.0, cap)
        return min(cap, 100.0 + (cap - 100.0) * min(1.0, (running - 60) / 240))

    def rise(self, session: Session) -> float:
        """Tenths of a percent that a level may rise in this tick (R3, R4)."""
        return 0.0 if self.age(session) > self.deadman(session.link) / 2 else 0.4

    def age(self, session: Session) -> float:
        return self.now - session.fed - EPS

    def deadman(self, link: int) -> float:
        raise NotImplementedError

    def allowed(self, session: Session) -> list[float]:
        """What each zone may be at in this tick."""
        most = [
            float(min(z.asked, session.cap, z.cap, self.envelope(z, session))) for z in self.zones
        ]
        if session.mode == FADE or session.sinking:
            most = [min(a, z.level) for a, z in zip(most, self.zones, strict=True)]
        return [float(int(value + EPS)) for value in self.scaled(most)]

    def scaled(self, most: list[float]) -> list[float]:
        total = sum(most)
        return [value * SUM_CAP / total for value in most] if total > SUM_CAP else most

    def level_tick(self, session: Session) -> None:
        rise = self.rise(session)
        for zone, most in zip(self.zones, self.allowed(session), strict=True):
            zone.level = min(most, zone.level + rise) if most > zone.level else most
        if session.sinking:
            for zone in self.zones:
                zone.level = max(0.0, zone.level - session.sink_rate)

    def count(self, session: Session) -> None:
        """Armed, paused and running time of one tick (R2, R8)."""
        session.total += TICK
        if session.mode == PAUSE:
            session.paused += TICK
        else:
            session.armed += TICK
        if self.any_level():
            self.count_running(session)
        session.saved += TICK
        if session.saved >= 10 - EPS:
            session.saved = 0.0
            self.save_time(True)

    def count_running(self, session: Session) -> None:
        session.running += TICK
        self.lifetime += TICK
        self.hour.charge(round(TICK * 1000))

    def limit(self, session: Session) -> int:
        """The cause that ends the session now, or 0."""
        if self.age(session) > self.deadman(session.link):
            return DEAD_MAN
        over = session.armed >= self.armed_limit(session) or session.total >= self.total_limit()
        if over:
            return TIME_LIMIT
        if session.paused >= self.pause_limit():
            return PAUSE_LIMIT
        return ALLOWANCE if self.allowance() <= 0 else 0

    def armed_limit(self, session: Session) -> float:
        return min(1620.0, 0.9 * session.limit_s)

    def total_limit(self) -> float:
        return 2430.0

    def pause_limit(self) -> float:
        return 270.0

    def allowance(self) -> int:
        """Whole seconds of running left in this hour, by this clock."""
        if not self.hour.readable:
            return 0
        return max(0, (1_620_000 - self.hour.used_ms()) // 1000)

    # Motors, heat, battery

    def powered(self) -> bool:
        """Whether the independent power switch is closed."""
        return not self.fault

    def motors(self) -> list[Motor]:
        return [motor for zone in self.zones for motor in zone.motors()]

    def move(self) -> None:
        period = (self.session.period if self.session else 4000) / 1000
        self.phase = (self.phase + TICK / period) % 1.0
        for zone in self.zones:
            zone.move(self.up, self.phase, period)

    def heating(self) -> bool:
        session = self.session
        if session is None or session.mode != RUN or session.sinking or session.heat == 0:
            return False
        return self.pad < min(session.heat / 10, 39.5)

    def warm(self) -> None:
        self.pad += 0.004 if self.heating() else (24.0 - self.pad) * 0.0002
        self.battery -= 0.00002 if self.any_level() else 0.0

    def present(self) -> int:
        """The cause that trips and can be seen without driving anything, or 0."""
        if not self.pad_sensor:
            return SENSOR
        return OVER_TEMPERATURE if self.pad >= 40.5 or self.motor_heat >= 65 else 0

    def tripping(self) -> int:
        """The protection that trips now, or 0."""
        if self.present():
            return self.present()
        for motor in self.motors():
            cause = motor.trouble(self.powered())
            if cause:
                return cause
        return 0

    def protect(self) -> None:
        cause = self.tripping()
        if cause and cause != self.fault:
            self.trip(cause)

    def trip(self, cause: int) -> None:
        self.latch_up(cause)
        self.can_clear = False
        for motor in self.motors():
            motor.high = motor.still = motor.short = motor.leak = 0.0

    def noise(self, session: Session) -> int:
        """The frame noise of one slot after another (R16)."""
        if self.now - session.began < (session.slot + 1) * 0.5 - EPS:
            return 0
        bad = session.bad > session.frames - session.bad
        session.noisy = session.noisy + 1 if bad else 0
        session.slot, session.frames, session.bad = session.slot + 1, 0, 0
        return NOISE if session.noisy >= 4 else 0

    def drain(self, session: Session) -> None:
        """Fade to zero in 0.8 s once the battery is low, whatever it does then (R13)."""
        if self.battery < 8 and not self.mains and not session.sinking:
            session.sinking = True
            session.sink_rate = max(zone.level for zone in self.zones) / 38 + EPS
            if not self.any_level():
                self.finish(BATTERY_LOW)
        elif session.sinking and not self.any_level():
            self.finish(BATTERY_LOW)

    def info(self, token: int, link: int) -> codec.Info:
        head = (token, 1 | 2 * self.mains | 4, f"2ND-{self.seed % 10**8:08d}", (1, 0, 0), self.boot)
        masks = (int(self.lifetime + EPS), 63, 63, 63, 63, 63, CAPS, 200, 20)
        return codec.Info(*head, *masks, int(self.deadman(link) * 1000), 1800, 2700, 1800, 255)

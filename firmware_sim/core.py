"""Levels above zero only in an open session, fed within T, with nothing tripped (R4, R8, R12, R24)."""

from __future__ import annotations

from typing import Final

from firmware_sim import judge, wire
from firmware_sim.allowance import SLOT_S, Allowance
from firmware_sim.announce import Announcer
from firmware_sim.button import CLEAR_HOLD_S, PAIR_HOLD_S, Button, Edge
from firmware_sim.config import FRAME_TICKS, TICK_S, TICKS_PER_S, DeviceConfig
from firmware_sim.guard_heat import HeatGuard
from firmware_sim.guard_motor import MotorGuard
from firmware_sim.guard_supply import FADE_FRAMES, Supply, SupplyGuard
from firmware_sim.levels import Levels
from firmware_sim.memory import Memory
from firmware_sim.noise import Noise
from firmware_sim.nvm import Nvm
from firmware_sim.outputs import NoRecorder, Recorder
from firmware_sim.pattern import Motion, Patterns
from firmware_sim.physics.plant import Plant
from firmware_sim.session import Session
from firmware_sim.states import Cause, Event, State, follow, trace_event

FRAME_S: Final = FRAME_TICKS * TICK_S
WATCHDOG_TICKS: Final = 18  # 350 ms, in whole ticks (R24)
PAIRING_TICKS: Final = 60 * TICKS_PER_S
ATTENDED_TICKS: Final = 600 * TICKS_PER_S
_SLOT_TICKS: Final = SLOT_S * TICKS_PER_S
_WORD16: Final = 0xFFFF


class Core:
    """The device without its links. Time is counted in ticks of 20 ms since power-on."""

    __slots__ = (
        "_abilities",
        "_fade_left",
        "_frame_s",
        "_hung_at",
        "_latched_before",
        "_next_frame",
        "_next_slot",
        "_seed",
        "_unsaved",
        "allowance",
        "announcer",
        "attended_until",
        "boot_tick",
        "button",
        "cause",
        "changed",
        "config",
        "heat",
        "latch",
        "levels",
        "limits",
        "memory",
        "motor_guard",
        "nvm",
        "pairing_until",
        "patterns",
        "plant",
        "recorder",
        "running",
        "session",
        "state",
        "supply",
        "tick",
    )

    def __init__(
        self, config: DeviceConfig, nvm: Nvm, seed: int, recorder: Recorder | None = None
    ) -> None:
        self.config = config
        self.limits = config.limits
        self.recorder: Recorder = recorder or NoRecorder()
        self.nvm = nvm
        self._seed = seed
        self._abilities = judge.abilities(config)
        self._frame_s = FRAME_S / config.clock_rate
        self.plant = Plant(config, Noise(seed))
        self.button = Button()
        self.tick = 0
        self.session: Session | None = None
        self.state = State.IDLE
        self._boot(Cause.NONE)

    def _boot(self, cause: Cause) -> None:
        """Everything that a reset sets up anew, with the outputs off until the self-test has passed."""
        latched = self.state is State.LATCHED
        kept = (self.cause, self.latch) if latched else None
        self.session = None
        self.allowance = Allowance(self.limits)
        self.memory = Memory(self.nvm, self.allowance)
        boot = self.memory.boot  # in the seed too: no challenge comes back with a reboot
        self.announcer = Announcer(boot, self.memory.next_boot, Noise(self._seed << 32 ^ boot))
        self.levels = Levels(self.limits, self.config.zones)
        self.patterns = Patterns(self.limits)
        self.motor_guard = MotorGuard(self.config.sensing)
        self.heat = HeatGuard(self.config.sensing)
        self.supply = SupplyGuard(self.plant.battery, mains=self.config.mains)
        self.boot_tick = self.tick
        self.running = self._unsaved = 0  # ticks of running time, since ARM and since accounted
        self.cause, self.latch = kept or (cause, self.memory.latch)
        self.pairing_until = self.attended_until = 0
        self._hung_at: int | None = None
        self._next_frame = self.tick - self.tick % FRAME_TICKS + FRAME_TICKS
        self._next_slot = self.tick + _SLOT_TICKS
        self._fade_left = 0
        self.changed = True  # TELEMETRY must tell something at once
        self.plant.drive(self.patterns.drive)
        self._latched_before = False
        self.state = State.LATCHED if latched else State.IDLE
        if self.memory.cause is not Cause.NONE:
            self.state, self.cause, self.latch = State.FAULT, self.memory.cause, self.memory.latch
        self.plant.motors.powered = self.state is not State.FAULT
        self.recorder.event(self, "boot", self.cause.name.lower())
        if not self.memory.intact:
            self.trip(Cause.MEMORY)
        if self.button.pressed:
            self.press(Edge.OPENED if self.button.open else Edge.PRESSED)

    # --- time

    @property
    def now(self) -> float:
        """Seconds of the device's clock since power-on."""
        return self.tick * TICK_S

    @property
    def hung(self) -> bool:
        """The firmware does nothing at all until the watchdog resets it."""
        return self._hung_at is not None

    @property
    def next_tick(self) -> int:
        """The tick at which somebody outside may see something new."""
        if self._hung_at is not None:
            return self._hung_at + WATCHDOG_TICKS
        if self.state is State.ARMED and self.levels.rising:
            return self.tick + 1
        if self.session is not None:
            return min(self._next_frame, self.session.cut_tick)
        return self._next_frame

    def run(self, goal: int) -> bool:
        """Tick on towards `goal`; stops early, with True, where TELEMETRY is due."""
        while self.tick < goal:
            if self._hung_at is not None:
                self._hang(goal, self._hung_at + WATCHDOG_TICKS)
                continue
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
            and not self.levels.rising
            and self.plant.motors.settled
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
        levels, session = self.levels, self.session
        if levels.up:
            self.running += 1
            self._unsaved += 1
        if levels.rising and session is not None and self.tick <= session.rise_until:
            levels.rise()
            self.patterns.settled = False
            if self.state is State.ARMED:
                self._follow(Event.MOVE)
        if not self.patterns.settled:
            self.patterns.step(levels.level, self.tick)
            self.plant.drive(self.patterns.drive)
        motors = self.plant.motors
        if not motors.settled:
            motors.step()
        cause = self.motor_guard.check(self.tick, motors)
        if cause is not None:
            self.trip(cause)
        self.recorder.frame(self)

    def _frame(self) -> None:
        """Ten times a second: what is slow."""
        self._next_frame += FRAME_TICKS
        self._account()
        plant = self.plant
        plant.step(self._frame_s)
        current = plant.motors.total_ma()
        cause = self.heat.step(plant.pad_sensor, plant.motor_sensor, current, FRAME_S)
        plant.heater = self.heat.power
        if cause is not None and not (self.state is State.FAULT and self.cause is cause):
            self.trip(cause)
        self._check_supply()
        if self.levels.held and self.levels.retarget(self.running):
            self._fell()
        if self.session is not None and self.allowance.left <= FRAME_TICKS:
            self.end(Cause.ALLOWANCE)
        self.announcer.renew_if_due(self.now)
        if self.button.settle(self.now):
            self._released()
        if self.tick >= self._next_slot:
            self._next_slot += _SLOT_TICKS
            self.allowance.turn_slot()
            self.memory.checkpoint(self.allowance, running=self.levels.up)
        self.recorder.frame(self)

    def _account(self) -> None:
        ran = self._unsaved
        if ran:
            self._unsaved = 0
            self.allowance.run(ran)
            self.memory.life_ticks += ran

    # --- the session

    def arm(self, arm: wire.Arm, link: int, deadman_s: float, now: float) -> None:
        """Open a session; the caller has made every check."""
        self.session = Session(arm, link, deadman_s, self.limits, now)
        self.running = 0
        self.levels.open(arm.cap)
        self.cause = Cause.NONE
        self.attended_until = 0
        self._fade_left = 0
        self._follow(Event.ARM)
        self.recorder.event(self, "arm", "")

    def take(self, setpoint: wire.Setpoint, session: Session, now: float) -> None:
        """A fresh and authentic SETPOINT: it feeds the dead-man, and then it is obeyed."""
        session.seq = setpoint.seq
        session.feed(now)
        if not judge.setpoint_in_range(setpoint):
            asked, session.asked = [0] * 6, ()
            self.heat.off()
            self.changed = True
        else:
            asked = judge.wanted(self._abilities, setpoint)
            asked_for = (
                setpoint.mode,
                setpoint.heat,
                setpoint.period,
                setpoint.level,
                setpoint.pattern,
            )
            if asked_for == session.asked:
                return
            session.asked = asked_for
            self.heat.target = setpoint.heat / 10.0 if self.config.heat else 0.0
            self._motions(setpoint)
            self._mode(setpoint.mode, session)
            self.changed = True
        if self.state is State.FADING:
            asked = [min(want, level) for want, level in zip(asked, self.levels.level, strict=True)]
        self.levels.ask(asked, self.running)
        self._fell()

    def _motions(self, setpoint: wire.Setpoint) -> None:
        before = self.patterns.motion
        self.patterns.ask(setpoint.pattern, setpoint.period)
        if self.patterns.motion == before:
            return
        for zone, motion in enumerate(self.patterns.motion):
            self.plant.share(zone, kneads=motion in (Motion.KNEAD, Motion.CIRCLE))

    def _mode(self, mode: int, session: Session) -> None:
        state = self.state
        if mode == judge.PAUSE:
            session.pause(self.tick)
            self._follow(Event.PAUSE)
        else:
            session.resume(self.tick)
            self._follow(Event.FADE if mode == judge.FADE else Event.RUN)
        if state is State.PAUSED is not self.state:
            self.recorder.event(self, "resume", "")
        if self.state is not state and self.state in (State.PAUSED, State.FADING):
            self.recorder.event(self, "pause" if self.state is State.PAUSED else "fade", "owner")

    def _fell(self) -> None:
        """Levels may have fallen: drives, motors and state follow at once."""
        self.patterns.fall(self.levels.level, self.tick)
        self.plant.drive(self.patterns.drive)
        if self.state is State.RUNNING and not self.levels.up:
            self._follow(Event.REST)
        self.recorder.frame(self)

    def _zero(self) -> None:
        self._account()
        self.levels.zero()
        self.patterns.zero(self.tick)
        self.heat.off()
        self.plant.heater = 0.0
        self.plant.drive(self.patterns.drive)

    def _close(self, event: Event, cause: Cause) -> None:
        """Everything to zero, a new epoch and a new challenge; whatever the reason."""
        was_open = self.session is not None
        self._zero()
        self.session = None
        self.announcer.new_epoch()
        self.announcer.void_challenges(self.now)
        if was_open or event is not Event.END:
            self.cause = cause
        if was_open:
            self.memory.checkpoint(self.allowance, running=False)
        self._follow(event)
        self.changed = True

    def end(self, cause: Cause) -> None:
        """The session is over. Without one, it is still a new epoch (R6)."""
        self._close(Event.END, cause)
        self.recorder.event(self, trace_event(cause), cause.name.lower())
        self.recorder.frame(self)

    def _follow(self, event: Event) -> None:
        after = follow(self.state, event)
        if after is not self.state:
            self.state = after
            self.changed = True

    # --- latches

    def trip(self, cause: Cause) -> None:
        """A protection trips: fault latch, kept in NVM."""
        self._close(Event.TRIP, cause)
        self.latch = (self.latch + 1) & _WORD16
        self.memory.save_latch(cause, self.latch)
        if cause in (Cause.STUCK_OUTPUT, Cause.MEMORY):
            self.plant.motors.powered = False
            self.plant.motors.disturb()
        self.recorder.event(self, "trip", cause.name.lower())
        self.recorder.frame(self)

    def press(self, edge: Edge) -> None:
        """The button's first edge: e-stop latch, whatever the state."""
        if edge is Edge.NONE:
            return
        in_fault = self.state is State.FAULT
        self._latched_before = in_fault or self.state is State.LATCHED
        cause = Cause.BUTTON if edge is Edge.PRESSED else Cause.BUTTON_OPEN
        self._close(Event.LATCH, self.cause if in_fault else cause)
        self.latch = (self.latch + 1) & _WORD16
        self.memory.save_latch(self.cause if in_fault else Cause.NONE, self.latch)
        self.recorder.event(self, "latch", cause.name.lower())
        self.recorder.frame(self)

    def _released(self) -> None:
        """The button came to rest: a long hold clears what was latched before it, a longer one opens pairing."""
        self.changed = True
        held = self.button.hold_s
        if held >= CLEAR_HOLD_S and self._latched_before and not self.cause_present():
            self.clear("button")
            self.attended_until = self.tick + ATTENDED_TICKS
        if held >= PAIR_HOLD_S:
            self.pairing_until = self.tick + PAIRING_TICKS

    def cause_present(self) -> bool:
        """Whether anything that trips is still there."""
        plant = self.plant
        return (
            self.heat.hot(plant.pad_sensor, plant.motor_sensor)
            or self.heat.blind
            or bool(plant.motors.stuck)
            or not (self.memory.intact or self.memory.mend(self.allowance))
        )

    def clear(self, reason: str) -> None:
        """The latch is cleared, and nothing else happens."""
        self._follow(Event.CLEAR)
        self.memory.save_latch(Cause.NONE, self.latch)
        self.plant.motors.powered = True
        self.recorder.event(self, "reset", reason)
        self.recorder.frame(self)

    # --- supply, watchdog

    def _check_supply(self) -> None:
        if self.session is None:
            return
        found = self.supply.look()
        match found:
            case Supply.BROWN_OUT:
                self.end(Cause.BROWN_OUT)
                self.restart(Cause.BROWN_OUT)
                return
            case Supply.CHARGING:
                self.end(Cause.CHARGING)
                return
            case Supply.LOW if not self._fade_left:
                self._fade_left = FADE_FRAMES
                self._follow(Event.FADE)
                self.recorder.event(self, "fade", Cause.BATTERY_LOW.name.lower())
            case _:
                pass
        if self._fade_left:
            self._fade_left -= 1
            self.levels.lower(self._fade_left, self._fade_left + 1, self.running)
            self._fell()
            if not self._fade_left:
                self.end(Cause.BATTERY_LOW)

    def hang(self) -> None:
        """The firmware stops where it is, outputs and all (fault 46)."""
        if self._hung_at is None:
            self._hung_at = self.tick

    def _hang(self, goal: int, due: int) -> None:
        self.tick = min(goal, due)
        if self.tick >= due:
            self.restart(Cause.WATCHDOG)

    def restart(self, cause: Cause) -> None:
        """A reset of the processor: outputs off, and a new boot."""
        self._zero()
        self.recorder.frame(self)
        self._boot(cause)

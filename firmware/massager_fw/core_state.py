"""What the device holds, and how all of it comes to zero: ends, trips, latches and resets (R6, R7, R12, R14)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from massager_fw.allowance import CHECKPOINT_S, Allowance
from massager_fw.announce import Announcer
from massager_fw.board import ACTUATORS
from massager_fw.button import CLEAR_HOLD_MS, PAIR_HOLD_MS, Button, Edge
from massager_fw.config import COUNTED_TICKS_PER_S, FRAME_TICKS, TICK_MS, TICKS_PER_S
from massager_fw.field_validation import abilities
from massager_fw.guard_heat import HeatGuard
from massager_fw.guard_motor import MotorGuard
from massager_fw.guard_supply import SupplyGuard
from massager_fw.levels import Levels
from massager_fw.memory import Memory
from massager_fw.pattern import Patterns
from massager_fw.shim import const, ints, micropython
from massager_fw.states import Cause, Event, State, follow

if TYPE_CHECKING:
    from typing import Any

    from massager_fw.board import Board
    from massager_fw.config import DeviceConfig
    from massager_fw.session import Session

    ptr32 = Any

PAIRING_TICKS = 60 * TICKS_PER_S
ATTENDED_TICKS = 600 * COUNTED_TICKS_PER_S
CHECKPOINT_TICKS = CHECKPOINT_S * TICKS_PER_S
_NO_CAUSE = Cause.NONE
_GENTLEST = const(100)
"""Up to 1 % the duty is start duty: the gentlest that turns."""
_FULL = const(10_000)
_ACTUATORS = const(12)


@micropython.viper
def _duties(drives: ptr32, duty: ptr32, vibration: int, kneading: int):
    """The duty of each actuator from its drive, from the start duty of its kind upward (docs/protocol.md 8)."""
    for m in range(_ACTUATORS):
        drive = drives[m]
        start = 0
        if drive:
            start = kneading if m & 1 else vibration
            if drive > _GENTLEST:
                start += (drive - _GENTLEST) * (_FULL - start) // (_FULL - _GENTLEST)
        duty[m] = start


class CoreState:
    """The device between two ticks; `core.Core` gives it time and sessions."""

    __slots__ = (
        "_abilities",
        "_asked",
        "_checkpoints",
        "_duty",
        "_fade_left",
        "_latched_before",
        "_next_checkpoint",
        "_next_frame",
        "_unsaved",
        "_warm",
        "_wrong",
        "allowance",
        "announcer",
        "attended_until",
        "board",
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
        "pairing_until",
        "patterns",
        "running",
        "serial",
        "session",
        "state",
        "supply",
        "tick",
    )

    def __init__(self, board: Board, config: DeviceConfig) -> None:
        self.board = board
        self.config = config
        self.limits = config.limits
        self._abilities = abilities(config)
        self._asked = ints([0] * 6)
        self._duty = ints([0] * ACTUATORS)
        self.serial = (config.serial.encode() + bytes(12))[:12]
        """As INFO carries it."""
        self.button = Button()
        self.tick = 0
        self.session: Session | None = None
        self.boot(board.reset_cause)

    def boot(self, cause: int) -> None:
        """Everything that a reset sets up, with the outputs off until the self-test has passed."""
        board, config = self.board, self.config
        self.session = None
        self.allowance = Allowance(self.limits)
        self.memory = Memory(board, self.allowance)
        board.booted(self.memory.boot)
        self.announcer = Announcer(self.memory, board)
        self.levels = Levels(self.limits, config.zones)
        self.patterns = Patterns(self.limits, config.vibration, config.kneading, self.tick)
        self.motor_guard = MotorGuard(config.sensing, config.locked_ma)
        self.heat = HeatGuard(config.sensing)
        self.supply = SupplyGuard(board, mains=config.mains)
        self.boot_tick = self.tick
        self.running = self._unsaved = 0  # ticks of running time, since ARM and since accounted
        self.cause, self.latch = cause, self.memory.latch
        self.pairing_until = self.attended_until = 0
        self._next_frame: int = self.tick - self.tick % FRAME_TICKS + FRAME_TICKS
        self._next_checkpoint = self.tick + CHECKPOINT_TICKS
        self._checkpoints: int = 0
        self._fade_left = 0
        self.changed = True
        """TELEMETRY must tell something at once."""
        self._drive()
        self._latched_before = False
        self._warm = self.memory.cause  # a cause that lasts over the boot counts once
        self._wrong = _NO_CAUSE  # what the motor guard said a tick ago: one that lasts counts once
        self.state = State.IDLE
        if board.kept:
            self.state, self.cause = State.LATCHED, board.kept
        if self.memory.cause != _NO_CAUSE:
            self.state, self.cause = State.FAULT, self.memory.cause
        board.power(on=self.state != State.FAULT)
        self.note("boot", self.cause)
        if not self.memory.intact:
            self.trip(Cause.MEMORY)
        if self.button.pressed:
            self.press(Edge.OPENED if self.button.open else Edge.PRESSED)

    # --- an observer; a simulator overrides these

    def note(self, event: str, reason: int | str) -> None:
        """Something happened. It must not change anything."""

    def outputs_changed(self) -> None:
        """A tick, or several in which no output changed, are over."""

    @property
    def now_ms(self) -> int:
        """Milliseconds of the device's clock since power-on, at the last tick."""
        return self.tick * TICK_MS

    # --- outputs

    @micropython.native
    def _drive(self) -> None:
        """Set the duty of each actuator."""
        duty, start_duty = self._duty, self.config.start_duty
        _duties(self.patterns.actuators, duty, start_duty[0], start_duty[1])
        self.board.drive(duty)

    def _zero(self) -> None:
        self._account()
        self.levels.zero()
        self.patterns.zero(self.tick)
        self.heat.off()
        self.board.heat(0)
        self._drive()

    def _close(self, event: int, cause: int) -> None:
        """Everything to zero, a new epoch and a new challenge; whatever the reason."""
        was_open = self.session is not None
        self._zero()
        self.session = None
        self.announcer.new_epoch()
        self.announcer.void_challenges(self.now_ms)
        if was_open or event != Event.END:
            self.cause = cause
        if was_open:
            self.memory.checkpoint(self.allowance, in_session=False)
        self._follow(event)
        self.changed = True

    def end(self, cause: int) -> None:
        """The session is over. Without one, it is still a new epoch (R6)."""
        self._close(Event.END, cause)
        self.note("end", cause)
        self.outputs_changed()

    @micropython.native
    def _follow(self, event: int) -> None:
        after = follow(self.state, event)
        if after != self.state:
            self.state = after
            self.changed = True

    @micropython.native
    def _account(self) -> None:
        ran = self._unsaved
        if ran:
            self._unsaved = 0
            self.allowance.run(ran)
            self.memory.life_ticks += ran

    # --- latches

    def trip(self, cause: int) -> None:
        """A protection trips: fault latch, kept in NVM."""
        self._close(Event.TRIP, cause)
        self._latched_before = False  # a hold in which it trips is older than the fault
        self.attended_until = 0
        self.latch = (self.latch + 1) & 0xFFFF
        self.memory.save_latch(cause, self.latch)
        self.board.keep(0)
        if cause in (Cause.STUCK_OUTPUT, Cause.MEMORY):
            self.board.power(on=False)
        self.note("trip", cause)
        self.outputs_changed()

    def sense_button(self, now: int) -> None:
        """The board's button may have changed: its first edge latches, whatever the state."""
        if self.button.settle(now):
            self._released()
        edge = self.button.sense(self.board.button, now)
        if edge != Edge.NONE:
            self.press(edge)

    def press(self, edge: int) -> None:
        """The button's first edge: e-stop latch, whatever the state."""
        in_fault = self.state == State.FAULT
        # One that a boot finds may be the press that set the latch.
        latched = in_fault or self.state == State.LATCHED
        self._latched_before = latched and self.tick > self.boot_tick
        cause = Cause.BUTTON if edge == Edge.PRESSED else Cause.BUTTON_OPEN
        self._close(Event.LATCH, self.cause if in_fault else cause)
        self.attended_until = 0
        self.latch = (self.latch + 1) & 0xFFFF
        self.memory.save_latch(self.cause if in_fault else _NO_CAUSE, self.latch)
        self.board.keep(0 if in_fault else cause)
        self.note("latch", cause)
        self.outputs_changed()

    def _released(self) -> None:
        """The button came to rest: a long hold clears what was latched before it, a longer one opens pairing."""
        held = self.button.hold_ms
        self.changed = True
        if held >= CLEAR_HOLD_MS and self._latched_before and not self.cause_present():
            self.clear("button")
            self.attended_until = self.tick + ATTENDED_TICKS
        if held >= PAIR_HOLD_MS:
            self.pairing_until = self.tick + PAIRING_TICKS

    def cause_present(self) -> bool:
        """Whether anything that trips is still there."""
        board = self.board
        return (
            self.heat.hot(board.pad_sensor, board.motor_sensor)
            or self.heat.blind
            or board.output_stuck()
            or not (self.memory.intact or self.memory.mend(self.allowance))
        )

    def clear(self, reason: str) -> None:
        """The latch is cleared, and nothing else happens."""
        self._follow(Event.CLEAR)
        self.memory.save_latch(_NO_CAUSE, self.latch)
        self.board.keep(0)
        self.board.power(on=True)
        self.note("reset", reason)
        self.outputs_changed()

    # --- reset

    def restart(self, cause: int) -> None:
        """A reset of the processor: outputs off, and a new boot."""
        self._zero()
        self.outputs_changed()
        self.boot(cause)

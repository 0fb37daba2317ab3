"""A frame acts only if it is good, authentic, current and fresh; STOP acts always (R6, R16, R17)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from massager_fw import field_validation, report
from massager_fw.codec import MAX_ENCODED
from massager_fw.config import TICK_MS, TICKS_PER_S
from massager_fw.core import Core
from massager_fw.frames import Arm, FrameType, Setpoint, check, get16, get32, pack_ack, same
from massager_fw.links import Port
from massager_fw.shim import micropython
from massager_fw.states import Cause, Result, State, is_open

if TYPE_CHECKING:
    from massager_fw.board import Board
    from massager_fw.codec_cpython import Buffer
    from massager_fw.config import DeviceConfig

_SETPOINT = FrameType.SETPOINT
_FROM_DEVICE = FrameType.INFO
"""From here on the types are those that a device sends."""
_BACKLOG_TICKS = TICKS_PER_S
"""TELEMETRY that is more than 1 s late is not sent any more."""


class Firmware:
    """The whole device, without a clock: every call says what time it is, in milliseconds since power-on.

    What it says goes to `Board.send`.
    """

    __slots__ = ("_body", "_boot", "_now_setpoint", "_ports", "board", "config", "core", "rejected")

    def __init__(self, board: Board, config: DeviceConfig) -> None:
        self.board = board
        self.config = config
        self.core = self._make_core()
        self.rejected = 0
        self._ports: list[Port] = []
        self._body = bytearray(MAX_ENCODED)
        self._now_setpoint = Setpoint()
        self._boot = self.core.memory.boot

    def _make_core(self) -> Core:
        return Core(self.board, self.config)

    # --- time

    def advance(self, now: int) -> None:
        """Everything up to `now`."""
        self._catch_up(now)
        self._tell_changes()

    @micropython.native
    def _catch_up(self, now: int) -> None:
        goal = now // TICK_MS
        core = self.core
        while core.tick < goal:
            if core.run(goal):
                self._announce(goal - core.tick)

    @micropython.native
    def _tell_changes(self) -> None:
        if self.core.changed:
            self._announce(0)

    @micropython.native
    def _announce(self, late: int) -> None:
        """TELEMETRY to every link that can carry it."""
        core = self.core
        core.changed = False
        if core.memory.boot != self._boot:
            self._boot = core.memory.boot
            self.rejected = 0
            for port in self._ports:
                port.receiver.reset()
        if late > _BACKLOG_TICKS:
            return
        size = 0
        for port in self._ports:
            if port.talks:
                # Nothing is counted as reported while no one listens.
                size = size or self._telemetry(self._body)
                if size:
                    self._send(port, self._body, size)

    @property
    def is_connected(self) -> bool:
        """Whether any link is up."""
        return bool(self._ports)

    @micropython.native
    def _telemetry(self, out: bytearray) -> int:
        """TELEMETRY into `out`; its length, 0 for none."""
        return report.telemetry(self.core, self.rejected, out)

    @micropython.native
    def _send(self, port: Port, body: bytearray, size: int) -> None:
        port.send(body, size)

    # --- links

    def connect(self, link: int, kind: str, now: int, bonded: bool, mtu: int) -> None:
        """A link is up. `bonded` and `mtu` matter on BLE alone; `links.NO_MTU` for a byte stream."""
        self._catch_up(now)
        self._drop(link)
        deadman_ms = self.config.limits.deadman(kind)
        self._ports.append(Port(self.board, link, kind, deadman_ms, bonded, mtu))
        self._tell_changes()

    def disconnect(self, link: int, now: int) -> None:
        """A link is down; if it was the owner's, the session is over at once (R4)."""
        self._catch_up(now)
        self._drop(link)
        session = self.core.session
        if session is not None and session.link == link:
            self.core.end(Cause.LINK_LOST)
        self._tell_changes()

    def _drop(self, link: int) -> None:
        port = self._port(link)
        if port is not None:
            self._ports.remove(port)

    @micropython.native
    def _port(self, link: int) -> Port | None:
        for port in self._ports:
            if port.link == link:
                return port
        return None

    @micropython.native
    def feed(self, link: int, data: Buffer, size: int, now: int) -> None:
        """`size` bytes from a link: a piece of the stream, or on BLE one frame body."""
        self._catch_up(now)
        port = self._port(link)
        if port is not None:
            receiver = port.receiver
            if port.framed:
                place = 0
                while place < size:
                    place = receiver.read(data, place, size)
                    if receiver.size:
                        self._frame(port, receiver.body, receiver.size, now)
            else:
                receiver.whole(data, size)
                self._frame(port, receiver.body, receiver.size, now)
        self._tell_changes()

    def read_info(self, link: int, now: int, out: bytearray) -> int:
        """INFO with token 0 into `out`, for a GATT read; its length."""
        self._catch_up(now)
        port = self._port(link)
        return 0 if port is None else report.info(self.core, 0, port.deadman_ms, out)

    def read_telemetry(self, now: int, out: bytearray) -> int:
        """A new TELEMETRY body into `out`, for a GATT read; its length."""
        self._catch_up(now)
        return report.telemetry(self.core, self.rejected, out)

    @property
    def pairing_open(self) -> bool:
        """Whether a host may pair now (R17)."""
        return self.core.tick < self.core.pairing_until

    @property
    def at_rest(self) -> bool:
        """Every level is at zero: the time to collect garbage, and to erase flash."""
        return not self.core.levels.up

    # --- frames

    @micropython.native
    def _frame(self, port: Port, body: bytearray, size: int, now: int) -> None:
        """The frame body in the first `size` bytes; a size below zero says what was bad with it."""
        kind = check(body, size) if size > 0 else size
        session = self.core.session
        if session is not None and session.link == port.link:
            # A device's own frame that comes back is bad as well.
            session.noise.note(self.core.tick, not 0 < kind < _FROM_DEVICE)
        if kind == _SETPOINT:
            self._now_setpoint.read(body)
            self._setpoint(port, self._now_setpoint, now)
        else:
            self._seldom(port, kind, body, now)

    def _seldom(self, port: Port, kind: int, body: bytearray, now: int) -> None:
        """Any frame but a SETPOINT."""
        if kind == FrameType.STOP:
            self._stop(port, body)
        elif kind == FrameType.ARM:
            self._arm(port, Arm(body), body, now)
        elif kind == FrameType.RESET:
            self._reset(port, body, now)
        elif kind == FrameType.GET_INFO and port.talks:
            size = report.info(self.core, get32(body, 2), port.deadman_ms, self._body)
            self._send(port, self._body, size)
        else:
            self._reject()

    def _reject(self) -> None:
        self.rejected = (self.rejected + 1) & 0xFFFF

    def _answer(self, port: Port, request: bytearray, result: int) -> None:
        if result != Result.OK:
            self._reject()
        core = self.core
        size = pack_ack(self._body, request, result, core.announcer.epoch, core.latch)
        self._send(port, self._body, size)

    def _stop(self, port: Port, stop: bytearray) -> None:
        # An unknown reason is still a stop.
        reason = stop[6]
        known = Cause.NONE < reason <= Cause.TELEMETRY_LOST
        self.core.end(reason if known else Cause.PERSON)
        self._answer(port, stop, Result.OK)

    @micropython.native
    def _setpoint(self, port: Port, setpoint: Setpoint, now: int) -> None:
        core = self.core
        session = core.session
        if (
            port.may_command
            and session is not None
            and session.link == port.link
            and same(setpoint.owner, 0, session.owner)
            and same(setpoint.epoch, 0, core.announcer.epoch)
            and session.newer(setpoint.seq_high, setpoint.seq_low)
            and core.announcer.fresh(setpoint.echo_high, setpoint.echo_low, now, session.deadman_ms)
        ):
            core.take(setpoint, session, now)
        else:
            self._reject()

    def _arm(self, port: Port, arm: Arm, body: bytearray, now: int) -> None:
        core = self.core
        session = core.session
        if session is not None and session.repeats(arm, port.link):
            self._answer(port, body, Result.OK)
            return
        result = self._may_arm(port, arm, now)
        if result == Result.OK:
            core.arm(arm, port.link, port.deadman_ms, now)
        self._answer(port, body, result)

    def _may_arm(self, port: Port, arm: Arm, now: int) -> int:
        """The first check that fails, in the order of docs/protocol.md 8: a `Result`."""
        core = self.core
        if not port.may_command:
            return Result.NOT_ALLOWED
        if is_open(core.state):
            return Result.BUSY
        if core.state == State.FAULT:
            return Result.FAULT
        if core.state == State.LATCHED:
            return Result.LATCHED
        if core.button.pressed:
            return Result.BUTTON
        if arm.epoch != core.announcer.epoch:
            return Result.STALE_EPOCH
        if not core.announcer.use(arm.challenge, now):
            return Result.STALE_CHALLENGE
        if not field_validation.arm_in_range(arm):
            return Result.MALFORMED
        supply = core.supply.may_arm()
        if supply != Result.OK:
            return supply
        return Result.OK if core.allowance.left_s > 0 else Result.ALLOWANCE

    def _reset(self, port: Port, reset: bytearray, now: int) -> None:
        result = self._may_reset(port, reset, now)
        if result == Result.OK:
            self.core.clear("frame")
        self._answer(port, reset, result)

    def _may_reset(self, port: Port, reset: bytearray, now: int) -> int:
        """The first check that fails, in the order of docs/protocol.md 8: a `Result`."""
        core = self.core
        if not port.may_command:
            return Result.NOT_ALLOWED
        if core.state not in (State.LATCHED, State.FAULT):
            return Result.NOT_LATCHED
        if not core.announcer.use(reset[6:10], now):
            return Result.STALE_CHALLENGE
        if get16(reset, 10) != core.latch:
            return Result.WRONG_LATCH
        if core.button.pressed:
            return Result.BUTTON
        return Result.CAUSE_PRESENT if core.cause_present() else Result.OK

    # --- hands

    def sense_button(self, now: int) -> None:
        """`Board.button` may have changed: call it at each change, or every tick."""
        self._catch_up(now)
        self.core.sense_button(now)
        self._tell_changes()

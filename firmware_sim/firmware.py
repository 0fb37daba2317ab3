"""A frame acts only if it is good, authentic, current and fresh; STOP acts always (R6, R16, R17)."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Final

from firmware_sim import judge, report, wire
from firmware_sim.button import Edge
from firmware_sim.config import FRAME_TICKS, TICKS_PER_S, DeviceConfig, LinkKind
from firmware_sim.core import Core
from firmware_sim.nvm import Nvm
from firmware_sim.outputs import Recorder, SendTo
from firmware_sim.ports import Port
from firmware_sim.states import OPEN, Cause, Result, State

_EPS: Final = 1e-6
_BACKLOG_TICKS: Final = TICKS_PER_S
"""TELEMETRY that is more than 1 s late is not sent any more."""
_HOST_REASONS: Final = frozenset(cause for cause in Cause if Cause.NONE < cause < Cause.DEAD_MAN)


class Firmware:
    """The whole device, without a clock: every call says what time it is, in seconds of any one clock.

    Each call that can make the device say something returns what it said, in order.
    """

    __slots__ = (
        "_boot",
        "_origin",
        "_outputs",
        "_ports",
        "_rate",
        "_tick_rate",
        "config",
        "core",
        "rejected",
        "tell",
    )

    core_type: ClassVar[type[Core]] = Core
    """What it is built around; a mutant has another."""

    def __init__(
        self,
        config: DeviceConfig,
        nvm: Nvm,
        seed: int,
        *,
        now: float = 0.0,
        recorder: Recorder | None = None,
    ) -> None:
        self.config = config
        self.core = self.core_type(config, nvm, seed, recorder)
        self.rejected = 0
        self.tell: Callable[[Core, int], bytes | None] = report.telemetry
        """Makes the TELEMETRY body; a faulty device tells something else, or nothing (faults 54, 55)."""
        self._origin = now
        self._rate = config.clock_rate
        self._tick_rate = TICKS_PER_S * config.clock_rate
        self._ports: dict[int, Port] = {}
        self._outputs: list[SendTo] = []
        self._boot = self.core.memory.boot

    # --- time

    def advance(self, now: float) -> list[SendTo]:
        """Everything up to `now`, and what came of it."""
        self._catch_up(now)
        return self._drain()

    def next_wake(self, now: float) -> float:
        """When to call `advance` next, unless something comes in before; never in the past."""
        core = self.core
        tick = core.next_tick
        if not self._ports and core.session is None:
            tick = max(tick, core.tick + _BACKLOG_TICKS)  # nobody listens: once a second will do
        due = self._origin + tick / self._tick_rate
        return due if due > now else now

    def _device_now(self, now: float) -> float:
        return (now - self._origin) * self._rate

    def _catch_up(self, now: float) -> None:
        goal = int((now - self._origin) * self._rate * TICKS_PER_S + _EPS)
        core = self.core
        while core.tick < goal:
            if core.run(goal):
                if core.tick % FRAME_TICKS == 0:
                    for port in self._ports.values():
                        port.turn_slot()
                self._announce(goal - core.tick)

    def _announce(self, late: int = 0) -> None:
        """TELEMETRY to every link that can carry it."""
        core = self.core
        core.changed = False
        if core.memory.boot != self._boot:
            self._boot = core.memory.boot
            for port in self._ports.values():
                port.flush()
        listeners = [port for port in self._ports.values() if port.talks]
        if listeners and late <= _BACKLOG_TICKS and not core.hung:
            body = self.tell(core, self.rejected)
            if body is not None:
                for port in listeners:
                    self._send(port, body)

    def _send(self, port: Port, body: bytes) -> None:
        self._outputs.append(SendTo(port.link, port.framed(body)))

    def _drain(self) -> list[SendTo]:
        if self.core.changed:
            self._announce()
        outputs, self._outputs = self._outputs, []
        return outputs

    # --- links

    def connect(
        self, link: int, kind: LinkKind, now: float, *, bonded: bool = True, mtu: int | None = None
    ) -> list[SendTo]:
        """A link is up. `bonded` and `mtu` matter on BLE alone."""
        self._catch_up(now)
        self._ports[link] = Port(link, kind, bonded=bonded, mtu=mtu)
        return self._drain()

    def disconnect(self, link: int, now: float) -> list[SendTo]:
        """A link is down; if it was the owner's, the session is over at once (R4)."""
        self._catch_up(now)
        self._ports.pop(link, None)
        session = self.core.session
        if session is not None and session.link == link and not self.core.hung:
            self.core.end(Cause.LINK_LOST)
        return self._drain()

    def feed(self, link: int, data: bytes, now: float) -> list[SendTo]:
        """Bytes from a link: a piece of the stream, or on BLE one frame body."""
        self._catch_up(now)
        port = self._ports.get(link)
        if port is not None and not self.core.hung:
            for body in port.split(data):
                self._frame(port, body, now)
        return self._drain()

    def read_info(self, link: int, now: float) -> bytes:
        """INFO with token 0, for a GATT read."""
        self._catch_up(now)
        return report.info(self.core, 0, self._deadman(self._ports[link]))

    def read_telemetry(self, now: float) -> bytes:
        """A new TELEMETRY body, for a GATT read."""
        self._catch_up(now)
        return report.telemetry(self.core, self.rejected)

    def _deadman(self, port: Port) -> float:
        return self.config.limits.deadman(port.kind)

    # --- frames

    def _frame(self, port: Port, body: bytes | wire.Bad, now: float) -> None:
        message = _read(body)
        port.note(bad=message is None)
        match message:
            case wire.Stop():
                self._stop(port, message)
            case wire.Setpoint():
                self._setpoint(port, message, now)
            case wire.Arm():
                self._arm(port, message, now)
            case wire.Reset():
                self._reset(port, message, now)
            case wire.GetInfo(token):
                if port.talks:
                    self._send(port, report.info(self.core, token, self._deadman(port)))
            case _:
                self._reject()
                session = self.core.session
                if session is not None and session.link == port.link and port.noisy:
                    self.core.end(Cause.FRAME_NOISE)

    def _reject(self) -> None:
        self.rejected = (self.rejected + 1) & 0xFFFF

    def _answer(self, port: Port, token: int, of: wire.FrameType, result: Result) -> None:
        if result is not Result.OK:
            self._reject()
        core = self.core
        ack = wire.Ack(token, of, result, core.announcer.epoch, core.latch)
        self._send(port, wire.pack(ack))

    def _stop(self, port: Port, stop: wire.Stop) -> None:
        # An unknown reason is still a stop.
        self.core.end(Cause(stop.reason) if stop.reason in _HOST_REASONS else Cause.PERSON)
        self._answer(port, stop.token, wire.FrameType.STOP, Result.OK)

    def _setpoint(self, port: Port, setpoint: wire.Setpoint, now: float) -> None:
        core = self.core
        session = core.session
        device_now = self._device_now(now)
        if (
            port.may_command
            and session is not None
            and session.link == port.link
            and session.owner == setpoint.owner
            and setpoint.epoch == core.announcer.epoch
            and session.newer(setpoint.seq)
            and core.announcer.fresh(setpoint.echo, device_now, session.deadman_s)
        ):
            core.take(setpoint, session, device_now)
        else:
            self._reject()

    def _arm(self, port: Port, arm: wire.Arm, now: float) -> None:
        core = self.core
        session = core.session
        if session is not None and session.repeats(arm, port.link):
            self._answer(port, arm.token, wire.FrameType.ARM, Result.OK)
            return
        result = self._may_arm(port, arm, now)
        if result is Result.OK:
            core.arm(arm, port.link, self._deadman(port), self._device_now(now))
        self._answer(port, arm.token, wire.FrameType.ARM, result)

    def _may_arm(self, port: Port, arm: wire.Arm, now: float) -> Result:
        """The first check that fails, in the order of docs/protocol.md 8."""
        core = self.core
        if not port.may_command:
            return Result.NOT_ALLOWED
        if core.state in OPEN:
            return Result.BUSY
        if core.state is State.FAULT:
            return Result.FAULT
        if core.state is State.LATCHED:
            return Result.LATCHED
        if core.button.pressed:
            return Result.BUTTON
        if arm.epoch != core.announcer.epoch:
            return Result.STALE_EPOCH
        if not core.announcer.use(arm.challenge, self._device_now(now)):
            return Result.STALE_CHALLENGE
        if not judge.arm_in_range(arm):
            return Result.MALFORMED
        supply = core.supply.may_arm()
        if supply is not Result.OK:
            return supply
        return Result.OK if core.allowance.left_s > 0 else Result.ALLOWANCE

    def _reset(self, port: Port, reset: wire.Reset, now: float) -> None:
        result = self._may_reset(port, reset, now)
        if result is Result.OK:
            self.core.clear("frame")
        self._answer(port, reset.token, wire.FrameType.RESET, result)

    def _may_reset(self, port: Port, reset: wire.Reset, now: float) -> Result:
        """The first check that fails, in the order of docs/protocol.md 8."""
        core = self.core
        if not port.may_command:
            return Result.NOT_ALLOWED
        if core.state not in (State.LATCHED, State.FAULT):
            return Result.NOT_LATCHED
        if not core.announcer.use(reset.challenge, self._device_now(now)):
            return Result.STALE_CHALLENGE
        if reset.latch != core.latch:
            return Result.WRONG_LATCH
        if core.button.pressed:
            return Result.BUTTON
        return Result.CAUSE_PRESENT if core.cause_present() else Result.OK

    # --- hands

    def press(self, now: float) -> list[SendTo]:
        """The button's contact closes."""
        return self._contact(True, now)

    def release(self, now: float) -> list[SendTo]:
        """The button's contact opens; it counts once it has been quiet for 50 ms."""
        return self._contact(False, now)

    def cable(self, is_open: bool, now: float) -> list[SendTo]:
        """The button's cable breaks, or is mended."""
        self._catch_up(now)
        return self._edge(self.core.button.cable(is_open, self._device_now(now)))

    def _contact(self, closed: bool, now: float) -> list[SendTo]:
        self._catch_up(now)
        return self._edge(self.core.button.contact(closed, self._device_now(now)))

    def _edge(self, edge: Edge) -> list[SendTo]:
        if not self.core.hung:
            self.core.press(edge)
        return self._drain()


def _read(body: bytes | wire.Bad) -> wire.Message | None:
    """The request in `body`; None for a bad frame, and for a device's own frame that comes back."""
    if isinstance(body, wire.Bad):
        return None
    try:
        message = wire.parse(body)
    except wire.BadFrame:
        return None
    return None if isinstance(message, wire.Info | wire.Telemetry | wire.Ack) else message

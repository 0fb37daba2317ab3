"""R25: a full driver made of a dialect: the session of a device that knows none is kept on this side.

Epoch, ARM and INFO are this side's own; telemetry stands for what was sent, until the device reports a level. No
telemetry made here shows that a device obeys: what confirms a stop is what the device reported.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
import secrets
from asyncio import Future
from collections.abc import Callable, Sequence
from typing import Final

from massager_ctl.aio.futures import fail
from massager_ctl.drivers.base import DriverListener, not_connected
from massager_ctl.drivers.dialect import Dialect, DriverSpec, RelativeDialect
from massager_ctl.drivers.foreign import Foreign
from massager_ctl.drivers.guarding import Guarding, stop_burst
from massager_ctl.drivers.substitute_reports import ReportMaker, reported_info, timer_for
from massager_ctl.errors import (
    DeviceRefused,
    DriverFault,
    GuardianLost,
    LinkError,
    LinkLost,
    LinkTimeout,
)
from massager_ctl.model.device import Cause, DeviceInfo, Mode, Setpoint, Telemetry
from massager_ctl.model.units import ZERO
from massager_ctl.safety.steps import Steps
from massager_ctl.transports.base import LinkKind, Transport

ANSWER_S: Final = 0.6
ASKS: Final = 3
"""How often a dialect that asks who is there sends its question, and for how long it waits each time."""

IDLE_TICK_S: Final = 0.2
STUCK_S: Final = 1.0
"""Seconds without an end of the backlog after which a device counts as deaf: no level can be lowered any more."""

UNSENT_S: Final = 0.3
"""A setpoint that could not be sent is given up after this."""


class PlainDriver:
    """Speaks to one device of another make over any transport."""

    def __init__(self, transport: Transport, spec: DriverSpec) -> None:
        self._transport = transport
        self.spec = spec
        self.assurance = spec.declared
        self._foreign = Foreign(spec)
        self._guarding = Guarding(transport, spec, self._foreign, self._unguarded)
        self._steps = Steps(spec.channels)
        self._listener: DriverListener
        self._dialect: Dialect
        self._off = (0,) * len(spec.channels)
        self._at: tuple[int, ...] | None
        """The steps that were sent last; None if nothing was, so that the device may stand anywhere."""
        self._reported: tuple[int, ...] | None = None
        """The steps that the device reported since then."""
        self._ready_stop: tuple[bytes, ...]
        self._armed = False
        self._taken_at: float
        self._reports = ReportMaker()
        self._unsent: tuple[Setpoint, float] | None = None
        self._stops: list[Future[None]] = []
        self._heard: Future[None] | None = None
        self._idle: asyncio.TimerHandle | None = None
        self._lost: LinkError | None = not_connected(self.address)
        self._fault: DriverFault | None
        self.epoch = secrets.randbits(31)
        self.newest: Telemetry | None = None
        self.boot_s = 0.0

    @property
    def kind(self) -> LinkKind:
        """What carries the bytes."""
        return self._transport.kind

    @property
    def address(self) -> str:
        """The scheme and the link: `acme:serial:/dev/ttyUSB0`."""
        return f"{self.spec.scheme}:{self._transport.address}"

    @property
    def guarded(self) -> bool:
        """Whether a guardian is the only writer, on a way on which one was shown to stop such a device."""
        return self._guarding.full

    @property
    def tells(self) -> bool:
        """Whether the device has reported its level since it was last changed."""
        return self._reported is not None

    # The link.

    async def open_link(self, listener: DriverListener) -> None:
        """Connect and send what comes first. Raises LinkError, DriverFault; then nothing was sent."""
        self._listener = listener
        self._lost = self._fault = self._at = self._reported = None
        self._dialect = self._foreign.dialect()
        first = self._foreign.frames(self._dialect, "start", _now())
        self._ready_stop = self.stop_frames()
        if not self._ready_stop:
            raise self._foreign.unfit("it has no frame for a stop")
        self._transport.on_drained(self._send_unsent)
        try:
            await self._transport.open(self)
        except BaseException:
            self._fail(not_connected(self.address))
            raise
        self._write(first)
        self._tell(_now())

    async def open(self, listener: DriverListener) -> DeviceInfo:
        """Connect, and learn who is there where the dialect asks. Raises LinkError, DriverFault."""
        try:
            await self.open_link(listener)
            await self._recognised()
        except BaseException:
            await self._transport.close()
            self._fail(not_connected(self.address))
            raise
        self._idle_tick()
        return self._info()

    async def _recognised(self) -> None:
        loop = asyncio.get_running_loop()
        for again in range(ASKS):
            if again:
                self._write(self._foreign.frames(self._dialect, "start", _now()))
            until = loop.time() + ANSWER_S
            while not self._known() and loop.time() < until:
                self._heard = loop.create_future()
                await asyncio.wait({self._heard}, timeout=until - loop.time())
                if self._lost is not None:
                    raise self._lost
                if self._fault is not None:
                    raise self._fault
            if self._known():
                return
        raise LinkTimeout(
            f"{self.address} is open, but what is there does not answer like {self.spec.title}",
            "Is the device switched on, and is this the right port? `massager-ctl scan` lists what is there.",
        )

    def _known(self) -> bool:
        return bool(self._foreign.read(self._dialect, "known"))

    async def close(self) -> None:
        """End the link in order."""
        self.disarm()
        await self._transport.close()
        self._fail(LinkLost(f"{self.address} was closed"))

    def abort(self) -> None:
        """Drop the link at once."""
        self._transport.abort()
        if self._lost is None:
            self.link_lost(LinkLost(f"{self.address} was given up", "See that it is at rest."))

    def _info(self) -> DeviceInfo:
        return reported_info(
            self._foreign, self.spec, self._dialect, self._transport.address, self.kind.dead_man_s
        )

    async def read_info(self) -> DeviceInfo:
        """The same as before: it is not asked again. Raises LinkError."""
        if self._lost is not None:
            raise LinkLost(self._lost.message, self._lost.remedy)
        return self._info()

    def ask_info(self, tell: Callable[[DeviceInfo], None]) -> None:
        """Nothing: such a device reports no INFO."""

    # The session.

    async def arm(self, cap: float, limit_s: int) -> None:  # noqa: ARG002
        """Begin a session on this side, and set the device's own timer to its end. Raises LinkError, DriverFault.

        Raises DeviceRefused if a stop comes meanwhile: then nothing goes out after it (R6).
        """
        if self._lost is not None:
            raise LinkLost(self._lost.message, self._lost.remedy)
        if self._fault is not None:
            raise self._fault
        epoch = self.epoch
        await self._guarding.begin(self._dialect, _now())
        if epoch != self.epoch or self._lost is not None:
            raise DeviceRefused("a stop came before the session began", "Start again.", "stopped")
        now = _now()
        minutes = timer_for(self.spec.timer_min, limit_s)
        if minutes is not None:
            self._write(self._foreign.frames(self._dialect, "timer", minutes, now))
        self.epoch = (self.epoch + 1) & 0x7FFFFFFF
        self._armed, self._taken_at = True, now
        self._reports.begin()
        self._tell(now)

    def send(self, setpoint: Setpoint) -> None:
        """Send the steps where they changed, and the keep-alives that are due. Raises DriverFault."""
        if self._armed:
            self._hand_on(setpoint)
            # Here alone, as the control loop's own tick alone calls this: no other task may look like its life (R24).
            self._guarding.beat()

    def _hand_on(self, setpoint: Setpoint) -> None:
        now = _now()
        if self._fault is not None:
            raise self._fault
        self._guarding.require()
        if self._transport.backlog:
            self._unsent = setpoint, now
            if now - self._taken_at > STUCK_S:
                raise DriverFault(
                    f"{self.address} has taken nothing for {STUCK_S:g} s", "Look at the massager."
                )
            return
        self._unsent, self._taken_at = None, now
        try:
            self._send(setpoint, now)
        except DriverFault as error:
            self._fault = error
            raise

    def _send(self, setpoint: Setpoint, now: float) -> None:
        wanted = self._off if setpoint.mode is Mode.PAUSE else self._steps.numbers(setpoint.levels)
        if wanted != self._at:
            frames = self._foreign.frames(self._dialect, "levels", wanted, now)
            self._ready_stop = self.stop_frames()
            self._reports.count(now, moving=self._moving)
            self._at, self._reported = wanted, None
            self._write(frames)
        self._write(self._foreign.frames(self._dialect, "due", now))
        asyncio.get_running_loop().call_soon(self._tell, now)

    def _send_unsent(self) -> None:
        if self._unsent is not None:
            setpoint, since = self._unsent
            if _now() - since <= UNSENT_S:
                with contextlib.suppress(DriverFault):  # reported with the next one
                    self._hand_on(setpoint)

    def disarm(self) -> None:
        """Forget the session: nothing but a stop goes out until the next `arm`."""
        self._armed = False
        self._unsent = None

    def stop_frames(self) -> tuple[bytes, ...]:
        """What a stop would send now, without sending it: for whoever has to stop the device when this process cannot.

        Raises DriverFault.
        """
        ahead = self._foreign.asked("__deepcopy__", copy.deepcopy, self._dialect)
        return tuple(self._foreign.frames(ahead, "stop", _now()))

    def stop(self, cause: Cause) -> Future[None]:  # noqa: ARG002
        """Send the stop, past all that waits. A driver that fails at it has its last good one sent in its place."""
        self.disarm()
        done: Future[None] = asyncio.get_running_loop().create_future()
        if self._lost is not None:
            fail(done, LinkLost(self._lost.message, self._lost.remedy))
            return done
        now = _now()
        try:
            frames = tuple(self._foreign.frames(self._dialect, "stop", now)) or self._ready_stop
        except DriverFault as error:
            self._fault = error
            frames = self._ready_stop
        self._put_first(frames)
        if isinstance(self._dialect, RelativeDialect):
            try:
                self._foreign.call(self._dialect, "forget")
            except DriverFault as error:
                self._fault = self._fault or error
        self._reports.count(now, moving=self._moving)
        self._at, self._reported = self._off, None
        self.epoch = (self.epoch + 1) & 0x7FFFFFFF
        self._stops = [*(one for one in self._stops if not one.done()), done]
        asyncio.get_running_loop().call_soon(self._tell, now)
        self._idle_tick()
        return done

    def seen_at_rest(self) -> None:
        """A person has seen that it is off: a guardian has nothing more to do (R25)."""
        self._guarding.rest()

    def left_alone(self) -> None:
        """Drive it without a guardian although it could have one: for the table alone, where it is to be seen what the
        device does on its own when no one stops it (R25).
        """
        self._guarding.alone = True

    async def reset(self) -> None:
        """Such a device has no latch. Raises DeviceRefused."""
        raise DeviceRefused("the device has no latch", "There is nothing to clear.", "not_latched")

    # What comes from the transport.

    def data_received(self, data: bytes) -> None:
        """Bytes from the device; they may confirm a stop also where something else in the driver has failed."""
        now = _now()
        try:
            reported = self._foreign.call(self._dialect, "feed", data, now)
            if reported is not None:
                self._take(reported, now)
        except DriverFault as error:
            self._fault = self._fault or error
        if self._heard is not None and not self._heard.done():
            self._heard.set_result(None)

    def _take(self, reported: object, now: float) -> None:
        self._reported = self._foreign.steps(reported)
        if not any(self._reported) and self._at == self._off:
            if not self._armed:
                self._guarding.rest()
            stops, self._stops = self._stops, []
            for stop in stops:
                if not stop.done():
                    stop.set_result(None)
        self._tell(now)

    def link_lost(self, error: LinkLost) -> None:
        """The link is gone."""
        self.disarm()
        self._fail(error)
        self._listener.driver_lost(error)

    # Within.

    def _unguarded(self, error: GuardianLost) -> None:
        if self._armed:
            self._listener.driver_lost(error)

    def _tell(self, now: float) -> None:
        """What stands for telemetry: what the device reported since the last change, else what was sent."""
        if self._lost is not None:
            return
        steps = self._at if self._reported is None else self._reported
        levels = ZERO if steps is None else self._steps.levels(steps)
        self.newest = self._reports.report(
            now, epoch=self.epoch, armed=self._armed, moving=self._moving, levels=levels
        )
        self._listener.telemetry_received(self.newest)

    @property
    def _moving(self) -> bool:
        return self._at is not None and any(self._at)

    def _idle_tick(self) -> None:
        """Keep-alives between sessions; in one the control loop's own tick alone sends them (R4)."""
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None
        if self._lost is not None or self._fault is not None:
            return
        if not self._armed:
            try:
                self._write(self._foreign.frames(self._dialect, "due", _now()))
                due = self._foreign.call(self._dialect, "next_due")
            except DriverFault as error:
                self._fault = error
                return
            if due is None:
                return
        self._idle = asyncio.get_running_loop().call_later(IDLE_TICK_S, self._idle_tick)

    def _write(self, frames: Sequence[bytes]) -> None:
        if frames and not self._guarding.write(self._dialect, tuple(frames), _now()):
            for frame in frames:
                self._transport.write(frame)

    def _put_first(self, frames: Sequence[bytes]) -> None:
        """Past all that waits; on a stream also past half a frame, where the device can be made to read afresh."""
        first, *others = burst = stop_burst(self.spec, tuple(frames), self._transport)
        if not self._guarding.stop(burst):
            self._transport.preempt(first)
            self._write(others)

    def _fail(self, error: LinkError) -> None:
        self._lost = error
        if self._idle is not None:
            self._idle.cancel()
        stops, self._stops = self._stops, []
        for stop in stops:
            if not stop.done():
                fail(stop, error)
        if self._heard is not None and not self._heard.done():
            self._heard.set_result(None)


def _now() -> float:
    return asyncio.get_running_loop().time()

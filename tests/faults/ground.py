"""A host and a device to inject a fault into: real bytes, over memory or a PTY, and a ledger that counts."""

from __future__ import annotations

import asyncio
import contextlib
import io
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from firmware_sim.device import SimulatedDevice
from firmware_sim.faults.catalog import apply_fault
from firmware_sim.links.memory import Simulator, build_device
from firmware_sim.links.pty import PtyPort
from firmware_sim.names import cause_name, state_name
from firmware_sim.options import parse_options
from firmware_sim.trace_rules import Bounds, read_trace, violations
from massager_ctl.aio.scheduler import Ticking
from massager_ctl.aio.simulated_time import SimulatedTimeLoop
from massager_ctl.config import load
from massager_ctl.control.admission import AdmissionPolicy, Subject
from massager_ctl.control.controller import Controller
from massager_ctl.drivers.reference import ReferenceDriver
from massager_ctl.errors import MassagerError
from massager_ctl.ledger.base import HistoryEntry, Store
from massager_ctl.ledger.clock_reading import ClockReader
from massager_ctl.ledger.in_memory import MemoryStore
from massager_ctl.model.outcome import SessionEnd
from massager_ctl.model.requests import SetLevel
from massager_ctl.model.status import Event
from massager_ctl.safety.screening import QUESTIONS, SYMPTOMS, Answer, Answered
from massager_ctl.transports.base import LinkKind, Transport
from massager_ctl.transports.in_process import SimTransport
from massager_ctl.transports.serial import SerialTransport
from massager_ctl.transports.wrapper import Wrapper
from tests.faults.counted import CountedPipe
from tests.support.marks import running_loop

PORT: Final = "port"
"""The name of the PTY in the ground's folder."""

TICK_S: Final = 0.02
FRAME_S: Final = 0.1
"""Seconds between two looks of the device at what is slow; a level that is zero shows at the next tick."""


DEVICE_ALONE: Final = Bounds(rise=2.0)


class On(StrEnum):
    """What carries the bytes."""

    MEMORY = "memory"
    PTY = "pty"


BOTH: Final = (On.MEMORY, On.PTY)
MEMORY: Final = (On.MEMORY,)


class Line(StrEnum):
    """What the line does with what the host writes and hears."""

    SOUND = "sound"
    MUTE = "mute"
    """Nothing passes, either way, and no one is notified: the host died, or the radio did."""
    HELD = "held"
    """What the host writes waits until the line is sound again."""


class Tap(Wrapper):
    """Keeps what the host wrote, and may hold it up."""

    def __init__(self, inner: Transport) -> None:
        super().__init__(inner)
        self.line = Line.SOUND
        self.written: list[bytes] = []
        self._held: list[bytes] = []

    def outgoing(self, data: bytes, send: Callable[[bytes], None]) -> None:
        self.written.append(data)
        match self.line:
            case Line.SOUND:
                send(data)
            case Line.HELD:
                self._held.append(data)
            case Line.MUTE:
                pass

    def incoming(self, data: bytes, receive: Callable[[bytes], None]) -> None:
        if self.line is not Line.MUTE:
            receive(data)

    def let_go(self) -> None:
        """All that was held up arrives now."""
        self.line = Line.SOUND
        held, self._held = self._held, []
        for data in held:
            self.inner.write(data)


class BleLike(SimTransport):
    """The memory link with the manners of BLE: bodies instead of a stream, T of 1 s (R4)."""

    kind = LinkKind.BLE


@dataclass(frozen=True)
class Recipe:
    """What differs from case to case in how the ground is laid."""

    options: str = ""
    wrap: Callable[[Transport], Transport] | None = None
    ble: bool = False
    baud: int | None = None
    bounds: Bounds = DEVICE_ALONE
    """What the trace is held to: the device's own slew, as a fault may take the host's away."""


@dataclass
class Ground:
    """Everything that a fault may reach, and the verdict over what came of it."""

    on: On
    recipe: Recipe
    loop: SimulatedTimeLoop
    folder: Path
    device: SimulatedDevice
    port: PtyPort | None
    trace_file: io.StringIO
    store: Store
    admission: AdmissionPolicy
    tap: Tap
    transport: Transport
    driver: ReferenceDriver
    controller: Controller
    events: list[Event] = field(default_factory=list[Event])
    fault_at: float = 0.0
    """When the fault was injected, device seconds."""
    samples_before: int = 0
    """How many samples the trace had then."""

    @property
    def heartbeat(self) -> Ticking:
        """The heartbeat of the session that is open."""
        session = self.controller._open
        assert session is not None
        assert session.pacer.ticking is not None
        return session.pacer.ticking

    # What was seen.

    @property
    def now(self) -> float:
        """Seconds on the device's clock since power-on."""
        return self.device.firmware.device_ms(self.loop.time()) / 1000

    @property
    def trace(self) -> list[dict[str, Any]]:
        return read_trace(self.trace_file.getvalue().splitlines())

    @property
    def samples(self) -> list[dict[str, Any]]:
        return [line for line in self.trace if line["type"] == "sample"]

    @property
    def out(self) -> dict[str, float]:
        return self.samples[-1]["out"]

    @property
    def is_up(self) -> bool:
        """Any level is above zero."""
        return any(self.out.values())

    @property
    def state(self) -> str:
        return state_name(self.device.firmware.core.state)

    @property
    def cause(self) -> str:
        return cause_name(self.device.firmware.core.cause)

    def seen(self, name: str) -> list[dict[str, Any]]:
        """The device's events of that name."""
        return [line for line in self.trace if line["type"] == "event" and line["event"] == name]

    def heard(self, name: str) -> bool:
        """Whether the host notified its surfaces of it."""
        return any(event.name == name for event in self.events)

    @property
    def delivered_s(self) -> float:
        """Seconds with any level above zero, read off the trace."""
        pairs = pairwise(self.samples)
        return sum(
            after["t"] - before["t"] for before, after in pairs if any(before["out"].values())
        )

    async def entries(self) -> list[HistoryEntry]:
        return list(await self.store.history())

    # What is done.

    async def run(self, seconds: float = 2.0, level: float = 20.0) -> None:
        """Open a session by hand and let it climb: it runs, and no rule has ended it early."""
        await self.controller.manual(600)
        self.controller.request(SetLevel(level))
        await asyncio.sleep(seconds)
        await self.goes_on()

    async def goes_on(self, seconds: float = 0.0) -> None:
        """The session is alive now, and still is after `seconds`; nothing tripped."""
        for wait in (0.0, seconds):
            await asyncio.sleep(wait)
            assert self.state == "running", (self.state, self.cause, self.events)
            assert self.is_up
            assert self.controller.status.phase == "running"

    def inject(self, spec: str) -> Callable[[], None]:
        """Bring about a fault of the simulator, now; the result takes it away again."""
        self.strike()
        _, (step,) = apply_fault(self.device.firmware.config, spec)
        undo = step.start(self.device)
        self.device._plan()
        return undo or (lambda: None)

    def strike(self) -> None:
        """The fault happens now, by the test's own hand."""
        self.device._turn()
        self.fault_at = self.now
        self.samples_before = len(self.samples)

    async def over(self, within: float = 5.0) -> SessionEnd:
        """The end of the host's session, its ledger entry written."""
        async with asyncio.timeout(within):
            end = await self.controller.ended()
            await self.settled()
            return end

    async def settled(self) -> None:
        """The host has done all that the end of a session asks of it."""
        await self.controller._link.tasks.settled()

    # What must hold.

    def zero_by(self, bound_s: float, *, state: str = "idle", cause: str | None = None) -> None:
        """It ran right up to the fault, was zero within `bound_s` of it and stayed so; the latch is as it should be."""
        samples = self.samples
        before, after = samples[: self.samples_before], samples[self.samples_before :]
        assert any(before[-1]["out"].values()), "it was at zero before the fault: an early trip"
        last_up = max(
            (i for i, sample in enumerate(after) if any(sample["out"].values())), default=-1
        )
        assert last_up + 1 < len(after), "never zero"
        took = after[last_up + 1]["t"] - self.fault_at
        assert took <= bound_s + 1e-6, f"zero after {took:.3f} s, bound {bound_s:g}"
        assert self.state == state, (self.state, self.cause)
        if cause is not None:
            assert self.cause == cause

    def holds(self) -> None:
        """R1, R2, R3, R6 and R8 over the whole trace."""
        assert violations(self.trace, self.recipe.bounds) == []

    async def ledger(self, slack_s: float = 1.0) -> HistoryEntry:
        """Charged is never less than delivered, and no more than `slack_s` above it (R9)."""
        await self.settled()
        entries = await self.entries()
        charged = sum(entry.charged_s for entry in entries)
        assert charged >= self.delivered_s - 1e-6, (charged, self.delivered_s)
        assert charged <= self.delivered_s + slack_s, (charged, self.delivered_s)
        assert not entries[0].open
        return entries[0]


@asynccontextmanager
async def laid(on: On, recipe: Recipe, folder: Path) -> AsyncGenerator[Ground]:
    """The ground, on the running loop of simulated time; cleared up at the end."""
    loop = running_loop()
    pipe = counted_pipe(folder) if on is On.PTY else None
    if pipe is not None:
        loop.hold_while(pipe.in_flight)
    ground = await _lay(loop, on, recipe, folder, pipe)
    try:
        yield ground
    finally:
        ground.tap.line = Line.SOUND
        ground.transport.abort()
        if ground.port is not None:
            ground.port.close()
        ground.device.close()
        with contextlib.suppress(MassagerError):  # most faults leave the link gone
            await ground.controller.close()


async def _lay(
    loop: SimulatedTimeLoop, on: On, recipe: Recipe, folder: Path, pipe: CountedPipe | None
) -> Ground:
    trace = io.StringIO()
    device = build_device(parse_options(recipe.options), trace=trace)
    port = None
    if pipe is not None:
        port = pipe.port = PtyPort(device, folder / PORT, baud=recipe.baud)
    moments = ClockReader(loop.clock, boot="this boot")
    store = MemoryStore(moments)
    now = moments.now()
    await store.answer(Answered(question.id, Answer.NO, now) for question in (*QUESTIONS, SYMPTOMS))
    admission = AdmissionPolicy(store, load(env={}), moments, subject=Subject.REAL)
    tap = Tap(pipe or pipe_to(device, ble=recipe.ble))
    transport = tap if recipe.wrap is None else recipe.wrap(tap)
    driver = ReferenceDriver(transport)
    controller = Controller(driver, admission, clock=loop.clock)
    ground = Ground(
        on,
        recipe,
        loop,
        folder,
        device,
        port,
        trace,
        store,
        admission,
        tap,
        transport,
        driver,
        controller,
    )
    controller.add_event_listener(ground.events.append)
    return ground


def counted_pipe(folder: Path) -> CountedPipe:
    """A serial transport to the PTY that the ground's device will have."""
    return CountedPipe(SerialTransport(str(folder / PORT)))


def pipe_to(device: SimulatedDevice, *, ble: bool = False) -> Transport:
    """A memory transport to the ground's device; there may be any number of them."""

    def opened(_: str, /, **__: Any) -> Simulator:
        return Simulator(device, None)

    return (BleLike if ble else SimTransport)(find=lambda: opened)


def second_host(ground: Ground) -> tuple[Controller, ReferenceDriver]:
    """Another controller on the same device, by a memory link, with a ledger of its own."""
    moments = ClockReader(ground.loop.clock, boot="this boot")
    admission = AdmissionPolicy(
        MemoryStore(moments), load(env={}), moments, subject=Subject.EMBEDDED
    )
    driver = ReferenceDriver(pipe_to(ground.device))
    return Controller(driver, admission, clock=ground.loop.clock), driver

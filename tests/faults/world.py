"""Two hosts, two bad links and one device under simulated time, and what must hold after every step."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from firmware_sim.links.memory import Simulator, build_device
from firmware_sim.options import parse_options
from firmware_sim.trace_rules import Bounds, read_trace, violations
from massager_ctl.aio.simulated_time import SimulatedTimeLoop
from massager_ctl.config import load
from massager_ctl.control.admission import AdmissionPolicy, Subject
from massager_ctl.control.controller import Controller
from massager_ctl.drivers.reference import ReferenceDriver
from massager_ctl.errors import MassagerError
from massager_ctl.ledger.clock_reading import ClockReader
from massager_ctl.ledger.in_memory import MemoryStore
from massager_ctl.model.status import LinkState
from massager_ctl.transports.base import Transport
from massager_ctl.transports.in_process import SimTransport
from massager_ctl.transports.wrapper import Wrapper

T_S: Final = 0.5
"""The dead-man time of a memory link (R4)."""

_OPENS: Final = frozenset({"arm"})
_CLOSES: Final = frozenset({"stop", "end", "dead_man", "disarm", "trip", "latch", "pain", "boot"})


@dataclass
class Weather:
    """What a link does to each piece, in both directions. Shares are 0 to 1."""

    drop: float = 0.0
    duplicate: float = 0.0
    reorder: float = 0.0
    corrupt: float = 0.0
    delay_s: float = 0.0


class BadLink(Wrapper):
    """Loses, repeats, swaps, spoils and delays, by its weather; knows when what arrived had been written."""

    def __init__(self, inner: Transport, loop: asyncio.AbstractEventLoop, seed: int) -> None:
        super().__init__(inner)
        self.weather = Weather()
        self.arrived: list[tuple[float, float]] = []
        """When it was written, and when it arrived."""
        self._loop = loop
        self._random = Random(seed)

    def outgoing(self, data: bytes, send: Callable[[bytes], None]) -> None:
        written = self._loop.time()

        def arrive(piece: bytes) -> None:
            self.arrived.append((written, self._loop.time()))
            self.inner.write(piece)

        self._travel(data, arrive)

    def incoming(self, data: bytes, receive: Callable[[bytes], None]) -> None:
        self._travel(data, receive)

    def _travel(self, data: bytes, arrive: Callable[[bytes], None]) -> None:
        weather, chance = self.weather, self._random.random
        if chance() < weather.drop:
            return
        if chance() < weather.corrupt:
            at = self._random.randrange(len(data))
            data = data[:at] + bytes((data[at] ^ 1 << self._random.randrange(8),)) + data[at + 1 :]
        for _ in range(2 if chance() < weather.duplicate else 1):
            late = weather.delay_s + (0.15 if chance() < weather.reorder else 0.0)
            if late:
                self._loop.call_later(late, arrive, data)
            else:
                arrive(data)


class Host:
    """One controller with a link and a ledger of its own."""

    def __init__(self, world: World, number: int) -> None:
        def opened(_: str, /, **__: Any) -> Simulator:
            return Simulator(world.device, None)

        self.link = BadLink(SimTransport(find=lambda: opened), world.loop, number)
        self.driver = ReferenceDriver(self.link)
        moments = ClockReader(world.loop.clock, boot="this boot")
        self.store = MemoryStore(moments)
        admission = AdmissionPolicy(self.store, load(env={}), moments, subject=Subject.EMBEDDED)
        self.controller = Controller(self.driver, admission, clock=world.loop.clock)

    @property
    def is_up(self) -> bool:
        return self.controller.status.link is LinkState.UP


class World:
    """Everything, on one loop that stands still between two steps."""

    def __init__(self, seed: int) -> None:
        self.loop = SimulatedTimeLoop()
        self.failures: list[str] = []
        self.loop.set_exception_handler(lambda _, context: self.failures.append(str(context)))
        self._trace = io.StringIO()
        self._lines: list[dict[str, Any]] = []
        self._open = False
        self.delivered_s = 0.0
        self.ran = 0
        self.device = self.run(self._power_on(seed))
        self.hosts = [Host(self, number) for number in (1, 2)]
        for host in self.hosts:
            self.attempt(host.controller.connect())

    async def _power_on(self, seed: int) -> Any:
        return build_device(parse_options("", seed=seed), trace=self._trace)

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(work)

    def attempt(self, work: Coroutine[Any, Any, Any]) -> MassagerError | None:
        """Do it; an error that a person would be shown is an answer like any other."""
        try:
            self.run(work)
        except MassagerError as error:
            return error
        return None

    def wait(self, seconds: float) -> None:
        self.run(asyncio.sleep(seconds))

    @property
    def out(self) -> dict[str, float]:
        return next(line for line in reversed(self._lines) if line["type"] == "sample")["out"]

    # What must hold.

    def check(self) -> None:
        """Every invariant, over what happened since the last look."""
        self.run(self._check())

    async def _check(self) -> None:
        assert self.failures == []
        self._check_trace()
        self._check_fed()
        self._check_hosts()
        await self._check_ledger()

    def _check_trace(self) -> None:
        """R1, R2, R3 by the device's own bounds; nothing moves but between an ARM and the end of its session (R6)."""
        self.device._turn()
        new = read_trace(self._trace.getvalue().splitlines())
        self._trace.seek(0)
        self._trace.truncate()
        last = next((line for line in reversed(self._lines) if line["type"] == "sample"), None)
        assert violations([last, *new] if last else new, Bounds(rise=2.0)) == []
        for line in new:
            match line["type"]:
                case "event":
                    self._open = line["event"] in _OPENS or (
                        self._open and line["event"] not in _CLOSES
                    )
                case "sample":
                    moves = any(line["out"].values())
                    assert self._open or not moves, "it moves without an ARM"
                    if last is not None and any(last["out"].values()):
                        self.delivered_s += line["t"] - last["t"]
                        self.ran += 1
                    last = line
                case _:
                    pass
        self._lines += new

    def _check_fed(self) -> None:
        """R4, R17: what moves was fed by its owner's own link, lately, with a frame that was not old then."""
        session = self.device.firmware.core.session
        if not any(self.out.values()):
            return
        now = self.loop.time()
        assert session is not None
        owner = int.from_bytes(session.owner, "little")
        owners = [host for host in self.hosts if host.driver._owner == owner]
        assert len(owners) <= 1
        lately = [
            written
            for host in owners or self.hosts
            for written, arrived in host.link.arrived[-60:]
            if arrived >= now - T_S - 0.1
        ]
        assert lately
        assert max(lately) >= now - 2 * T_S - 0.1

    def _check_hosts(self) -> None:
        """R1, R2 on the host's side; and no host sends after the end of its session (R6)."""
        for host in self.hosts:
            status = host.controller.status
            for level, cap, allowed in zip(
                status.sent.levels, status.caps, status.allowed, strict=True
            ):
                assert level <= cap + 1e-9
                assert level <= allowed + 1e-9
            if not status.phase.in_session or status.phase == "stopping":
                assert host.driver._owner == 0, status.phase

    async def _check_ledger(self) -> None:
        """R9: what both have on their books is never less than what the device delivered."""
        entries = [entry for host in self.hosts for entry in await host.store.history()]
        charged = sum(entry.charged_s for entry in entries)
        assert charged >= self.delivered_s - 0.021, (charged, self.delivered_s, entries)

    def close(self) -> None:
        """The end: links well again, everything stopped, the whole trace by all rules, R8 too."""
        try:
            for host in self.hosts:
                host.link.weather = Weather()
                self.attempt(host.controller.close())
            self.wait(2.0)
            self.check()
            assert not any(self.out.values())
            assert violations(self._lines, Bounds(rise=2.0)) == []
        finally:
            self.device.close()
            for host in self.hosts:
                self.run(host.store.close())
            self.run(asyncio.sleep(0))
            self.loop.close()

"""Your own firmware as a Python object (`python:MODULE:FACTORY`), in simulated time, with the suite for its clock."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Callable
from typing import Final, Protocol, cast
from urllib.parse import parse_qsl

from massager_ctl.errors import AddressError
from massager_hil.client import Client
from massager_hil.model import Need, NotHere
from massager_hil.operator import FAULT_NAMES, NoOperator, Operator
from massager_hil.tables import TICK_S

PREFIX: Final = "python:"
_KINDS: Final = {"serial": "serial", "process": "memory", "tcp": "tcp", "ble": "ble"}
_RESTART_S: Final = 0.2


_NEEDED: Final = ("link_up", "link_down", "feed", "advance")


class Firmware(Protocol):
    """The least that an object has to offer; `now` is seconds, and never goes back.

    More is used where it is there: `press(now)`, `release(now)`, `charger(plugged, now)`, `reboot(now)` (a reset, or
    the boot after a power cut), `power_cut(now)`, `fault(name, now)` and `mend(name, now)`, and `faults`, the names
    that these two take.
    """

    def link_up(self, link: int, now: float, kind: str) -> None:
        """A link is there; `kind` is serial, process, tcp or ble."""
        ...

    def link_down(self, link: int, now: float) -> None:
        """It is gone."""
        ...

    def feed(self, link: int, data: bytes, now: float) -> None:
        """Bytes from the host; on ble one body."""
        ...

    def advance(self, now: float) -> list[tuple[int, bytes]]:
        """Let time pass until `now`; what was sent since the last call, with the link of each."""
        ...


def load(address: str) -> tuple[Callable[[int], object], int, str]:
    """Factory, seed and kind of link that an address names. Raises AddressError."""
    place, _, query = address.removeprefix(PREFIX).partition("?")
    module, _, name = place.partition(":")
    options = dict(parse_qsl(query, keep_blank_values=True))
    seed, kind = options.pop("seed", "0"), options.pop("link", "serial")
    if options or kind not in _KINDS or not seed.isdecimal():
        raise AddressError(
            f"{address}: after ? stand seed=NUMBER and link=KIND, and KIND is one of {', '.join(_KINDS)}",
            "Write python:MODULE:FACTORY?seed=1&link=serial.",
        )
    try:
        factory = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise AddressError(
            f"{address}: {error}",
            "Write python:MODULE:FACTORY, and set PYTHONPATH so that Python finds the module.",
        ) from error
    return factory, int(seed), kind


def make(address: str) -> PythonDut:
    """The device under test at a `python:` address, on the running loop. Raises AddressError."""
    factory, seed, kind = load(address)
    made = factory(seed)
    # By attribute, not by the protocol: from Python 3.12 on that does not see what an object hands on.
    missing = [name for name in _NEEDED if not callable(getattr(made, name, None))]
    if missing:
        raise AddressError(
            f"{address}: what the factory made has no {' and no '.join(missing)}",
            "docs/how-to/hil.md says what each of them does.",
        )
    return PythonDut(cast("Firmware", made), kind)


class PythonDut:
    """A firmware object. Every check makes a new one."""

    slack_s = 0.0

    def __init__(self, firmware: Firmware, kind: str, can: frozenset[Need] | None = None) -> None:
        self.firmware = firmware
        self.kind = _KINDS[kind]
        self.operator: Operator = PythonOperator(self, can)
        self.can_open_second = Need.SECOND_LINK in self.operator.can
        self._kind = kind
        self._clients: dict[int, Client] = {}
        self._last = 1
        self._loop = asyncio.get_running_loop()
        self._ticks = 0
        self._began = self._loop.time()
        self._timer = self._loop.call_soon(self._tick)

    async def connect(self) -> Client:
        """The first link, or the same one again."""
        return self._open(1)

    async def connect_second(self) -> Client:
        """One more link."""
        self._last += 1
        return self._open(self._last)

    async def connect_poor(self, kind: str) -> Client:
        """A link of the kind ble_unbonded or ble_small, where the object knows them. Raises `NotHere`."""
        self._last += 1
        try:
            return self._open(self._last, kind)
        except (ValueError, KeyError) as problem:
            raise NotHere(f"the device takes no link of the kind {kind}") from problem

    def _open(self, number: int, kind: str = "") -> Client:
        client = Client(framed_by_link=self.kind == "ble" or bool(kind), slack_s=0.0)
        client.pipe = _Pipe(self, number)
        self._clients[number] = client
        self.firmware.link_up(number, self._loop.time(), kind or self._kind)
        self.collect()
        return client

    def write(self, link: int, data: bytes) -> None:
        """Bytes of a client."""
        if link in self._clients:
            self.firmware.feed(link, data, self._loop.time())
            self.collect()

    def close(self, link: int) -> None:
        """A client lets go."""
        if self._clients.pop(link, None) is not None:
            self.firmware.link_down(link, self._loop.time())
            self.collect()

    def drop_all(self, error: Exception | None = None) -> None:
        """The supply is gone, and every link with it; or the device is, because of `error`."""
        clients, self._clients = self._clients, {}
        for client in clients.values():
            client.link_lost(error or ConnectionError("the device was switched off"))

    def collect(self) -> None:
        """Hand out what the device has sent up to now, in order, and never from within a `write`."""
        for link, data in self.firmware.advance(self._loop.time()):
            self._loop.call_soon(self._deliver, self._clients.get(link), data)

    def _deliver(self, client: Client | None, data: bytes) -> None:
        if client is not None and client.pipe is not None:
            client.data_received(data)

    def _tick(self) -> None:
        self.collect()
        self._ticks += 1
        self._timer = self._loop.call_at(self._began + self._ticks * TICK_S, self._tick)

    def end(self) -> None:
        """Let no more time pass."""
        self._timer.cancel()


class _Pipe:
    def __init__(self, dut: PythonDut, link: int) -> None:
        self._dut = dut
        self._link = link

    def write(self, data: bytes) -> None:
        self._dut.write(self._link, data)

    def abort(self) -> None:
        self._dut.close(self._link)


class PythonOperator(NoOperator):
    """Calls what the object offers."""

    def __init__(self, dut: PythonDut, can: frozenset[Need] | None) -> None:
        self._dut = dut
        device = dut.firmware
        self.faults = frozenset(getattr(device, "faults", ())) & frozenset(FAULT_NAMES)
        offers = {
            Need.MOTOR: "feed",
            Need.SECOND_LINK: "link_up",
            Need.HAND: "press",
            Need.CHARGER: "charger",
            Need.UNBONDED: "link_up",
            Need.RESET: "reboot",
            Need.POWER: "power_cut",
            Need.FAULT: "fault",
        }
        there = frozenset(need for need, name in offers.items() if hasattr(device, name))
        self.can = there if can is None else can

    async def press(self, client: Client) -> None:
        """The contact closes."""
        client.mark("button down")
        await self._do("press")

    async def release(self, client: Client) -> None:
        """The contact opens; 50 ms later the button counts as released."""
        client.mark("button up")
        await self._do("release")
        await asyncio.sleep(0.25)

    async def reset(self, client: Client) -> None:
        """A reset of the processor."""
        client.mark("reset of the device")
        await self._do("reboot")
        await asyncio.sleep(0.15)

    async def power_cycle(self, client: Client) -> None:
        """Off, a moment later on, and every link is gone."""
        client.mark("power off")
        await self._do("power_cut")
        self._dut.drop_all()
        await asyncio.sleep(_RESTART_S)
        await self._do("reboot")

    async def charger(self, client: Client, plugged: bool) -> None:
        """The charger."""
        client.mark("charger in" if plugged else "charger out")
        await self._do("charger", plugged)

    async def fault(self, name: str) -> None:
        """Bring it about."""
        if name not in self.faults:
            raise NotHere(f"the device cannot be given the fault {name}")
        await self._do("fault", name)

    async def mend(self, name: str) -> None:
        """Take it away."""
        await self._do("mend", name)

    async def _do(self, name: str, *what: object) -> None:
        act = cast("Callable[..., None]", getattr(self._dut.firmware, name))
        act(*what, asyncio.get_running_loop().time())
        self._dut.collect()
        await asyncio.sleep(0)

"""Simulated devices for other people's tests: in memory, on a serial port, on a virtual radio. The plugin's fixtures.

What a test reads from a device here is what its actuators really do, whatever TELEMETRY says.
"""

from __future__ import annotations

import asyncio
import io
import threading
from collections.abc import Callable, Coroutine, Iterable, Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from firmware_sim import trace_rules
from firmware_sim.config import ZONES
from firmware_sim.core import Core
from firmware_sim.device import SimLink, SimulatedDevice
from firmware_sim.faults.catalog import FaultError, apply_fault
from firmware_sim.faults.plan import Step
from firmware_sim.links.memory import build_device
from firmware_sim.links.pty import PtyPort
from firmware_sim.names import cause_name, state_name
from firmware_sim.options import parse_options, set_option
from firmware_sim.simulated_time import SimulatedTimeLoop
from firmware_sim.trace_rules import Bounds
from massager_fw.config import UNIT

if TYPE_CHECKING:
    from firmware_sim.links.ble.lab import BleLab

_T = TypeVar("_T")

LIMIT_S: Final = 4 * 3600.0
"""Simulated seconds after which `SimulatedTime.run` gives up: a session that waits for ever does not end on its own."""
_HOLD_S: Final = 2.3
_SETTLE_S: Final = 0.2
_PATIENCE_S: Final = 10.0


class SimulatedTime:
    """A clock that jumps: an hour passes in seconds. Runs coroutines on its own event loop, in plain test functions."""

    def __init__(self) -> None:
        self._runner = asyncio.Runner(loop_factory=SimulatedTimeLoop)

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The event loop that everything under this clock lives on."""
        return self._runner.get_loop()

    @property
    def now(self) -> float:
        """Simulated seconds since the test began."""
        return self.loop.time()

    def run(self, scenario: Coroutine[Any, Any, _T], *, limit_s: float = LIMIT_S) -> _T:
        """Run `scenario` to its end and return its result; `TimeoutError` after `limit_s` simulated seconds."""

        async def limited() -> _T:
            async with asyncio.timeout(limit_s):
                return await scenario

        return self._runner.run(limited())

    def sleep(self, seconds: float) -> None:
        """Let simulated time pass; devices and tasks go on meanwhile."""
        self.run(asyncio.sleep(seconds), limit_s=seconds + 1.0)

    def close(self) -> None:
        """Cancel what still runs, and close the loop."""
        self._runner.close()


class Massager:
    """One simulated device as a test sees it: hands, faults, and what the actuators really do."""

    def __init__(self, device: SimulatedDevice, trace: io.StringIO) -> None:
        self.device = device
        self._trace = trace

    def _do(self, act: Callable[[], _T]) -> _T:
        """Act on the device where it lives."""
        return act()

    # --- hands

    def press(self) -> None:
        """A finger comes down on the button."""
        self._do(self.device.press)

    def release(self) -> None:
        """The finger leaves the button."""
        self._do(self.device.release)

    def fault(self, spec: str) -> None:
        """Bring a fault about: `NAME[=VALUE][@SECONDS[:FOR]]`, counted from now. `massager-sim faults` lists them.

        A fault that waits for an event, or that a device has from the start, must be there before the device is:
        `@pytest.mark.massager(faults=[...])`. Raises FaultError.
        """
        self._do(lambda: _bring(self.device, spec))

    # --- what it really does

    @property
    def levels(self) -> dict[str, float]:
        """Percent a zone."""

        def look(core: Core) -> dict[str, float]:
            return {
                zone: level / UNIT for zone, level in zip(ZONES, core.levels.level, strict=True)
            }

        return self._core(look)

    @property
    def state(self) -> str:
        """idle, armed, running, paused, fading, latched or fault."""
        return self._core(lambda core: state_name(core.state))

    @property
    def cause(self) -> str:
        """Why the last session ended, or what latched, in the words of docs/protocol.md 7."""
        return self._core(lambda core: cause_name(core.cause))

    def _core(self, look: Callable[[Core], _T]) -> _T:
        def there() -> _T:
            self.device.catch_up()
            return look(self.device.firmware.core)

        return self._do(there)

    # --- its trace

    @property
    def trace(self) -> list[dict[str, Any]]:
        """Every line of the trace so far: the header, samples and events."""

        def there() -> str:
            self.device.catch_up()
            return self._trace.getvalue()

        return trace_rules.read_trace(self._do(there).splitlines())

    @property
    def events(self) -> list[str]:
        """The names of the events so far: boot, arm, stop, dead_man, latch..."""
        return [line["event"] for line in self.trace if line["type"] == "event"]

    def assert_rules(
        self, bounds: Bounds | None = None, *, rules: Iterable[str] | None = None
    ) -> None:
        """Fail unless all that the actuators did keeps R1, R2, R3, R6 and R8; says which rule, when, by how much.

        `bounds` are those of a host that keeps the rules itself: a rise of 1 point/s. Use `DEVICE_ALONE` for a
        host that leaves them to the device.
        """
        trace_rules.assert_rules(self.trace, bounds, rules=rules)


DEVICE_ALONE: Final = Bounds(rise=2.0, step_s=0.04)
"""What the device keeps without any help from its host (R3: 2 points/s)."""


class MemoryLink:
    """A link to a device in memory; nothing of it waits for real time."""

    def __init__(self, time: SimulatedTime, device: SimulatedDevice) -> None:
        self._time = time
        self._inbox = bytearray()
        self._reader: asyncio.StreamReader | None = None
        self.lost: str | None = None
        """Why the link broke; None while it is up."""
        self._link: SimLink = device.open_link("memory", self._hear, self._lose)

    def _hear(self, data: bytes) -> None:
        if self._reader is None:
            self._inbox += data
        else:
            self._reader.feed_data(data)

    def _lose(self, why: str) -> None:
        self.lost = why
        if self._reader is not None:
            self._reader.feed_eof()

    def write(self, data: bytes) -> None:
        """Bytes for the device, as they would travel on a serial line."""
        self._link.write(data)

    def read(self) -> bytes:
        """Everything that the device has sent since the last call; empty if nothing."""
        self._time.sleep(0)
        data, self._inbox = bytes(self._inbox), bytearray()
        return data

    def streams(self) -> tuple[asyncio.StreamReader, MemoryLink]:
        """For a host on asyncio: a reader, and this link as its writer. What `read` gave is then the reader's."""
        if self._reader is None:
            self._reader = asyncio.StreamReader(loop=self._time.loop)
            self._reader.feed_data(bytes(self._inbox))
            self._inbox.clear()
        return self._reader, self

    async def drain(self) -> None:
        """Nothing ever waits here."""

    def close(self) -> None:
        """The host lets go; the device sees its link go down."""
        self._link.close()

    def is_closing(self) -> bool:
        """Whether this end was closed, or the link broke."""
        return self._link.closed


class MemoryMassager(Massager):
    """A device in memory under simulated time, with one link that is up."""

    def __init__(self, time: SimulatedTime, options: str, faults: Iterable[str]) -> None:
        self.time = time
        trace = io.StringIO()

        async def build() -> SimulatedDevice:
            return _build(options, faults, trace)

        super().__init__(time.run(build()), trace)
        self.link = self.open_link()

    def open_link(self) -> MemoryLink:
        """One more link, as a second host would have."""
        return MemoryLink(self.time, self.device)

    def write(self, data: bytes) -> None:
        """Bytes for the device, on the first link."""
        self.link.write(data)

    def read(self) -> bytes:
        """What the device has sent on the first link since the last call."""
        return self.link.read()

    def streams(self) -> tuple[asyncio.StreamReader, MemoryLink]:
        """The first link for a host on asyncio; run that with `massager_time.run`."""
        return self.link.streams()

    def run(self, seconds: float) -> None:
        """Let simulated time pass."""
        self.time.sleep(seconds)

    def hold(self, seconds: float = _HOLD_S) -> None:
        """Press, hold, and let go: 2 s clear a latch, 5 s open pairing."""
        self.press()
        self.run(seconds)
        self.release()
        self.run(_SETTLE_S)

    def close(self) -> None:
        """Switch it off."""
        self.device.close()


class SerialMassager(Massager):
    """A device in real time behind a serial port that any program can open; it lives on a thread of its own."""

    def __init__(self, path: Path, options: str, faults: Iterable[str]) -> None:
        self.path = str(path)
        """The port to open: 115 200 baud, 8N1."""
        self.address = f"serial:{path}"
        """As `massager-ctl --device` wants it."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="massager", daemon=True)
        self._thread.start()
        trace = io.StringIO()

        async def build() -> tuple[SimulatedDevice, PtyPort]:
            device = _build(options, faults, trace)
            return device, PtyPort(device, path)

        try:
            device, self._port = asyncio.run_coroutine_threadsafe(build(), self._loop).result(
                _PATIENCE_S
            )
        except BaseException:
            self._end()
            raise
        super().__init__(device, trace)

    def _do(self, act: Callable[[], _T]) -> _T:
        done: Future[_T] = Future()

        def there() -> None:
            try:
                done.set_result(act())
            except Exception as error:  # noqa: BLE001 - it is raised where it was asked for
                done.set_exception(error)

        self._loop.call_soon_threadsafe(there)
        return done.result(_PATIENCE_S)

    def close(self) -> None:
        """Hang up, switch it off, and end its thread."""
        self._do(self._port.close)
        self._do(self.device.close)
        self._end()

    def _end(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_PATIENCE_S)
        self._loop.close()


class BleMassager(Massager):
    """A device on a virtual radio under simulated time. `backend` and `scanner` are for bleak."""

    def __init__(self, time: SimulatedTime, options: str, faults: Iterable[str]) -> None:
        # Imported only here: the Bluetooth stack takes half a second, and may not be installed.
        from firmware_sim.links.ble.lab import BleLab

        self.time = time
        trace = io.StringIO()

        async def build() -> BleLab:
            lab = BleLab(_build(options, faults, trace))
            await lab.start()
            return lab

        self.lab: BleLab = time.run(build())
        super().__init__(self.lab.device, trace)
        self.backend = self.lab.central.client
        """`BleakClient(device, backend=massager_ble.backend)`."""
        self.scanner = self.lab.central.scanner
        """`BleakScanner(backend=massager_ble.scanner)`."""

    def open_pairing(self) -> None:
        """Hold the button 5 s, and clear the latch that a press sets: commands need a bond (R17)."""
        self.time.run(self.lab.open_pairing())

    def close(self) -> None:
        """Leave the air, and switch it off."""
        self.time.run(self.lab.close())


def _build(options: str, faults: Iterable[str], trace: io.StringIO) -> SimulatedDevice:
    parsed = parse_options(options)
    for fault in faults:
        set_option(parsed, "fault", fault)
    return build_device(parsed, trace=trace)


def query(options: Mapping[str, object]) -> str:
    """`battery=40&heat=off` from a mapping."""
    return "&".join(f"{name}={value}" for name, value in options.items())


def _bring(device: SimulatedDevice, spec: str) -> None:
    config = device.firmware.config
    changed, steps = apply_fault(config, spec)
    if changed is not config or any(step.event is not None for step in steps):
        raise FaultError(
            f"the fault {spec!r} must be there before the device is: give it to"
            f" @pytest.mark.massager(faults=[{spec!r}])"
        )
    for step in steps:
        _schedule(device, step)


def _schedule(device: SimulatedDevice, step: Step) -> None:
    def begin() -> None:
        undo = step.start(device)
        if step.lasts is not None and undo is not None:
            device.later(step.lasts, undo)

    if step.at:
        device.later(step.at, begin)
    else:
        begin()

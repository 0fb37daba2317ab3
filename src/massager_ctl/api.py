"""The public API: one device as an async context manager that stops it on every exit (R6)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path

from massager_ctl import config as settings
from massager_ctl.aio.clock import Clock, SystemClock
from massager_ctl.aio.simulated_time import SimulatedTimeLoop
from massager_ctl.control.controller import Controller
from massager_ctl.errors import Refused
from massager_ctl.model.device import DeviceInfo, Telemetry
from massager_ctl.model.outcome import SessionEnd
from massager_ctl.model.requests import (
    Ease,
    Fade,
    PainKind,
    Pause,
    Presence,
    Resume,
    SetHeat,
    SetLevel,
    SetMotion,
    Undo,
)
from massager_ctl.model.status import Event, Phase, Status
from massager_ctl.model.units import Direction, Motion, Zone
from massager_ctl.profile.format.load import load_profile
from massager_ctl.profile.model import Profile
from massager_ctl.runtime.compose import choose_device, serial_of
from massager_ctl.runtime.ownership import own_device
from massager_ctl.safety.presence import Watcher

MANUAL_S = 600.0
"""Default duration of manual control in seconds (R8 allows 900)."""


class Massager:
    """One device. Every request passes the same rules as from any other front end; `stop` waits for nothing."""

    def __init__(self, controller: Controller) -> None:
        self._controller = controller

    @property
    def info(self) -> DeviceInfo:
        """What the device reports about itself."""
        info = self._controller.info
        assert info is not None, "connect() hands out connected devices only"
        return info

    @property
    def status(self) -> Status:
        """The current status, the same as on every front end."""
        return self._controller.status

    async def start(
        self, profile: str | Path | Profile, *, cap: float | None = None, off_seen: bool = False
    ) -> None:
        """Begin a session and return once the device runs. `cap`: percent, lowers only (R1).

        `off_seen`: a person has seen that the device is off, if nothing confirmed its last stop (R25).

        Raises ProfileError, Refused and its subclasses, StoreError, LinkError.
        """
        loaded = profile if isinstance(profile, Profile) else load_profile(str(profile))
        await self._controller.play(loaded, cap=cap, off_seen=off_seen)

    async def play(self, profile: str | Path | Profile, *, cap: float | None = None) -> SessionEnd:
        """`start` it and wait for its end."""
        await self.start(profile, cap=cap)
        return await self.ended()

    async def manual(self, duration_s: float = MANUAL_S, *, cap: float | None = None) -> None:
        """Begin manual control, every level at zero. `duration_s`: up to 900 (R8)."""
        await self._controller.manual(duration_s, cap=cap)

    async def set(self, zone: str | Zone | None, percent: float) -> None:
        """Aim a zone (None: every zone) at a level, 0 to 100; the first call begins manual control.

        A lower level applies at once, a higher one is climbed to (R2, R3), see `status.held`. Raises as `start` does,
        and Refused once a session has ended: a program that goes on setting levels must not undo a stop.
        """
        change = SetLevel(percent, None if zone is None else Zone.parse(zone))
        if self.status.phase is Phase.IDLE:
            await self.manual()
        elif not self.status.phase.in_session:
            raise Refused(
                f"the session is over: {self.status.message}",
                "Start a new one with `manual()` or `start()`.",
            )
        self._controller.request(change)

    async def motion(
        self,
        motion: str | Motion,
        direction: str | Direction = Direction.NONE,
        *,
        zone: str | Zone | None = None,
        period_s: float = 5.0,
    ) -> None:
        """Set motion and direction of a zone (None: every zone) under manual control; `period_s` 1 to 60 a cycle."""
        place = None if zone is None else Zone.parse(zone)
        self._controller.request(
            SetMotion(Motion.parse(motion), Direction.parse(direction), place, period_s)
        )

    async def heat(self, celsius: float | None) -> None:
        """Set the heat under manual control, 30 to 39 °C, None for off (R11)."""
        self._controller.request(SetHeat(celsius))

    async def pause(self) -> None:
        """All to zero; the session stays for 4 minutes at most (R8)."""
        self._controller.request(Pause())

    async def resume(self) -> None:
        """Resume, climbing from zero (R3)."""
        self._controller.request(Resume())

    async def ease(self, points: float = 5.0) -> None:
        """Lower every zone a little."""
        self._controller.request(Ease(points))

    async def undo(self) -> None:
        """Undo one ease."""
        self._controller.request(Undo())

    async def fade(self) -> None:
        """Fade out over a few seconds and end the session."""
        self._controller.request(Fade())

    async def presence(self) -> None:
        """A person is there (R23)."""
        self._controller.request(Presence())

    async def stop(self) -> None:
        """Stop now and wait until the device has confirmed it. Raises StopUnconfirmed: then unplug it."""
        await self._controller.stop()

    async def pain(self, kind: PainKind = PainKind.UNCLASSIFIED) -> str:
        """Stop, then lower or lock (R22); returns what to tell the person."""
        return await self._controller.pain(kind)

    async def ended(self) -> SessionEnd:
        """Wait for the end of the current or last session."""
        return await self._controller.ended()

    def statuses(self) -> AsyncIterator[Status]:
        """Each change of the status; a slow reader gets only the newest."""
        return self._controller.watch()

    async def telemetry(self) -> AsyncIterator[Telemetry]:
        """Each report of the device, ten a second; a slow reader gets only the newest."""
        last: Telemetry | None = None
        async for status in self._controller.watch():
            if status.telemetry is not None and status.telemetry is not last:
                last = status.telemetry
                yield last

    async def events(self) -> AsyncIterator[Event]:
        """Every event in order: started, ended, button, alarm, ..."""
        queue: asyncio.Queue[Event] = asyncio.Queue()
        remove = self._controller.add_event_listener(queue.put_nowait)
        try:
            while True:
                yield await queue.get()
        finally:
            remove()


@contextlib.asynccontextmanager
async def connect(
    address: str | None = None,
    *,
    simulated: bool = False,
    watched: bool = True,
    on_bench: bool = False,
) -> AsyncGenerator[Massager]:
    """Connect to a device for as long as the block lasts: `async with connect("auto") as massager:`.

    `address`: as on the command line; None for the one in the settings, else the embedded simulator.
    `simulated`: you declare that this device is a simulator in another process (R9). `watched`: whether a person can
    show presence (R23). `on_bench`: the device lies on a table, and no one wears it (R9, R14, R25). On every
    exit, be it an error, a cancellation or Ctrl-C, the device is stopped and that is confirmed.

    Raises AddressError, LinkError and its subclasses, ConfigError, StoreError, and StopUnconfirmed on exit.
    """
    config = settings.load()
    chosen = await choose_device(address, config)
    loop = asyncio.get_running_loop()
    clock: Clock = loop.clock if isinstance(loop, SimulatedTimeLoop) else SystemClock()
    watcher = Watcher.PERSON if watched else Watcher.NOBODY
    async with own_device(
        chosen,
        config,
        clock,
        simulated=simulated,
        watcher=watcher,
        serial=serial_of(address, config),
        on_bench=on_bench,
    ) as controller:
        yield Massager(controller)

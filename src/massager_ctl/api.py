"""The library's face: one device as an async context manager that stops it on every way out (R6)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path

from massager_ctl import config as settings
from massager_ctl.clock import Clock, SystemClock
from massager_ctl.compose import choose_device
from massager_ctl.controller import Controller
from massager_ctl.device import DeviceInfo, Telemetry
from massager_ctl.errors import Refused
from massager_ctl.eventloop import SimulatedTimeLoop
from massager_ctl.outcome import SessionEnd
from massager_ctl.profile.load import load_profile
from massager_ctl.profile.model import Profile
from massager_ctl.requests import (
    Ease,
    Fade,
    PainKind,
    Pause,
    Resume,
    SetHeat,
    SetLevel,
    SetMotion,
    SignOfLife,
    UndoEase,
)
from massager_ctl.safety.attention import Watcher
from massager_ctl.status import Event, Phase, Status
from massager_ctl.surfaces.owner import own_device
from massager_ctl.units import Direction, Motion, Zone

MANUAL_S = 600.0
"""Seconds after which manual control ends by itself, unless told otherwise (R8 allows 900)."""


class Massager:
    """One device. Every request passes the same rules as on any other surface; `stop` waits for nothing."""

    def __init__(self, controller: Controller) -> None:
        self._controller = controller

    @property
    def info(self) -> DeviceInfo:
        """What the device says of itself."""
        info = self._controller.info
        assert info is not None, "connect() hands out connected devices only"
        return info

    @property
    def status(self) -> Status:
        """The picture of this moment, the same on every surface."""
        return self._controller.status

    async def start(self, profile: str | Path | Profile, *, cap: float | None = None) -> None:
        """Begin a session and return once the device runs. `cap`: percent, lowers only (R1).

        Raises ProfileError, Refused and its kin, StoreError, LinkError.
        """
        loaded = profile if isinstance(profile, Profile) else load_profile(str(profile))
        await self._controller.play(loaded, cap=cap)

    async def play(self, profile: str | Path | Profile, *, cap: float | None = None) -> SessionEnd:
        """`start` it and wait for its end."""
        await self.start(profile, cap=cap)
        return await self.ended()

    async def manual(self, duration_s: float = MANUAL_S, *, cap: float | None = None) -> None:
        """Begin manual control, every level at zero. `duration_s`: up to 900 (R8)."""
        await self._controller.manual(duration_s, cap=cap)

    async def set(self, zone: str | Zone | None, percent: float) -> None:
        """Aim a zone (None: every zone) at a level, 0 to 100; the first call begins manual control.

        A lower level is felt at once, a higher one is climbed to (R2, R3), see `status.held`. Raises as `start` does,
        and Refused once a session has ended: a program that goes on setting levels must not undo somebody's stop.
        """
        change = SetLevel(percent, None if zone is None else Zone.parse(zone))
        if self.status.phase is Phase.IDLE:
            await self.manual()
        elif not self.status.phase.in_session:
            raise Refused(
                f"the session is over: {self.status.message}",
                "Begin a new one on purpose, with `manual()` or `start()`.",
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
        """All to zero; the session stays for 5 minutes at most (R8)."""
        self._controller.request(Pause())

    async def resume(self) -> None:
        """Go on, climbing from zero (R3)."""
        self._controller.request(Resume())

    async def ease(self, points: float = 5.0) -> None:
        """A little less everywhere."""
        self._controller.request(Ease(points))

    async def undo_ease(self) -> None:
        """Take one ease back."""
        self._controller.request(UndoEase())

    async def fade(self) -> None:
        """Fade out over a few seconds and end the session."""
        self._controller.request(Fade())

    async def sign_of_life(self) -> None:
        """Somebody is there (R23)."""
        self._controller.request(SignOfLife())

    async def stop(self) -> None:
        """Stop now and wait until the device has confirmed it. Raises StopUnconfirmed: then unplug it."""
        await self._controller.stop()

    async def pain(self, kind: PainKind = PainKind.UNCLASSIFIED) -> str:
        """Stop, then lower or lock (R22); what to tell the person."""
        return await self._controller.pain(kind)

    async def ended(self) -> SessionEnd:
        """Wait for the end of the session that runs, or ran last."""
        return await self._controller.ended()

    def statuses(self) -> AsyncIterator[Status]:
        """Each change of the status; a slow reader gets the newest alone."""
        return self._controller.watch()

    async def telemetry(self) -> AsyncIterator[Telemetry]:
        """Each report of the device, ten a second; a slow reader gets the newest alone."""
        last: Telemetry | None = None
        async for status in self._controller.watch():
            if status.telemetry is not None and status.telemetry is not last:
                last = status.telemetry
                yield last

    async def events(self) -> AsyncIterator[Event]:
        """Everything that happens, in order: started, ended, button, alarm, ..."""
        queue: asyncio.Queue[Event] = asyncio.Queue()
        remove = self._controller.add_event_listener(queue.put_nowait)
        try:
            while True:
                yield await queue.get()
        finally:
            remove()


@contextlib.asynccontextmanager
async def connect(
    address: str | None = None, *, simulated: bool = False, watched: bool = True
) -> AsyncGenerator[Massager]:
    """Connect to a device for as long as the block lasts: `async with connect("auto") as massager:`.

    `address`: as on the command line; None for the one in the settings, else the embedded simulator.
    `simulated`: somebody says that this device is a simulator elsewhere (R9). `watched`: whether a person can give
    signs of life (R23). On every way out, be it an error, a cancellation or Ctrl-C, the device is stopped and that
    is confirmed.

    Raises AddressError, LinkError and its kin, ConfigError, StoreError, and StopUnconfirmed on the way out.
    """
    config = settings.load()
    chosen = await choose_device(address, config)
    loop = asyncio.get_running_loop()
    clock: Clock = loop.clock if isinstance(loop, SimulatedTimeLoop) else SystemClock()
    watcher = Watcher.PERSON if watched else Watcher.NOBODY
    async with own_device(
        chosen, config, clock, simulated=simulated, watcher=watcher
    ) as controller:
        yield Massager(controller)

"""One session from its order to its end: here, or as the view of the process that owns the device."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
from msgspec import Struct

from massager_ctl import config as settings
from massager_ctl.cli.outcome import Outcome
from massager_ctl.cli.pilot import SIGNALS, Pilot
from massager_ctl.cli.report import has_colour
from massager_ctl.clock import Clock, SystemClock
from massager_ctl.compose import choose_device
from massager_ctl.errors import InputError, MassagerError
from massager_ctl.eventloop import SimulatedTimeLoop
from massager_ctl.profile.model import Profile
from massager_ctl.safety.attention import Watcher
from massager_ctl.surfaces.control.remote import RemoteController
from massager_ctl.surfaces.helm import Helm
from massager_ctl.surfaces.keys import Keys
from massager_ctl.surfaces.live import Display, LiveDisplay, NoDisplay, PlainDisplay
from massager_ctl.surfaces.owner import own_device, owner_socket
from massager_ctl.surfaces.signals import signals_taken
from massager_ctl.transports.address import Address, SimAddress


class Order(Struct, frozen=True):
    """What `run` was asked to do. `speed`: times faster than life, None for life itself."""

    profile: Profile
    content: dict[str, object]
    device: str | None
    config: settings.Config
    cap: float | None
    simulated: bool
    speed: float | None
    trace: Path | None
    seed: int
    as_json: bool


def play(order: Order) -> Outcome:
    """Play it to its end and tell how it went. Raises nothing but faults in this program."""
    loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None
    clock: Clock = SystemClock()
    if order.speed is not None:
        loop = SimulatedTimeLoop(speed=order.speed)
        clock = loop.clock
        loop_factory = lambda: loop  # noqa: E731
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        return runner.run(_play(order, clock))


async def _play(order: Order, clock: Clock) -> Outcome:
    named = order.device or order.config.device
    try:
        address = await choose_device(order.device, order.config)
        _check(order, address)
        path = owner_socket(address)
        if path is not None:
            return await _play_there(order, address, path)
        return await _play_here(order, address, clock)
    except MassagerError as error:
        return Outcome(order.profile.id, named, error=error)


def _check(order: Order, address: Address) -> None:
    """What only the embedded simulator can do."""
    if isinstance(address, SimAddress):
        return
    if order.speed is not None:
        raise InputError(
            f"--speed works with the embedded simulator only, and the device is {address}",
            "Leave --speed out, or use --device sim:.",
        )
    if order.trace is not None:
        raise InputError(
            f"--trace is written by the device's side, and {address} is not the embedded simulator",
            "Give --trace to `massager-sim serve`, or use --device sim:.",
        )


async def _play_here(order: Order, address: Address, clock: Clock) -> Outcome:
    watcher = Watcher.PERSON if _has_keys(order) else Watcher.NOBODY
    outcome = Outcome(order.profile.id, str(address))
    async with _Cockpit(order) as cockpit:
        try:
            async with own_device(
                address,
                order.config,
                clock,
                simulated=order.simulated,
                watcher=watcher,
                trace=order.trace,
                profile=order.profile.id,
                seed=order.seed,
            ) as controller:
                outcome = msgspec.structs.replace(outcome, info=controller.info)
                cockpit.take(controller)
                await controller.play(order.profile, cap=order.cap)
                end = await controller.ended()
                await cockpit.pilot.settled()
                outcome = msgspec.structs.replace(outcome, end=end)
        except MassagerError as error:
            outcome = msgspec.structs.replace(outcome, error=error)
        except asyncio.CancelledError:
            if not cockpit.pilot.interrupted:
                raise
    return cockpit.signed(outcome)


async def _play_there(order: Order, address: Address, path: str) -> Outcome:
    remote = RemoteController(path)
    outcome = Outcome(order.profile.id, str(address))
    async with _Cockpit(order) as cockpit:
        try:
            await remote.open()
            await remote.start(order.content, cap=order.cap)
            cockpit.take(remote)
            end = await remote.ended()
            await cockpit.pilot.settled()
            outcome = msgspec.structs.replace(outcome, end=end, info=remote.status.info)
        except MassagerError as error:
            outcome = msgspec.structs.replace(outcome, error=error)
        except asyncio.CancelledError:
            if not cockpit.pilot.interrupted:
                raise
            # It may have begun all the same, so a stop follows.
            outcome = msgspec.structs.replace(outcome, error=await _stopped(remote))
        finally:
            await remote.close()
    return cockpit.signed(outcome)


async def _stopped(remote: RemoteController) -> MassagerError | None:
    try:
        await remote.stop_now()
    except MassagerError as error:
        return error
    return None


class _Cockpit:
    """Display, keys and signals of one session; all are given back when it is left."""

    def __init__(self, order: Order) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.pilot = Pilot(task.cancel)
        self._stack = contextlib.ExitStack()
        self._order = order

    def take(self, helm: Helm) -> None:
        """From now on signals and keys go to `helm`, and its status is shown."""
        self.pilot.helm = helm
        display = _display(self._order, self.pilot)
        self._stack.callback(display.close)
        self._stack.callback(helm.add_listener(display.update))
        if _has_keys(self._order):
            self._stack.enter_context(Keys(self.pilot.key))

    def signed(self, outcome: Outcome) -> Outcome:
        """The outcome with what the person did."""
        pilot = self.pilot
        return msgspec.structs.replace(
            outcome, interrupted=bool(pilot.interrupted), hurt=pilot.hurt
        )

    async def __aenter__(self) -> _Cockpit:
        self._stack.enter_context(signals_taken(SIGNALS, self.pilot.interrupt))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stack.close()


def _display(order: Order, pilot: Pilot) -> Display:
    if order.as_json:
        return NoDisplay()
    loop = asyncio.get_running_loop()
    descriptor = sys.stdout.fileno()

    def broken() -> None:
        # Whoever looked is gone: that is Ctrl-C by other means.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(pilot.interrupt)

    if os.isatty(descriptor) and os.environ.get("TERM") not in (None, "", "dumb"):
        encoding = (sys.stdout.encoding or "").lower().replace("-", "")
        return LiveDisplay(
            descriptor,
            colour=has_colour(sys.stdout),
            unicode=encoding == "utf8",
            on_broken=broken,
        )
    return PlainDisplay(descriptor, on_broken=broken)


def _has_keys(order: Order) -> bool:
    return not order.as_json and sys.stdin is not None and sys.stdin.isatty()

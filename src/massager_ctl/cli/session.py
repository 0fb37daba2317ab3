"""Sessions at this terminal, in `run` and `manual`: here, or as the view of the program that owns the device."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import click
import msgspec
from msgspec import Struct

from massager_ctl import config as settings
from massager_ctl.aio.clock import Clock, SystemClock
from massager_ctl.aio.simulated_time import SimulatedTimeLoop
from massager_ctl.cli.error_block import has_colour
from massager_ctl.cli.result import Outcome
from massager_ctl.control.session_control import SessionControl
from massager_ctl.errors import DeviceBusy, ExitCode, InputError, MassagerError, OffNotSeen
from massager_ctl.frontends.socket.remote import RemoteController
from massager_ctl.frontends.terminal.keys import Keys
from massager_ctl.frontends.terminal.layout import ASCII, LINES
from massager_ctl.frontends.terminal.manual_input import ManualInput
from massager_ctl.frontends.terminal.news import NewsLines
from massager_ctl.frontends.terminal.reader_watch import reader_watched
from massager_ctl.frontends.terminal.screen import Screen
from massager_ctl.frontends.terminal.session_ui import SessionUi
from massager_ctl.model.requests import Start
from massager_ctl.model.status import LinkState, Status
from massager_ctl.profile.plan.make import ProvedProfile
from massager_ctl.runtime.compose import serial_of
from massager_ctl.runtime.ownership import Owned, find_device, own_device
from massager_ctl.runtime.signals import ENDING, signals_taken
from massager_ctl.safety.presence import Watcher
from massager_ctl.transports.address import Address, DialectAddress, SimAddress, parse_address

REDRAW_S: Final = 0.1
"""Seconds between two pictures of a session by hand while no news comes."""


class RunOptions(Struct, frozen=True):
    """What a session command was asked to do.

    `profile` and its `content`, or neither for manual control of `duration_s` seconds. `speed`: times faster than
    real time, None for real time.
    """

    device: str | None
    config: settings.Config
    cap: float | None = None
    simulated: bool = False
    on_bench: bool = False
    profile: ProvedProfile | None = None
    content: dict[str, Any] | None = None
    duration_s: float = 600.0
    speed: float | None = None
    trace: Path | None = None
    seed: int | None = None
    as_json: bool = False

    @property
    def name(self) -> str:
        return "manual" if self.profile is None else self.profile.id


def attend(options: RunOptions) -> Outcome:
    """See a session through, or several by hand, and say how it went. Raises nothing but faults in this program."""
    loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None
    clock: Clock = SystemClock()
    if options.speed is not None:
        loop = SimulatedTimeLoop(speed=options.speed)
        clock = loop.clock
        loop_factory = lambda: loop  # noqa: E731
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        return runner.run(_attend(options, clock))


@contextlib.asynccontextmanager
async def controlled(
    options: RunOptions, found: Owned | Address, clock: Clock
) -> AsyncGenerator[tuple[SessionControl, Callable[[], Awaitable[None]]]]:
    """The controller of this process, or of the one that owns the device already; and what begins the session."""
    if isinstance(found, Owned):
        remote = RemoteController(found.path)
        await remote.open()
        duration = options.duration_s if options.profile is None else None
        try:
            off = _OffSeen(_seen_off(options, found))
            start = Start(options.content, options.cap, duration, has_keys(options))
            yield (
                remote,
                lambda: remote.start(msgspec.structs.replace(start, off_seen=off.once())),
            )
        finally:
            await remote.close()
        return
    off = _OffSeen(_seen_off(options, found))
    async with own_device(
        found,
        options.config,
        clock,
        simulated=options.simulated,
        watcher=Watcher.PERSON if has_keys(options) else Watcher.NOBODY,
        trace=options.trace,
        profile=options.name,
        seed=options.seed or 0,
        serial=serial_of(options.device, options.config),
        on_bench=options.on_bench,
    ) as controller:

        async def begin() -> None:
            if controller.status.link is LinkState.LOST:
                await controller.connect()  # on request; nothing resumes on its own (R15)
            seen = off.once()
            if options.profile is None:
                await controller.manual(options.duration_s, cap=options.cap, off_seen=seen)
            else:
                await controller.play(
                    options.profile, cap=options.cap, waits=has_keys(options), off_seen=seen
                )

        yield controller, begin


class _OffSeen:
    """What a person saw before the first session says nothing after it: a later start has to ask again (R25)."""

    def __init__(self, seen: bool) -> None:
        self._seen = seen

    def once(self) -> bool:
        """Whether the device was seen to be off, for the first start alone."""
        seen, self._seen = self._seen, False
        return seen


def _seen_off(options: RunOptions, found: Owned | Address) -> bool:
    """Ask whether a device of another make is off: nothing may have confirmed its last stop (R25)."""
    address = found.address if isinstance(found, Owned) else found
    if isinstance(address, str):
        address = parse_address(address)
    if options.on_bench and has_keys(options):
        click.echo("On the bench: no one may wear the device.", err=True)
    if not isinstance(address, DialectAddress) or not has_keys(options):
        return False
    if not click.confirm(f"Look at the device at {address}: is it off?", default=False, err=True):
        raise OffNotSeen(
            f"{address} is not known to be off, and nothing was started (R25)",
            "Switch it off, at its own switch if need be, then start again.",
        )
    return True


async def _attend(options: RunOptions, clock: Clock) -> Outcome:
    named = options.device or options.config.device
    outcome = Outcome(options.name, named)
    task = asyncio.current_task()
    assert task is not None
    ui = SessionUi(task.cancel)
    if options.profile is None:
        ui.hand = ManualInput()
    control: SessionControl | None = None
    with contextlib.ExitStack() as stack:
        stack.enter_context(signals_taken(ENDING, ui.interrupt))
        try:
            found = await find_device(options.device, options.config)
            address = found.address if isinstance(found, Owned) else str(found)
            outcome = msgspec.structs.replace(outcome, device=address)
            check_device(options, found)
            async with controlled(options, found, clock) as (control, begin):
                outcome = msgspec.structs.replace(outcome, info=control.status.info)
                outcome = await _session(options, ui, control, begin, stack, outcome)
        except MassagerError as error:
            if not ((ui.unseen or ui.early) and error.exit_code is ExitCode.REFUSED):
                outcome = msgspec.structs.replace(outcome, error=error)
            # Otherwise a start was cut short by a key, or by an output that broke, which is reported on its own.
        except asyncio.CancelledError:
            if not ui.interrupted:
                raise
    return msgspec.structs.replace(
        outcome, interrupted=ui.interrupted > ui.unseen, hurt=ui.hurt, record=tuple(ui.record)
    )


def check_device(options: RunOptions, found: Owned | Address) -> None:
    """Refuse each option that would have no effect on this device. Raises InputError, DeviceBusy."""
    if isinstance(found, SimAddress):
        return
    address = found.address if isinstance(found, Owned) else found
    if options.speed is not None:
        raise InputError(
            f"--speed works with the embedded simulator only, and the device is {address}",
            "Leave --speed out, or use --device sim:.",
        )
    if options.trace is not None:
        raise InputError(
            f"--trace is written by the device's side, and {address} is not the embedded simulator",
            "Give --trace to `massager-sim serve`, or use --device sim:.",
        )
    if options.seed is not None:
        raise InputError(
            f"--seed is for the embedded simulator only, and the device is {address}",
            "Give --seed to `massager-sim serve`, or use --device sim:.",
        )
    if isinstance(found, Owned):
        for given, option in ((options.simulated, "--simulated"), (options.on_bench, "--on-bench")):
            if given:
                raise DeviceBusy(
                    f"another program owns {found.label}, and whether someone wears it was said to that program:"
                    f" {option} has no effect here",
                    f"Leave {option} out, or end that program and start again.",
                )


async def _session(
    options: RunOptions,
    ui: SessionUi,
    control: SessionControl,
    begin: Callable[[], Awaitable[None]],
    stack: contextlib.ExitStack,
    outcome: Outcome,
) -> Outcome:
    """One session of a profile, or sessions by hand until the person leaves."""
    ui.attend(control, begin)
    _show(options, ui, control, stack)
    if options.profile is None:
        left = asyncio.Event()
        ui.on_leave(left.set)
        ui.begin()
        await left.wait()
        await ui.settled()
        ended = control.status.end_reason
        if not ended:
            return msgspec.structs.replace(outcome, error=ui.refused)
        outcome = msgspec.structs.replace(outcome, end=await control.ended())
        return msgspec.structs.replace(outcome, error=ui.unconfirmed)
    ui.on_leave(lambda: None)  # the session's end is the way out
    await ui.started()
    end = await control.ended()
    await ui.settled()
    return msgspec.structs.replace(outcome, end=end, info=control.status.info)


def _show(
    options: RunOptions, ui: SessionUi, control: SessionControl, stack: contextlib.ExitStack
) -> None:
    """Draw what happens, and take the keys; all is given back when the stack is left."""
    stack.callback(control.add_event_listener(ui.heard))
    if options.as_json:
        stack.callback(control.add_listener(lambda _: ui.news()))
        return
    loop = asyncio.get_running_loop()
    descriptor = sys.stdout.fileno()

    def broken() -> None:
        # The reader is gone: that stops it as Ctrl-C does, and is not an error.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(ui.unread)

    if not os.isatty(descriptor) or os.environ.get("TERM") in (None, "", "dumb"):
        lines = NewsLines(descriptor, on_broken=broken)
        stack.callback(lines.close)
        stack.enter_context(reader_watched(sys.stdout, ui.unread))

        def tell(status: Status) -> None:
            lines.update(status)
            ui.news()

        stack.callback(control.add_listener(tell))
        ui.on_say(lambda text: lines.say(text, control.status.elapsed_s))
        if has_keys(options):
            stack.enter_context(Keys(ui.key))
        return
    encoding = (sys.stdout.encoding or "").lower().replace("-", "")
    screen = Screen(
        descriptor,
        ui.rows,
        colour=has_colour(sys.stdout),
        glyphs=LINES if encoding == "utf8" else ASCII,
        full=options.profile is None,
        on_broken=broken,
    )
    stack.callback(screen.close)
    ui.on_bell(screen.bell)
    last = control.status

    def draw(status: Status) -> None:
        nonlocal last
        urgent, last = status.phase is not last.phase, status
        ui.news()
        screen.draw(now=urgent)

    stack.callback(control.add_listener(draw))

    def key(name: str) -> None:
        ui.key(name)
        screen.draw(now=True)

    def click(column: int, row: int) -> None:
        ui.click(column, row)
        screen.draw(now=True)

    if has_keys(options):
        stack.enter_context(Keys(key, on_click=click))
    if options.profile is None:
        stack.callback(_every(REDRAW_S, screen.draw))
    screen.draw(now=True)


def _every(seconds: float, call: Callable[[], None]) -> Callable[[], object]:
    """Call something again and again, until what this returns is called."""

    async def again() -> None:
        while True:
            await asyncio.sleep(seconds)
            call()

    return asyncio.ensure_future(again()).cancel


def has_keys(options: RunOptions) -> bool:
    """Whether a person can press keys at this terminal."""
    return not options.as_json and sys.stdin is not None and sys.stdin.isatty()

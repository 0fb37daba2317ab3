"""`massager-ctl manual`: intensity by hand, on the full screen or line by line."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable
from importlib.util import find_spec
from typing import Final, TypeVar

import click

from massager_ctl import config as settings
from massager_ctl.cli.complete import complete_device
from massager_ctl.cli.screen import ask_about_today
from massager_ctl.device import Cause
from massager_ctl.errors import ExitCode, InputError
from massager_ctl.safety.attention import Watcher
from massager_ctl.status import LinkState
from massager_ctl.surfaces.helm import Helm
from massager_ctl.surfaces.signals import signals_taken

EPILOG: Final = """\b
Examples:
  massager-ctl manual
  massager-ctl manual --device serial:/dev/ttyUSB0 --cap 20
  massager-ctl manual --minutes 5
  printf 'set neck_left 5\\nstatus\\nstop\\n' | massager-ctl manual --plain

Space stops at once, from anywhere. ? shows all keys. A level falls at once and
climbs slowly, whatever is asked for; the session turns itself off."""


@click.command("manual", epilog=EPILOG)
@click.option(
    "--device", "-d", metavar="DEVICE", shell_complete=complete_device, help="Which device."
)
@click.option("--cap", type=float, metavar="PERCENT", help="No stronger than this (lowers only).")
@click.option(
    "--minutes",
    type=click.FloatRange(1, 15),
    default=10.0,
    show_default=True,
    help="Turn off by itself after so long.",
)
@click.option(
    "--simulated", is_flag=True, help="The device is a simulator elsewhere; nobody wears it."
)
@click.option("--plain", is_flag=True, help="Lines of text instead of the full screen.")
def manual(
    device: str | None, cap: float | None, minutes: float, simulated: bool, plain: bool
) -> int:
    """Control the intensity by hand."""
    if not plain and os.environ.get("TERM", "dumb") in {"", "dumb"} and sys.stdout.isatty():
        raise InputError(
            "the full screen needs a terminal that can move its cursor, and this one cannot (TERM)",
            "Use --plain, which reads commands line by line.",
        )
    if not plain and not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise InputError(
            "the full screen needs a terminal, and this is none",
            "Use --plain, which reads commands line by line.",
        )
    if not plain and find_spec("textual") is None:
        raise InputError(
            "the full screen needs a library that is not installed (textual)",
            "Install it: pip install 'massager-ctl[tui]'. Or use --plain, which needs nothing more.",
        )
    config = settings.load()
    if not simulated and sys.stdin.isatty() and not (device or config.device).startswith("sim:"):
        ask_about_today(config.data)
    return asyncio.run(_manual(device, config, cap, minutes * 60, simulated, plain))


async def _manual(
    device: str | None,
    config: settings.Config,
    cap: float | None,
    seconds: float,
    simulated: bool,
    plain: bool,
) -> int:
    async with _helm(device, config, simulated) as (helm, begin):

        async def start() -> None:
            await begin(seconds, cap)

        if plain:
            return await _by_lines(helm, start)
        return await _by_screen(helm, start)


_T = TypeVar("_T")
Begin = Callable[[float, float | None], Awaitable[None]]


@contextlib.asynccontextmanager
async def _helm(
    device: str | None, config: settings.Config, simulated: bool
) -> AsyncGenerator[tuple[Helm, Begin]]:
    """The controller of this process, or of the one that owns the device already."""
    from massager_ctl.clock import SystemClock
    from massager_ctl.compose import choose_device
    from massager_ctl.surfaces.control.remote import RemoteController
    from massager_ctl.surfaces.owner import own_device, owner_socket

    address = await choose_device(device, config)
    path = owner_socket(address)
    if path is not None:
        remote = RemoteController(path)
        await remote.open()

        async def begin_there(seconds: float, cap: float | None) -> None:
            await remote.start(None, cap=cap)

        try:
            yield remote, begin_there
        finally:
            await remote.close()
        return
    watcher = Watcher.PERSON if sys.stdin.isatty() else Watcher.NOBODY
    async with own_device(
        address, config, SystemClock(), simulated=simulated, watcher=watcher
    ) as controller:

        async def begin_here(seconds: float, cap: float | None) -> None:
            if controller.status.link is LinkState.LOST:
                await controller.connect()  # asked for by hand; nothing resumes by itself (R15)
            await controller.manual(seconds, cap=cap)

        yield controller, begin_here


async def _by_screen(helm: Helm, start: Callable[[], Awaitable[None]]) -> int:
    from massager_ctl.surfaces.manual import lanes
    from massager_ctl.surfaces.manual.app import ManualApp

    encoding = (sys.stdout.encoding or "").lower().replace("-", "")
    marks = lanes.UNICODE if encoding == "utf8" else lanes.PLAIN
    app = ManualApp(helm, start, marks=marks)
    with signals_taken((signal.SIGTERM, signal.SIGHUP), app.leave):
        await app.run_async()
    if app.unconfirmed is not None:
        raise app.unconfirmed
    if app.interrupted:
        return ExitCode.INTERRUPTED
    return ExitCode.OK


async def _by_lines(helm: Helm, start: Callable[[], Awaitable[None]]) -> int:
    from massager_ctl.surfaces.manual.plain import PlainManual

    plain = PlainManual(helm, start, click.echo)
    lines = _lines()
    stopping: list[asyncio.Task[None]] = []
    interrupted = asyncio.Event()

    def interrupt() -> None:
        stopping.append(helm.stop_now(Cause.PERSON, "interrupted"))  # behind no command (R6)
        interrupted.set()

    waiting = asyncio.ensure_future(interrupted.wait())

    async def done(work: asyncio.Future[_T]) -> bool:
        """Whether it came before a signal."""
        await asyncio.wait({work, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if not interrupted.is_set():
            return True
        work.cancel()
        await asyncio.wait({work})
        if not work.cancelled():
            work.exception()  # it is over, and nobody asks how
        return False

    with signals_taken((signal.SIGINT, signal.SIGTERM, signal.SIGHUP), interrupt):
        try:
            starting = asyncio.ensure_future(start())
            if not await done(starting):
                return ExitCode.INTERRUPTED
            starting.result()
            click.echo(
                "Manual control, every level at zero. `help` lists the commands; an empty line stops."
            )
            while await done(line := asyncio.ensure_future(lines.get())):
                text = line.result()
                obeying = asyncio.ensure_future(plain.obey(text or "quit"))
                if not await done(obeying):
                    break
                if not obeying.result():
                    return ExitCode.OK
            return ExitCode.INTERRUPTED
        finally:
            waiting.cancel()
            if helm.status.phase.in_session or stopping:
                stopping.append(helm.stop_now())
                for stop in stopping:
                    await stop
                click.echo("Stopped, confirmed at zero.")


def _lines() -> asyncio.Queue[str]:
    """Standard input line by line, whatever it is; an empty text is its end.

    A thread of its own that nobody waits for: a read cannot be cancelled, and a regular file cannot be polled.
    """
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[str] = asyncio.Queue()

    def read() -> None:
        with contextlib.suppress(
            RuntimeError, ValueError, OSError
        ):  # the loop or the input is gone
            for line in sys.stdin:
                loop.call_soon_threadsafe(queue.put_nowait, line)
            loop.call_soon_threadsafe(queue.put_nowait, "")

    threading.Thread(target=read, name="lines", daemon=True).start()
    return queue

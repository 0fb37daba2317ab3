"""`massager-ctl manual`: intensity by hand, on the full screen or line by line."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import threading
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import click

from massager_ctl import config as settings
from massager_ctl.aio.clock import SystemClock
from massager_ctl.cli.number import Number
from massager_ctl.cli.result import tell
from massager_ctl.cli.screen import ask_about_today
from massager_ctl.cli.session import RunOptions, attend, check_device, controlled
from massager_ctl.cli.suggest import complete_device
from massager_ctl.control.session_control import SessionControl
from massager_ctl.errors import ExitCode, InputError
from massager_ctl.frontends.terminal.manual_lines import ManualLines
from massager_ctl.frontends.terminal.reader_watch import reader_watched
from massager_ctl.frontends.writing import WritingThread
from massager_ctl.model.device import Cause
from massager_ctl.model.units import parse_intensity
from massager_ctl.runtime.ownership import find_device
from massager_ctl.runtime.signals import ENDING, signals_taken

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
@click.option("--cap", metavar="PERCENT", help="No stronger than this (lowers only).")
@click.option(
    "--minutes",
    type=Number(1, 15),
    default=10.0,
    show_default=True,
    help="Turn off after so many minutes.",
)
@click.option(
    "--simulated", is_flag=True, help="The device is an external simulator; no one wears it."
)
@click.option(
    "--on-bench",
    is_flag=True,
    help="The device lies on a table, and no one wears it: no screening, no dose.",
)
@click.option("--plain", is_flag=True, help="Lines of text instead of the full screen.")
def manual(
    device: str | None,
    cap: str | None,
    minutes: float,
    simulated: bool,
    on_bench: bool,
    plain: bool,
) -> int:
    """Control the intensity by hand."""
    if not plain and os.environ.get("TERM", "dumb") in {"", "dumb"} and sys.stdout.isatty():
        raise InputError(
            "the full screen needs a terminal that can move its cursor, and this one cannot (TERM)",
            "Use --plain, which reads commands line by line.",
        )
    if not plain and not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise InputError(
            "the full screen needs a terminal, and this is not one",
            "Use --plain, which reads commands line by line.",
        )
    config = settings.load()
    ceiling = None if cap is None else float(parse_intensity(cap))
    worn = not (simulated or on_bench or (device or config.device).startswith("sim:"))
    if worn and sys.stdin.isatty():
        ask_about_today(config.data)
    options = RunOptions(device, config, ceiling, simulated, on_bench, duration_s=minutes * 60)
    if plain:
        return asyncio.run(_plain(options))
    return tell(attend(options), as_json=False)


async def _plain(options: RunOptions) -> int:
    found = await find_device(options.device, options.config)
    check_device(options, found)
    answers = Answers()
    try:
        async with controlled(options, found, SystemClock()) as (control, begin):
            code = await _by_lines(control, begin, answers)
    finally:
        answers.close()
    if code == ExitCode.OK and answers.error and not isinstance(answers.error, BrokenPipeError):
        raise answers.error  # a reader that is gone is not an error; a full disk is
    return code


class Answers:
    """Writes answers in a thread of its own: an output that is not read must not hold up the loop (R24)."""

    def __init__(self) -> None:
        self.error: OSError | None = None
        """Why nothing more can be written, if so."""
        self.on_broken: Callable[[], None] = lambda: None
        """Called once then, from the thread."""
        self._thread = WritingThread[str]("massager-ctl-writer", self._written, kept=1000)

    def say(self, text: str) -> None:
        """Write a line soon."""
        self._thread.put(text)

    def close(self) -> None:
        """Write what waits, for at most a second."""
        self._thread.close()

    def _written(self, text: str) -> bool:
        try:
            click.echo(text)
        except OSError as error:
            self.error = error
            self.on_broken()
        return self.error is None


_T = TypeVar("_T")


async def _by_lines(
    control: SessionControl, start: Callable[[], Awaitable[None]], answers: Answers
) -> int:
    plain = ManualLines(control, start, answers.say)
    loop = asyncio.get_running_loop()
    _read_lines(loop, plain.put)
    stopping: list[asyncio.Task[None]] = []
    interrupted = asyncio.Event()
    code = ExitCode.INTERRUPTED

    def interrupt() -> None:
        stopping.append(control.stop_now(Cause.PERSON, "interrupted"))  # behind no command (R6)
        interrupted.set()

    def unread() -> None:
        nonlocal code
        if not waiting.done():
            code = ExitCode.OK  # it stops as after a signal, and is not an error
            interrupt()

    def broken() -> None:
        with contextlib.suppress(RuntimeError):  # the loop is gone
            loop.call_soon_threadsafe(unread)

    waiting = asyncio.ensure_future(interrupted.wait())
    answers.on_broken = broken

    async def done(work: asyncio.Future[_T]) -> bool:
        """Whether it came before a signal."""
        await asyncio.wait({work, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if not interrupted.is_set():
            return True
        work.cancel()
        await asyncio.wait({work})
        if not work.cancelled():
            work.exception()  # it is over; its result is not needed
        return False

    with signals_taken(ENDING, interrupt), reader_watched(sys.stdout, unread):
        try:
            starting = asyncio.ensure_future(start())
            if not await done(starting):
                return code
            starting.result()
            answers.say(_greeting(control))
            while await done(line := asyncio.ensure_future(plain.next())):
                text = line.result()
                obeying = asyncio.ensure_future(plain.obey(text or "quit"))
                if not await done(obeying):
                    break
                if not obeying.result():
                    return ExitCode.OK
            return code
        finally:
            waiting.cancel()
            await _at_zero(control, stopping, answers)


def _greeting(control: SessionControl) -> str:
    first = "Manual control, every level at zero. `help` lists the commands; an empty line stops."
    return "\n  ".join((first, *control.status.notes))


async def _at_zero(
    control: SessionControl, stopping: list[asyncio.Task[None]], answers: Answers
) -> None:
    """Stop what runs, and wait for that and for the stops before it. Raises StopUnconfirmed."""
    if control.status.phase.in_session or stopping:
        stopping.append(control.stop_now())
        for stop in stopping:
            await stop
        answers.say("Stopped, confirmed at zero.")


def _read_lines(loop: asyncio.AbstractEventLoop, put: Callable[[str], None]) -> None:
    """Give standard input to `put` line by line, whatever it is; an empty text is its end.

    It is read in a thread that is not waited for: a read cannot be cancelled, and a regular file cannot be polled.
    """

    def read() -> None:
        with contextlib.suppress(
            RuntimeError, ValueError, OSError
        ):  # the loop or the input is gone
            for line in sys.stdin:
                loop.call_soon_threadsafe(put, line)
            loop.call_soon_threadsafe(put, "")

    threading.Thread(target=read, name="lines", daemon=True).start()

"""Manual control by lines of text, for screen readers and pipes: one command per line, one short answer."""

from __future__ import annotations

import asyncio
import contextlib
from asyncio import Task
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Final

from massager_ctl.aio.task_bag import TaskBag
from massager_ctl.control.session_control import SessionControl
from massager_ctl.errors import InputError, MassagerError
from massager_ctl.frontends import words
from massager_ctl.model.device import Cause
from massager_ctl.model.requests import (
    Change,
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
from massager_ctl.model.status import Status
from massager_ctl.model.units import ZONES, Direction, Motion, Zone, parse_intensity

HELP: Final = """\
set ZONE PERCENT    aim a zone (or `all`) at a level; it climbs slowly and falls at once
motion MOTION [DIRECTION]    vibrate, knead, circle, glide, hold; cw, ccw, alternate, up, down
heat CELSIUS|off    30 to 39
stop, or an empty line    stop at once
pause, resume, ease, undo, fade, pain [mild|warning_sign], status, start, help, quit"""


MOMENT_S: Final = 0.25
"""Seconds after a change until it is answered with the levels, unless another line waits."""


class ManualLines:
    """Takes commands as lines, obeys them in order and answers through `say`; a stop waits behind none (R6)."""

    def __init__(
        self,
        control: SessionControl,
        start: Callable[[], Awaitable[None]],
        say: Callable[[str], None],
    ) -> None:
        self._control = control
        self._start = start
        self._say = say
        self._waiting: deque[str] = deque()
        self._came = asyncio.Event()
        self._begun = False
        self._obeying = False
        self._tasks = TaskBag()

    def put(self, line: str) -> None:
        """Take a line of the input; an empty text is its end.

        A stop that comes while others are obeyed or wait is sent at once, and voids those that wait (R6).
        """
        if self._begun and (self._obeying or self._waiting) and asks_to_stop(line):
            self._tasks.keep(self._control.stop_now(Cause.PERSON, "you stopped it"))
            self._waiting = deque(filter(asks_to_stop, self._waiting))
        self._waiting.append(line)
        self._came.set()

    async def next(self) -> str:
        """The next line to obey. Lines that come before the first call are all obeyed in order, as a script's are."""
        self._begun = True
        while not self._waiting:
            self._came.clear()
            await self._came.wait()
        line = self._waiting.popleft()
        if not self._waiting:
            self._came.clear()
        return line

    async def obey(self, line: str) -> bool:
        """Execute one line; False if it asks to leave. Errors are answered, not raised."""
        words = line.split()
        command = words[0].lower() if words else "stop"
        self._obeying = True
        try:
            if command in {"quit", "exit"}:
                return False
            await self._do(command, words[1:])
        except MassagerError as error:
            self._say(str(error))
        finally:
            self._obeying = False
        return True

    async def _do(self, command: str, words: list[str]) -> None:
        match command, words:
            case "stop" | "s", _:  # whatever follows on the line
                await self._stop(self._control.stop_now(Cause.PERSON, "you stopped it"))
            case "pain", [*kind]:
                await self._pain(kind)
            case "start", []:
                await self._start()
                self._say("Started, every level at zero.")
            case "status", []:
                self._say(summary(self._control.status))
            case "help", []:
                self._say(HELP)
            case _:
                changes = read_change(command, words)
                for change in changes:
                    self._control.request(change)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._came.wait(), MOMENT_S)
                self._say(summary(self._control.status))

    async def _stop(self, stopping: Task[Any]) -> None:
        await stopping
        self._say("Stopped, confirmed at zero.")

    async def _pain(self, kind: list[str]) -> None:
        try:
            reported = PainKind(kind[0]) if kind else PainKind.UNCLASSIFIED
        except ValueError:
            # Whatever follows on the line, pain stops first.
            reported = PainKind.UNCLASSIFIED
        self._say(await self._control.pain(reported))


def asks_to_stop(line: str) -> bool:
    """Whether a line stops: `stop`, `pain`, or one without a word in it. The end of the input is none."""
    words = line.split()
    return words[0].lower() in {"stop", "s", "pain"} if words else bool(line)


def read_change(command: str, words: list[str]) -> list[Change]:
    """The request of a command. Raises InputError."""
    match command, words:
        case "set", [zone, percent]:
            place = None if zone == "all" else Zone.parse(zone)
            return [SetLevel(parse_intensity(percent), place)]
        case "motion", [motion, *way]:
            return [SetMotion(Motion.parse(motion), Direction.parse(way[0] if way else "none"))]
        case "heat", ["off"]:
            return [SetHeat(None)]
        case "heat", [celsius]:
            return [SetHeat(float(parse_intensity(celsius)))]
        case "pause", []:
            return [Pause()]
        case "resume", []:
            return [Resume()]
        case "ease", []:
            return [Ease()]
        case "undo", []:
            return [Undo()]
        case "fade", []:
            return [Fade()]
        case "yes" | "ok", []:
            return [Presence()]
        case _:
            raise InputError(f"'{' '.join([command, *words])}' is not understood", HELP)


def summary(status: Status) -> str:
    """The status in a sentence or two."""
    levels = [
        f"{words.place(zone)} {words.percent(level)}"
        for zone, level in zip(ZONES, status.actual, strict=True)
        if level > 0
    ]
    parts = [f"{status.phase}: {'; '.join(levels) if levels else 'everything at zero'}."]
    parts += [f"{words.held(held)}." for held in status.held]
    if status.message and not status.phase.in_session:
        text = words.plain(status.message)
        parts.append(f"{text[0].upper()}{text[1:]}.")
    return " ".join(parts)

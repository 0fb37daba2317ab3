"""Manual control by lines of text, for screen readers and pipes: one command a line, one short answer."""

from __future__ import annotations

import asyncio
from asyncio import Task
from collections.abc import Awaitable, Callable
from typing import Any, Final

from massager_ctl.device import Cause
from massager_ctl.errors import InputError, MassagerError
from massager_ctl.requests import (
    Change,
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
from massager_ctl.status import Status
from massager_ctl.surfaces.helm import Helm
from massager_ctl.units import ZONES, Direction, Motion, Zone, parse_intensity

HELP: Final = """\
set ZONE PERCENT    aim a zone (or `all`) at a level; it climbs slowly and falls at once
motion MOTION [DIRECTION]    vibrate, knead, circle, glide, hold; cw, ccw, alternate, up, down
heat CELSIUS|off    30 to 39
stop, or an empty line    stop at once
pause, resume, ease, undo, fade, pain [mild|warning_sign], status, start, help, quit"""


class PlainManual:
    """Reads commands as lines and answers through `say`."""

    def __init__(
        self, helm: Helm, start: Callable[[], Awaitable[None]], say: Callable[[str], None]
    ) -> None:
        self._helm = helm
        self._start = start
        self._say = say

    async def obey(self, line: str) -> bool:
        """Do what one line asks for; False where it asks to leave. Errors are answered, not raised."""
        words = line.split()
        command = words[0].lower() if words else "stop"
        try:
            if command in {"quit", "exit"}:
                return False
            await self._do(command, words[1:])
        except MassagerError as error:
            self._say(str(error))
        return True

    async def _do(self, command: str, words: list[str]) -> None:
        match command, words:
            case "stop" | "s", []:
                await self._stop(self._helm.stop_now(Cause.PERSON, "you stopped it"))
            case "pain", [*kind]:
                await self._pain(kind)
            case "start", []:
                await self._start()
                self._say("Started, every level at zero.")
            case "status", []:
                self._say(told(self._helm.status))
            case "help", []:
                self._say(HELP)
            case _:
                changes = read_change(command, words)
                for change in changes:
                    self._helm.request(change)
                await asyncio.sleep(0.25)
                self._say(told(self._helm.status))

    async def _stop(self, stopping: Task[Any]) -> None:
        await stopping
        self._say("Stopped, confirmed at zero.")

    async def _pain(self, kind: list[str]) -> None:
        try:
            reported = PainKind(kind[0]) if kind else PainKind.UNCLASSIFIED
        except ValueError:
            # Whatever was typed behind it, pain stops first.
            reported = PainKind.UNCLASSIFIED
        self._say(await self._helm.pain(reported))


def read_change(command: str, words: list[str]) -> list[Change]:
    """The change that a command asks for. Raises InputError."""
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
            return [UndoEase()]
        case "fade", []:
            return [Fade()]
        case "yes" | "ok", []:
            return [SignOfLife()]
        case _:
            raise InputError(f"'{' '.join([command, *words])}' is not understood", HELP)


def told(status: Status) -> str:
    """The status in a sentence or two."""
    levels = [
        f"{zone} {level:g}" for zone, level in zip(ZONES, status.actual, strict=True) if level > 0
    ]
    parts = [f"{status.phase}: {', '.join(levels) if levels else 'everything at zero'}."]
    parts += [f"{held}." for held in status.held]
    if status.message and not status.phase.in_session:
        parts.append(f"{status.message[0].upper()}{status.message[1:]}.")
    return " ".join(parts)

"""Who stands at a simulated table, and what was asked of the driver there."""

from __future__ import annotations

import asyncio
from asyncio import Future
from collections.abc import Callable
from typing import Any

from tests.support.ascii_massager import ASCII, AsciiPeer

from massager_ctl.drivers.base import DriverListener
from massager_ctl.drivers.dialect import DriverSpec
from massager_ctl.drivers.plain import PlainDriver
from massager_ctl.model.device import Cause, DeviceInfo, Setpoint
from massager_ctl.runtime.table_trial import TableTrial
from massager_ctl.safety.assurance import Shown
from massager_ctl.testing.peers import PeerLink


class Somebody:
    """Answers as they see it; `lies` are answers to questions that hold such a word."""

    def __init__(self, link: PeerLink, lies: dict[str, bool] | None = None) -> None:
        self.link, self.lies = link, lies or {}
        self.pressed: list[tuple[str, int]] = []
        self.said: list[str] = []
        self.asked: list[str] = []

    async def press(self, text: str) -> None:
        await asyncio.sleep(1.0)
        self.pressed.append((text, len(self.link.heard)))

    async def sees(self, question: str) -> bool:
        self.asked.append(question)
        await asyncio.sleep(1.0)
        for word, answer in self.lies.items():
            if word in question:
                return answer
        if "Does it run" in question:
            return self.link.peer.steps != (0,)
        if "rest" in question:
            return self.link.peer.steps == (0,)
        return True

    def say(self, text: str) -> None:
        self.said.append(text)


async def tried(
    spec: DriverSpec = ASCII,
    make: Callable[[], Any] = AsciiPeer,
    lies: dict[str, bool] | None = None,
) -> tuple[Shown, Somebody, PeerLink]:
    async with PeerLink(make()) as link:
        person = Somebody(link, lies)
        _, shown = await TableTrial(PlainDriver(link.host, spec), person).run()
        return shown, person, link


class Noted(PlainDriver):
    """A driver that writes down what it is asked to do, by its name."""

    def __init__(self, link: PeerLink, spec: DriverSpec = ASCII, name: str = "") -> None:
        super().__init__(link.host, spec)
        self.name = name
        self.notes: list[str] = []

    def note(self, what: str) -> None:
        self.notes.append(f"{self.name} {what}".lstrip())

    async def open(self, listener: DriverListener) -> DeviceInfo:
        self.note("open")
        return await super().open(listener)

    async def close(self) -> None:
        self.note("close")
        await super().close()

    def send(self, setpoint: Setpoint) -> None:
        self.note("send")
        super().send(setpoint)

    def stop(self, cause: Cause) -> Future[None]:
        self.note("stop")
        return super().stop(cause)

    def seen_at_rest(self) -> None:
        self.note("at rest")
        super().seen_at_rest()

"""A `start` over the control socket: the profile's content becomes a session of the owner's controller."""

from __future__ import annotations

import asyncio

import msgspec

from massager_ctl.controller import Controller
from massager_ctl.errors import Refused
from massager_ctl.profile.load import load_text
from massager_ctl.programme import UNNAMED_MAX_S
from massager_ctl.surfaces.control.document import Start
from massager_ctl.surfaces.control.server import OnStart


def starter(controller: Controller) -> OnStart:
    """For `ControlServer(on_start=…)`: play what was sent, or begin by hand. Raises as `Controller.play` does."""

    async def start(request: Start) -> None:
        if request.profile is None:
            seconds = UNNAMED_MAX_S if request.duration_s is None else request.duration_s
            await controller.manual(seconds, cap=request.cap)
            return
        stops = controller.stops_asked
        text = msgspec.json.encode(request.profile).decode()
        # In a thread: another device's session in this process must not wait for it (R24).
        profile = await asyncio.to_thread(load_text, text, "request")
        if stops != controller.stops_asked:
            raise Refused("it was stopped before it began")
        await controller.play(profile, cap=request.cap)

    return start

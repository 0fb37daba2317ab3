"""A `start` over the control socket: the profile's content becomes a session of the owner's controller."""

from __future__ import annotations

import msgspec

from massager_ctl.controller import Controller
from massager_ctl.profile.load import load_text
from massager_ctl.programme import UNNAMED_MAX_S
from massager_ctl.surfaces.control.document import Start
from massager_ctl.surfaces.control.server import OnStart


def starter(controller: Controller) -> OnStart:
    """For `ControlServer(on_start=…)`: play what was sent, or begin by hand. Raises as `Controller.play` does."""

    async def start(request: Start) -> None:
        if request.profile is None:
            await controller.manual(request.duration_s or UNNAMED_MAX_S, cap=request.cap)
            return
        text = msgspec.json.encode(request.profile).decode()
        await controller.play(load_text(text, "request"), cap=request.cap)

    return start

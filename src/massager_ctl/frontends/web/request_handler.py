"""Passes HTTP requests to the controller, after the same gate as MQTT (R18)."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from massager_ctl.aio.clock import Clock
from massager_ctl.control.outlook import hindrance
from massager_ctl.errors import InputError, LinkError, MassagerError
from massager_ctl.frontends.status_document import status_document
from massager_ctl.frontends.web.offered import OfferedDevice
from massager_ctl.frontends.web.problems import HttpProblem
from massager_ctl.frontends.web.status_stream import StatusStream
from massager_ctl.model.request_document import REMOTE, read_request
from massager_ctl.model.requests import Change, Origin, Pain, Presence, Start
from massager_ctl.safety.remote_start import Stamp, need_of

NAMES: Final = REMOTE - {"stop"}
"""Requests that are handled here; a stop has its own path."""

PAGE_MIN: Final = 8
PAGE_MAX: Final = 64
"""Minimum and maximum characters of a page's name, which it chooses at random."""


class RequestHandler:
    """Handles the requests to one device."""

    def __init__(self, device: OfferedDevice, stream: StatusStream, clock: Clock) -> None:
        self._device = device
        self._controller = device.controller
        self._stream = stream
        self._clock = clock

    async def take(self, name: str, body: dict[str, Any], received_at: float) -> dict[str, Any]:
        """Act on one request and return the result. Raises HttpProblem, MassagerError.

        `body`: the request's own keys, `n` and `t` of R18, and `page`, the name of the page that asks.
        """
        stamp = Stamp(body.pop("n", None), body.pop("t", None))
        page = page_name(body.pop("page", None))
        request: Change | Start | Pain = read_request({**body, "request": name}, allowed=NAMES)
        if isinstance(request, (Start, Presence)):
            self._require_present(page)
        self._judge(request, stamp)
        said = ""
        match request:
            case Start():
                await self._start(request, page or "", received_at)
            case Pain():
                self._device.renew()
                said = await self._controller.pain(request.kind, Origin.REMOTE)
            case _:
                self._controller.request(request, received_at=received_at, origin=Origin.REMOTE)
                if isinstance(request, Presence) and self._stream.attendance.keeper is not None:
                    # A request takes over from another page; a session started at the machine needs no page.
                    self._stream.attendance.keep(page or "")
        self._stream.news()
        answer: dict[str, Any] = {"device": self._device.name, "request": name}
        if said:
            answer["said"] = said
        if request.id is not None:
            answer["id"] = request.id
        return {**answer, "status": status_document(self._controller.status)}

    def _require_present(self, page: str | None) -> None:
        if page is None or not self._stream.attendance.present(page, self._now()):
            raise HttpProblem(
                409,
                "no_page",
                "the request does not come from a visible page (R18)",
                "Watch the device over the websocket, and use the same page name for both.",
            )

    def _judge(self, request: Change | Start | Pain, stamp: Stamp) -> None:
        need = need_of(request, self._controller.aims)
        gate = self._device.gate
        rejected = gate.judge(need, stamp, now=self._now(), wall=self._clock.wall())
        if rejected is not None:
            raise HttpProblem(
                409, "rejected", rejected.text, why=rejected.why, skew_s=rejected.skew_s
            )

    async def _start(self, start: Start, page: str, received_at: float) -> None:
        """The nonce is already used; readiness is used once the session has begun, or was stopped."""
        if isinstance(start.profile, dict):
            raise InputError("a remote start needs a profile", "See /v1/profiles.")
        self._device.renew()
        found = hindrance(self._controller)
        if found is not None:
            self._device.gate.give_back()
            raise found.error
        attempt = self._controller.receive(start, origin=Origin.REMOTE, received_at=received_at)
        try:
            await self._controller.begin(attempt)
        except LinkError:
            raise  # it may have been armed
        except MassagerError:
            if not attempt.cancelled:
                self._device.gate.give_back()
            raise
        if self._controller.open_attempt is attempt:
            self._stream.attendance.keep(page)

    def _now(self) -> float:
        return asyncio.get_running_loop().time()


def page_name(value: object) -> str | None:
    """A page's name as it came. Raises InputError."""
    if value is None:
        return None
    if (
        not isinstance(value, str)
        or not PAGE_MIN <= len(value) <= PAGE_MAX
        or not (value.isascii() and value.isalnum())
    ):
        raise InputError(f"'page' must have {PAGE_MIN} to {PAGE_MAX} letters and digits")
    return value

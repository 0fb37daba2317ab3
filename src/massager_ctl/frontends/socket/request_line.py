"""Reads a line of the control socket into a request (R19)."""

from __future__ import annotations

from typing import Final, cast

from msgspec import Struct

from massager_ctl.errors import InputError
from massager_ctl.model.json_reading import NotJson, read_json
from massager_ctl.model.request_document import LOCAL, finite_number, read_request
from massager_ctl.model.requests import LocalRequest, Pain, Stop

VIEW_MAX: Final = 64
"""Maximum characters of a view's name."""


class Envelope(Struct, frozen=True):
    """A request, the sender's monotonic time stamp if any (R5), and the device that it names."""

    asked: LocalRequest
    sent_at: float | None
    device: str | None = None
    view: str | None = None
    """The name of the terminal that asks, if it also shows the session (R23)."""


def read_line(line: bytes) -> Envelope:
    """The request in one line of JSON. InputError says what is wrong with it; nothing is guessed (R19)."""
    try:
        found, broken = read_json(line), ""
    except NotJson as error:
        found, broken = _mended(line), f"this line is not JSON: {error}"
    if broken and found is None:
        raise InputError(broken, "Send one JSON object a line.")
    if not isinstance(found, dict):
        raise InputError("a request is a JSON object", 'For example {"request": "stop"}.')
    fields = cast("dict[str, object]", found)
    sent_at = fields.pop("t", None)
    device = fields.pop("device", None)
    view = fields.pop("view", None)
    asked: LocalRequest = read_request(fields, allowed=LOCAL)
    if isinstance(asked, (Stop, Pain)):  # they stop, whatever else the line has (R6, R22)
        return Envelope(asked, None, device if isinstance(device, str) else None)
    if broken:
        raise InputError(broken, "Send one JSON object a line.")
    if device is not None and not isinstance(device, str):
        raise InputError("'device' is not text")
    if view is not None and not (isinstance(view, str) and 0 < len(view) <= VIEW_MAX):
        raise InputError(f"'view' is not text of 1 to {VIEW_MAX} characters")
    return Envelope(asked, finite_number("t", sent_at), device, view)


def _mended(line: bytes) -> object:
    """The line with marks in place of what is no text, as a stop is read whatever else the line has; else None."""
    try:
        return read_json(line.decode(errors="replace"))
    except NotJson:
        return None

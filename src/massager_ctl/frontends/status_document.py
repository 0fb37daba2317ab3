"""Statuses and errors as JSON, the same for the control socket, the HTTP API and `--json`."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from massager_ctl.errors import InputError, MassagerError
from massager_ctl.model.status import Status
from massager_ctl.model.units import ZONES

_LEVELS: Final = ("target", "allowed", "caps")


def status_document(status: Status) -> dict[str, Any]:
    """A status as plain JSON values, levels by zone name, for other programs and other terminals."""
    document: dict[str, Any] = msgspec.to_builtins(
        status, order="deterministic", enc_hook=float
    )  # an Intensity is a float of its own class
    for key in _LEVELS:
        document[key] = _by_zone(document[key])
    document["actual"] = _by_zone(status.actual)
    document["sent"]["levels"] = _by_zone(status.sent.levels)
    for key, levels in (("info", "caps"), ("telemetry", "levels")):
        if document[key] is not None:
            document[key][levels] = _by_zone(document[key][levels])
    return document


def status_from(document: dict[str, Any]) -> Status:
    """The status in a document of `status_document`. InputError if it cannot be read."""
    try:
        plain = dict(document)
        plain.pop("actual", None)
        for key in _LEVELS:
            plain[key] = list(plain[key].values())
        plain["sent"] = {**plain["sent"], "levels": list(plain["sent"]["levels"].values())}
        for key, levels in (("info", "caps"), ("telemetry", "levels")):
            if plain.get(key) is not None:
                plain[key] = {**plain[key], levels: list(plain[key][levels].values())}
        return msgspec.convert(plain, Status)
    except (KeyError, AttributeError, TypeError, msgspec.ValidationError) as error:
        raise InputError(f"this status cannot be read: {error}") from None


def _by_zone(levels: Any) -> dict[str, float]:
    return {zone.value: level for zone, level in zip(ZONES, levels, strict=True)}


def error_document(error: MassagerError) -> dict[str, str]:
    """An error as the control socket and `--json` have it."""
    return {"code": error.code, "message": error.message, "remedy": error.remedy}

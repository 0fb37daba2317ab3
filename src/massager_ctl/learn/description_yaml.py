"""A proposed description as YAML in the order and form that a person would write."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final, cast

import msgspec


def to_yaml(document: Mapping[str, Any]) -> str:
    """The document with a list's entries one a line, and each text in quotes where YAML would read it otherwise."""
    lines = ["# Learned from a capture; nothing in it was tried on the device."]
    for key, value in document.items():
        plain: Any = msgspec.to_builtins(value)
        if key in _LISTS:
            lines.append(f"{key}:")
            lines += [f"  - {_flow(entry)}" for entry in plain]
        elif key in ("frames", "fields"):
            lines.append(f"{key}:")
            lines += [f"  {name}: {_flow(entry)}" for name, entry in plain.items()]
        else:
            lines.append(f"{key}: {_flow(plain)}")
    return "\n".join(lines) + "\n"


def _flow(value: Any) -> str:
    """A value on one line."""
    if isinstance(value, dict):
        entries = cast("dict[str, Any]", value)
        kept = {key: entry for key, entry in entries.items() if entry not in (None, [], {})}
        return "{" + ", ".join(f"{key}: {_flow(entry)}" for key, entry in kept.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_flow(entry) for entry in cast("list[Any]", value)) + "]"
    if isinstance(value, str):
        if re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*", value) and value.lower() not in _WORDS:
            return value
        if '"' in value:
            return "'" + value.replace("'", "''") + "'"
        return json.dumps(value, ensure_ascii=False)
    return json.dumps(value)


_WORDS: Final = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})
_LISTS: Final = frozenset({"levels", "keep_alive", "golden", "sources", "unsure", "remarks"})

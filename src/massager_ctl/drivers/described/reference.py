"""The generated part of the page about device descriptions: a table for each group of keys."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from massager_ctl.drivers.described import schema

_GROUPS: Final[tuple[tuple[str, type[msgspec.Struct]], ...]] = (
    ("The file", schema.DeviceFile),
    ("`find`", schema.Find),
    ("`link`", schema.Link),
    ("`border`", schema.Border),
    ("A field that counts", schema.CounterField),
    ("A field that is a checksum", schema.ChecksumField),
    ("A level", schema.Level),
    ("`stop`", schema.Stop),
    ("A keep-alive", schema.KeepAlive),
    ("`state`", schema.State),
    ("`timer`", schema.Timer),
    ("`assurance`", schema.Assured),
    ("A golden frame", schema.Golden),
)


def keys() -> str:
    """All groups of keys as Markdown tables."""
    return "\n\n".join(_table(title, kind) for title, kind in _GROUPS)


def _table(title: str, kind: type[msgspec.Struct]) -> str:
    definition: dict[str, Any] = msgspec.json.schema(kind)["$defs"][kind.__name__]
    needed: list[str] = definition.get("required", [])
    lines = [
        f"### {title}",
        "",
        definition.get("description", ""),
        "",
        "| key | values | meaning |",
    ]
    lines.append("|---|---|---|")
    for name, entry in definition["properties"].items():
        mark = " (needed)" if name in needed else ""
        lines.append(f"| `{name}`{mark} | {_values(entry)} | {entry.get('description', '')} |")
    return "\n".join(lines)


def _values(entry: dict[str, Any]) -> str:
    """What a key may hold, in short."""
    if "enum" in entry:
        return ", ".join(f"`{value}`" for value in entry["enum"])
    if "anyOf" in entry:
        kinds = [_values(one) for one in entry["anyOf"] if one.get("type") != "null"]
        return " or ".join(dict.fromkeys(kind for kind in kinds if kind))
    low, high = entry.get("minimum", entry.get("exclusiveMinimum")), entry.get("maximum")
    if low is not None and high is not None:
        return f"{'above ' if 'exclusiveMinimum' in entry else ''}{low} to {high}"
    match entry.get("type"):
        case "boolean":
            return "`true`, `false`"
        case "array":
            return "a list"
        case "object":
            return "a mapping"
        case "integer" | "number":
            return "a number"
        case "string":
            return "text"
        case _:
            return ""

"""Parses TOML text into the tree; the standard parser keeps no line numbers, so they are found again by key."""

from __future__ import annotations

import math
import re
from typing import Any, Final, cast

from massager_ctl.model.toml_reading import NotToml, read_toml
from massager_ctl.profile.format.nodes import MAX_DEPTH, Node, unreadable
from massager_ctl.profile.model import Place

_HEADER: Final = re.compile(r"^\s*(\[\[?)\s*([^\]]+?)\s*\]")
_KEY: Final = re.compile(
    r"""^\s*((?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*'))*)\s*="""
)
_AT: Final = re.compile(r"\(at line (\d+), column (\d+)\)")

_GREATEST: Final = 10**18

Path = tuple[str | int, ...]


def parse_toml(text: str, source: str) -> Node:
    """The tree of a TOML text. ProfileError with the line if it cannot be read (R20)."""
    try:
        data = read_toml(text)
    except NotToml as error:
        found = _AT.search(str(error))
        place = Place(source, int(found[1]), int(found[2])) if found else Place(source)
        what = _AT.sub("", str(error)).strip()
        fix = "check quotes, equals signs and brackets" if found else "keep it flat and short"
        raise unreadable(place, f"not TOML: {what}", fix) from None
    return _node(data, (), Place(source), _places(text, source), 0)


def _node(value: Any, path: Path, near: Place, places: dict[Path, Place], depth: int) -> Node:
    place = places.get(path, near)
    if depth > MAX_DEPTH:
        raise unreadable(place, "nested too deeply", "keep it flat")
    if isinstance(value, dict):
        entries: dict[str, tuple[Place, Node]] = {}
        for key, item in cast("dict[str, Any]", value).items():
            node = _node(item, (*path, key), place, places, depth + 1)
            entries[key] = (node.place, node)
        return Node(entries, place)
    if isinstance(value, list):
        items = (
            _node(item, (*path, index), place, places, depth + 1)
            for index, item in enumerate(cast("list[Any]", value))
        )
        return Node(tuple(items), place)
    if isinstance(value, int) and abs(value) > _GREATEST:
        return Node(math.inf if value > 0 else -math.inf, place)  # R19 then refuses it
    if isinstance(value, (str, int, float)):
        return Node(value, place)
    raise unreadable(place, f"{value} is a date or a time", "profiles have none")


def _places(text: str, source: str) -> dict[Path, Place]:
    """The line of each key and table; a value inside a line has that line."""
    places: dict[Path, Place] = {}
    counts: dict[Path, int] = {}
    table: Path = ()
    inside = ""
    for number, line in enumerate(text.splitlines(), start=1):
        if inside:
            if line.count(inside) % 2:
                inside = ""
            continue
        header = _HEADER.match(line)
        if header and "=" not in line.split("#")[0].split("]")[0]:
            table = _table(header, counts)
            places[table] = Place(source, number, line.index("[") + 1)
        elif found := _KEY.match(line):
            key: Path = tuple(part.strip().strip("\"'") for part in found[1].split("."))
            places[table + key] = Place(source, number, found.start(1) + 1)
        for quotes in ('"""', "'''"):
            if line.count(quotes) % 2:
                inside = quotes
    return places


def _table(header: re.Match[str], counts: dict[Path, int]) -> Path:
    path: Path = ()
    names = [part.strip().strip("\"'") for part in header[2].split(".")]
    for index, name in enumerate(names):
        path = (*path, name)
        if index == len(names) - 1 and header[1] == "[[":
            counts[path] = counts.get(path, -1) + 1
        if path in counts:
            path = (*path, counts[path])
    return path

"""Parses YAML text into the tree: bounded, without aliases, tags or duplicate keys (R20)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import yaml

from massager_ctl.profile.format.nodes import MAX_DEPTH, Node, Problem, Scalar, unreadable
from massager_ctl.profile.model import Place

_LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_NULL: Final = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE: Final = frozenset({"true", "True", "TRUE"})
_FALSE: Final = frozenset({"false", "False", "FALSE"})
_INT: Final = re.compile(r"[-+]?[0-9]{1,18}")
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_SPECIAL: Final = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")


def scalar(text: str) -> Scalar:
    """A plain YAML scalar by the YAML 1.2 core rules: `on` and `1:30` stay text, `1e3` is a number."""
    if text in _NULL:
        return None
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    if _INT.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    if _SPECIAL.fullmatch(text):
        return float(text.replace(".", ""))
    return text


def parse_yaml(text: str, source: str) -> tuple[Node, list[Problem]]:
    """The tree of a YAML text, and its duplicate keys. ProfileError if it cannot be read (R20)."""
    reader = _YamlReader(source)
    try:
        return reader.read(yaml.parse(text, Loader=_LOADER)), reader.problems
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(source, mark.line + 1, mark.column + 1) if mark else Place(source)
        raise unreadable(
            place, f"not YAML: {error.problem or error.context}", "check quotes, colons and indents"
        ) from None
    except yaml.YAMLError as error:
        reason = getattr(error, "reason", None) or str(error).splitlines()[0]
        raise unreadable(Place(source), f"not YAML: {reason}", "use plain UTF-8 text") from None


class _YamlReader:
    """Builds the tree from parser events, so that an alias is refused before anything grows."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.problems: list[Problem] = []
        self.events: Iterator[Any] = iter(())

    def read(self, events: Iterator[Any]) -> Node:
        self.events = events
        root: Node | None = None
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                if root is not None:
                    raise unreadable(
                        self._place(event), "a second document", "keep one profile in a file"
                    )
                root = self._node(next(events), 0)
        if root is None or root.value is None:
            raise unreadable(
                Place(self.source), "the file is empty", "see 'massager-ctl profiles new'"
            )
        return root

    def _place(self, event: Any) -> Place:
        mark = event.start_mark
        return Place(self.source, mark.line + 1, mark.column + 1)

    def _node(self, event: Any, depth: int) -> Node:
        place = self._place(event)
        if isinstance(event, yaml.AliasEvent):
            raise unreadable(
                place, f"alias '*{event.anchor}'", "write the value out, or use repeat"
            )
        if event.anchor is not None:
            raise unreadable(
                place, f"anchor '&{event.anchor}'", "write the value out, or use repeat"
            )
        if event.tag is not None:
            raise unreadable(place, f"tag '{event.tag}'", "leave it out")
        if depth > MAX_DEPTH:
            raise unreadable(place, "nested too deeply", "keep it flat")
        if isinstance(event, yaml.ScalarEvent):
            plain = event.implicit[0]
            return Node(scalar(event.value) if plain else event.value, place)
        if isinstance(event, yaml.SequenceStartEvent):
            items: list[Node] = []
            while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
                items.append(self._node(event, depth + 1))
            return Node(tuple(items), place)
        return Node(self._entries(depth), place)

    def _entries(self, depth: int) -> dict[str, tuple[Place, Node]]:
        entries: dict[str, tuple[Place, Node]] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            key = self._node(event, depth + 1)
            value = self._node(next(self.events), depth + 1)
            if isinstance(key.value, (tuple, dict)):
                raise unreadable(key.place, "a key that is not plain text", "use a plain key")
            name = event.value
            if name in entries:
                self.problems.append(
                    Problem(
                        key.place,
                        "R20",
                        f"duplicate key '{name}' (first defined on line {entries[name][0].line})",
                        "remove one of them",
                    )
                )
                continue
            entries[name] = (key.place, value)
        return entries

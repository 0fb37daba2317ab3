"""Where each value of a description stands in its file, by the path that msgspec names it with."""

from __future__ import annotations

import math
import re
from typing import Any, Final

from massager_ctl.profile.format.nodes import Node, Problem
from massager_ctl.profile.model import Place

_STEP: Final = re.compile(r"\.(?P<key>[^.\[\]]+)|\[(?P<index>\d+|\.\.\.)\]")


class Places:
    """Finds lines and columns, and collects problems."""

    def __init__(self, root: Node, source: str) -> None:
        self._root = root
        self._source = source
        self.problems: list[Problem] = []

    def note(self, path: str, what: str, fix: str = "") -> None:
        """A problem with the value at a path such as `$.levels[0].value`."""
        self.problems.append(Problem(self._find(path)[1], "format", what, fix))

    def note_key(self, path: str, what: str, fix: str = "") -> None:
        """A problem with a key."""
        self.problems.append(Problem(self._find(path)[0], "format", what, fix))

    def note_endless(self) -> None:
        """A problem for each number that is none, or has no end (R19)."""
        waiting = [self._root]
        while waiting:
            node = waiting.pop()
            match node.value:
                case dict():
                    waiting += [inner for _, inner in node.value.values()]
                case tuple():
                    waiting += node.value
                case float() if not math.isfinite(node.value):
                    self.problems.append(
                        Problem(node.place, "R19", f"{node.value} is not a number")
                    )
                case _:
                    pass

    def sorted(self) -> list[Problem]:
        """All problems, from the top of the file down."""
        return sorted(self.problems, key=lambda p: (p.place.line, p.place.column))

    def _find(self, path: str) -> tuple[Place, Place]:
        """The place of a value's key and of the value; of the nearest that is there, where it is not."""
        node, key = self._root, self._root.place
        for step in _STEP.finditer(path):
            inner = node.value
            if isinstance(inner, dict) and step["key"] in inner:
                key, node = inner[step["key"]]
            elif isinstance(inner, dict) and step["index"] == "...":
                # msgspec names no key of a mapping: the whole mapping is what can be shown.
                break
            elif isinstance(inner, tuple) and step["index"] and step["index"].isdigit():
                if int(step["index"]) >= len(inner):
                    break
                node = inner[int(step["index"])]
                key = node.place
            else:
                break
        return key, node.place


def delete(content: Any, path: str) -> bool:
    """Take the value at a path out of plain content; False if it cannot be."""
    steps = [match["key"] or match["index"] for match in _STEP.finditer(path)]
    at = content
    for step in steps[:-1]:
        at = _inner(at, step)
        if at is None:
            return False
    last = steps[-1] if steps else ""
    if isinstance(at, dict) and last in at:
        del at[last]
        return True
    return False


def _inner(at: Any, step: str) -> Any:
    if isinstance(at, dict):
        return at.get(step)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    if isinstance(at, list) and step.isdigit() and int(step) < len(at):  # pyright: ignore[reportUnknownArgumentType]
        return at[int(step)]  # pyright: ignore[reportUnknownVariableType]
    return None

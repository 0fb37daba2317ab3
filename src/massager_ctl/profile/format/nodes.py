"""The tree of a profile's text, in which every value knows its place, and the problems found in it (R20)."""

from __future__ import annotations

from typing import Any, Final

from msgspec import Struct

from massager_ctl.errors import ProfileError
from massager_ctl.profile.model import Place

MAX_BYTES: Final = 64 * 1024
"""Maximum bytes of a profile's text (R20)."""

MAX_DEPTH: Final = 12

Scalar = str | int | float | bool | None


class Problem(Struct, frozen=True):
    """One thing wrong with a profile: where, which rule, what, and the nearest fix."""

    place: Place
    rule: str
    what: str
    fix: str = ""

    def __str__(self) -> str:
        line = f"{self.place}: {self.rule}: {self.what}"
        return f"{line}; {self.fix}" if self.fix else line


class Node(Struct, frozen=True):
    """A value with its place: a scalar, a tuple of nodes, or a mapping from key to (place of the key, node)."""

    value: Scalar | tuple[Node, ...] | dict[str, tuple[Place, Node]]
    place: Place


def plain(node: Node) -> Any:
    """The value without its places: scalars, lists and dictionaries."""
    match node.value:
        case dict():
            return {key: plain(value) for key, (_, value) in node.value.items()}
        case tuple():
            return [plain(item) for item in node.value]
        case _:
            return node.value


def unreadable(place: Place, what: str, fix: str = "") -> ProfileError:
    """The error for text that cannot be read any further."""
    problem = str(Problem(place, "R20", what, fix))
    return ProfileError(f"this is not a profile:\n  {problem}", "", (problem,))

"""Parses YAML or TOML text into the tree, or raises one error that says why not (R20)."""

from __future__ import annotations

from typing import Literal

from massager_ctl.profile.format.nodes import MAX_BYTES, Node, Problem, unreadable
from massager_ctl.profile.model import Place

Format = Literal["yaml", "toml"]


def parse(text: str, source: str, fmt: Format) -> tuple[Node, list[Problem]]:
    """The tree of a YAML or TOML text, and its duplicate keys. ProfileError if it cannot be read (R20)."""
    try:
        size = len(text.encode())
    except UnicodeEncodeError as error:
        raise unreadable(
            Place(source),
            f"invalid character at position {error.start + 1}",
            "use plain UTF-8 text",
        ) from None
    if size > MAX_BYTES:
        raise unreadable(
            Place(source), f"{size} bytes; the maximum is 65536 (64 KiB)", "shorten it"
        )
    if fmt == "toml":
        from massager_ctl.profile.format.toml_text import parse_toml

        return parse_toml(text, source), []
    from massager_ctl.profile.format.yaml_text import parse_yaml

    return parse_yaml(text, source)

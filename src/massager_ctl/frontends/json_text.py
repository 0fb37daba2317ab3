"""JSON that leaves this machine's programs: for a broker, a page, a script. No text in it steers what shows it."""

from __future__ import annotations

import re
from typing import Any, Final, cast

import msgspec

from massager_ctl.model.text import visible_lines

_ESCAPED: Final = re.compile(rb"\\[ubfr]")
"""What an encoder writes in place of a control character."""


def visible_json(document: object) -> bytes:
    """A document as JSON whose texts hold no control character, no bidirectional mark and no half of a character.

    Each of them becomes its escape in plain letters, so that it is visible also where the JSON is decoded.
    """
    try:
        data = msgspec.json.encode(document)
        if _ESCAPED.search(data) is None and data.decode().isprintable():
            return data
    except UnicodeEncodeError:
        pass  # half a character, as from the name of a file
    return msgspec.json.encode(_visible(msgspec.to_builtins(document, enc_hook=float)))


def _visible(value: Any) -> Any:
    match value:
        case str():
            return visible_lines(value)
        case dict():
            fields = cast("dict[Any, Any]", value)
            return {_visible(key): _visible(inner) for key, inner in fields.items()}
        case list() | tuple():
            return [_visible(inner) for inner in cast("list[Any]", value)]
        case _:
            return value

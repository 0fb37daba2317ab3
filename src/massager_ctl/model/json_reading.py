"""Reads JSON from anywhere: whatever is wrong with the bytes becomes one error, NotJson (R19).

msgspec raises UnicodeDecodeError for text that is not valid, and RecursionError for what is nested too deeply; neither
is one of its own errors.
"""

from __future__ import annotations

from typing import Any, TypeVar, overload

import msgspec

_T = TypeVar("_T")


class NotJson(Exception):
    """Not JSON, or not of the type that was expected."""


@overload
def read_json(data: bytes | bytearray | str) -> object: ...
@overload
def read_json(data: bytes | bytearray | str, kind: type[_T]) -> _T: ...
def read_json(data: bytes | bytearray | str, kind: Any = object) -> Any:
    """The value in `data`, of type `kind`. Raises NotJson."""
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise NotJson(str(error)) from None

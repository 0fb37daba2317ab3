"""Reads TOML from anywhere: whatever is wrong with the text becomes one error, NotToml (R19).

tomllib raises a plain ValueError for a number of thousands of digits, and RecursionError for what is nested too deeply;
neither is its own error.
"""

from __future__ import annotations

import tomllib
from typing import Any


class NotToml(Exception):
    """Not TOML, in words."""


def read_toml(text: str) -> dict[str, Any]:
    """The table in `text`. Raises NotToml."""
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise NotToml("nested too deeply") from None
    except tomllib.TOMLDecodeError as error:
        raise NotToml(str(error)) from None
    except ValueError:
        raise NotToml("a number with too many digits") from None

"""Makes foreign text safe to print: control characters are shown, never obeyed by a terminal or a log.

Bluetooth names, serial numbers, topics and files may hold escape sequences, bidirectional marks, NUL, or ten thousand
characters. Imports only the standard library, so that `stop` starts fast (R6).
"""

from __future__ import annotations

SHOWN_MAX = 300
"""Characters of one foreign text that are shown."""


def visible(text: object, limit: int = SHOWN_MAX) -> str:
    """One line of foreign text, safe to print: no control characters, at most `limit` characters."""
    whole = str(text)
    shown = whole if len(whole) <= limit else whole[:limit]
    plain = shown if shown.isprintable() else "".join(map(_shown, shown))
    return plain if shown is whole else f"{plain}… ({len(whole)} characters)"


def visible_lines(text: str) -> str:
    """Text of this program with foreign text in it: newlines and tabs stay, other control characters are escaped."""
    if text.isprintable():
        return text
    return "".join(letter if letter in "\n\t\u00a0" else _shown(letter) for letter in text)


def _shown(letter: str) -> str:
    """A character, or its escape as JSON writes it, so that JSON stays valid."""
    if letter.isprintable():
        return letter
    code = ord(letter)
    if code <= 0xFFFF:
        return f"\\u{code:04x}"
    code -= 0x10000
    return f"\\u{0xD800 + (code >> 10):04x}\\u{0xDC00 + (code & 0x3FF):04x}"

"""Text that would steer whatever shows it raw: escapes, bidirectional marks, NUL, ten thousand letters."""

from __future__ import annotations

from typing import Any, Final

HOSTILE: Final = (
    "\x1b[2J\x1b]0;title\x07\x9b31m\u202e\u2066\u200f\x00\x08\x7f\r\u2028\ud800 [b]{x}%s "
    + "A" * 10_000
)


def harmless(text: str, longest: int = 4000) -> None:
    """No letter steers, and no line is longer than a person would bear with."""
    steering = {
        letter for letter in text if not letter.isprintable() and letter not in "\n\t\u00a0"
    }
    assert steering == set()
    assert max(map(len, text.splitlines()), default=0) <= longest


def harmless_values(document: Any) -> None:
    """The same of every text in a document, as a program has it that decoded the document."""
    match document:
        case str():
            harmless(document, 200_000)
        case dict():
            for key, value in document.items():
                harmless(key)
                harmless_values(value)
        case list():
            for value in document:
                harmless_values(value)
        case _:
            pass

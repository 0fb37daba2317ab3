"""Filters what `massager-sim` prints: control characters from a device, a file or a command line are escaped."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Generator, Iterable
from typing import IO, Any, Final

_COLOURS: Final = {"green": 32, "red": 31, "yellow": 33}


def visible(text: str) -> str:
    """Text with every character that would steer a terminal written as its escape; lines and tabs stay."""
    if text.isprintable():
        return text
    return "".join(
        letter
        if letter.isprintable() or letter in "\n\t"
        else letter.encode("unicode_escape").decode("ascii")
        for letter in text
    )


class Border:
    """A text stream that escapes control characters."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write text, made visible."""
        self._stream.write(visible(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write each of them."""
        for line in lines:
            self.write(line)

    def coloured(self, text: str, colour: str) -> None:
        """Write text, made visible, in a colour of ours if this is a terminal."""
        number = _COLOURS.get(colour)
        if number is None or not self._stream.isatty():
            self.write(text)
        else:
            line = text.removesuffix("\n")
            self._stream.write(f"\x1b[{number}m{visible(line)}\x1b[0m{text[len(line) :]}")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextlib.contextmanager
def guarded_output() -> Generator[None]:
    """Filter stdout and stderr within the block."""
    before = sys.stdout, sys.stderr
    for stream in before:
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")
    sys.stdout, sys.stderr = (
        stream if isinstance(stream, Border) else Border(stream) for stream in before
    )
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before

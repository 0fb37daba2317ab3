"""Filters stdout and stderr: control characters in foreign text are escaped.

Our own control codes bypass the filter explicitly: the live displays, and colour.
"""

from __future__ import annotations

import codecs
import contextlib
import sys
from collections.abc import Generator, Iterable
from typing import IO, Any, Final

from massager_ctl.model.text import visible_lines


class Border:
    """A text stream that escapes control characters."""

    def __init__(self, stream: IO[str], *, last: bool = False) -> None:
        """`last`: there is no other place to say that it cannot be written, so that is no error."""
        self._stream = stream
        self._last = last
        self.unread = False
        """Whether the reader is gone."""

    def write(self, text: str) -> int:
        if not isinstance(text, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"text is written here, not {type(text).__name__}")
        with self._noticed():
            self._stream.write(visible_lines(text))
        return len(text)

    def flush(self) -> None:
        with self._noticed():
            self._stream.flush()

    @contextlib.contextmanager
    def _noticed(self) -> Generator[None]:
        try:
            yield
        except OSError as error:
            self.unread = self.unread or isinstance(error, BrokenPipeError)
            if not self._last:
                raise

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def styled(self, text: str) -> None:
        """Write text with colours of this program's own; what is foreign in it was made visible before."""
        with self._noticed():
            self._stream.write(text)

    @property
    def buffer(self) -> _Bytes:
        """For writers of bytes, so that these are filtered too."""
        return _Bytes(self)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


_PLAINLY: Final = "massager_ctl.plainly"
_PLAIN: Final = {"→": "->", "…": "...", "−": "-", "—": "-", "–": "-", "≤": "<=", "≥": ">=", "↵": "Enter"}  # fmt: skip
"""Substitutes for a terminal with few characters, such as Latin-1."""


def _plainly(error: UnicodeError) -> tuple[str | bytes, int]:
    """The text as far as the encoding allows: our own signs in plain characters, any other character as an escape."""
    if isinstance(error, UnicodeEncodeError) and error.object[error.start] in _PLAIN:
        return _PLAIN[error.object[error.start]], error.start + 1
    return codecs.backslashreplace_errors(error)


codecs.register_error(_PLAINLY, _plainly)


class _Bytes:
    """Bytes on their way to a border; text in them is UTF-8."""

    def __init__(self, border: Border) -> None:
        self._border = border

    def write(self, data: bytes) -> int:
        self._border.write(data.decode(errors="replace"))
        return len(data)

    def flush(self) -> None:
        self._border.flush()


@contextlib.contextmanager
def guarded_output() -> Generator[Border]:
    """Filter stdout, which is returned, and stderr.

    A character that their encoding lacks is written as an escape.
    """
    before = sys.stdout, sys.stderr
    for stream in before:
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors=_PLAINLY)
    out, err = (
        stream if isinstance(stream, Border) else Border(stream, last=stream is before[1])
        for stream in before
    )
    sys.stdout, sys.stderr = out, err
    try:
        yield out
    finally:
        sys.stdout, sys.stderr = before


def json_text(document: object) -> str:
    """A document as one line of JSON, even if a file name in it is not valid text."""
    import json

    import msgspec

    try:
        return msgspec.json.encode(document).decode()
    except UnicodeEncodeError:
        return json.dumps(msgspec.to_builtins(document))


def write_styled(stream: Any, text: str) -> None:
    """Write text that has this program's own colours in it."""
    getattr(stream, "styled", stream.write)(text)

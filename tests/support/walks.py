"""What the page on architecture says of who calls whom, and what really happens."""

from __future__ import annotations

import re
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, Final

import massager_ctl

SOURCE: Final = Path(massager_ctl.__file__).parent
PAGE: Final = SOURCE.parent.parent / "docs" / "explanation" / "architecture.md"

_STEP: Final = re.compile(r"^\d+\. `(?P<file>[a-z_/]+\.py)` `(?P<call>[A-Za-z_.]+)`", re.MULTILINE)

Call = tuple[str, str]
"""A file below the package, and a function in it."""


def walk(name: str) -> list[Call]:
    """The calls that the page lists for a walk, in order."""
    text = PAGE.read_text(encoding="utf-8")
    begin, end = f"<!-- walk: {name} -->", "<!-- end of walk -->"
    part = text[text.index(begin) :]
    return [(step["file"], step["call"]) for step in _STEP.finditer(part[: part.index(end)])]


class Recorder:
    """The calls of the package in the order in which they begin."""

    def __init__(self) -> None:
        self.calls: list[Call] = []

    def first(self, wanted: list[Call]) -> list[Call]:
        """Those of `wanted` that were called, each once, in the order of their first call."""
        return [call for call in dict.fromkeys(self.calls) if call in set(wanted)]


def call_of(frame: FrameType) -> Call | None:
    """What a frame runs, if it is a function of the package."""
    path = Path(frame.f_code.co_filename)
    if not path.is_relative_to(SOURCE) or frame.f_code.co_name.startswith("<"):
        return None
    return path.relative_to(SOURCE).as_posix(), frame.f_code.co_qualname.replace(".<locals>", "")


def stack() -> list[Call]:
    """Who called whom up to here, within the package, the outermost first."""
    found: list[Call] = []
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        call = call_of(frame)
        if call is not None:
            found.append(call)
        frame = frame.f_back
    return found[::-1]


@contextmanager
def recorded() -> Generator[Recorder]:
    """Note every call of the package for as long as this lasts."""
    recorder = Recorder()

    def note(frame: FrameType, event: str, _: Any) -> None:
        if event == "call":
            call = call_of(frame)
            if call is not None:
                recorder.calls.append(call)

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        yield recorder
    finally:
        sys.setprofile(before)

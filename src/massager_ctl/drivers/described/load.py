"""The text of a device description becomes a `Description`, or one error with every problem, by line and column."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import msgspec

from massager_ctl.drivers.described.model import Description
from massager_ctl.drivers.described.places import Places, delete
from massager_ctl.drivers.described.prove import prove
from massager_ctl.drivers.described.schema import DeviceFile
from massager_ctl.errors import DescriptionError, ProfileError
from massager_ctl.profile.format.nodes import plain
from massager_ctl.profile.format.parse import parse

MAX_BYTES: Final = 64 * 1024
MAX_PROBLEMS: Final = 20

_AT: Final = re.compile(r"(?s)(?P<what>.*?)(?: - at `(?P<path>\$.*)`)?")
_UNKNOWN: Final = re.compile(r"Object contains unknown field `(?P<key>.*)`")
_MISSING: Final = re.compile(r"Object missing required field `(?P<key>.*)`")


def load_file(path: Path) -> Description:
    """The description in a YAML file. DescriptionError with every problem otherwise."""
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
        text = raw.decode("utf-8")
    except OSError as error:
        raise DescriptionError(
            f"cannot read {path}: {error.strerror or error}", "Check the path and its permissions."
        ) from None
    except UnicodeDecodeError as error:
        raise DescriptionError(
            f"{path}: no UTF-8 text at byte {error.start}", "Save the file as plain UTF-8 text."
        ) from None
    return load_text(text, str(path))


def load_text(text: str, source: str) -> Description:
    """The description in a text; `source` names it in messages. DescriptionError with every problem."""
    try:
        root, doubled = parse(text, source, "yaml")
    except ProfileError as error:
        raise DescriptionError(
            "this is not a valid device description:\n"
            + "\n".join(f"  {line}" for line in error.problems),
            "Correct the file.",
            error.problems,
        ) from None
    places = Places(root, source)
    problems = [str(problem) for problem in doubled]
    places.note_endless()
    file = None if places.problems else _converted(plain(root), places)
    description = None
    if file is not None and not places.problems:
        description = prove(file, places)
    problems += [str(problem) for problem in places.sorted()]
    if problems or description is None:
        count = "a problem" if len(problems) == 1 else f"{len(problems)} problems"
        raise DescriptionError(
            f"the device description has {count}:\n" + "\n".join(f"  {line}" for line in problems),
            "Correct the file; 'massager-ctl learn check FILE' checks it again.",
            tuple(problems),
        )
    return description


def _converted(content: Any, places: Places) -> DeviceFile | None:
    """The file by its types; each wrong value is noted, taken out, and the rest looked at all the same."""
    taken: set[str] = set()
    file: DeviceFile | None = None
    for _ in range(MAX_PROBLEMS):
        try:
            file = msgspec.convert(content, DeviceFile, strict=True)
        except msgspec.ValidationError as error:
            found = _AT.fullmatch(str(error))
            assert found is not None
            path = found["path"] or "$"
            what = found["what"]
            if missing := _MISSING.fullmatch(what):
                gone = f"{path}.{missing['key']}"
                if gone not in taken:
                    places.note(path, f"'{missing['key']}' is missing")
                return None
            if unknown := _UNKNOWN.fullmatch(what):
                path = f"{path}.{unknown['key']}"
                places.note_key(path, f"unknown key '{unknown['key']}'")
            else:
                places.note(path, _worded(what))
            taken.add(path)
            if path == "$" or not delete(content, path):
                return None
        else:
            break
    return file


def _worded(what: str) -> str:
    if what.startswith("Expected `str") and "got `int`" in what:
        return "this is a number here; put it in quotes"
    return what.replace("`", "'")

"""Reads a text into a `Profile`, or raises one error with every problem, each with file, line and column (R20)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import msgspec

from massager_ctl.errors import ProfileError
from massager_ctl.model.units import ZONES
from massager_ctl.profile.format.fields import Mapping, Reader
from massager_ctl.profile.format.nodes import Node, Problem, plain
from massager_ctl.profile.format.parse import Format, parse
from massager_ctl.profile.format.schema import Key, ProfileFile, keys_of
from massager_ctl.profile.format.steps import StepReader
from massager_ctl.profile.model import (
    ID_FORM,
    Part,
    Percent,
    Place,
    Powered,
    Profile,
    Step,
)
from massager_ctl.safety.envelope import GENTLE, RAMP_MIN_S

_TECHNIQUE: Final = re.compile(r"K([1-9]|10)")
_RULE: Final = re.compile(r"[DZPTKR][1-9][0-9]?")


def load_profile(name_or_path: str) -> Profile:
    """A profile by the name of a shipped or personal one, or by the path of a file.

    ProfileError with every problem if it cannot be found, read or accepted.
    """
    from massager_ctl.profile.library import find

    return load_file(find(name_or_path))


def load_requested(profile: str | dict[str, Any]) -> Profile:
    """For a start: the library's profile of that id, or the one with that content. ProfileError otherwise.

    The id may come from a remote request, so it is looked up in the library only; a path is not followed.
    """
    from massager_ctl.profile.library import playable

    if not isinstance(profile, str):
        return load_text(msgspec.json.encode(profile).decode(), "request")
    path = playable().get(profile)
    if path is None:
        raise ProfileError(
            f"no profile named '{profile}'", "'massager-ctl profiles list' shows them."
        )
    return load_file(path)


def load_file(path: Path) -> Profile:
    """The profile in a file, TOML by its suffix `.toml`, else YAML. ProfileError otherwise."""
    return load_text(_text_of(path), str(path), format_of(path))


def load_with_content(path: Path) -> tuple[Profile, dict[str, Any]]:
    """As `load_file`, and the file's plain content, to hand to another process as JSON; it is read once.

    The content is read by the same rules, so that `on` stays a word and `1e1` a number.
    """
    root, problems = parse(_text_of(path), str(path), format_of(path))
    return _profile(root, problems, str(path)), plain(root)


def _text_of(path: Path) -> str:
    try:
        size = path.stat().st_size
        if size > 1_000_000:
            raise ProfileError(f"{path} has {size} bytes; a profile has at most 64 KiB (R20)")
        return path.read_bytes().decode("utf-8")
    except OSError as error:
        raise ProfileError(
            f"cannot read {path}: {error.strerror or error}", "Check the path and its permissions."
        ) from None
    except UnicodeDecodeError as error:
        raise ProfileError(
            f"{path}: not UTF-8 text at byte {error.start}", "Save the file as plain UTF-8 text."
        ) from None


def format_of(path: Path) -> Format:
    """TOML by the suffix `.toml`, else YAML."""
    return "toml" if path.suffix.lower() == ".toml" else "yaml"


def load_text(text: str, source: str, fmt: Format = "yaml") -> Profile:
    """The profile in a text; `source` names it in messages and gives the id if the text has none.

    JSON is read as YAML. ProfileError with every problem, in the order of the lines.
    """
    return _profile(*parse(text, source, fmt), source)


def _profile(root: Node, problems: list[Problem], source: str) -> Profile:
    profile = _ProfileReader(problems).read(root, source)
    if problems or profile is None:
        lines = tuple(
            str(problem)
            for problem in sorted(problems, key=lambda p: (p.place.line, p.place.column))
        )
        count = "a problem" if len(lines) == 1 else f"{len(lines)} problems"
        raise ProfileError(
            f"profile '{Path(source).stem}' has {count}:\n"
            + "\n".join(f"  {line}" for line in lines),
            "Correct the file; 'massager-ctl profiles validate FILE' checks it again.",
            lines,
        )
    return profile


class _ProfileReader(Reader):
    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(problems)

    def read(self, root: Node, source: str) -> Profile | None:
        keys = keys_of(ProfileFile)
        entries = self.mapping(root, keys, "the profile")
        if entries is None:
            return None
        for key, example in (("title", "Evening wind-down"), ("cap", "30"), ("steps", "...")):
            if key not in entries:
                self.wrong(root.place, "R20", f"'{key}' is missing", f"add '{key}: {example}'")
        cap = self.key_number(entries, keys["cap"]) or GENTLE
        heat = self.key_number(entries, keys["heat"])
        named = self.key_seconds(entries, keys["duration"])
        fade = self.key_seconds(entries, keys["fade"]) or 8.0
        ramp = self.key_seconds(entries, keys["ramp"]) or RAMP_MIN_S
        warm = self.key_seconds(entries, keys["warm_up"])
        identity = self._id(entries, source)
        steps = self._steps(entries, cap, heat, named, warm)
        if self.problems:
            return None
        return Profile(
            id=identity,
            title=self.key_text(entries, keys["title"]),
            steps=steps,
            cap=cap,
            ramp_s=ramp,
            fade_s=fade,
            duration_named=named is not None,
            summary=self.key_text(entries, keys["summary"]),
            technique=self._ids(entries, keys["technique"], _TECHNIQUE, "K1 to K10"),
            rules=self._ids(entries, keys["rules"], _RULE, "such as P1 or Z2"),
            tags=self.key_texts(entries, keys["tags"]),
            not_for=self.key_texts(entries, keys["not_for"]),
            place=root.place,
        )

    def _id(self, entries: Mapping, source: str) -> str:
        if "id" in entries:
            place, node = entries["id"]
            name = self.text(node, 40, "id") or "x"
        else:
            place, name = Place(source), Path(source).stem
        if not ID_FORM.fullmatch(name) or len(name) > 40:
            self.wrong(
                place,
                "R20",
                f"id '{name}' is not a plain name",
                "use small letters, digits and hyphens",
            )
        return name

    def _ids(
        self, entries: Mapping, key: Key, form: re.Pattern[str], known: str
    ) -> tuple[str, ...]:
        found = self.key_texts(entries, key)
        for name in found:
            if not form.fullmatch(name):
                place = entries[key.name][1].place
                self.wrong(place, "R20", f"unknown {key.name} '{name}'", f"known are {known}")
        return found

    def _steps(
        self,
        entries: Mapping,
        cap: float,
        heat: float | None,
        named: float | None,
        warm: float | None,
    ) -> tuple[Step, ...]:
        if "steps" not in entries:
            return ()
        node = entries["steps"][1]
        reader = StepReader(self.problems, cap, heat)
        rest = None if named is None else named - (warm or 0.0)
        steps = reader.read(node, rest)
        if warm is not None:
            place = entries["warm_up"][0]
            steps = (self._warm_up(steps, warm, cap, heat, place), *steps)
        total = sum(step.duration_s for step in steps)
        if named is not None and not self.problems and abs(total - named) > 1e-6:
            self.wrong(
                entries["duration"][1].place,
                "R8",
                f"duration is {named:g} s and the steps add up to {total:g} s",
                f"write 'duration: {total:g}', or leave it out of one step, which then fills the rest",
            )
        return steps

    def _warm_up(
        self, steps: tuple[Step, ...], warm: float, cap: float, heat: float | None, place: Place
    ) -> Step:
        used = {part.zone for step in steps if isinstance(step, Powered) for part in step.parts}
        gentle = Percent(min(GENTLE, cap))
        parts = tuple(Part(zone, gentle) for zone in ZONES if zone in used)
        if not parts:
            self.wrong(place, "P5", "warm_up without a powered step", "leave it out")
        return Powered(warm, parts, heat_c=heat, title="warm-up", place=place)

"""A text becomes a `Profile`, or one error with every problem, each with file, line and column (R20)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

from massager_ctl.config import USER_CAP_MAX
from massager_ctl.errors import ProfileError
from massager_ctl.profile.fields import Mapping, Reader
from massager_ctl.profile.model import (
    FADE_MAX_S,
    FADE_MIN_S,
    SESSION_LIMIT_S,
    WARM_S,
    Part,
    Percent,
    Place,
    Powered,
    Profile,
    Step,
)
from massager_ctl.profile.nodes import Format, Node, Problem, parse, plain
from massager_ctl.profile.steps import StepReader
from massager_ctl.safety.envelope import GENTLE, RAMP_MAX_S, RAMP_MIN_S
from massager_ctl.units import ZONES

PROFILE_KEYS: Final = (
    "id",
    "title",
    "summary",
    "technique",
    "rules",
    "tags",
    "not_for",
    "cap",
    "ramp",
    "duration",
    "warm_up",
    "fade",
    "heat",
    "steps",
)
"""The keys of a profile, in the order in which they are usually written."""

ID_FORM: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
"""What a profile's id looks like."""

_TECHNIQUE: Final = re.compile(r"K([1-9]|10)")
_RULE: Final = re.compile(r"[DZPTKR][1-9][0-9]?")


def load_profile(name_or_path: str) -> Profile:
    """A profile by the name of a shipped or personal one, or by the path of a file.

    ProfileError with every problem where it cannot be found, read or accepted.
    """
    from massager_ctl.profile.library import find

    return load_file(find(name_or_path))


def load_file(path: Path) -> Profile:
    """The profile in a file, TOML by its suffix `.toml`, else YAML. ProfileError otherwise."""
    try:
        size = path.stat().st_size
        if size > 1_000_000:
            raise ProfileError(f"{path} has {size} bytes; a profile has 64 KiB at most (R20)")
        text = path.read_bytes().decode("utf-8")
    except OSError as error:
        raise ProfileError(
            f"cannot read {path}: {error.strerror or error}", "Check the path and its permissions."
        ) from None
    except UnicodeDecodeError as error:
        raise ProfileError(
            f"{path}: no UTF-8 text at byte {error.start}", "Save the file as plain UTF-8 text."
        ) from None
    return load_text(text, str(path), format_of(path))


def content_of(path: Path) -> dict[str, Any]:
    """The plain content of a file that `load_file` has accepted, to hand to another process as JSON.

    Read by the same rules, so that `on` stays a word and `1e1` a number.
    """
    root, _ = parse(path.read_text(encoding="utf-8"), str(path), format_of(path))
    return plain(root)


def format_of(path: Path) -> Format:
    """TOML by the suffix `.toml`, else YAML."""
    return "toml" if path.suffix.lower() == ".toml" else "yaml"


def load_text(text: str, source: str, fmt: Format = "yaml") -> Profile:
    """The profile in a text; `source` names it in messages and gives the id where the text has none.

    JSON is read as YAML. ProfileError with every problem, in the order of the lines.
    """
    root, problems = parse(text, source, fmt)
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
        entries = self.mapping(root, PROFILE_KEYS, "the profile")
        if entries is None:
            return None
        for key, example in (("title", "Evening wind-down"), ("cap", "30"), ("steps", "...")):
            if key not in entries:
                self.wrong(root.place, "R20", f"'{key}' is missing", f"add '{key}: {example}'")
        cap = self._number(entries, "cap", 1.0, USER_CAP_MAX, "R1", GENTLE)
        heat = self._number(entries, "heat", 30.0, 39.0, "R11", 0.0) or None
        named = self._seconds(entries, "duration", 1.0, SESSION_LIMIT_S)
        fade = self._seconds(entries, "fade", FADE_MIN_S, FADE_MAX_S) or 8.0
        ramp = self._seconds(entries, "ramp", RAMP_MIN_S, RAMP_MAX_S, "R2") or RAMP_MIN_S
        warm = self._seconds(entries, "warm_up", WARM_S, 600.0, "P5")
        identity = self._id(entries, source)
        steps = self._steps(entries, cap, heat, named, warm)
        if self.problems:
            return None
        return Profile(
            id=identity,
            title=self._text(entries, "title", 60),
            steps=steps,
            cap=cap,
            ramp_s=ramp,
            fade_s=fade,
            duration_named=named is not None,
            summary=self._text(entries, "summary", 400),
            technique=self._ids(entries, "technique", _TECHNIQUE, "K1 to K10"),
            rules=self._ids(entries, "rules", _RULE, "such as P1 or Z2"),
            tags=self._texts(entries, "tags", 30),
            not_for=self._texts(entries, "not_for", 200),
            place=root.place,
        )

    def _number(
        self, entries: Mapping, key: str, low: float, high: float, rule: str, missing: float
    ) -> float:
        if key not in entries:
            return missing
        found = self.number(entries[key][1], low, high, key, rule)
        return missing if found is None else found

    def _seconds(
        self, entries: Mapping, key: str, low: float, high: float, rule: str = "R8"
    ) -> float | None:
        return self.seconds(entries[key][1], low, high, key, rule) if key in entries else None

    def _text(self, entries: Mapping, key: str, longest: int) -> str:
        return (self.text(entries[key][1], longest, key) or "") if key in entries else ""

    def _texts(self, entries: Mapping, key: str, longest: int) -> tuple[str, ...]:
        return self.texts(entries[key][1], longest, key) if key in entries else ()

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
                f"id '{name}' is no plain name",
                "use small letters, digits and hyphens",
            )
        return name

    def _ids(
        self, entries: Mapping, key: str, form: re.Pattern[str], known: str
    ) -> tuple[str, ...]:
        found = self._texts(entries, key, 8)
        for name in found:
            if not form.fullmatch(name):
                self.wrong(
                    entries[key][1].place, "R20", f"unknown {key} '{name}'", f"known are {known}"
                )
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

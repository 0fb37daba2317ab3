"""Writes a small valid profile from a few answers: how long, where, how strong."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from massager_ctl.errors import InputError
from massager_ctl.profile.format.fields import GROUPS
from massager_ctl.profile.format.load import load_text
from massager_ctl.profile.library import SUFFIXES, entries, personal_folder
from massager_ctl.profile.model import ID_FORM
from massager_ctl.profile.plan.make import make_plan
from massager_ctl.safety.limits import combine

STRENGTHS: Final[dict[str, float]] = {"gentle": 15.0, "light": 25.0, "moderate": 40.0}
"""Caps in percent by a word for them (P2); design choices."""

PLACES: Final = ("trapezius", "neck", "suboccipital")
MOTIONS: Final = ("knead", "vibrate", "glide", "circle")
MINUTES: Final = (2.0, 26.5)


def compose(
    name: str, minutes: float, places: Sequence[str], strength: str, motion: str = "knead"
) -> str:
    """The YAML text of a profile; it has been read, planned and proved. InputError if an answer does not fit."""
    if not ID_FORM.fullmatch(name) or len(name) > 40:
        plain = "-".join(re.findall(r"[a-z0-9]+", name.lower()))[:40].rstrip("-")
        hint = f", for example `{plain}`" if ID_FORM.fullmatch(plain) else ""
        raise InputError(
            f"'{name}' is not a plain name", f"Use small letters, digits and hyphens{hint}."
        )
    if not MINUTES[0] <= minutes <= MINUTES[1]:
        raise InputError(
            f"{minutes:g} minutes is outside {MINUTES[0]:g} to {MINUTES[1]:g} (T2, R8)",
            "5 to 10 minutes are usual (T1).",
        )
    for answer, known in (
        (strength, tuple(STRENGTHS)),
        (motion, MOTIONS),
        *((p, tuple(GROUPS)) for p in places),
    ):
        if answer not in known:
            raise InputError(f"unknown answer '{answer}'", f"Known are {', '.join(known)}.")
    if not places:
        raise InputError("no place given", f"Known are {', '.join(GROUPS)}.")
    where = places[0] if len(places) == 1 else f"[{', '.join(places)}]"
    text = (
        f"title: {name.replace('-', ' ').capitalize()}\n"
        f"summary: {minutes:g} minutes, {strength}, at {' and '.join(places)}.\n"
        "technique: K1\n"
        "tags: [personal]\n"
        'not_for: [anyone with a "yes" or "not certain" in the screening]\n'
        f"cap: {STRENGTHS[strength]:g}\n"
        f"duration: {minutes:g} min\n"
        "steps:\n"
        f"  - zones: {where}\n"
        f"    motion: {motion}\n"
        "    period: 10\n"
    )
    make_plan(load_text(text, f"{name}.yaml"), combine(()))
    return text


def save(name: str, text: str, folder: Path | None = None) -> Path:
    """Write a new personal profile and return its path. InputError if the name is taken or the disk refuses."""
    folder = folder or personal_folder()
    path = folder / f"{name}.yaml"
    taken = [entry for entry in entries() if entry.name == name]
    if taken or any((folder / f"{name}{suffix}").exists() for suffix in SUFFIXES):
        where = taken[0].path if taken else path
        raise InputError(
            f"a profile named '{name}' exists already: {where}", "Choose another name."
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise InputError(
            f"cannot write {path}: {error.strerror or error}",
            "Check the folder and its permissions.",
        ) from None
    return path

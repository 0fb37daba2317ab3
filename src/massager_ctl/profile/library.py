"""Finds profiles: the shipped ones and your own. A name that both have is an error."""

from __future__ import annotations

import contextlib
from itertools import chain
from pathlib import Path
from typing import Final

from msgspec import Struct

from massager_ctl.config import at_home
from massager_ctl.errors import ConfigError, ProfileError
from massager_ctl.model.requests import MANUAL
from massager_ctl.profile.model import ID_FORM

SUFFIXES: Final = (".yaml", ".yml", ".toml")


class Entry(Struct, frozen=True):
    """A profile in the library: `origin` is `shipped` or `personal`."""

    name: str
    path: Path
    origin: str


def shipped_folder() -> Path:
    """The folder of shipped profiles: beside the package if it is installed, else in the checkout."""
    package = Path(__file__).resolve().parent.parent
    installed = package / "profiles_data"
    return installed if installed.is_dir() else package.parent.parent / "profiles"


def personal_folder() -> Path:
    """The folder of your own profiles, in the platform's config folder; it may not exist yet."""
    from platformdirs import user_config_path

    return at_home(user_config_path) / "profiles"


def entries() -> tuple[Entry, ...]:
    """All profiles, shipped ones first, by name. Raises ProfileError if a folder cannot be read."""
    personal = [_in(folder, "personal") for folder in personal_folders()]
    return (*_in(shipped_folder(), "shipped"), *chain.from_iterable(personal))


def personal_folders() -> list[Path]:
    """The folder of your own profiles; none for a user without a home."""
    try:
        return [personal_folder()]
    except ConfigError:
        return []


def passed_over() -> list[Path]:
    """What is called like a profile of your own and is not a file, such as a pipe, which would be waited for."""
    return sorted(
        path
        for folder in personal_folders()
        if folder.is_dir()
        for path in folder.iterdir()
        if path.suffix.lower() in SUFFIXES and not path.is_file()
    )


def _in(folder: Path, origin: str) -> list[Entry]:
    try:
        if not folder.is_dir():
            return []
        files = sorted(
            path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and path.is_file()
        )  # a pipe of that name would be waited for
    except OSError as error:
        raise ProfileError(
            f"{folder}: the folder of profiles cannot be read ({error.strerror})",
            "Check its permissions and those of the folders above it.",
        ) from None
    return [Entry(path.stem, path, origin) for path in files]


def playable() -> dict[str, Path]:
    """Profiles by the id that a start may name; a name that stands for two files is left out.

    A folder of your own that cannot be read has none: a service goes on without it.
    """
    found: dict[str, Path] = {}
    twice = {MANUAL}
    listed = _in(shipped_folder(), "shipped")
    for folder in personal_folders():
        with contextlib.suppress(ProfileError):
            listed += _in(folder, "personal")
    for entry in listed:
        if entry.name in found:
            twice.add(entry.name)
        if ID_FORM.fullmatch(entry.name):
            found[entry.name] = entry.path
    return {name: path for name, path in found.items() if name not in twice}


def find(name_or_path: str) -> Path:
    """The file of a profile. ProfileError if nothing has that name, or more than one thing does."""
    path = Path(name_or_path)
    if path.suffix.lower() in SUFFIXES or path.name != name_or_path:
        if path.is_file():
            return path
        if path.exists():
            raise ProfileError(
                f"{name_or_path} is not an ordinary file, so it is not read as a profile",
                "Name a file, or see 'massager-ctl profiles list'.",
            )
        raise ProfileError(
            f"profile file not found: {name_or_path}",
            "Check the path, or see 'massager-ctl profiles list'.",
        )
    shipped = [shipped_folder() / f"{name_or_path}{suffix}" for suffix in SUFFIXES]
    own = [
        folder / f"{name_or_path}{suffix}" for folder in personal_folders() for suffix in SUFFIXES
    ]
    found = [path for path in (*shipped, *own) if path.is_file()]
    if len(found) == 1:
        return found[0]
    if found:
        listed = "\n".join(f"  {path}" for path in found)
        raise ProfileError(
            f"'{name_or_path}' names more than one profile:\n{listed}",
            "Name one of them by its path, or rename your own.",
        )
    from massager_ctl.profile.format.fields import nearest

    names = sorted({entry.name for entry in entries()})
    raise ProfileError(
        f"no profile named '{name_or_path}'", nearest(name_or_path, names).capitalize()
    )

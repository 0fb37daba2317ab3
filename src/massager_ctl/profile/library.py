"""Where profiles are: shipped ones and a person's own; neither hides the other unsaid."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from msgspec import Struct

from massager_ctl.errors import ProfileError

SUFFIXES: Final = (".yaml", ".yml", ".toml")


class Entry(Struct, frozen=True):
    """A profile that can be named: `origin` is `shipped` or `personal`."""

    name: str
    path: Path
    origin: str


def shipped_folder() -> Path:
    """The folder of shipped profiles: beside the package where it is installed, else in the checkout."""
    package = Path(__file__).resolve().parent.parent
    installed = package / "profiles_data"
    return installed if installed.is_dir() else package.parent.parent / "profiles"


def personal_folder() -> Path:
    """The person's own profiles, in the platform's config folder; it may not exist yet."""
    from platformdirs import user_config_path

    return user_config_path("massager-ctl") / "profiles"


def entries() -> tuple[Entry, ...]:
    """All profiles that can be named, shipped ones first, by name."""
    return (*_in(shipped_folder(), "shipped"), *_in(personal_folder(), "personal"))


def _in(folder: Path, origin: str) -> list[Entry]:
    if not folder.is_dir():
        return []
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
    return [Entry(path.stem, path, origin) for path in files]


def find(name_or_path: str) -> Path:
    """The file of a profile. ProfileError where nothing has that name, or more than one thing does."""
    path = Path(name_or_path)
    if path.suffix.lower() in SUFFIXES or path.name != name_or_path:
        if path.is_file():
            return path
        raise ProfileError(
            f"there is no profile file {name_or_path}",
            "Check the path, or see 'massager-ctl profiles list'.",
        )
    shipped = [shipped_folder() / f"{name_or_path}{suffix}" for suffix in SUFFIXES]
    own = [personal_folder() / f"{name_or_path}{suffix}" for suffix in SUFFIXES]
    found = [path for path in (*shipped, *own) if path.is_file()]
    if len(found) == 1:
        return found[0]
    if found:
        listed = "\n".join(f"  {path}" for path in found)
        raise ProfileError(
            f"'{name_or_path}' names more than one profile:\n{listed}",
            "Name one of them by its path, or rename your own.",
        )
    from massager_ctl.profile.fields import nearest

    names = sorted({entry.name for entry in entries()})
    raise ProfileError(
        f"there is no profile '{name_or_path}'", nearest(name_or_path, names).capitalize()
    )

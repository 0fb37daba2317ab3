"""Output files of commands: checked before anything starts, and never overwritten without --force."""

from __future__ import annotations

import os
from pathlib import Path

from massager_ctl.errors import InputError


def check_writable(path: Path, *, option: str, force: bool) -> None:
    """Raises InputError if `path` could not be written, or is a file with something in it and not `force`."""
    try:
        there = path.exists()
        if there and path.is_file() and path.stat().st_size and not force:
            raise InputError(
                f"{path}: the file exists",
                f"Name another one with {option}, or write over it with --force.",
            )
        target = path if there else path.parent
        if path.is_dir() or not os.access(target, os.W_OK if there else os.W_OK | os.X_OK):
            why = "it is a folder" if path.is_dir() else "no permission, or no such folder"
            raise InputError(
                f"{path}: cannot be written ({why})", f"Name another file with {option}."
            )
    except OSError as error:
        raise InputError(
            f"{path}: cannot be written ({error.strerror})", f"Name another file with {option}."
        ) from None

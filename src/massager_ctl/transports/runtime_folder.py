"""The folder of this user's locks and control sockets: where it is, who may use it, and what is named how in it.

It imports only `os` and `stat`, so that `stop` starts fast (R6).
"""

from __future__ import annotations

import os
import stat

RUNTIME_ENV = "MASSAGER_CTL_RUNTIME"
"""Sets another runtime folder; for tests, and for machines without one."""

_ROOT = 0
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.")
_LONGEST = 60
"""A Unix socket's whole path holds 104 to 108 bytes."""


def runtime_dir() -> str:
    """The folder for sockets and locks; it need not exist yet.

    Another user's base folder is skipped: what root makes there would lock its user out.
    """
    named = os.environ.get(RUNTIME_ENV)
    if named:
        return named
    user = os.getuid()
    for base in (os.environ.get("XDG_RUNTIME_DIR"), f"/run/user/{user}"):
        folder = os.path.join(base, "massager-ctl") if base else ""
        if base and _usable(base, folder, user):
            return folder
    temporary = os.environ.get("TMPDIR") or "/tmp"
    return os.path.join(temporary, f"massager-ctl-{user}")


def _usable(base: str, folder: str, user: int) -> bool:
    """Whether the folder is there or can be made. A service may find it in a base that is read-only to it."""
    try:
        found = os.stat(base)
    except OSError:
        return False
    return (
        stat.S_ISDIR(found.st_mode)
        and found.st_uid == user
        and any(os.access(place, os.W_OK) for place in (base, folder))
    )


def ensure_runtime_dir() -> str:
    """Make the runtime folder with mode 0700.

    PermissionError if it belongs to another user, cannot be written, or if root would lock its user out of it.
    """
    folder = runtime_dir()
    if os.getuid() == _ROOT and (whose := _owner_above(folder)) != _ROOT:
        raise PermissionError(
            f"{folder} lies in a folder of user {whose}, whom root would lock out of it"
        )
    os.makedirs(folder, mode=0o700, exist_ok=True)
    found = os.lstat(folder)
    if found.st_uid == os.getuid() and stat.S_ISDIR(found.st_mode) and found.st_mode & 0o077:
        os.chmod(folder, 0o700)
    why = distrust(folder)
    if why:
        raise PermissionError(why)
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(f"{folder} cannot be written")
    return folder


def _owner_above(folder: str) -> int:
    """Who owns the folder in which this one would be made; its own owner if it is there."""
    while True:
        try:
            return os.stat(folder).st_uid
        except OSError:
            above = os.path.dirname(folder)
            if above == folder or not above:
                return os.getuid()
            folder = above


def distrust(folder: str, user: int | None = None) -> str:
    """Why this folder cannot be trusted; empty if it is the user's own, or does not exist."""
    user = os.getuid() if user is None else user
    try:
        found = os.lstat(folder)
    except FileNotFoundError:
        return ""
    except OSError as error:
        return f"{folder} cannot be read ({error.strerror})"
    if not stat.S_ISDIR(found.st_mode):
        return f"{folder} is not a folder"
    if found.st_uid != user:
        return f"{folder} belongs to another user"
    if found.st_mode & _OTHERS_WRITE:
        return f"{folder} can be written by others"
    return ""


def others_dirs(
    users: str = "/run/user", temporary: str = "/tmp", *, named: bool = True
) -> list[str]:
    """For root: the runtime folders of other users in their usual places. Otherwise none.

    None either if a folder is named in the environment, which is then the only one, unless `named` is false.
    """
    if os.getuid() != _ROOT or (named and os.environ.get(RUNTIME_ENV)):
        return []
    found: list[str] = []
    for base, head, tail in ((users, "", "massager-ctl"), (temporary, "massager-ctl-", "")):
        try:
            entries = sorted(os.listdir(base))
        except OSError:
            continue
        for entry in entries:
            user = entry.removeprefix(head)
            if entry.startswith(head) and user.isdigit() and int(user) != _ROOT:
                folder = os.path.join(base, entry, tail) if tail else os.path.join(base, entry)
                if os.path.isdir(folder) and not distrust(folder, int(user)):
                    found.append(folder)
    return found


def stem(device: str) -> str:
    """A file name for an identity, without its suffix; two identities never share one."""
    name = "".join(_escaped(letter) for letter in device)
    if len(name) <= _LONGEST:
        return name
    import zlib

    return f"{name[: _LONGEST - 9]}={zlib.crc32(device.encode()):08x}"


def _escaped(letter: str) -> str:
    if letter in _PLAIN:
        return letter
    if letter == "/":
        return "-"
    if letter == ":":
        return "_"
    return "".join(f"={byte:02x}" for byte in letter.encode(errors="surrogatepass"))


def lock_path(device: str) -> str:
    """The lock of a device, by its identity."""
    return os.path.join(runtime_dir(), stem(device) + ".lock")

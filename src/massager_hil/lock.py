"""One program per device: a lock by serial number, which the system releases when its process ends (R17).

It lies where massager-ctl keeps its locks, under the name that a controller of the same device takes, so that a
suite and a controller exclude each other as two suites do.
"""

from __future__ import annotations

import os
import stat
import zlib
from pathlib import Path
from typing import Final

from massager_ctl.errors import ConfigError, DeviceBusy
from massager_ctl.transports.lock_file import hold
from massager_hil import wire
from massager_hil.tables import Feature

RUNTIME_ENV: Final = "MASSAGER_CTL_RUNTIME"
_PLAIN: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.")
_LONGEST: Final = 60


def runtime_folder() -> Path:
    """Where the locks of this user are."""
    named = os.environ.get(RUNTIME_ENV)
    if named:
        return Path(named)
    for base in (os.environ.get("XDG_RUNTIME_DIR"), f"/run/user/{os.getuid()}"):
        if base and os.access(base, os.W_OK) and Path(base).stat().st_uid == os.getuid():
            return Path(base) / "massager-ctl"
    return Path(os.environ.get("TMPDIR") or "/tmp") / f"massager-ctl-{os.getuid()}"


def lock_path(name: str) -> Path:
    """The file of a lock."""
    plain = "".join(map(_escaped, name))
    if len(plain) > _LONGEST:
        plain = f"{plain[: _LONGEST - 9]}={zlib.crc32(name.encode()):08x}"
    return runtime_folder() / f"{plain}.lock"


def _escaped(letter: str) -> str:
    if letter in _PLAIN:
        return letter
    if letter in ":/":
        return "_" if letter == ":" else "-"
    return "".join(f"={byte:02x}" for byte in letter.encode(errors="surrogatepass"))


def name_of(info: wire.Info, address: str) -> str:
    """What a device is locked by: its serial number; with its address where it is simulated, as those share theirs."""
    name = f"number:{info.serial}"
    return f"{name} {address}" if info.flags & Feature.SIMULATED else name


class Locks:
    """Those that this run holds."""

    def __init__(self) -> None:
        self._held: dict[str, int] = {}
        self.refused = False
        """Another program has one of them: nothing may be done to the device."""

    def take(self, name: str, device: str) -> None:
        """Take a lock at once. Raises DeviceBusy with the process that has it, or ConfigError."""
        if name in self._held:
            return
        descriptor = _opened(name)
        try:
            hold(
                descriptor,
                device,
                "One program at a time may use a device. Wait for that one, or end it.",
            )
        except DeviceBusy:
            self.refused = True
            raise
        self._held[name] = descriptor

    def release(self) -> None:
        """Release them all; may be called twice."""
        for descriptor in self._held.values():
            os.close(descriptor)
        self._held.clear()


def _opened(name: str) -> int:
    folder = runtime_folder()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.lstat()
        others = found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or others:
            raise PermissionError(f"{folder} is not a folder that only you can write")
        return os.open(lock_path(name), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise ConfigError(
            f"no lock can be made for the device: {error}",
            f"Name a folder of your own with {RUNTIME_ENV}.",
        ) from None

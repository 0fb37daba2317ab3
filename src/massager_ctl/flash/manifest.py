"""What a build holds, by hash: the board compares it with its files before it runs any of them."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

import msgspec

from massager_ctl.errors import FirmwareError
from massager_ctl.model.json_reading import NotJson, read_json

MANIFEST: Final = "manifest.json"
FORMAT: Final = 1
ROOT: Final = "root"
SLOT: Final = "slot"


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hashes are SHA-256 in hexadecimal digits."""

    format: int
    board: str
    version: str
    firmware: tuple[int, int, int]
    """As INFO tells it: major, minor, patch."""
    arch: str
    bytecode: int
    platform: str
    machines: tuple[str, ...]
    oldest: tuple[int, int]
    files: dict[str, str]
    """Of the slot."""
    root: dict[str, str]
    """Of the files outside of the slots, in the order in which they are put there."""


class Build:
    """A folder that `build` made, with every hash compared."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            self.raw = (folder / SLOT / MANIFEST).read_bytes()
            self.manifest = read_json(self.raw, Manifest)
        except OSError as error:
            raise FirmwareError(
                f"{folder} is not firmware: {SLOT}/{MANIFEST} cannot be read ({error.strerror})",
                "Make one with: massager-ctl firmware build --board pico_w -o DIR",
            ) from None
        except NotJson as error:
            raise FirmwareError(
                f"{folder / SLOT / MANIFEST} is damaged: {error}", "Build it again."
            ) from None
        if self.manifest.format != FORMAT:
            raise FirmwareError(
                f"{folder} was built by another release (format {self.manifest.format})",
                "Build it again with this one.",
            )
        self.files = self._read(SLOT, self.manifest.files)
        self.root = self._read(ROOT, self.manifest.root)

    @property
    def digest(self) -> str:
        """SHA-256 of the manifest."""
        return digest(self.raw)

    def _read(self, below: str, hashes: dict[str, str]) -> dict[str, bytes]:
        found: dict[str, bytes] = {}
        for name, wanted in hashes.items():
            path = self.folder / below / name
            try:
                found[name] = path.read_bytes()
            except OSError as error:
                raise FirmwareError(
                    f"cannot read {path}: {error.strerror}", "Build it again."
                ) from None
            if digest(found[name]) != wanted:
                raise FirmwareError(
                    f"{path} is not what was built: its hash is another one", "Build it again."
                )
        return found


def digest(data: bytes) -> str:
    """SHA-256 in hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()

"""NVM in a file, so that a simulated device keeps its latch and its hours over restarts."""

from __future__ import annotations

from pathlib import Path

import msgspec


class NvmFileError(Exception):
    """The NVM file cannot be read or written; the message names it and the way out."""


class FileNvm:
    """Records in one JSON file, each as hex, replaced as a whole at each change."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.stuck = False
        self.records = self._read()

    def _read(self) -> dict[str, bytes]:
        try:
            text = self.path.read_bytes()
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise NvmFileError(f"cannot read the NVM file {self.path}: {error.strerror}") from error
        try:
            records = msgspec.json.decode(text, type=dict[str, str])
            return {name: bytes.fromhex(raw) for name, raw in records.items()}
        except ValueError as error:
            raise NvmFileError(
                f"the NVM file {self.path} is not an NVM file: {error}. Remove it for a new device."
            ) from error

    def load(self, name: str) -> bytes | None:
        """The raw record, or None if it was never written."""
        return self.records.get(name)

    def store(self, name: str, raw: bytes) -> None:
        """Replace the record on disk; `NvmFileError` if that fails."""
        if self.stuck:
            return
        self.records[name] = raw
        text = msgspec.json.encode({key: value.hex() for key, value in self.records.items()})
        beside = self.path.with_name(self.path.name + ".new")
        try:
            beside.write_bytes(msgspec.json.format(text))
            beside.replace(self.path)
        except OSError as error:
            raise NvmFileError(
                f"cannot write the NVM file {self.path}: {error.strerror}"
            ) from error

    def flip(self, name: str, bit: int) -> None:
        """Turn one bit of a record over (fault 48)."""
        raw = bytearray(self.records[name])
        raw[bit // 8 % len(raw)] ^= 1 << bit % 8
        self.store(name, bytes(raw))

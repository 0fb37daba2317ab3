"""One process per device (fault 57): a lock that the system drops with the process that holds it."""

from __future__ import annotations

import fcntl
import os
from types import TracebackType
from typing import Self

from massager_ctl.errors import ConfigError, DeviceBusy
from massager_ctl.surfaces.control import paths


def prepare_runtime() -> str:
    """The runtime folder, made where it is missing. ConfigError where that cannot be."""
    try:
        return paths.ensure_runtime_dir()
    except OSError as error:
        raise ConfigError(
            f"the folder for control sockets cannot be used: {error}",
            f"Without it no other terminal could stop the device. Name another in {paths.RUNTIME_ENV}.",
        ) from None


class DeviceLock:
    """Held from `acquire` to `release`, or until the process dies. `device`: an identity (`paths.identity`)."""

    def __init__(self, device: str) -> None:
        self._device = device
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Take the lock at once, or raise DeviceBusy with the process that has it."""
        prepare_runtime()
        descriptor = os.open(
            paths.lock_path(self._device), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600
        )
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip()
            os.close(descriptor)
            who = f"process {holder}" if holder.isdigit() else "another process"
            raise DeviceBusy(
                f"{self._device} is in use by {who}",
                "Only one program may drive a device. `massager-ctl status` shows it, `massager-ctl stop` stops it.",
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        # The file stays: removing it would let two processes hold two locks of one name.
        self._descriptor = descriptor

    def release(self) -> None:
        """Give the lock up; may be called twice."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.release()

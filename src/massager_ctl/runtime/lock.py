"""One process per device (fault 57): a lock that the system releases when its process ends."""

from __future__ import annotations

import fcntl
import os
import time
from types import TracebackType
from typing import Final, Self

from massager_ctl.errors import DeviceBusy
from massager_ctl.frontends.socket import paths
from massager_ctl.frontends.socket.folder_errors import open_in_runtime, prepare_runtime
from massager_ctl.transports.lock_file import hold
from massager_ctl.transports.runtime_folder import lock_path

GUARDIAN_S: Final = 2.0
"""Seconds that the guardian of a program that died may take to release the device."""


class DeviceLock:
    """Held from `acquire` to `release`, or until the process dies. `device`: its identity, by `address_identity`."""

    def __init__(self, device: str) -> None:
        self._device = device
        self._descriptor: int | None = None
        self.took_over = False
        """Whether a dead program's guardian was still stopping the device, and gave way to this lock (R25)."""

    def acquire(self) -> None:
        """Take the lock at once, or raise DeviceBusy with the process that has it."""
        prepare_runtime()
        descriptor = open_in_runtime(lock_path(self._device))
        hold(
            descriptor,
            self._device,
            "Only one program may drive a device. `massager-ctl status` shows it, `massager-ctl stop` stops it.",
        )
        self._descriptor = descriptor
        try:
            self._wait_for_guardian()
        except BaseException:
            self.release()
            raise

    def _wait_for_guardian(self) -> None:
        """Wait for a dead program's guardian: it sees the new owner in the lock file and releases the device (R25)."""
        descriptor = open_in_runtime(paths.watched_path(self._device))
        until = time.monotonic() + GUARDIAN_S
        try:
            while True:
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except OSError:
                    self.took_over = True
                    if time.monotonic() >= until:
                        raise DeviceBusy(
                            f"{self._device} is still held by the guardian of a program that died",
                            "Check that the massager has stopped; if not, unplug it. Then try again.",
                        ) from None
                    time.sleep(0.01)
                else:
                    return
        finally:
            os.close(descriptor)

    def release(self) -> None:
        """Release the lock; may be called twice."""
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

"""The lock on an open file that one program per device holds; the system releases it when the process ends (R17)."""

from __future__ import annotations

import fcntl
import os

from massager_ctl.errors import DeviceBusy


def hold(descriptor: int, device: str, remedy: str) -> None:
    """Lock the file at once, and write into it which process has it.

    Raises DeviceBusy with the process that has it, and closes the file. The file is never removed: that would let two
    processes hold two locks of one name.
    """
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip()
        os.close(descriptor)
        who = f"process {holder}" if holder.isdecimal() else "another process"
        raise DeviceBusy(f"{device} is in use by {who}", remedy) from None
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, str(os.getpid()).encode(), 0)

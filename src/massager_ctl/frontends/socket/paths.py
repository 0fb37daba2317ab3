"""File names in the runtime folder: the control socket and card of a device, and what its guardian holds.

It imports only `os`, so that `stop` starts fast (R6).
"""

from __future__ import annotations

import os

from massager_ctl.transports.runtime_folder import runtime_dir, stem


def socket_path(device: str) -> str:
    """The control socket of a device, by its identity."""
    return os.path.join(runtime_dir(), stem(device) + ".sock")


def watched_path(device: str) -> str:
    """The file that a device's guardian holds as long as it lives, by the device's identity (R25)."""
    return os.path.join(runtime_dir(), stem(device) + ".watched")


def card_path(socket: str) -> str:
    """The card beside a control socket: the names of its device."""
    return f"{socket.removesuffix('.sock')}.json"


def socket_paths(folder: str | None = None) -> list[str]:
    """All control sockets in the runtime folder, or in this one."""
    folder = runtime_dir() if folder is None else folder
    try:
        entries = sorted(os.listdir(folder))
    except OSError:
        return []
    return [os.path.join(folder, entry) for entry in entries if entry.endswith(".sock")]


def device_name(path: str) -> str:
    """The file name of a control socket: `sim_4711`, `serial_-dev-ttyUSB0`."""
    return os.path.basename(path).removesuffix(".sock")

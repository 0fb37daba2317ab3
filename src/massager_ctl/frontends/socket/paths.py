"""File names in the runtime folder: the control socket, card and locks of a device.

It imports only `os`, so that `stop` starts fast (R6).
"""

from __future__ import annotations

import os

from massager_ctl.frontends.socket.folder import runtime_dir

_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.")
_LONGEST = 60
"""A Unix socket's whole path holds 104 to 108 bytes."""


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


def socket_path(device: str) -> str:
    """The control socket of a device, by its identity."""
    return os.path.join(runtime_dir(), stem(device) + ".sock")


def lock_path(device: str) -> str:
    """The lock of a device, by its identity."""
    return os.path.join(runtime_dir(), stem(device) + ".lock")


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

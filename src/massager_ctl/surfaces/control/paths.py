"""Where the control sockets and locks of this user lie, and what they are called. Nothing but `os` is imported."""

from __future__ import annotations

import os
import sys

RUNTIME_ENV = "MASSAGER_CTL_RUNTIME"
"""Names another runtime folder; for tests, and for machines without one."""

_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.")
_LONGEST = 60
"""A Unix socket's whole path holds 104 to 108 bytes."""


def runtime_dir() -> str:
    """The folder for sockets and locks; it need not exist yet."""
    named = os.environ.get(RUNTIME_ENV)
    if named:
        return named
    base = os.environ.get("XDG_RUNTIME_DIR")
    if base:
        return os.path.join(base, "massager-ctl")
    user = os.getuid()
    base = f"/run/user/{user}"
    if os.access(base, os.W_OK):
        return os.path.join(base, "massager-ctl")
    temporary = os.environ.get("TMPDIR") or "/tmp"
    return os.path.join(temporary, f"massager-ctl-{user}")


def ensure_runtime_dir() -> str:
    """Make the runtime folder with mode 0700. PermissionError where it belongs to somebody else."""
    folder = runtime_dir()
    os.makedirs(folder, mode=0o700, exist_ok=True)
    found = os.lstat(folder)
    if found.st_uid != os.getuid() or not os.path.isdir(folder) or os.path.islink(folder):
        raise PermissionError(f"{folder} belongs to somebody else")
    if found.st_mode & 0o077:
        os.chmod(folder, 0o700)
    return folder


def identity(address: str) -> str:
    """One text for one device: the real path of a serial port, a BLE address in capitals.

    The embedded simulator is a new device in each process, so its identity carries the process id.
    """
    kind, _, rest = address.partition(":")
    match kind:
        case "sim":
            return f"sim:{os.getpid()}"
        case "serial" if rest.startswith(("/", ".", "~")):
            return f"serial:{os.path.realpath(os.path.expanduser(rest))}"
        case "ble" if rest.count(":") == 5:
            return f"ble:{rest.upper()}"
        case _:
            return address


def stem(device: str) -> str:
    """A file name for an identity, without its ending; two identities never share one."""
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
    return "".join(f"={byte:02x}" for byte in letter.encode())


def socket_path(device: str) -> str:
    """The control socket of a device, by its identity."""
    return os.path.join(runtime_dir(), stem(device) + ".sock")


def lock_path(device: str) -> str:
    """The lock of a device, by its identity."""
    return os.path.join(runtime_dir(), stem(device) + ".lock")


def socket_paths(name: str = "") -> list[str]:
    """All control sockets, or those whose device's name contains `name` (case does not count)."""
    folder = runtime_dir()
    try:
        entries = sorted(os.listdir(folder))
    except OSError:
        return []
    wanted = {name.lower(), stem(name).lower(), stem(identity(name)).lower()}
    if name.startswith("sim:"):
        wanted.add("sim_")
    return [
        os.path.join(folder, entry)
        for entry in entries
        if entry.endswith(".sock") and any(part in entry[:-5].lower() for part in wanted)
    ]


def device_name(path: str) -> str:
    """What a person would call the device behind a control socket: `sim_4711`, `serial_-dev-ttyUSB0`."""
    return os.path.basename(path).removesuffix(".sock")


def supported() -> bool:
    """Whether this system has Unix sockets."""
    return sys.platform != "win32"

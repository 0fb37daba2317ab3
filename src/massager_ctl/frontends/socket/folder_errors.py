"""Makes the folder of the control sockets and files in it; what fails there becomes a ConfigError."""

from __future__ import annotations

import os
import socket

from massager_ctl.errors import ConfigError
from massager_ctl.frontends.socket import paths
from massager_ctl.transports.runtime_folder import RUNTIME_ENV, ensure_runtime_dir


def prepare_runtime() -> str:
    """The runtime folder, made if it is missing. Raises ConfigError if that fails."""
    try:
        return ensure_runtime_dir()
    except OSError as error:
        raise _unusable(error) from None


def open_in_runtime(path: str) -> int:
    """A descriptor of a file in the runtime folder, made where it is missing. ConfigError where that cannot be."""
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise _unusable(error) from None


def try_runtime(device: str) -> str:
    """The runtime folder, once a file and the socket of this device were made in it and taken away again.

    Raises ConfigError where a session would be refused one of them.
    """
    folder = prepare_runtime()
    path = f"{paths.socket_path(device)}.{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        try:
            descriptor = open_in_runtime(path)
            try:
                os.write(descriptor, b"-")
            finally:
                os.close(descriptor)
                os.unlink(path)
            sock.bind(path)
            os.unlink(path)
        except OSError as error:
            raise no_socket(paths.socket_path(device), error) from None
    return folder


def no_socket(path: str, error: OSError) -> ConfigError:
    """A control socket cannot be made there."""
    return ConfigError(
        f"the control socket {path} cannot be made: {error}",
        f"Name a folder with a shorter path in {RUNTIME_ENV}."
        if error.errno is None
        else f"Make room there, or name another folder in {RUNTIME_ENV}.",
    )


def _unusable(error: OSError) -> ConfigError:
    return ConfigError(
        f"the folder for control sockets cannot be used: {error}",
        f"Without it no other terminal could stop the device. Name another in {RUNTIME_ENV}.",
    )

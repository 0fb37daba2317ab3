"""Which device an address means: its normal form, its identity in this process, and the port it leads to now.

It imports only `os` at once, so that `stop` starts fast (R6).
"""

from __future__ import annotations

import os

KINDS = ("sim", "serial", "tcp", "ble")
"""The prefixes of addresses."""


def canonical(address: str) -> str:
    """An address in its normal form for comparison.

    A serial port keeps the name that it was given, so that the name is still the same when the port gets
    another number. The embedded simulator is a new device in each process; see `identity`.
    """
    kind, colon, rest = address.strip().partition(":")
    if not colon:
        return kind
    kind = kind.lower()
    if kind not in KINDS and rest.partition(":")[0].lower() in KINDS:
        return canonical(rest)  # the driver of another make does not change which device it is
    match kind:
        case "serial" if "://" not in rest:
            port = rest.partition("?")[0]  # options for opening do not change the identity
            if port.startswith(("/", ".", "~")):
                port = os.path.abspath(os.path.expanduser(port))
            return f"serial:{port}"
        case "ble":
            name, query, options = rest.partition("?")
            if name.count(":") == 5 and len(name) == 17:
                name = name.upper()
            elif "%" in name or not (name.isascii() and name.isprintable()):
                name = _quoted(name)
            return f"ble:{name}{query}{options}"
        case "tcp":
            host, _, port = rest.rpartition(":")
            if not (port.isascii() and port.isdecimal()):
                return f"tcp:{rest}"
            host, percent, zone = host.partition("%")  # the name of a network interface
            return f"tcp:{_host(host.lower())}{percent}{zone}:{port.lstrip('0')}"
        case _:
            return f"{kind}:{rest}"


def _host(host: str) -> str:
    """A host in its one spelling: `localhost`, `127.1` and `127.0.0.1` are one, as are `[::1]` and `[0::1]`."""
    import socket

    if host == "localhost":
        return "127.0.0.1"
    try:
        if host.startswith("["):
            literal = host[1:].rstrip("]")  # the bracket closes behind a zone, if there is one
            packed = socket.inet_pton(socket.AF_INET6, literal)
            return host.replace(literal, socket.inet_ntop(socket.AF_INET6, packed))
        return host if " " in host else socket.inet_ntoa(socket.inet_aton(host))
    except (OSError, ValueError):
        return host  # a name


def _quoted(name: str) -> str:
    """A name as an address that was read is written, however it was typed; imported only for such a name."""
    from massager_ctl.transports.address import quoted_name, unquote

    return quoted_name(unquote(name))


def identity(address: str) -> str:
    """The identity of a device in this process: the normal address; for a simulator its process."""
    text = canonical(address)
    return f"sim:{os.getpid()}" if text.partition(":")[0] == "sim" else text


def resolved(address: str) -> str:
    """The port that a serial address leads to now; any other address unchanged."""
    text = canonical(address)
    port = text.removeprefix("serial:")
    return f"serial:{os.path.realpath(port)}" if text.startswith("serial:/") else text


def is_address(text: str) -> bool:
    """Whether a text is a whole address, not a name or a serial number."""
    first, colon, rest = text.partition(":")
    return bool(colon) and (
        first.lower() in KINDS or (":" in rest and rest.partition(":")[0].lower() in KINDS)
    )

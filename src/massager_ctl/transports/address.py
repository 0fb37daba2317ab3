"""Device addresses as a person types them: `sim:`, `serial:…`, `tcp:…`, `ble:…`, `auto`."""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from msgspec import Struct

from massager_ctl.errors import AddressError

EXAMPLES: Final = (
    "Use one of: sim:  serial:/dev/ttyUSB0  tcp:HOST:PORT  ble:NAME  ble:AA:BB:CC:DD:EE:FF  auto."
    " `massager-ctl scan` lists what is there."
)


class SimAddress(Struct, frozen=True):
    """The embedded simulator; `options` is the query it reads, e.g. `fault=…&battery=…`."""

    options: str = ""

    def __str__(self) -> str:
        return f"sim:?{self.options}" if self.options else "sim:"


class SerialAddress(Struct, frozen=True):
    """A serial port: a device file, `COM3`, or any pyserial URL such as `socket://HOST:PORT`."""

    port: str

    def __str__(self) -> str:
        return f"serial:{self.port}"


class TcpAddress(Struct, frozen=True):
    """A device that listens on TCP."""

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"tcp:{host}:{self.port}"


class BleAddress(Struct, frozen=True):
    """A BLE device by the name or the address that it advertises.

    `hci` names a Bluetooth controller to use instead of the system's own Bluetooth, e.g. `tcp:127.0.0.1:6402`
    for a virtual radio (docs/how-to/ble-without-hardware.md). In a typed name, `?` and `%` are written `%3F` and `%25`.
    """

    name: str
    hci: str = ""

    def __str__(self) -> str:
        text = f"ble:{quote(self.name, safe=_UNQUOTED)}"
        return f"{text}?hci={quote(self.hci, safe=':/')}" if self.hci else text


class AutoAddress(Struct, frozen=True):
    """The one device that is found, whatever carries it."""

    def __str__(self) -> str:
        return "auto"


Address = SimAddress | SerialAddress | TcpAddress | BleAddress | AutoAddress

_UNQUOTED: Final = "".join(c for c in map(chr, range(32, 127)) if c not in "?%")


def parse_address(text: str) -> Address:
    """The address in `text`. Raises AddressError, which says what would have been right."""
    text = text.strip()
    if text == "auto":
        return AutoAddress()
    scheme, colon, rest = text.partition(":")
    if colon:
        match scheme.lower():
            case "sim":
                return _sim(text, rest)
            case "serial":
                return _serial(text, rest)
            case "tcp":
                return _tcp(text, rest)
            case "ble":
                return _ble(text, rest)
            case _:
                pass
    raise AddressError(f"{text!r} is not a device address", _guess(text) or EXAMPLES)


def _guess(text: str) -> str:
    if text.startswith(("/dev/", "COM")) or "://" in text:
        return f"A serial port is written `serial:{text}`."
    return ""


def _sim(text: str, rest: str) -> SimAddress:
    if rest and not rest.startswith("?"):
        raise AddressError(
            f"{text!r}: the simulator takes options only after a `?`",
            "For example `sim:` or `sim:?battery=12`.",
        )
    return SimAddress(rest.removeprefix("?"))


def _serial(text: str, rest: str) -> SerialAddress:
    if not rest or "\0" in rest:
        raise AddressError(
            f"{text!r} names no serial port", "For example `serial:/dev/ttyUSB0` or `serial:COM3`."
        )
    if rest.startswith("socket://"):
        _host_and_port(text, rest.removeprefix("socket://"))
    return SerialAddress(rest)


def _tcp(text: str, rest: str) -> TcpAddress:
    return TcpAddress(*_host_and_port(text, rest))


def _host_and_port(text: str, rest: str) -> tuple[str, int]:
    remedy = "For example `tcp:127.0.0.1:7777` or `tcp:[::1]:7777`."
    try:
        parts = urlsplit(f"//{rest}")
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise AddressError(f"{text!r}: {error}", remedy) from None
    if not host or port is None or port == 0 or parts.path or parts.query or parts.username:
        raise AddressError(f"{text!r} needs a host and a port from 1 to 65535", remedy)
    return host, port


def _ble(text: str, rest: str) -> BleAddress:
    name, _, query = rest.partition("?")
    if not name:
        raise AddressError(
            f"{text!r} names no device", "For example `ble:Massager` or `ble:AA:BB:CC:DD:EE:FF`."
        )
    try:
        options = dict(parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query)))
    except ValueError:
        options = {query: ""}
    hci = options.pop("hci", "")
    if options:
        raise AddressError(
            f"{text!r}: {', '.join(options)!r} is no option of a BLE address",
            "The one option is `hci`, as in `ble:NAME?hci=tcp:127.0.0.1:6402`; a `?` in a name is written %3F.",
        )
    if query and not hci:
        raise AddressError(
            f"{text!r}: `hci` names no controller", "For example `?hci=tcp:127.0.0.1:6402`."
        )
    return BleAddress(unquote(name), hci)

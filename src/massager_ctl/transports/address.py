"""Device addresses as you type them: `sim:`, `serial:…`, `tcp:…`, `ble:…`, `auto`, `acme:serial:…`."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from msgspec import Struct

from massager_ctl.errors import AddressError
from massager_ctl.model.units import decimal

EXAMPLES: Final = (
    "Use one of: sim:  serial:/dev/ttyUSB0  tcp:HOST:PORT  ble:NAME  ble:AA:BB:CC:DD:EE:FF  auto."
    " `massager-ctl scan` lists what it finds."
)


BOOT_S: Final = 3.0
"""Default seconds for which a board may not listen after its port was opened."""

BOOT_MAX_S: Final = 30.0


class SimAddress(Struct, frozen=True):
    """The embedded simulator; `options` is the query it reads, e.g. `fault=…&battery=…`."""

    options: str = ""

    def __str__(self) -> str:
        return f"sim:?{self.options}" if self.options else "sim:"


class SerialAddress(Struct, frozen=True):
    """A serial port: a device file, `COM3`, or any pyserial URL such as `socket://HOST:PORT`.

    `boot_s`: seconds that a board which restarts when its port is opened may need to boot. `dtr`: whether DTR and
    RTS are raised at all; `off` avoids a restart of boards whose reset is wired to them.
    """

    port: str
    boot_s: float = BOOT_S
    dtr: bool = True

    def __str__(self) -> str:
        boot = [f"boot={self.boot_s:g}s"] if self.boot_s != BOOT_S else []
        dtr = [] if self.dtr else ["dtr=off"]
        options = "&".join([*boot, *dtr])
        return f"serial:{self.port}?{options}" if options else f"serial:{self.port}"


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
        text = f"ble:{quoted_name(self.name)}"
        return f"{text}?hci={quote(self.hci, safe=':/')}" if self.hci else text


class AutoAddress(Struct, frozen=True):
    """The only device that a scan finds, on any transport."""

    def __str__(self) -> str:
        return "auto"


Link = SerialAddress | TcpAddress | BleAddress
"""What carries bytes to a device outside this process."""


class DialectAddress(Struct, frozen=True):
    """A device of another make: the scheme of its driver, and the link to it (`acme:serial:/dev/ttyUSB0`)."""

    scheme: str
    link: Link

    def __str__(self) -> str:
        return f"{self.scheme}:{self.link}"


Address = SimAddress | SerialAddress | TcpAddress | BleAddress | AutoAddress | DialectAddress

SCHEME: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
"""How the scheme of a driver, or the id of a device description, is written."""

_UNQUOTED: Final = "".join(c for c in map(chr, range(32, 127)) if c not in "?%")


def quoted_name(name: str) -> str:
    """The name of a BLE device as it stands in an address."""
    return quote(name, safe=_UNQUOTED, errors="surrogatepass")


def parse_address(text: str) -> Address:
    """The address in `text`. Raises AddressError with a corrected example."""
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
            case scheme if SCHEME.fullmatch(scheme) and _KIND.match(rest):
                return _dialect(text, scheme, rest)
            case _:
                pass
    raise AddressError(f"{text!r} is not a device address", _guess(text) or EXAMPLES)


_KIND: Final = re.compile(r"(serial|tcp|ble):", re.I)


def _dialect(text: str, scheme: str, rest: str) -> DialectAddress:
    try:
        link = parse_address(rest)
    except AddressError as error:
        raise AddressError(f"{text!r}: {error.message}", error.remedy) from None
    assert isinstance(link, (SerialAddress, TcpAddress, BleAddress))
    return DialectAddress(scheme, link)


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
            f"{text!r} does not name a serial port",
            "For example `serial:/dev/ttyUSB0` or `serial:COM3`.",
        )
    if rest.startswith("socket://"):
        _host_and_port(text, rest.removeprefix("socket://"))
    port, mark, query = rest.partition("?")
    if not mark or "://" in rest:  # a URL has options of its own
        return SerialAddress(rest)
    boot_s, dtr = BOOT_S, True
    for option in query.split("&"):
        name, _, value = option.partition("=")
        match name, value:
            case "boot", _ if (seconds := _seconds(value)) is not None:
                boot_s = seconds
            case "dtr", "on" | "off":
                dtr = value == "on"
            case _:
                raise AddressError(
                    f"{text!r}: {option!r} is not an option of a serial port",
                    f"Options are `boot=3s` (0 to {BOOT_MAX_S:g} s) and `dtr=off`, as in"
                    " `serial:/dev/ttyUSB0?boot=3s&dtr=off`.",
                )
    return SerialAddress(port, boot_s, dtr)


def _seconds(text: str) -> float | None:
    """`3`, `3s` or `2.5s`, within bounds; else None."""
    try:
        seconds = decimal(text.removesuffix("s"))
    except ValueError:
        return None
    return seconds if 0 <= seconds <= BOOT_MAX_S else None


def _tcp(text: str, rest: str) -> TcpAddress:
    return TcpAddress(*_host_and_port(text, rest))


def _host_and_port(text: str, rest: str) -> tuple[str, int]:
    remedy = "For example `tcp:127.0.0.1:7777` or `tcp:[::1]:7777`."
    # What `urlsplit` would leave out: another spelling would open the same device under another identity.
    if any(letter in "/?#@" or letter.isspace() or not letter.isprintable() for letter in rest):
        raise AddressError(f"{text!r} needs a host and a port from 1 to 65535", remedy)
    try:
        parts = urlsplit(f"//{rest}")
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise AddressError(f"{text!r}: {error}", remedy) from None
    if not host or port is None or port == 0:
        raise AddressError(f"{text!r} needs a host and a port from 1 to 65535", remedy)
    return host, port


def _ble(text: str, rest: str) -> BleAddress:
    name, _, query = rest.partition("?")
    if not name:
        raise AddressError(
            f"{text!r} does not name a device",
            "For example `ble:Massager` or `ble:AA:BB:CC:DD:EE:FF`.",
        )
    try:
        options = dict(parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query)))
    except ValueError:
        options = {query: ""}
    hci = options.pop("hci", "")
    if options:
        raise AddressError(
            f"{text!r}: {', '.join(options)!r} is not an option of a BLE address",
            "The one option is `hci`, as in `ble:NAME?hci=tcp:127.0.0.1:6402`; a `?` in a name is written %3F.",
        )
    if query and not hci:
        raise AddressError(
            f"{text!r}: `hci` does not name a controller", "For example `?hci=tcp:127.0.0.1:6402`."
        )
    return BleAddress(unquote(name), hci)

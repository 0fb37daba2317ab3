"""Which broker to use, and how to authenticate it: from the settings file, a URL and the environment."""

from __future__ import annotations

import ssl
from typing import Final, Literal
from urllib.parse import unquote, urlsplit

from msgspec import Struct
from msgspec.structs import replace

from massager_ctl.config import ENV_MQTT_PASSWORD, MqttConfig
from massager_ctl.errors import ConfigError, InputError

PORT: Final = 1883
PORT_TLS: Final = 8883
PORT_WS: Final = 80
PORT_WSS: Final = 443

_TEXT_MAX: Final = 65_535
"""Maximum bytes of a text in MQTT."""

PATH: Final = "/mqtt"
"""The default path of a websocket."""


class BrokerSettings(Struct, frozen=True):
    """One broker. It holds a password: `str()` leaves that out, and only that text is logged."""

    host: str
    port: int
    username: str | None = None
    password: str | None = None
    tls: bool = False
    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None
    protocol: Literal["5", "3.1.1"] = "5"
    prefix: str = "massager"
    discovery: Literal["device", "entity", "off"] = "device"
    discovery_prefix: str = "homeassistant"
    path: str | None = None
    """The path of a websocket; None for plain TCP."""

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        if self.path is None:
            return f"{'mqtts' if self.tls else 'mqtt'}://{host}:{self.port}"
        return f"{'wss' if self.tls else 'ws'}://{host}:{self.port}{self.path}"

    __repr__ = __str__


def broker_settings(config: MqttConfig, url: str | None = None) -> BrokerSettings | None:
    """The broker of `url`, else of the settings; None without any.

    A URL begins with `mqtt://`, `mqtts://`, `ws://` or `wss://` and may have user and password.

    Raises InputError for a URL that cannot be read, and ConfigError for a user or password that MQTT cannot carry.
    """
    if url is not None:
        config = _with_url(config, url)
    if config.host is None:
        return None
    for what, text in (("user", config.username), ("password", config.password)):
        if text is not None and len(text.encode(errors="surrogatepass")) > _TEXT_MAX:
            raise ConfigError(f"the broker's {what} is longer than MQTT allows", "Name another.")
        if text is not None and any("\ud800" <= letter <= "\udfff" for letter in text):
            raise ConfigError(
                f"the broker's {what} is not UTF-8 text",
                f"Correct it: {ENV_MQTT_PASSWORD}, or the settings.",
            )
    tcp = config.websocket_path is None
    usual = (PORT_TLS if config.tls else PORT) if tcp else (PORT_WSS if config.tls else PORT_WS)
    port = config.port or usual
    return BrokerSettings(
        config.host,
        port,
        config.username,
        config.password,
        config.tls,
        config.ca_file,
        config.cert_file,
        config.key_file,
        config.protocol,
        config.prefix,
        config.discovery,
        config.discovery_prefix,
        config.websocket_path,
    )


def _with_url(config: MqttConfig, url: str) -> MqttConfig:
    remedy = "For example `mqtt://192.168.1.10`, `mqtts://user@broker.example:8883` or `wss://broker.example/mqtt`."
    start, _, rest = url.partition("://")
    person, at, _ = rest.rpartition("@")
    if at and any(sign in person for sign in "#/?@[]"):
        raise InputError(
            "the user or the password in this broker's URL has a sign that ends it there",
            "Write # as %23, / as %2F, ? as %3F and @ as %40, or keep the password out of the URL:"
            f" {ENV_MQTT_PASSWORD}=… `{start}://user@broker`.",
        )
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:  # its text has parts of the URL, so perhaps of the password
        raise InputError(
            "this broker's URL cannot be read: is its port a number up to 65535?", remedy
        ) from None
    if parts.scheme not in _SCHEMES or not parts.hostname:
        raise InputError(
            "a broker is named by a URL that begins with mqtt://, mqtts://, ws:// or wss://", remedy
        )
    tls, websocket = _SCHEMES[parts.scheme]
    if parts.query or parts.fragment or (parts.path.strip("/") and not websocket):
        raise InputError("a broker's URL ends after its port", remedy)
    return replace(
        config,
        host=parts.hostname,
        port=port,
        tls=tls,
        websocket_path=(parts.path if parts.path.strip("/") else PATH) if websocket else None,
        username=unquote(parts.username) if parts.username else config.username,
        password=unquote(parts.password) if parts.password else config.password,
    )


_SCHEMES: Final = {
    "mqtt": (False, False),
    "mqtts": (True, False),
    "ws": (False, True),
    "wss": (True, True),
}
"""Whether it is TLS, and whether it is a websocket."""

_REMEDIES: Final = (
    (
        "wrong version number",
        "This port does not speak TLS: use the broker's TLS port (8883, wss: 443), or leave TLS out.",
    ),
    (
        "hostname mismatch",
        "The certificate is for another name: use the name that stands in it, or a certificate for this one.",
    ),
    (
        "ip address mismatch",
        "The certificate is for another name: use the name that stands in it, or a certificate for this one.",
    ),
    (
        "self-signed",
        "Name the broker's certificate, or the authority that signed it, as `ca_file` under `[mqtt]`.",
    ),
    (
        "unable to get local issuer",
        "Name the authority that signed the broker's certificate as `ca_file` under `[mqtt]`.",
    ),
    (
        "certificate has expired",
        "Renew the broker's certificate; check that this computer's date is right.",
    ),
    ("not yet valid", "Check the date of this computer and of the broker."),
    (
        "certificate required",
        "The broker wants a certificate of this client: `cert_file` and `key_file`.",
    ),
    ("certificate verify failed", "Name the authority of the broker's certificate as `ca_file`."),
    (
        "eof",
        "The broker hung up: it may speak TLS on another port, or want a certificate (`cert_file`, `key_file`).",
    ),
    (
        "refused",
        "Check that the broker runs and that host and port are right; 1883, or 8883 with TLS.",
    ),
    (
        "timed out",
        "Check that host and port are right (with TLS: 8883), and that no firewall is in between.",
    ),
    (
        "name or service not known",
        "The broker's name is not known here: use its address, or mend the name service.",
    ),
    (
        "name resolution",
        "The broker's name is not known here: use its address, or mend the name service.",
    ),
    ("unreachable", "Check that this computer is on the broker's network."),
    (
        "handshake",
        "Check that this port and path speak MQTT over websockets; Mosquitto: `protocol websockets`.",
    ),
)


def remedy_for(text: str, settings: BrokerSettings) -> str:
    """The remedy for a connection that failed with this message of the operating system or the TLS library."""
    lower = text.lower()
    for words, remedy in _REMEDIES:
        if words in lower:
            return remedy
    if settings.tls:
        return "Check that this port speaks TLS and that the certificates fit; the connection is tried again."
    return "Check that the broker runs, and that host and port are right; the connection is tried again."


def tls_context(settings: BrokerSettings) -> ssl.SSLContext | None:
    """The TLS context for this broker. Reads files. Raises ConfigError."""
    if not settings.tls:
        return None
    try:
        context = ssl.create_default_context(cafile=settings.ca_file)
        if settings.ca_file is not None:
            # An authority made at home by openssl's defaults names no key usage, which Python 3.13 refuses.
            context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        if settings.cert_file is not None:
            context.load_cert_chain(settings.cert_file, settings.key_file)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(
            f"a certificate for the broker cannot be used: {error}",
            "Check `ca_file`, `cert_file` and `key_file` under `[mqtt]` in the settings.",
        ) from None
    return context

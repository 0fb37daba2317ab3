"""Which broker, and how to be sure that it is the one: from the settings file, a URL and the environment."""

from __future__ import annotations

import ssl
from typing import Literal
from urllib.parse import unquote, urlsplit

from msgspec import Struct
from msgspec.structs import replace

from massager_ctl.config import MqttConfig
from massager_ctl.errors import ConfigError, InputError

PORT = 1883
PORT_TLS = 8883


class BrokerSettings(Struct, frozen=True):
    """One broker. It holds a password: `str()` leaves that out, and nothing else of it is ever logged."""

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

    def __str__(self) -> str:
        return f"{'mqtts' if self.tls else 'mqtt'}://{self.host}:{self.port}"

    __repr__ = __str__


def broker_settings(config: MqttConfig, url: str | None = None) -> BrokerSettings | None:
    """The broker of `url` (`mqtt://` or `mqtts://`, with user and password), else of the settings; None without any.

    Raises InputError for a URL that cannot be read.
    """
    if url is not None:
        config = _with_url(config, url)
    if config.host is None:
        return None
    port = config.port or (PORT_TLS if config.tls else PORT)
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
    )


def _with_url(config: MqttConfig, url: str) -> MqttConfig:
    remedy = "For example `mqtt://192.168.1.10` or `mqtts://user@broker.example:8883`."
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise InputError(f"this broker's URL cannot be read: {error}", remedy) from None
    if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname:
        raise InputError("a broker is named by a URL that begins with mqtt:// or mqtts://", remedy)
    if parts.path.strip("/") or parts.query:
        raise InputError("a broker's URL ends after its port", remedy)
    return replace(
        config,
        host=parts.hostname,
        port=port,
        tls=parts.scheme == "mqtts",
        username=unquote(parts.username) if parts.username else config.username,
        password=unquote(parts.password) if parts.password else config.password,
    )


def tls_context(settings: BrokerSettings) -> ssl.SSLContext | None:
    """What proves the broker to us, and us to the broker. Reads files. Raises ConfigError."""
    if not settings.tls:
        return None
    try:
        context = ssl.create_default_context(cafile=settings.ca_file)
        if settings.cert_file is not None:
            context.load_cert_chain(settings.cert_file, settings.key_file)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(
            f"a certificate for the broker cannot be used: {error}",
            "Check `ca_file`, `cert_file` and `key_file` under `[mqtt]` in the settings.",
        ) from None
    return context

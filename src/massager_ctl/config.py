"""R1: settings and limits from one TOML file. No file means defaults; one that is named and wrong means caps of 0."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct
from platformdirs import user_config_path, user_data_path

from massager_ctl.errors import ConfigError

APP: Final = "massager-ctl"
ENV_CONFIG: Final = "MASSAGER_CTL_CONFIG"
"""Names the settings file."""
ENV_DATA: Final = "MASSAGER_CTL_DATA"
"""Names the folder of the ledger."""
ENV_DEVICE: Final = "MASSAGER_CTL_DEVICE"
"""The default device, above the file."""
ENV_MQTT_PASSWORD: Final = "MASSAGER_CTL_MQTT_PASSWORD"
"""The broker's password, so that it need not stand in a file."""

SIZE_MAX: Final = 65_536
"""Bytes of the settings file at the most."""

USER_CAP: Final = 40.0
USER_CAP_MAX: Final = 70.0
"""Percent: the person's own cap, unless the file says otherwise, and the most that it may say (R1)."""

Percent = Annotated[float, Meta(ge=0, le=USER_CAP_MAX)]
Port = Annotated[int, Meta(ge=1, le=65_535)]
Topic = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[^#+\s]+$")]


class LimitsConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """`[limits]`: the person's own caps; they only ever lower."""

    user_cap: Percent = USER_CAP
    """Percent, 0 to 70: the most in any zone (R1)."""
    count_simulated: bool = False
    """Whether dose and first sessions hold for a simulated device too, in a ledger that ends with the process (R9)."""


class MqttConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """`[mqtt]`: the broker that `serve --mqtt` uses."""

    host: str | None = None
    """The broker's name or address; without it there is no MQTT."""
    port: Port | None = None
    """1883, or 8883 with `tls`, where it is left out."""
    username: str | None = None
    password: str | None = None
    """Better kept out of the file, in the environment's MASSAGER_CTL_MQTT_PASSWORD."""
    tls: bool = False
    ca_file: str | None = None
    """Certificates that the broker's must lead to; the system's own where it is left out."""
    cert_file: str | None = None
    """This client's certificate, for brokers that ask for one."""
    key_file: str | None = None
    protocol: Literal["5", "3.1.1"] = "5"
    """MQTT's version; 3.1.1 for a broker that knows no 5."""
    prefix: Topic = "massager"
    """The base of every topic."""
    discovery: Literal["device", "entity", "off"] = "device"
    """How Home Assistant is told: `entity` for its releases before 2024.11."""
    discovery_prefix: Topic = "homeassistant"
    """Where Home Assistant looks for devices."""


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file."""

    device: Annotated[str, Meta(min_length=1)] = "sim:"
    """The device that is used when none is given."""
    limits: LimitsConfig = LimitsConfig()
    mqtt: MqttConfig = MqttConfig()


class Config(Struct, frozen=True):
    """The settings in force, and for each, by its dotted name, where it comes from."""

    settings: Settings
    sources: Mapping[str, str]
    path: Path
    """Where the settings file is, or would be."""
    data: Path
    """The folder of the ledger."""

    @property
    def device(self) -> str:
        return self.settings.device

    @property
    def limits(self) -> LimitsConfig:
        return self.settings.limits

    @property
    def mqtt(self) -> MqttConfig:
        return self.settings.mqtt

    @property
    def user_cap_reason(self) -> str:
        """Who set the person's cap, for explanations of a level."""
        if self.sources["limits.user_cap"] == DEFAULT:
            return "your cap, as long as you set no other"
        return "your own cap"

    def rows(self) -> Iterator[tuple[str, object, str]]:
        """Each setting's dotted name, value and source."""
        for name, value in _flat(msgspec.to_builtins(self.settings)):
            yield name, value, self.sources[name]


DEFAULT: Final = "default"


def config_path(env: Mapping[str, str] = os.environ) -> Path:
    """Where the settings file is, or would be."""
    named = env.get(ENV_CONFIG)
    return Path(named) if named else user_config_path(APP) / "config.toml"


def data_path(env: Mapping[str, str] = os.environ) -> Path:
    """The folder of the ledger, which may not exist yet."""
    named = env.get(ENV_DATA)
    return Path(named) if named else user_data_path(APP)


def load(path: Path | None = None, env: Mapping[str, str] = os.environ) -> Config:
    """The settings in force. `path`: a file named on the command line.

    Raises ConfigError where a named file is missing, or any file is unreadable, damaged or wrong: then no level is
    safe to assume, so nothing may start (R1, fault 35).
    """
    where = path or config_path(env)
    written = _read(where, must_exist=path is not None or ENV_CONFIG in env)
    settings = _converted(written, where)
    sources = dict.fromkeys((name for name, _ in _flat(msgspec.to_builtins(settings))), DEFAULT)
    sources.update((name, str(where)) for name, _ in _flat(written))
    if device := env.get(ENV_DEVICE):
        settings = msgspec.structs.replace(settings, device=device)
        sources["device"] = f"environment {ENV_DEVICE}"
    if password := env.get(ENV_MQTT_PASSWORD):
        mqtt = msgspec.structs.replace(settings.mqtt, password=password)
        settings = msgspec.structs.replace(settings, mqtt=mqtt)
        sources["mqtt.password"] = f"environment {ENV_MQTT_PASSWORD}"
    return Config(settings, sources, where, data_path(env))


_REFUSED: Final = (
    "Until it is right every cap is 0 and nothing starts (R1)."
    " Correct it with `massager-ctl config edit`,"
)


def _read(path: Path, *, must_exist: bool) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            content = file.read(SIZE_MAX + 1)
    except FileNotFoundError:
        if not must_exist:
            return {}
        raise ConfigError(
            f"{path}: the settings file is named, but it is not there",
            f"{_REFUSED} or take its name away.",
        ) from None
    except OSError as error:
        raise ConfigError(
            f"{path}: the settings file cannot be read ({error.strerror})",
            "Until it can be read every cap is 0 and nothing starts (R1). Check its permissions.",
        ) from None
    if len(content) > SIZE_MAX:
        raise ConfigError(f"{path}: larger than {SIZE_MAX} bytes", f"{_REFUSED} or move it away.")
    try:
        return tomllib.loads(content.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(
            f"{path}: no valid TOML ({error})", f"{_REFUSED} or move it away."
        ) from None


_AT: Final = re.compile(r" - at `\$\.?(?P<where>[^`]*)`$")
_UNKNOWN: Final = re.compile(r"unknown field `(?P<name>[^`]*)`")
_TYPE: Final = re.compile(r"`(?P<type>float|int|str|bool|array|object)( \| null)?`")
_PLAIN: Final = {
    "float": "a number",
    "int": "a whole number",
    "str": "text",
    "bool": "true or false",
    "array": "a list",
    "object": "a table",
}
"""What a person would call the types of TOML."""
_WORDS: Final = (
    ("Expected ", "expected "),
    (" <= ", " of at most "),
    (" of length >= 1", " of one character at least"),
    (" >= ", " of at least "),
    ("Invalid enum value", "there is no choice"),
)


def _converted(written: dict[str, Any], path: Path) -> Settings:
    try:
        return msgspec.convert(written, Settings)
    except msgspec.ValidationError as error:
        said = str(error)
        at = _AT.search(said)
        dotted = at["where"] if at else ""
        reason = said[: at.start()] if at else said
        unknown = _UNKNOWN.search(reason)
        if unknown:
            dotted = f"{dotted}.{unknown['name']}".lstrip(".")
            reason = "there is no such setting"
        reason = _plain(reason)
        raise ConfigError(
            f"{path}: {dotted or 'the file'}: {reason}", f"{_REFUSED} or move it away."
        ) from None


def _plain(reason: str) -> str:
    """What msgspec says, in the words of somebody who edits a file."""
    reason = _TYPE.sub(lambda found: _PLAIN[found["type"]], reason)
    for theirs, ours in _WORDS:
        reason = reason.replace(theirs, ours)
    return reason


def _flat(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, object]]:
    for name, value in table.items():
        dotted = f"{prefix}{name}"
        if isinstance(value, Mapping):
            yield from _flat(value, f"{dotted}.")  # pyright: ignore[reportUnknownArgumentType]
        else:
            yield dotted, value

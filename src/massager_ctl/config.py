"""Settings and limits from one TOML file. No file means defaults; a file that is wrong means caps of 0 (R1)."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, cast

import msgspec
from msgspec import Meta, Struct

from massager_ctl.errors import ConfigError
from massager_ctl.model.units import number_hint

APP: Final = "massager-ctl"
ENV_CONFIG: Final = "MASSAGER_CTL_CONFIG"
"""Names the settings file."""
ENV_DATA: Final = "MASSAGER_CTL_DATA"
"""Names the folder of the ledger."""
ENV_DEVICE: Final = "MASSAGER_CTL_DEVICE"
"""The default device, above the file."""
ENV_MQTT_PASSWORD: Final = "MASSAGER_CTL_MQTT_PASSWORD"
"""The broker's password, so that it need not be in a file."""

SIZE_MAX: Final = 65_536
"""Maximum bytes of the settings file."""

USER_CAP: Final = 40.0
USER_CAP_MAX: Final = 70.0
"""Percent: your own cap unless the file says otherwise, and its maximum (R1)."""

Percent = Annotated[float, Meta(ge=0, le=USER_CAP_MAX)]
Port = Annotated[int, Meta(ge=1, le=65_535)]
DeviceName = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[a-z0-9_-]+\Z")]
Topic = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[^#+\s\x00]+\Z")]


class LimitsConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """`[limits]`: your own caps; they only ever lower."""

    user_cap: Percent = USER_CAP
    """Percent, 0 to 70: the maximum in any zone (R1)."""
    count_simulated: bool = False
    """Whether dose and first-session rules also apply to a simulated device; its ledger ends with the process (R9)."""


class MqttConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """`[mqtt]`: the broker that `serve --mqtt` uses."""

    host: str | None = None
    """The broker's name or address; without it MQTT is off."""
    port: Port | None = None
    """1883 by default, 8883 with `tls`."""
    username: str | None = None
    password: str | None = None
    """Better set in the environment variable MASSAGER_CTL_MQTT_PASSWORD than in the file."""
    tls: bool = False
    ca_file: str | None = None
    """CA certificates that the broker's certificate must chain to; the system's own by default."""
    cert_file: str | None = None
    """This client's certificate, for brokers that ask for one."""
    key_file: str | None = None
    protocol: Literal["5", "3.1.1"] = "5"
    """MQTT version; 3.1.1 for a broker without 5."""
    websocket_path: Annotated[str, Meta(pattern=r"^/\S*\Z")] | None = None
    """The websocket path, for a broker that is reached over one: `/mqtt`."""
    prefix: Topic = "massager"
    """The base of every topic."""
    discovery: Literal["device", "entity", "off"] = "device"
    """Discovery format: `entity` for Home Assistant before 2024.11."""
    discovery_prefix: Topic = "homeassistant"
    """Home Assistant's discovery prefix."""


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file."""

    device: Annotated[str, Meta(min_length=1)] = "sim:"
    """The default device: an address, or a name from `[devices]`."""
    devices: dict[DeviceName, Annotated[str, Meta(min_length=1)]] = {}
    """`[devices]`: names for addresses, accepted wherever a device is named."""
    leave_alone: tuple[Annotated[str, Meta(min_length=1)], ...] = ()
    """Serial ports that `scan` and `auto` never open: a port, its name that stays, `VID:PID`, or its serial number."""
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
        """The address of the default device."""
        return self.settings.device

    @property
    def devices(self) -> Mapping[str, str]:
        """Names of devices and their addresses."""
        return self.settings.devices

    @property
    def leave_alone(self) -> tuple[str, ...]:
        """Serial ports that are never opened to look for a device."""
        return self.settings.leave_alone

    @property
    def limits(self) -> LimitsConfig:
        """The personal limits, as the file has them."""
        return self.settings.limits

    @property
    def mqtt(self) -> MqttConfig:
        """How the service reaches its broker."""
        return self.settings.mqtt

    @property
    def user_cap_reason(self) -> str:
        """Who set your cap, for explanations of a level."""
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
    if named := env.get(ENV_CONFIG):
        return Path(named)
    from platformdirs import user_config_path

    return at_home(user_config_path) / "config.toml"


def at_home(folder: Callable[[str], Path]) -> Path:
    """This program's folder of a kind.

    Raises ConfigError for a user without a home: no HOME, and no entry in the list of users, as in some containers.
    """
    try:
        return folder(APP)
    except RuntimeError:
        raise ConfigError(
            "this user has no home folder: HOME is not set, and the system knows none",
            f"Set HOME, or name the settings and the ledger's folder by {ENV_CONFIG} and {ENV_DATA}.",
        ) from None


def data_path(env: Mapping[str, str] = os.environ) -> Path:
    """The folder of the ledger, which may not exist yet."""
    if named := env.get(ENV_DATA):
        return Path(named)
    from platformdirs import user_data_path

    return at_home(user_data_path)


def load(path: Path | None = None, env: Mapping[str, str] = os.environ) -> Config:
    """The settings in force. `path`: a file named on the command line.

    Raises ConfigError if a named file is missing, or any file is unreadable, damaged or wrong: then no level is
    safe to assume, so nothing may start (R1, fault 35).
    """
    where = path or config_path(env)
    written = _read(where, must_exist=path is not None or bool(env.get(ENV_CONFIG)))
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
            f"settings file not found: {path}",
            "Until it is there every cap is 0 and nothing starts (R1). Create it, or no longer name it:"
            f" unset {ENV_CONFIG}, or leave the path out.",
        ) from None
    except OSError as error:
        raise ConfigError(
            f"{path}: the settings file cannot be read ({error.strerror})",
            "Until it can be read every cap is 0 and nothing starts (R1). Check its permissions.",
        ) from None
    if len(content) > SIZE_MAX:
        raise ConfigError(f"{path}: larger than {SIZE_MAX} bytes", f"{_REFUSED} or move it away.")
    from massager_ctl.model.toml_reading import NotToml, read_toml

    try:
        return read_toml(content.decode("utf-8-sig"))
    except (UnicodeDecodeError, NotToml) as error:
        raise ConfigError(
            f"{path}: not valid TOML ({error})",
            f"{_toml_hint(content, str(error))}{_REFUSED} or move it away.",
        ) from None


_LINE: Final = re.compile(r"at line (\d+)")


def _toml_hint(content: bytes, said: str) -> str:
    """What to write instead, for what people write; of a value that may be a password nothing is repeated."""
    at = _LINE.search(said)
    rows = content.decode(errors="replace").splitlines()
    if at is None or not 0 < int(at[1]) <= len(rows):
        return ""
    name, equals, value = rows[int(at[1]) - 1].partition("=")
    if not equals:
        return ""
    if hint := number_hint(value):
        return f"{hint.strip()} "
    if not value.strip().startswith(("'", '"', "[", "{")):
        hash_too = ", and a # outside of them begins a comment" if "#" in value else ""
        return f'Text stands in quotation marks{hash_too}: {name.strip()} = "…". '
    return ""


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
"""Plain names for the types of TOML."""
_WORDS: Final = (
    ("Expected ", "expected "),
    (" <= ", " of at most "),
    (" of length >= 1", " of at least one character"),
    (" >= ", " of at least "),
    ("Invalid enum value", "unknown value"),
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
            reason = "unknown setting"
        if "matching regex" in reason and said.endswith("in `$.devices`"):
            dotted = "devices"
            reason = "a name has small letters, digits, _ and -, at most 64"
        reason = _plain(reason)
        raise ConfigError(
            f"{path}: {dotted or 'the file'}: {reason}",
            f"{_value_hint(written, dotted)}{_REFUSED} or move it away.",
        ) from None


def _value_hint(written: Mapping[str, Any], dotted: str) -> str:
    """How a number is written that stands there as text."""
    value: Any = written
    for name in dotted.split("."):
        value = cast("dict[str, Any]", value).get(name) if isinstance(value, dict) else None
    if not isinstance(value, str) or "password" in dotted:
        return ""
    hint = number_hint(value)
    return f"{hint.strip()} " if hint else ""


def _plain(reason: str) -> str:
    """What msgspec says, in plain words."""
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

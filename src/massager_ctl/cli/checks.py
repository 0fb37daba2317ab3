"""What `massager-ctl doctor` looks at: each check says how it stands and, where it does not, what to do."""

from __future__ import annotations

import importlib.util
import os
import socket
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from massager_ctl.errors import MassagerError
from massager_ctl.requests import PainKind
from massager_ctl.safety import screening
from massager_ctl.safety.dose_time import Moment
from massager_ctl.safety.limits import Limits, combine
from massager_ctl.store.moment import UNKNOWN
from massager_ctl.units import ZONES

if TYPE_CHECKING:
    from massager_ctl.config import Config
    from massager_ctl.store.base import Store

BROKER_S: Final = 2.0
"""Seconds that the broker has to answer."""

BUILT_IN: Final = 1_767_225_600.0
"""2026-01-01: no clock that is right shows an earlier time."""


class Level(StrEnum):
    """How a check stands."""

    OK = "ok"
    NOTE = "note"
    """Worth knowing; nothing that is set up needs it."""
    PROBLEM = "problem"
    """A session, or something that is set up, will not work."""


class Check(Struct, frozen=True):
    """One line: what was looked at, how it stands, in words, and what to do."""

    name: str
    level: Level
    text: str
    remedy: str = ""


NO_CAPS: Final = Check(
    "caps", Level.PROBLEM, "0 % everywhere, and nothing starts, until the settings are right (R1)"
)


def failed(name: str, error: MassagerError) -> Check:
    """A check that ended with an error of this program."""
    return Check(name, Level.PROBLEM, error.message, error.remedy)


def settings(config: Config) -> Check:
    """Where the settings come from, and whether others could change them."""
    if not config.path.exists():
        return Check("settings", Level.OK, f"defaults; there is no {config.path}")
    mode = config.path.stat().st_mode
    if mode & 0o022:
        return Check(
            "settings",
            Level.NOTE,
            f"{config.path} can be changed by other users, and with it your cap",
            f"Run `chmod go-w {config.path}`.",
        )
    return Check("settings", Level.OK, str(config.path))


def clock(now: Moment) -> Check:
    """Whether the day can be told, and the boot be named (R10)."""
    if now.wall < BUILT_IN:
        return Check(
            "clock",
            Level.PROBLEM,
            "the date is before 2026; rests and screening count by it after a restart",
            "Set the clock, e.g. by turning on NTP: `timedatectl set-ntp true`.",
        )
    if now.boot == UNKNOWN:
        return Check(
            "clock",
            Level.NOTE,
            "this system does not name its boots; dose is freed later than it could be (R10)",
        )
    return Check("clock", Level.OK, "wall clock and boot are known")


async def ledger(store: Store, folder: Path) -> Check:
    """Whether the ledger can be read and written, and what is left."""
    from massager_ctl.safety.dose import in_words

    try:
        state = await store.recent()
    except MassagerError as error:
        return failed("ledger", error)
    left = f"{in_words(state.left_s)} left today" if state.left_s >= 1 else "nothing left today"
    return Check("ledger", Level.OK, f"in {folder}, written and read; {left}")


async def health(store: Store, now: Moment, *, worn: bool) -> Check:
    """Screening and the medical lock. `worn`: the default device is a real one, so both matter."""
    level = Level.PROBLEM if worn else Level.NOTE
    try:
        lock, answers = await store.lock(), await store.answers()
    except MassagerError as error:
        return failed("screening", error)
    if lock is not None:
        care = (
            "" if lock.kind is PainKind.UNCLASSIFIED else "Seek medical care if you have not yet. "
        )
        return Check(
            "screening",
            level,
            "locked after a report of pain (R22)",
            f"{care}Then answer `massager-ctl screen`.",
        )
    verdict = screening.evaluate(answers, now)
    if isinstance(verdict, screening.Blocked):
        return Check("screening", level, verdict.text, "Answer `massager-ctl screen`.")
    return Check("screening", Level.OK, "answered, and nothing stands against a session")


def limits(found: Limits) -> list[Check]:
    """The effective cap of each zone, and the layer that sets it (R1)."""
    return [
        Check(
            f"cap {zone}",
            Level.OK,
            f"{found.caps[zone.index]:g} % ({found.binding(zone).reason})",
        )
        for zone in ZONES
    ]


async def effective(store: Store, config: Config) -> Limits:
    """The caps that hold for this person on a real device; a device can only lower them. Raises StoreError."""
    from massager_ctl.admission import personal_layers, user_layer

    layers = await personal_layers(store, config, await store.recent())
    return combine((user_layer(config), *layers))


def runtime() -> Check:
    """The folder of the control sockets, by which `stop` reaches a session from any terminal."""
    from massager_ctl.surfaces.control.paths import ensure_runtime_dir

    try:
        return Check("control sockets", Level.OK, ensure_runtime_dir())
    except OSError as error:
        return Check(
            "control sockets",
            Level.PROBLEM,
            f"{error.filename or error}: cannot be used ({error.strerror})",
            "Name a folder of your own with MASSAGER_CTL_RUNTIME.",
        )


def ports(config: Config) -> list[Check]:
    """Serial ports, and whether this user may open them."""
    from massager_ctl.cli.ports import serial_ports

    kind, _, named = config.device.partition(":")
    wanted = [named] if kind == "serial" and named.startswith("/") else []
    found = list(dict.fromkeys((*wanted, *serial_ports())))
    if not found:
        return [
            Check("serial ports", Level.NOTE, "none found", "Plug the massager in, if it has one.")
        ]
    return [_port(port, worn=port in wanted) for port in found]


def _port(port: str, *, worn: bool) -> Check:
    name = f"serial {port}"
    if not Path(port).exists():
        return Check(
            name, Level.PROBLEM, "it is your device, and it is not there", "Plug the massager in."
        )
    if os.access(port, os.R_OK | os.W_OK):
        return Check(name, Level.OK, "may be opened")
    return Check(
        name,
        Level.PROBLEM if worn else Level.NOTE,
        "this user may not open it",
        "Join the port's group: `sudo usermod -aG dialout $USER`, then log in again.",
    )


_DBUS: Final = Path("/run/dbus/system_bus_socket")
_ADAPTERS: Final = Path("/sys/class/bluetooth")


def bluetooth(config: Config, dbus: Path = _DBUS, adapters: Path = _ADAPTERS) -> Check:
    """The parts that BLE needs on Linux: the extra, D-Bus, an adapter."""
    level = Level.PROBLEM if config.device.startswith("ble:") else Level.NOTE
    if importlib.util.find_spec("bleak") is None:
        return Check(
            "bluetooth",
            level,
            "not installed",
            "Run `pip install 'massager-ctl[ble]'`, if you need it.",
        )
    if not dbus.exists():
        return Check(
            "bluetooth",
            level,
            "D-Bus does not run, and BlueZ needs it",
            "Start dbus and bluetooth.",
        )
    if not adapters.is_dir() or not any(adapters.iterdir()):
        return Check("bluetooth", level, "no adapter", "Plug one in, or turn it on.")
    return Check("bluetooth", Level.OK, "bleak, D-Bus and an adapter are there")


def broker(config: Config) -> Check:
    """The MQTT broker of the settings, if there is one."""
    mqtt = config.mqtt
    if mqtt.host is None:
        return Check("mqtt", Level.OK, "no broker is set, so none is used")
    if importlib.util.find_spec("aiomqtt") is None:
        return Check(
            "mqtt", Level.PROBLEM, "not installed", "Run `pip install 'massager-ctl[mqtt]'`."
        )
    port = mqtt.port or (8883 if mqtt.tls else 1883)
    try:
        socket.create_connection((mqtt.host, port), BROKER_S).close()
    except OSError as error:
        return Check(
            "mqtt",
            Level.PROBLEM,
            f"{mqtt.host}:{port} does not answer ({error})",
            "Check `mqtt.host` and `mqtt.port` with `massager-ctl config show`, and that the broker runs.",
        )
    return Check("mqtt", Level.OK, f"{mqtt.host}:{port} answers")

"""The checks of `massager-ctl doctor`: each has a result and, if it failed, a remedy."""

from __future__ import annotations

import importlib.util
import os
import socket
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from massager_ctl.errors import MassagerError
from massager_ctl.model.requests import PainKind
from massager_ctl.model.units import ZONES
from massager_ctl.safety import screening
from massager_ctl.safety.dose_time import UNKNOWN_BOOT, ClockReading
from massager_ctl.safety.limits import Limits, combine

if TYPE_CHECKING:
    from massager_ctl.config import Config
    from massager_ctl.ledger.base import Store

BROKER_S: Final = 2.0
"""Seconds that the broker has to answer."""

BUILT_IN: Final = 1_767_225_600.0
"""2026-01-01: a correct clock never shows an earlier time."""


class Level(StrEnum):
    """The result of a check."""

    OK = "ok"
    NOTE = "note"
    """Worth knowing; nothing in the set-up needs it."""
    PROBLEM = "problem"
    """A session, or a part of the set-up, will not work."""


class Check(Struct, frozen=True):
    """One line: what was checked, the result in words, and what to do."""

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


def clock(now: ClockReading) -> Check:
    """Whether date and boot id are known (R10)."""
    if now.wall < BUILT_IN:
        return Check(
            "clock",
            Level.PROBLEM,
            "the date is before 2026; rests and screening count by it after a restart",
            "Set the clock, e.g. by turning on NTP: `timedatectl set-ntp true`.",
        )
    if now.boot == UNKNOWN_BOOT:
        return Check(
            "clock",
            Level.NOTE,
            "this system does not name its boots; dose is freed later than it could be (R10)",
        )
    return Check("clock", Level.OK, "wall clock and boot are known")


async def ledger(store: Store, folder: Path) -> Check:
    """Whether the ledger can be read and written, and what is left."""
    from massager_ctl.ledger.database import Damaged
    from massager_ctl.ledger.repair import preview
    from massager_ctl.safety.dose import in_words

    try:
        state = await store.recent()
    except Damaged as error:
        foreseen = preview(folder)
        lost = f"; lost: {'; '.join(foreseen.lost)}" if foreseen.lost else ""
        text = f"{error.message}. It can still read {foreseen.kept}{lost}"
        return Check("ledger", Level.PROBLEM, text, error.remedy)
    except MassagerError as error:
        return failed("ledger", error)
    left = f"{in_words(state.left_s)} left today" if state.left_s >= 1 else "nothing left today"
    return Check("ledger", Level.OK, f"in {folder}, written and read; {left}")


async def health(store: Store, now: ClockReading, *, worn: bool) -> Check:
    """Screening and the medical lock. `worn`: the default device is a real one, so both matter."""
    level = Level.PROBLEM if worn else Level.NOTE
    try:
        lock, answers = await store.lock(), await store.answers()
    except MassagerError as error:
        return failed("screening", error)
    if lock is not None:
        care = (
            ""
            if lock.kind is PainKind.UNCLASSIFIED
            else "Seek medical care if you have not done so. "
        )
        return Check(
            "screening",
            level,
            "locked after a report of pain (R22)"
            if lock.readable
            else "locked: reports of pain were lost with the damaged ledger, perhaps a warning sign among them (R9)",
            f"{care}Then answer `massager-ctl screen`.",
        )
    verdict = screening.evaluate(answers, now)
    if isinstance(verdict, screening.Blocked):
        return Check("screening", level, verdict.text, "Answer `massager-ctl screen`.")
    return Check("screening", Level.OK, "answered, and nothing blocks a session")


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
    from massager_ctl.control.admission import personal_layers, user_layer

    layers = await personal_layers(store, config, await store.recent())
    return combine((user_layer(config), *layers))


def runtime(device: str = "sim:") -> Check:
    """The folder of the control sockets, by which `stop` reaches a session on this device from any terminal."""
    from massager_ctl.frontends.socket.folder_errors import try_runtime
    from massager_ctl.transports.address_identity import identity

    try:
        return Check("control sockets", Level.OK, try_runtime(identity(device)))
    except MassagerError as error:
        return failed("control sockets", error)


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
    from massager_ctl.transports.serial import permission_remedy

    name = f"serial {port}"
    if not Path(port).exists():
        return Check(name, Level.PROBLEM, "your device is not there", "Plug the massager in.")
    if os.access(port, os.R_OK | os.W_OK):
        return Check(name, Level.OK, "may be opened")
    return Check(
        name,
        Level.PROBLEM if worn else Level.NOTE,
        "this user may not open it",
        permission_remedy(port),
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
        return Check("mqtt", Level.OK, "no MQTT broker is set")
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

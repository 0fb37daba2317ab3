"""`massager-ctl serve`: owns devices for as long as the machine is up, and offers them over MQTT."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import click

from massager_ctl.errors import ConfigError, ExitCode, InputError

if TYPE_CHECKING:
    from massager_ctl.config import Config
    from massager_ctl.service.device import OwnedDevice
    from massager_ctl.service.service import Service
    from massager_ctl.surfaces.metrics import Metrics
    from massager_ctl.transports.address import Address

_NAMED: Final = re.compile(r"(?P<name>[^:=]+)=(?P<address>.+)")


@click.command(
    "serve",
    epilog="""\b
Examples:
  massager-ctl serve --device serial:/dev/ttyUSB0
  massager-ctl serve --device neck=ble:Massager --mqtt mqtt://192.168.1.10
  MASSAGER_CTL_MQTT_PASSWORD=... massager-ctl serve --mqtt mqtts://user@broker
  massager-ctl serve --device sim: --mqtt mqtt://127.0.0.1""",
)
@click.option(
    "--device",
    "devices",
    multiple=True,
    metavar="[NAME=]ADDRESS",
    help="A device to own; may be given more than once. NAME is its name in topics.",
)
@click.option("--mqtt", "url", metavar="URL", help="The broker; otherwise that of the settings.")
@click.option(
    "--simulated",
    is_flag=True,
    help="These devices are simulators, and nobody wears them: no screening, no dose.",
)
@click.option(
    "--metrics",
    type=click.IntRange(1, 65_535),
    metavar="PORT",
    help="Offer Prometheus metrics on 127.0.0.1.",
)
@click.option(
    "--log",
    "log_format",
    type=click.Choice(["auto", "text", "json"]),
    default="auto",
    help="How logs are written to stderr; auto: JSON unless it is a terminal.",
)
def serve(
    devices: tuple[str, ...], url: str | None, simulated: bool, metrics: int | None, log_format: str
) -> int:
    """Own devices as a service: control socket, MQTT and Home Assistant.

    It connects again by itself, but no session ever resumes or starts by itself. SIGTERM stops whatever runs, waits
    for the confirmation, settles the ledger and leaves.
    """
    import asyncio

    _require_extra()
    from massager_ctl.surfaces.logs import set_up_logs

    set_up_logs(as_json=None if log_format == "auto" else log_format == "json")
    return asyncio.run(_serve(devices, url, simulated, metrics))


def _require_extra() -> None:
    from importlib.util import find_spec

    for package in ("aiomqtt", "prometheus_client", "structlog"):
        if find_spec(package) is None:
            raise ConfigError(
                f"`serve` needs a package that is not installed: {package}",
                "Install it with: pip install 'massager-ctl[mqtt]'",
            )


async def _serve(
    names: tuple[str, ...], url: str | None, simulated: bool, port: int | None
) -> ExitCode:
    from massager_ctl import config as settings
    from massager_ctl.surfaces.metrics import Metrics

    config = settings.load()
    metrics = Metrics()
    service = await _compose(names, url, simulated, config, metrics)
    close = metrics.serve(port) if port is not None else None
    try:
        return await service.run()
    finally:
        if close is not None:
            close()


async def _compose(
    names: tuple[str, ...], url: str | None, simulated: bool, config: Config, metrics: Metrics
) -> Service:
    from massager_ctl.clock import SystemClock
    from massager_ctl.scheduler import Scheduler
    from massager_ctl.service.service import Service
    from massager_ctl.surfaces.mqtt.bridge import MqttBridge
    from massager_ctl.surfaces.mqtt.settings import broker_settings

    broker = broker_settings(config.mqtt, url)
    clock, scheduler = SystemClock(), Scheduler()
    devices: list[OwnedDevice] = []
    bridges: list[MqttBridge] = []
    for name, address in await _named(names or (config.device,), config):
        device = _own(
            name,
            address,
            config,
            simulated=simulated,
            remote=broker is not None,
            first=not devices,
            clock=clock,
            scheduler=scheduler,
        )
        devices.append(device)
        metrics.follow(name, device.controller)
        if broker is not None:
            bridges.append(
                MqttBridge(
                    broker,
                    name,
                    device.controller,
                    device.gate,
                    clock,
                    lambda device=device: device.caps,
                    on_event=metrics.mqtt_event(name),
                )
            )
    return Service(devices, bridges)


async def _named(given: tuple[str, ...], config: Config) -> list[tuple[str, Address]]:
    """Each device's name in topics, and its address. Raises InputError."""
    from massager_ctl.compose import choose_device
    from massager_ctl.surfaces.mqtt.topics import check_id, id_from_address

    found: dict[str, Address] = {}
    for text in given:
        match = _NAMED.fullmatch(text)
        address = await choose_device(match["address"] if match else text, config)
        name = check_id(match["name"]) if match else id_from_address(str(address))
        if name in found:
            raise InputError(
                f"two devices are called '{name}'", "Name them: `--device left=… --device right=…`."
            )
        found[name] = address
    return list(found.items())


def _own(
    name: str, address: Address, config: Config, *, simulated: bool, first: bool, **parts: Any
) -> OwnedDevice:
    from massager_ctl.compose import admission_for, remember_device
    from massager_ctl.drivers.factory import make_driver
    from massager_ctl.safety.attention import Watcher
    from massager_ctl.service.device import OwnedDevice
    from massager_ctl.surfaces.control.paths import identity
    from massager_ctl.surfaces.lock import DeviceLock
    from massager_ctl.transports.address import SimAddress

    device = identity(str(address))
    embedded = isinstance(address, SimAddress)
    if embedded and not first:
        device = f"{device}-{name}"
    admission = admission_for(
        address, config, parts["clock"], simulated=simulated, watcher=Watcher.PERSON
    )
    remember_device(address, config.data)
    return OwnedDevice(
        name,
        device,
        make_driver(address),
        admission,
        config,
        lock=None if embedded else DeviceLock(device),
        **parts,
    )

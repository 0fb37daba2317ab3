"""`massager-ctl serve`: owns devices for as long as the machine is up, and offers them on a page and over MQTT."""

from __future__ import annotations

import re
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import click

from massager_ctl.cli.number import Whole
from massager_ctl.errors import ConfigError, ExitCode, InputError

if TYPE_CHECKING:
    from massager_ctl.aio.clock import Clock
    from massager_ctl.config import Config
    from massager_ctl.frontends.metrics import Metrics
    from massager_ctl.frontends.mqtt.bridge import MqttBridge
    from massager_ctl.frontends.mqtt.settings import BrokerSettings
    from massager_ctl.frontends.web.server import Listener
    from massager_ctl.runtime.service import Service, Surface
    from massager_ctl.runtime.service_device import OwnedDevice
    from massager_ctl.transports.address import Address

_NAMED: Final = re.compile(r"(?P<name>[^:=]+)=(?P<address>.+)")
_WEB: Final = ("starlette", "uvicorn", "wsproto", "segno")


@click.command(
    "serve",
    epilog="""\b
Examples:
  massager-ctl serve --device serial:/dev/ttyUSB0
  massager-ctl serve --lan
  massager-ctl serve --device neck=ble:Massager --mqtt mqtt://192.168.1.10
  MASSAGER_CTL_MQTT_PASSWORD=... massager-ctl serve --mqtt mqtts://user@broker
  massager-ctl serve --device sim: --no-web --mqtt mqtt://127.0.0.1""",
)
@click.option(
    "--device",
    "devices",
    multiple=True,
    metavar="[NAME=]ADDRESS",
    help="A device to own; may be given more than once. NAME is its name in topics and on the page.",
)
@click.option("--mqtt", "url", metavar="URL", help="The broker; otherwise that of the settings.")
@click.option(
    "--web/--no-web",
    "web",
    default=None,
    help="Offer the page and the HTTP API; otherwise only if their packages are installed.",
)
@click.option(
    "--port",
    type=Whole(0, 65_535),
    help="Where the page listens; 8137 unless given, 0 takes a free one.",
)
@click.option(
    "--lan",
    is_flag=True,
    help="Offer the page on the network too, with TLS, to whoever was paired by the code shown.",
)
@click.option(
    "--simulated",
    is_flag=True,
    help="These devices are simulators, and no one wears them: no screening, no dose.",
)
@click.option(
    "--metrics",
    type=Whole(1, 65_535),
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
    devices: tuple[str, ...],
    url: str | None,
    web: bool | None,
    port: int | None,
    lan: bool,
    simulated: bool,
    metrics: int | None,
    log_format: str,
) -> int:
    """Own devices as a service: control socket, a page, an HTTP API, MQTT and Home Assistant.

    It reconnects automatically, but no session ever resumes or starts on its own. SIGTERM stops whatever runs, waits
    for the confirmation, settles the ledger and leaves.
    """
    import asyncio

    from massager_ctl.frontends.logs import set_up_logs

    if web is False and (lan or port is not None):
        raise click.UsageError("--no-web leaves nothing for --lan and --port.")
    set_up_logs(as_json=None if log_format == "auto" else log_format == "json")
    page = PageOptions(web, port, lan)
    return asyncio.run(_serve(devices, url, page, simulated, metrics))


class PageOptions(NamedTuple):
    """The options of the page. `web`: None if not given; `port`: None for the default."""

    web: bool | None
    port: int | None
    lan: bool

    @property
    def insisted(self) -> bool:
        """Whether the service must not start without it."""
        return self.web is True or self.lan or self.port is not None


async def _serve(
    names: tuple[str, ...], url: str | None, page: PageOptions, simulated: bool, port: int | None
) -> ExitCode:
    from massager_ctl import config as settings

    config = settings.load()
    metrics = _metrics(needed=port is not None)
    listener = _listen(page)
    try:
        service = await _compose(names, url, page, listener, simulated, config, metrics)
    except BaseException:
        if listener is not None:
            listener.sock.close()
        raise
    close = metrics.serve(port) if metrics is not None and port is not None else None
    try:
        return await service.run()
    finally:
        if close is not None:
            close()


def _metrics(*, needed: bool) -> Metrics | None:
    if needed:
        require("prometheus_client", "mqtt")
    elif find_spec("prometheus_client") is None:
        return None
    from massager_ctl.frontends.metrics import Metrics

    return Metrics()


def _listen(page: PageOptions) -> Listener | None:
    """The page's socket, or None if there is to be no page. Raises ConfigError if it was asked for."""
    import structlog

    if page.web is False:
        return None
    try:
        for package in _WEB:
            require(package, "web")
        from massager_ctl.frontends.web.server import EVERYWHERE, LOOPBACK, PORT, listen

        return listen(
            EVERYWHERE if page.lan else LOOPBACK, PORT if page.port is None else page.port
        )
    except ConfigError as error:
        if page.insisted:
            raise
        structlog.get_logger().warning("page.absent", text=error.message, remedy=error.remedy)
        return None


def require(package: str, extra: str) -> None:
    """Raises ConfigError if a package of that extra is missing."""
    if find_spec(package) is None:
        raise ConfigError(
            f"a package that is needed for this is not installed: {package}",
            f"Install it with: pip install 'massager-ctl[{extra}]'",
        )


async def _compose(
    names: tuple[str, ...],
    url: str | None,
    page: PageOptions,
    listener: Listener | None,
    simulated: bool,
    config: Config,
    metrics: Metrics | None,
) -> Service:
    from massager_ctl.aio.clock import SystemClock
    from massager_ctl.aio.scheduler import Scheduler
    from massager_ctl.runtime.compose import serial_of
    from massager_ctl.runtime.notify import ServiceManager
    from massager_ctl.runtime.service import Service

    broker = _broker(config, url)
    clock, scheduler = SystemClock(), Scheduler()
    devices: list[OwnedDevice] = []
    surfaces: list[Surface] = []
    named = await named_devices(names, config)
    for text, (name, address) in zip(names or (config.device,), named, strict=True):
        match = _NAMED.fullmatch(text)
        device = _own(
            name,
            address,
            config,
            simulated=simulated,
            remote=broker is not None or listener is not None,
            first=not devices,
            serial=serial_of(match["address"] if match else text, config),
            clock=clock,
            scheduler=scheduler,
        )
        devices.append(device)
        if metrics is not None:
            metrics.follow(name, device.controller)
        if broker is not None:
            surfaces.append(_bridge(broker, device, clock, metrics))
    if listener is not None:
        from massager_ctl.frontends.web.opening import open_page

        numbers = metrics.text if metrics is not None else None
        opened = open_page(devices, listener, clock, config.data, lan=page.lan, metrics=numbers)
        surfaces.append(opened.server)
        click.echo(opened.invitation)
    return Service(devices, surfaces, ServiceManager())


def _broker(config: Config, url: str | None) -> BrokerSettings | None:
    if url is None and config.mqtt.host is None:
        return None
    require("aiomqtt", "mqtt")
    from massager_ctl.frontends.mqtt.settings import broker_settings

    return broker_settings(config.mqtt, url)


def _bridge(
    broker: BrokerSettings, device: OwnedDevice, clock: Clock, metrics: Metrics | None
) -> MqttBridge:
    from massager_ctl.frontends.mqtt.bridge import MqttBridge

    return MqttBridge(
        broker,
        device.name,
        device.controller,
        device.gate,
        clock,
        lambda: device.outlook,
        on_event=metrics.mqtt_event(device.name) if metrics is not None else None,
    )


async def named_devices(given: tuple[str, ...], config: Config) -> list[tuple[str, Address]]:
    """Each device's name in topics, and its address; without any given, that of the settings. Raises InputError."""
    from massager_ctl.frontends.mqtt.topics import check_id, id_from_address
    from massager_ctl.runtime.compose import choose_device

    found: dict[str, Address] = {}
    for text in given or (config.device,):
        match = _NAMED.fullmatch(text)
        address = await choose_device(match["address"] if match else text, config)
        plain = text if text in config.devices else id_from_address(str(address))
        name = check_id(match["name"]) if match else plain
        if name in found:
            raise InputError(
                f"two devices are called '{name}'", "Name them: `--device left=… --device right=…`."
            )
        found[name] = address
    return list(found.items())


def _own(
    name: str, address: Address, config: Config, *, simulated: bool, first: bool, **parts: Any
) -> OwnedDevice:
    from massager_ctl.drivers.factory import make_driver
    from massager_ctl.runtime.compose import admission_for, guard_files, remember_device
    from massager_ctl.runtime.lock import DeviceLock
    from massager_ctl.runtime.service_device import OwnedDevice
    from massager_ctl.safety.presence import Watcher
    from massager_ctl.transports.address import SimAddress
    from massager_ctl.transports.address_identity import identity

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
        make_driver(address, guard=guard_files(address)),
        admission,
        config,
        lock=None if embedded else DeviceLock(device),
        **parts,
    )

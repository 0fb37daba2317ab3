"""`massager-ctl mqtt forget`: removes what a broker retains of a device."""

from __future__ import annotations

import asyncio

import click

from massager_ctl.errors import ConfigError


@click.group(
    "mqtt",
    epilog="""\b
Example:
  massager-ctl mqtt forget neck""",
)
def mqtt() -> None:
    """Manage what an MQTT broker retains of your devices."""


@mqtt.command(
    "forget",
    epilog="""\b
Examples:
  massager-ctl mqtt forget neck
  massager-ctl mqtt forget serial_dev_ttyusb0 --mqtt mqtt://192.168.1.10""",
)
@click.argument("device", metavar="ID")
@click.option("--mqtt", "url", metavar="URL", help="The broker; otherwise that of the settings.")
def forget(device: str, url: str | None) -> None:
    """Remove a device from the broker, and so from Home Assistant.

    ID is its name in topics. It is refused while a service offers the device.
    """
    from massager_ctl import config as settings
    from massager_ctl.cli.serve import require
    from massager_ctl.model.text import visible

    require("aiomqtt", "mqtt")
    from massager_ctl.frontends.mqtt import forget as broker
    from massager_ctl.frontends.mqtt.settings import broker_settings
    from massager_ctl.frontends.mqtt.topics import check_id

    name = check_id(device)
    found = broker_settings(settings.load().mqtt, url)
    if found is None:
        raise ConfigError("no MQTT broker is set", "Name one with `--mqtt mqtt://HOST`.")
    topics = asyncio.run(broker.forget(found, name))
    for topic in topics:
        click.echo(visible(topic))
    click.echo(
        f"{len(topics)} retained messages of '{name}' were removed."
        if topics
        else f"The broker keeps nothing of '{name}'."
    )

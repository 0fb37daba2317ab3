"""`massager-ctl scan`: which devices are there, on Bluetooth and on serial ports?"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import click

from massager_ctl.cli.border import json_text
from massager_ctl.cli.number import Number
from massager_ctl.errors import ExitCode
from massager_ctl.model.text import visible

if TYPE_CHECKING:
    from massager_ctl.transports.found import Found
    from massager_ctl.transports.scan import Scan

NAME_MAX: Final = 40
"""Letters of a name that are shown; an advertisement has room for fewer."""

HEADINGS: Final = ("ADDRESS", "NAME", "SIGNAL", "BATTERY", "FIRMWARE", "SUPPORTED")


@click.command(
    "scan",
    epilog="""\b
Examples:
  massager-ctl scan
  massager-ctl scan --seconds 10 --all     everything that is heard
  massager-ctl scan --json                 for programs""",
)
@click.option(
    "--seconds",
    type=Number(0.1, 120),
    default=3.0,
    show_default=True,
    help="How long to listen on Bluetooth.",
)
@click.option(
    "--all",
    "everything",
    is_flag=True,
    help="Show devices of other kinds too, and open ports of unknown makes: that may restart other machines.",
)
@click.option(
    "--hci", default="", metavar="HCI", help="A Bluetooth controller: tcp:HOST:PORT, usb:0."
)
@click.option(
    "--driver",
    metavar="SCHEME",
    help="Ask each serial port what the driver of that name asks; whatever is there gets its question.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def scan(seconds: float, everything: bool, hci: str, driver: str | None, as_json: bool) -> int:
    """Find devices on Bluetooth and serial ports, with signal, battery and firmware."""
    result = asyncio.run(_scan(seconds, everything, hci, driver))
    if as_json:
        click.echo(json_text(result))
        return ExitCode.OK
    shown = [found for found in result.devices if everything or found.supported]
    if shown:
        click.echo("\n".join(table(shown)))
    else:
        click.echo("No massager was found. Is it switched on and near, or plugged in?")
    hidden = len(result.devices) - len(shown)
    if hidden:
        what = "device of another kind" if hidden == 1 else "devices of other kinds"
        click.echo(f"{hidden} {what} not shown; --all shows everything.")
    for note in result.notes:
        click.echo(note, err=True)
    return ExitCode.OK


async def _scan(seconds: float, everything: bool, hci: str, driver: str | None) -> Scan:
    from msgspec import structs

    from massager_ctl import config as settings
    from massager_ctl.drivers.registry import spec_for
    from massager_ctl.drivers.scan import claimed
    from massager_ctl.transports import scan as scanning

    ask = None if driver is None else spec_for(driver)
    alone = settings.load().leave_alone
    found = await scanning.scan(seconds, hci, probe_all=everything, leave_alone=alone)
    return structs.replace(found, devices=await claimed(found.devices, ask=ask))


def table(devices: list[Found]) -> list[str]:
    """Lines with aligned columns; what is not known is a dash."""
    rows = [HEADINGS, *(_row(found) for found in devices)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(HEADINGS))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def _row(found: Found) -> tuple[str, ...]:
    supported = "yes" if found.supported else "no"
    return (
        visible(found.address),
        visible(" ".join(filter(None, (found.name, found.usb))), NAME_MAX) or "-",
        "-" if found.rssi is None else f"{found.rssi} dBm",
        "-" if found.battery is None else f"{found.battery} %",
        visible(found.firmware or "-", NAME_MAX),
        f"{supported}: {visible(found.note)}" if found.note else supported,
    )

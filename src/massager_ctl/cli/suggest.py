"""Shell completion of profiles, zones and devices; silent if nothing can be read."""

from __future__ import annotations

import click
from click.shell_completion import CompletionItem

ZONE_NAMES = (
    "trapezius_left",
    "trapezius_right",
    "neck_left",
    "neck_right",
    "suboccipital_left",
    "suboccipital_right",
    "all",
)


def complete_profile(
    _ctx: click.Context, _param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Names of profiles, and files."""
    from massager_ctl.profile.library import entries

    try:
        names = sorted({entry.name for entry in entries()})
    except OSError:
        names = []
    found = [CompletionItem(name) for name in names if name.startswith(incomplete)]
    return found or [CompletionItem(incomplete, type="file")]


def complete_zone(
    _ctx: click.Context, _param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Names of powered zones."""
    return [CompletionItem(name) for name in ZONE_NAMES if name.startswith(incomplete)]


def complete_device(
    _ctx: click.Context, _param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """The simulator, and the serial ports that there are."""
    names = ["sim:", "auto", "tcp:127.0.0.1:", "ble:"]
    if incomplete.startswith("serial:") or "serial:".startswith(incomplete):
        from massager_ctl.cli.ports import serial_ports

        names += [f"serial:{port}" for port in serial_ports()] or ["serial:/dev/"]
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]

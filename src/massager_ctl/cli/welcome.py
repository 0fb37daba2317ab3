"""`massager-ctl` alone: what is connected, and what to do next."""

from __future__ import annotations

import click


def welcome() -> None:
    """Say what is in use, what could be, and the next step."""
    from massager_ctl import config as settings
    from massager_ctl.cli.ask_owner import all_owners
    from massager_ctl.cli.ports import serial_ports
    from massager_ctl.frontends.socket.client import NoAnswer

    owners = all_owners()
    for owner in owners:
        try:
            status = owner.ask({"request": "status"}, 1.0).get("status", {})
        except NoAnswer as error:
            click.echo(f"In use: {owner.card} ({error})")
            continue
        doing = status.get("title") or "no session"
        click.echo(f"In use: {status.get('address', '')}: {doing}, {status.get('phase', '')}")
    if owners:
        click.echo()
        click.echo("  massager-ctl stop      stop it now")
        click.echo("  massager-ctl status    see what it does")
        return
    config = settings.load()
    chosen = config.device
    click.echo("Nothing is running.")
    if chosen != "sim:":
        click.echo(f"Your device: {chosen} (set in {config.sources['device']})")
    for port in serial_ports():
        click.echo(f"Serial port: {port}")
    click.echo()
    click.echo("What to do next:")
    steps = [("massager-ctl profiles list", "what can be played")]
    if chosen == "sim:":
        steps += [
            ("massager-ctl run restorative --speed 60", "a try-out on the built-in simulator"),
            ("massager-ctl scan", "look for a massager on Bluetooth and serial ports"),
        ]
    else:
        steps += [
            ("massager-ctl screen", "answer the screening questions once"),
            ("massager-ctl run restorative", "play a session"),
        ]
    steps += [
        ("massager-ctl doctor", "check the set-up"),
        ("massager-ctl --help", "everything else"),
    ]
    width = max(len(command) for command, _ in steps)
    for command, does in steps:
        click.echo(f"  {command.ljust(width)}   {does}")

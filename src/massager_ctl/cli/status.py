"""`massager-ctl status`: what runs, once or all the time."""

from __future__ import annotations

import os
import sys
from typing import Any

import click

from massager_ctl.cli.asking import NOBODY, all_owners, ask, device_option
from massager_ctl.errors import ExitCode


@click.command(
    "status",
    epilog="""\b
Examples:
  massager-ctl status
  massager-ctl status --watch           until Ctrl-C
  massager-ctl status --watch --json    one JSON object a line""",
)
@click.option("--watch", "-w", is_flag=True, help="Follow it until it ends, or Ctrl-C.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, one object a line.")
@device_option
def status(watch: bool, as_json: bool, device: str) -> int:
    """Show each device that a program on this machine owns, and what it does."""

    if watch:
        return _watch(device, as_json=as_json)
    owners = all_owners(device)
    if not owners:
        if as_json:
            click.echo('{"devices":[]}')
        else:
            click.echo(f"{NOBODY[0].upper()}{NOBODY[1:]}.")
            click.echo("Begin with `massager-ctl run restorative`, or see `massager-ctl --help`.")
        return ExitCode.OK
    documents = [ask(owner, {"request": "status"})["status"] for owner in owners]
    if as_json:
        import msgspec

        click.echo(msgspec.json.encode({"devices": documents}).decode())
    else:
        for document in documents:
            click.echo(_text(document))
    return ExitCode.OK


def _text(document: dict[str, Any]) -> str:
    from massager_ctl.surfaces.control.document import status_from
    from massager_ctl.surfaces.live import text_of
    from massager_ctl.surfaces.picture import picture

    rows = picture(status_from(document), keys=False)
    return text_of([row for row in rows if row])


def _watch(device: str, *, as_json: bool) -> int:
    from massager_ctl.cli.asking import the_owner
    from massager_ctl.surfaces.control.client import watch

    owner = the_owner(device)
    if as_json:
        import msgspec

        for answer in watch(owner):
            sys.stdout.write(msgspec.json.encode(answer["status"]).decode() + "\n")
            sys.stdout.flush()
        return ExitCode.OK
    from massager_ctl.cli.report import has_colour
    from massager_ctl.surfaces.control.document import status_from
    from massager_ctl.surfaces.live import LiveDisplay, PlainDisplay

    descriptor = sys.stdout.fileno()
    on_terminal = os.isatty(descriptor) and os.environ.get("TERM") not in (None, "", "dumb")
    display = (
        LiveDisplay(descriptor, colour=has_colour(sys.stdout), unicode=True, keys=False)
        if on_terminal
        else PlainDisplay(descriptor)
    )
    try:
        for answer in watch(owner):
            display.update(status_from(answer["status"]))
    finally:
        display.close()
    return ExitCode.OK

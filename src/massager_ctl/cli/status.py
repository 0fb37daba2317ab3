"""`massager-ctl status`: what runs, once or all the time."""

from __future__ import annotations

import os
import sys
from typing import Any

import click

from massager_ctl.cli.ask_owner import NO_OWNER, ask, device_option, owners_like
from massager_ctl.cli.border import json_text
from massager_ctl.errors import ExitCode
from massager_ctl.frontends.socket.owners import unseen
from massager_ctl.model.requests import GetStatus


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
    owners = owners_like(device)
    if not owners:
        if as_json:
            click.echo('{"devices":[]}')
        else:
            click.echo(f"{NO_OWNER[0].upper()}{NO_OWNER[1:]}.")
            click.echo("Begin with `massager-ctl run restorative`, or see `massager-ctl --help`.")
            _say_unseen()
        return ExitCode.OK
    answers = [ask(owner, GetStatus()) for owner in owners]
    documents = [{**answer["status"], "device": answer.get("device")} for answer in answers]
    if as_json:
        click.echo(json_text({"devices": documents}))
    else:
        for owner, answer in zip(owners, answers, strict=True):
            click.echo(f"{owner.card}:")
            click.echo(_text(answer["status"]))
        _say_unseen()
    return ExitCode.OK


def _say_unseen() -> None:
    """Tell root which programs it does not see."""
    if note := unseen():
        click.echo(note, err=True)


def _text(document: dict[str, Any]) -> str:
    from massager_ctl.frontends.status_document import status_from
    from massager_ctl.frontends.terminal.layout import text_of
    from massager_ctl.frontends.terminal.session_view import view

    rows = view(status_from(document), keys=False)
    return text_of([row for row in rows if row])


def _watch(device: str, *, as_json: bool) -> int:
    from massager_ctl.cli.ask_owner import the_owner
    from massager_ctl.frontends.socket.client import watch

    owner = the_owner(device)
    if as_json:
        for answer in watch(owner):
            sys.stdout.write(json_text(answer["status"]) + "\n")
            sys.stdout.flush()
        return ExitCode.OK
    from massager_ctl.cli.error_block import has_colour
    from massager_ctl.frontends.status_document import status_from
    from massager_ctl.frontends.terminal.layout import ASCII, LINES
    from massager_ctl.frontends.terminal.news import NewsLines
    from massager_ctl.frontends.terminal.screen import Screen
    from massager_ctl.frontends.terminal.session_view import view
    from massager_ctl.model.status import Status

    descriptor = sys.stdout.fileno()
    if not os.isatty(descriptor) or os.environ.get("TERM") in (None, "", "dumb"):
        lines = NewsLines(descriptor)
        try:
            for answer in watch(owner):
                lines.update(status_from(answer["status"]))
        finally:
            lines.close()
        return ExitCode.OK
    newest = Status()
    unicode = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    screen = Screen(
        descriptor,
        lambda width, height, glyphs, t: view(newest, width, height, glyphs, keys=False, t=t),
        colour=has_colour(sys.stdout),
        glyphs=LINES if unicode else ASCII,
    )
    try:
        for answer in watch(owner):
            newest = status_from(answer["status"])
            screen.draw()
    finally:
        screen.close()
    return ExitCode.OK

"""`massager-ctl access`: which phones and scripts may use the page on the network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from massager_ctl.frontends.web.access import AccessFile


@click.group(
    epilog="""\b
Examples:
  massager-ctl access list
  massager-ctl access pair
  massager-ctl access forget 3f9a01c7
  massager-ctl access forget --all"""
)
def access() -> None:
    """List, let in and forget the phones and scripts that may use the page."""


@access.command("list", epilog="Example:\n\n  massager-ctl access list --json")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_(as_json: bool) -> None:
    """List what was paired, with the day."""
    from datetime import datetime

    sessions = _file().book().sessions
    if as_json:
        import msgspec

        rows = [{"id": one.id, "name": one.name, "paired_at": one.made} for one in sessions]
        click.echo(msgspec.json.encode(rows).decode())
        return
    if not sessions:
        click.echo(
            "Nothing is paired. `massager-ctl serve --lan` shows a code for the first phone."
        )
    for one in sessions:
        day = datetime.fromtimestamp(one.made).astimezone().strftime("%Y-%m-%d %H:%M")
        click.echo(f"{one.id}  {day}  {one.name or 'without a name'}")


@access.command(epilog="Example:\n\n  massager-ctl access pair")
def pair() -> None:
    """Show a code for one more phone, good for ten minutes; `serve --lan` must be running."""
    import time

    from massager_ctl.errors import Refused
    from massager_ctl.frontends.web.access import new_code
    from massager_ctl.frontends.web.pairing import invitation

    file = _file()
    book = file.book()
    if not book.addresses:
        raise Refused(
            "the page was never offered on the network", "Start `massager-ctl serve --lan` first."
        )
    click.echo(invitation(book.addresses, new_code(file, time.time()), book.fingerprint))


@access.command(
    epilog="Examples:\n\n  massager-ctl access forget 3f9a01c7\n\n  massager-ctl access forget --all"
)
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option("--all", "everything", is_flag=True, help="Forget all of them.")
def forget(ids: tuple[str, ...], everything: bool) -> None:
    """Let a phone or script in no longer; an open page of it is closed within a second or so."""
    from msgspec import structs

    from massager_ctl.errors import InputError

    if not ids and not everything:
        raise click.UsageError("Name what to forget, or give --all.")
    file = _file()
    known = {one.id for one in file.book().sessions}
    unknown = sorted(set(ids) - known)
    if unknown:
        raise InputError(
            f"nothing paired has the id '{unknown[0]}'", "See `massager-ctl access list`."
        )
    gone = known if everything else set(ids)
    file.change(
        lambda book: structs.replace(
            book, sessions=tuple(one for one in book.sessions if one.id not in gone)
        )
    )
    click.echo(f"Forgotten: {len(gone)}")


def _file() -> AccessFile:
    from massager_ctl import config as settings
    from massager_ctl.frontends.web.access import AccessFile

    return AccessFile(settings.data_path())

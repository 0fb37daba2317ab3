"""`massager-ctl log decode`: what passed between this program and a device, frame by frame."""

from __future__ import annotations

import click


@click.group(
    "log",
    epilog="""\b
Examples:
  MASSAGER_CTL_LOG=wire.jsonl massager-ctl run gentle
  massager-ctl log decode wire.jsonl""",
)
def log() -> None:
    """Read back what MASSAGER_CTL_LOG kept of the wire."""


@log.command(
    "decode",
    epilog="""\b
Example:
  massager-ctl log decode wire.jsonl | grep Stop""",
)
@click.argument("file", metavar="FILE")
def decode(file: str) -> None:
    """Show each frame in FILE: its time (UTC), the device, its way (-> sent, => a stop, <- received) and content."""
    from massager_ctl.cli.wire import read_wire

    for line in read_wire(file):
        click.echo(line)

"""`massager-ctl ready`: somebody at this machine lets one remote start happen (R18, R21)."""

from __future__ import annotations

import click

from massager_ctl.cli.asking import ask, device_option, the_owner


@click.command(
    "ready",
    epilog="""\b
Examples:
  massager-ctl ready""",
)
@device_option
def ready(device: str) -> None:
    """Let one start from elsewhere (MQTT, Home Assistant) happen within 10 minutes.

    It asks about symptoms of today first. It cannot be asked from elsewhere.
    """
    owner = the_owner(device)
    answer: str = click.prompt(
        "Any symptom today: pain, numbness, tingling, dizziness, fever? [yes/no/unsure]",
        type=click.Choice(["yes", "no", "unsure"]),
        show_choices=False,
    )
    said = ask(owner, {"request": "ready", "symptoms": answer})
    click.echo(str(said.get("said") or "Ready for one remote start within 10 minutes."))

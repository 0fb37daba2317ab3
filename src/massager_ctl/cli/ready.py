"""`massager-ctl ready`: a person at this machine allows one remote start (R18, R21)."""

from __future__ import annotations

import datetime as dt
import re
from typing import Final, Literal

import click

from massager_ctl.cli.ask_owner import ask, device_option, the_owner
from massager_ctl.errors import InputError
from massager_ctl.model.requests import Ready
from massager_ctl.safety.remote_start import READY_AHEAD_S

LATE: Final = dt.timedelta(minutes=10)
"""How long ago the time may be: a start may come that much after it."""

_TIME: Final = re.compile(r"([01]?[0-9]|2[0-3])[:.]([0-5][0-9])")


@click.command(
    "ready",
    epilog="""\b
Examples:
  massager-ctl ready
  massager-ctl ready --at 22:00   for a start at ten in the evening""",
)
@click.option(
    "--at",
    metavar="HH:MM",
    help="The time of the start, up to 12 hours ahead: from 5 minutes before it until 10 minutes after it.",
)
@device_option
def ready(at: str | None, device: str) -> None:
    """Allow one remote start (MQTT, Home Assistant) within 10 minutes.

    It asks about symptoms of today first, and fails if the start would be refused. It works only at this machine.
    """
    opens_in_s = 0.0 if at is None else seconds_until(at, dt.datetime.now().astimezone())
    owner = the_owner(device)
    answer: Literal["yes", "no", "unsure"] = click.prompt(
        "Any symptom today: pain, numbness, tingling, dizziness, fever? [yes/no/unsure]",
        type=click.Choice(["yes", "no", "unsure"]),
        show_choices=False,
    )
    said = ask(owner, Ready(answer, opens_in_s))
    click.echo(str(said.get("said") or "Ready for one remote start within 10 minutes."))


def seconds_until(text: str, now: dt.datetime) -> float:
    """Seconds from `now`, in this place's time zone, to the next time of day `HH:MM`. Raises InputError."""
    found = _TIME.fullmatch(text)
    if found is None:
        raise InputError(f"'{text}' is not a time of day", "Write it as HH:MM, for example 22:00.")
    clock = dt.time(int(found[1]), int(found[2]))
    here = now.replace(tzinfo=None)
    then = dt.datetime.combine(here.date(), clock)
    if then < here - LATE:
        then += dt.timedelta(days=1)
    # By the clock of this place, so that an hour that a change of the clocks adds or drops counts.
    seconds = then.timestamp() - now.timestamp()
    if seconds > READY_AHEAD_S:
        raise InputError(
            f"{text} is more than 12 hours ahead",
            "What you answer about symptoms is good for 12 hours: say it later.",
        )
    return max(0.0, seconds)

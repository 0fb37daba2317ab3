"""`pause`, `resume`, `ease` and `set`: one line from any terminal."""

from __future__ import annotations

from typing import Any

import click

from massager_ctl.cli.ask_owner import ask, device_option, the_owner
from massager_ctl.cli.suggest import complete_zone
from massager_ctl.model.request_document import ALL_ZONES
from massager_ctl.model.requests import Ease, Pause, Resume, SetLevel, Undo


def _tell(answer: dict[str, Any], what: str) -> None:
    status = answer.get("status", {})
    click.echo(f"{what} ({status.get('title') or 'no session'}, {status.get('phase', 'unknown')}).")


@click.command(
    "pause",
    epilog="""\b
Examples:
  massager-ctl pause
  massager-ctl pause --device sim""",
)
@device_option
def pause(device: str) -> None:
    """Bring everything to zero and keep the session, for at most four minutes."""
    _tell(ask(the_owner(device), Pause()), "Paused: everything goes to zero")


@click.command(
    "resume",
    epilog="""\b
Examples:
  massager-ctl resume""",
)
@device_option
def resume(device: str) -> None:
    """Resume after a pause; levels climb again from zero."""
    _tell(ask(the_owner(device), Resume()), "Going on, climbing gently")


@click.command(
    "ease",
    epilog="""\b
Examples:
  massager-ctl ease                 5 points less everywhere
  massager-ctl ease --points 10
  massager-ctl ease --undo          take the last one back""",
)
@click.option("--points", default="5", metavar="PERCENT", help="How much less.", show_default=True)
@click.option("--undo", is_flag=True, help="Undo the last ease; never above the profile.")
@device_option
def ease(points: str, undo: bool, device: str) -> None:
    """Lower every zone a little, at once."""
    from massager_ctl.model.units import parse_intensity

    request = Undo() if undo else Ease(float(parse_intensity(points)))
    answer = ask(the_owner(device), request)
    _tell(answer, f"Eased by {answer.get('status', {}).get('eased', 0):g} points in all")


@click.command(
    "set",
    epilog="""\b
Zones: trapezius_left, trapezius_right, neck_left, neck_right,
suboccipital_left, suboccipital_right, or all.

\b
Examples:
  massager-ctl set neck_left 20
  massager-ctl set all 0""",
)
@click.argument("zone", shell_complete=complete_zone)
@click.argument("percent")
@device_option
def set_level(zone: str, percent: str, device: str) -> None:
    """Aim ZONE at PERCENT of the device's output, in a session by hand.

    A lower one is felt at once; a higher one is climbed to, and the answer says how long that takes.
    """
    from massager_ctl.model.units import Zone, parse_intensity

    level = float(parse_intensity(percent))
    place = None if zone == ALL_ZONES else Zone.parse(zone)
    answer = ask(the_owner(device), SetLevel(level, place))
    click.echo(f"{zone} is heading for {level:g} %.")
    held = [
        entry
        for entry in answer.get("status", {}).get("held", [])
        if zone in ("all", entry["zone"])
    ]
    if held:
        from massager_ctl.frontends import words
        from massager_ctl.frontends.status_document import status_from

        status = status_from(answer["status"])
        click.echo(
            words.longest_held(tuple(one for one in status.held if zone in ("all", one.zone)))
        )

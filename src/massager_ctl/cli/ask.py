"""`pause`, `resume`, `ease` and `set`: one line from any terminal."""

from __future__ import annotations

from typing import Any

import click

from massager_ctl.cli.asking import ask, device_option, the_owner
from massager_ctl.cli.complete import complete_zone


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
    """Bring everything to zero and keep the session, for five minutes at most."""
    _tell(ask(the_owner(device), {"request": "pause"}), "Paused: everything goes to zero")


@click.command(
    "resume",
    epilog="""\b
Examples:
  massager-ctl resume""",
)
@device_option
def resume(device: str) -> None:
    """Go on after a pause; levels climb again from zero."""
    _tell(ask(the_owner(device), {"request": "resume"}), "Going on, climbing gently")


@click.command(
    "ease",
    epilog="""\b
Examples:
  massager-ctl ease                 5 points less everywhere
  massager-ctl ease --points 10
  massager-ctl ease --undo          take the last one back""",
)
@click.option("--points", default="5", metavar="PERCENT", help="How much less.", show_default=True)
@click.option("--undo", is_flag=True, help="Take the last ease back; never above the profile.")
@device_option
def ease(points: str, undo: bool, device: str) -> None:
    """A little less everywhere, at once."""
    from massager_ctl.units import parse_intensity

    request = {"request": "undo_ease"} if undo else _ease(float(parse_intensity(points)))
    answer = ask(the_owner(device), request)
    _tell(answer, f"Eased by {answer.get('status', {}).get('eased', 0):g} points in all")


def _ease(points: float) -> dict[str, Any]:
    return {"request": "ease", "points": points}


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
    from massager_ctl.units import Zone, parse_intensity

    level = float(parse_intensity(percent))
    if zone != "all":
        Zone.parse(zone)
    answer = ask(the_owner(device), {"request": "set", "zone": zone, "percent": level})
    click.echo(f"{zone} is heading for {level:g} %.")
    held = [
        entry
        for entry in answer.get("status", {}).get("held", [])
        if zone in ("all", entry["zone"])
    ]
    if held:
        from massager_ctl.surfaces.control.document import status_from
        from massager_ctl.surfaces.picture import why_held

        status = status_from(answer["status"])
        click.echo(why_held(tuple(one for one in status.held if zone in ("all", one.zone))))

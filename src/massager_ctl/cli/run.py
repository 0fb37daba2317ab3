"""`massager-ctl run`: play a profile."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Any

import click

from massager_ctl.cli.complete import complete_device, complete_profile


class Speed(click.ParamType["float"]):
    """A factor above 0, or `max` for as fast as the machine can."""

    name = "factor|max"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        if isinstance(value, float):
            return value
        if value == "max":
            return math.inf
        try:
            factor = float(value)
        except ValueError:
            factor = math.nan
        if not 0.01 <= factor <= 100_000:
            self.fail(f"{value!r} is neither a factor from 0.01 to 100000 nor 'max'", param, ctx)
        return factor


EPILOG = """\b
Keys:
  space or s  stop now          p  pause, go on       !  it hurts: stop
  -  ease by 5 points           +  undo an ease       q  fade out and quit
Any other key says that you are there.

\b
Examples:
  massager-ctl run restorative
  massager-ctl run gentle --device serial:/dev/ttyUSB0 --cap 20
  massager-ctl run restorative --speed 60
  massager-ctl run my-evening.yaml --speed max --trace trace.jsonl --json
  massager-ctl run gentle --dry-run

Exit codes: 0 finished or ended by you, 2 bad input, 3 refused or ended by a
safety rule, 4 device or link lost, 5 a stop was not confirmed, 130
interrupted with the device confirmed at zero."""


@click.command("run", epilog=EPILOG)
@click.argument("profile", shell_complete=complete_profile)
@click.option(
    "--device",
    "-d",
    metavar="DEVICE",
    shell_complete=complete_device,
    help="sim:, serial:PORT, tcp:HOST:PORT, ble:NAME or auto. Without it: the settings', else sim:.",
)
@click.option(
    "--cap",
    metavar="PERCENT",
    help="No zone goes above this. It lowers what is allowed, never raises.",
)
@click.option(
    "--simulated",
    is_flag=True,
    help="The device is a simulator and nobody wears it: no screening, no dose.",
)
@click.option(
    "--speed", type=Speed(), help="Times faster than life, or max; for the embedded simulator only."
)
@click.option(
    "--trace",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write what the embedded simulator's actuators did, as JSON lines.",
)
@click.option("--seed", type=int, default=0, help="Seed of the embedded simulator.")
@click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object at the end, and nothing else."
)
@click.option(
    "--dry-run",
    is_flag=True,
    help="Prove the profile and say what would be played; touch no device.",
)
def run(
    profile: str,
    device: str | None,
    cap: str | None,
    simulated: bool,
    speed: float | None,
    trace: Path | None,
    seed: int,
    as_json: bool,
    dry_run: bool,
) -> int:
    """Play PROFILE, the name of a profile or a file.

    It climbs gently, shows what it does, and stops at once on space, on Ctrl-C, or on `massager-ctl stop` from any
    other terminal. Where another program owns the device already, that program plays it and this one looks on.
    """
    from massager_ctl import config as settings
    from massager_ctl.cli.outcome import Outcome, tell
    from massager_ctl.cli.playing import Order, play
    from massager_ctl.errors import MassagerError
    from massager_ctl.units import parse_intensity

    named = device or "sim:"
    try:
        config = settings.load()
        named = device or config.device
        ceiling = None if cap is None else float(parse_intensity(cap))
        loaded, content = load_with_content(profile)
        if dry_run:
            return _dry_run(loaded, ceiling, config, as_json=as_json)
        order = Order(
            loaded, content, device, config, ceiling, simulated, speed, trace, seed, as_json
        )
        if not (simulated or as_json or named.startswith("sim:")):
            from massager_ctl.cli.screen import ask_about_today

            ask_about_today(config.data)
    except MassagerError as error:
        if not as_json:
            raise
        return tell(Outcome(profile, named, error=error), as_json=True)
    outcome = play(order)
    code = tell(outcome, as_json=as_json)
    if outcome.hurt and sys.stdin.isatty():
        from massager_ctl.cli.pain import classify

        classify(order, outcome)
    return code


def load_with_content(name: str) -> tuple[Any, dict[str, Any]]:
    """A profile that was proved, and its content as another process would read it. Raises ProfileError."""
    from massager_ctl.profile.library import find
    from massager_ctl.profile.load import content_of, load_file
    from massager_ctl.profile.plan import make_plan
    from massager_ctl.safety.limits import combine

    path = find(name)
    loaded = load_file(path)
    make_plan(loaded, combine(()))  # proved before anything is opened (R20)
    return loaded, {"id": loaded.id, **content_of(path)}


def _dry_run(profile: Any, cap: float | None, config: Any, *, as_json: bool) -> int:
    from massager_ctl.profile.plan import make_plan, to_json
    from massager_ctl.safety.limits import CapLayer, combine
    from massager_ctl.surfaces.picture import minutes

    layers = [CapLayer.flat("user", config.limits.user_cap, config.user_cap_reason)]
    if cap is not None:
        layers.append(CapLayer.flat("--cap", cap, "--cap"))
    plan = make_plan(profile, combine(layers))
    if as_json:
        import msgspec

        document = {**to_json(plan), "end_reason": "dry_run", "exit_code": 0}
        click.echo(msgspec.json.encode(document).decode())
        return 0
    click.echo(f"{plan.title}: {minutes(plan.duration_s)}, motors on for {minutes(plan.running_s)}")
    for zone, points in plan.zones.items():
        click.echo(f"  {zone:<20} up to {max(level for _, level in points):4.1f} %")
    for note in plan.notes:
        click.echo(f"  {note}")
    if plan.guided:
        many = len(plan.guided)
        click.echo(f"  {many} guided step{'s' if many > 1 else ''}")
    click.echo("Proved against R1, R2, R3 and R8. No device was touched.")
    return 0

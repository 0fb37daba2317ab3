"""`massager-ctl run`: play a profile."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from massager_ctl.cli.border import json_text
from massager_ctl.cli.number import Whole
from massager_ctl.cli.suggest import complete_device, complete_profile
from massager_ctl.model.units import decimal

if TYPE_CHECKING:
    from massager_ctl.profile.plan.make import ProvedProfile


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
            factor = decimal(value)
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
    help="The device is an external simulator and no one wears it: no screening, no dose.",
)
@click.option(
    "--on-bench",
    is_flag=True,
    help="The device lies on a table, and no one wears it: no screening, no dose.",
)
@click.option(
    "--speed",
    type=Speed(),
    help="Times faster than real time, or max; for the embedded simulator only.",
)
@click.option(
    "--trace",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write what the embedded simulator's actuators did, as JSON lines.",
)
@click.option("--force", is_flag=True, help="Let --trace write over a file that is there.")
@click.option("--seed", type=Whole(), help="Seed of the embedded simulator.")
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
    on_bench: bool,
    speed: float | None,
    trace: Path | None,
    force: bool,
    seed: int | None,
    as_json: bool,
    dry_run: bool,
) -> int:
    """Play PROFILE, the name of a profile or a file.

    It climbs gently, shows what it does, and stops at once on space, on Ctrl-C, or on `massager-ctl stop` from any
    other terminal. If another program already owns the device, that program plays it and this one shows it.
    """
    from massager_ctl import config as settings
    from massager_ctl.cli.output_file import check_writable
    from massager_ctl.cli.result import Outcome, tell
    from massager_ctl.cli.session import RunOptions, attend
    from massager_ctl.errors import MassagerError
    from massager_ctl.model.units import parse_intensity

    named = device or "sim:"
    try:
        config = settings.load()
        named = device or config.device
        if trace is not None:
            check_writable(trace, option="--trace", force=force)
        ceiling = None if cap is None else float(parse_intensity(cap))
        proved, content = _proved(profile)
        if dry_run:
            return _dry_run(proved, ceiling, config, as_json=as_json)
        options = RunOptions(
            device,
            config,
            ceiling,
            simulated,
            on_bench,
            profile=proved,
            content=content,
            speed=speed,
            trace=trace,
            seed=seed,
            as_json=as_json,
        )
        if not (simulated or on_bench or as_json or named.startswith("sim:")):
            from massager_ctl.cli.screen import ask_about_today

            ask_about_today(config.data)
    except MassagerError as error:
        if not as_json:
            raise
        return tell(Outcome(profile, named, error=error), as_json=True)
    outcome = attend(options)
    code = tell(outcome, as_json=as_json)
    if outcome.hurt and sys.stdin.isatty():
        from massager_ctl.cli.pain import classify

        classify(options, outcome)
    return code


def _proved(name: str) -> tuple[ProvedProfile, dict[str, Any]]:
    """A profile, read and proved once, before anything is opened (R20), and its content for another process.

    Raises ProfileError.
    """
    from massager_ctl.profile.format.load import load_with_content
    from massager_ctl.profile.library import find
    from massager_ctl.profile.plan.make import prove_profile

    loaded, content = load_with_content(find(name))
    return prove_profile(loaded), {"id": loaded.id, **content}


def _dry_run(profile: ProvedProfile, cap: float | None, config: Any, *, as_json: bool) -> int:
    from massager_ctl.frontends.words import lasting
    from massager_ctl.profile.plan.make import fit_plan, to_json
    from massager_ctl.safety.limits import CapLayer, combine

    layers = [CapLayer.flat("user", config.limits.user_cap, config.user_cap_reason)]
    if cap is not None:
        layers.append(CapLayer.flat("--cap", cap, "--cap"))
    plan = fit_plan(profile, combine(layers))
    if as_json:
        document = {**to_json(plan), "end_reason": "dry_run", "exit_code": 0}
        click.echo(json_text(document))
        return 0
    click.echo(f"{plan.title}: {lasting(plan.duration_s)}, motors on for {lasting(plan.running_s)}")
    for zone, points in plan.zones.items():
        click.echo(f"  {zone:<20} up to {max(level for _, level in points):4.1f} %")
    for note in plan.notes:
        click.echo(f"  {note}")
    if plan.guided:
        many = len(plan.guided)
        click.echo(f"  {many} guided step{'s' if many > 1 else ''}")
    click.echo("Proved against R1, R2, R3 and R8. No device was touched.")
    return 0

"""`profiles`: the library of sessions, seen, checked, drawn and written."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from massager_ctl.cli.number import Number
from massager_ctl.cli.output_file import check_writable
from massager_ctl.cli.suggest import complete_profile
from massager_ctl.errors import InputError, MassagerError, ProfileError
from massager_ctl.model.text import visible

TEXT_MAX = 2000
"""Letters of a longer text in a profile."""

if TYPE_CHECKING:
    from massager_ctl.profile.library import Entry
    from massager_ctl.profile.model import Profile
    from massager_ctl.profile.plan.make import Plan


@click.group(
    epilog="""\b
Examples:
  massager-ctl profiles list
  massager-ctl profiles show restorative
  massager-ctl profiles validate my-session.yaml
  massager-ctl profiles plot full-routine -o full-routine.svg
  massager-ctl profiles new"""
)
def profiles() -> None:
    """List, show, check, draw and write profiles."""


@profiles.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--tag", help="Only profiles with this tag.")
def list_profiles(as_json: bool, tag: str | None) -> None:
    """List shipped profiles and your own."""
    from massager_ctl.frontends.words import lasting
    from massager_ctl.profile.library import entries, passed_over, personal_folders

    rows = [_row(entry) for entry in entries()]
    if tag is not None:
        rows = [row for row in rows if tag in row["tags"]]
    if as_json:
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    names = [row["id"] for row in rows]
    width = max((len(name) for name in names), default=0) + 2
    for row in rows:
        length = lasting(row["duration_s"]) if row["duration_s"] else "broken"
        own = "" if row["origin"] == "shipped" else "  (your own)"
        twice = (
            f"  (twice: name it by its path {row['path']})" if names.count(row["id"]) > 1 else ""
        )
        click.echo(f"{row['id']:<{width}}{length:>11}  {visible(row['title'])}{own}{twice}")
    for path in passed_over():
        click.echo(f"{visible(path.name)}: skipped, because it is not an ordinary file", err=True)
    for folder in personal_folders():
        click.echo(f"\nYour own profiles go into {folder}", err=True)


def _row(entry: Entry) -> dict[str, Any]:
    """A profile for a list; one that cannot be used says so instead of hiding."""
    from massager_ctl.profile.format.load import load_file

    row: dict[str, Any] = {"id": entry.name, "origin": entry.origin, "path": str(entry.path)}
    try:
        profile = load_file(entry.path)
    except MassagerError as error:
        broken = f"not usable, see 'profiles validate {entry.path}'"
        return row | {
            "title": broken,
            "technique": "",
            "tags": [],
            "duration_s": 0,
            "cap": 0,
            "error": error.message,
        }
    return row | {
        "title": profile.title,
        "technique": ", ".join(profile.technique),
        "tags": list(profile.tags),
        "duration_s": profile.duration_s,
        "cap": profile.cap,
        "summary": profile.summary,
    }


@profiles.command()
@click.argument("profile", shell_complete=complete_profile)
@click.option("--json", "as_json", is_flag=True, help="Print the proved time line as JSON.")
@click.option("--cap", metavar="PERCENT", help="Show it under this cap.")
def show(profile: str, as_json: bool, cap: str | None) -> None:
    """Show what a profile does and when; every curve is proved first."""
    loaded, plan = _planned(profile, cap)
    from massager_ctl.frontends.words import lasting, passed
    from massager_ctl.profile.plan.make import to_json

    if as_json:
        click.echo(json.dumps(to_json(plan), indent=2, ensure_ascii=False))
        return
    strength = f"cap {plan.cap:g} %" if plan.powered else "motors off"
    click.echo(f"{visible(plan.title)}  ({plan.id}, {lasting(plan.duration_s)}, {strength})")
    if plan.summary:
        click.echo(plan.summary)
    facts = [("technique", plan.technique), ("rules", ", ".join(plan.rules))]
    facts += [("tags", ", ".join(plan.tags)), ("not for", "; ".join(plan.not_for))]
    facts += [("note", note) for note in plan.notes]
    for name, value in facts:
        if value:
            click.echo(f"  {name:<10}{visible(value, TEXT_MAX)}")
    click.echo()
    for step, planned in zip(loaded.steps, plan.steps, strict=True):
        guided = next((g for g in plan.guided if g.t == planned.t), None)
        words = f"  {visible(guided.text)}" if guided and guided.text else ""
        click.echo(
            f"  {passed(planned.t):>11}  {lasting(step.duration_s):>11}  {visible(planned.title)}{words}"
        )
    click.echo()
    click.echo(_chart(plan))


@profiles.command()
def schema() -> None:
    """Print the JSON Schema of the profile format, for editors."""
    from massager_ctl.profile.format.schema import json_schema

    click.echo(json.dumps(json_schema(), indent=2, ensure_ascii=False))


@profiles.command()
@click.argument(
    "files", nargs=-1, required=True, metavar="PROFILE...", shell_complete=complete_profile
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def validate(files: tuple[str, ...], as_json: bool) -> None:
    """Check profiles, by name or file, and prove every curve.

    All problems are listed with file, line and column, the rule and the nearest fix. Advice changes nothing.
    """
    from massager_ctl.profile.advice import advise

    problems: list[str] = []
    report: list[dict[str, Any]] = []
    for name in files:
        found: tuple[str, ...] = ()
        advice: tuple[str, ...] = ()
        try:
            advice = tuple(str(entry) for entry in advise(*_planned(name, None)))
        except MassagerError as error:
            found = (error.problems if isinstance(error, ProfileError) else ()) or (str(error),)
        problems.extend(found)
        report.append({"profile": name, "ok": not found, "problems": found, "advice": advice})
        if not as_json and not found:
            click.echo(f"{name}: sound (R1, R2, R3, R8 proved over every point)")
            for line in advice:
                click.echo(f"  {line}")
    if as_json:
        click.echo(json.dumps(report, indent=2, ensure_ascii=False))
    if problems:
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        lines = "\n".join(f"  {line}" for line in problems)
        raise ProfileError(f"{count}:\n{lines}", "Nothing was played.", tuple(problems))


@profiles.command()
@click.argument("profile", shell_complete=complete_profile)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write a picture, .svg or .png, instead of a chart on the terminal.",
)
@click.option("--cap", metavar="PERCENT", help="Draw it under this cap.")
@click.option("--force", is_flag=True, help="Let -o write over a file that is there.")
def plot(profile: str, output: Path | None, cap: str | None, force: bool) -> None:
    """Draw a profile: a lane for each zone, with its envelope and cap."""
    if output is not None:
        check_writable(output, option="-o", force=force)
    _, plan = _planned(profile, cap)
    if output is None:
        click.echo(_chart(plan))
        return
    from massager_ctl.profile.draw.plot import save_plot

    save_plot(plan, output)
    click.echo(f"wrote {output}", err=True)


@profiles.command()
@click.option("--name", help="A plain name, such as evening-rest.")
@click.option("--minutes", type=Number(), help="How long, 2 to 26.5.")
@click.option("--where", help="Where: trapezius, neck, suboccipital or all; several with commas.")
@click.option("--strength", help="How strong: gentle, light or moderate.")
@click.option("--motion", help="knead, vibrate, glide or circle.")
def new(
    name: str | None,
    minutes: float | None,
    where: str | None,
    strength: str | None,
    motion: str | None,
) -> None:
    """Write a profile of your own from a few answers."""
    from massager_ctl.profile.new import MOTIONS, PLACES, STRENGTHS, compose, save

    called: str = _answer(name, "Name", "my-session", str)
    length: float = _answer(minutes, "How many minutes", 8.0, float)
    named: str = _answer(where, f"Where ({', '.join(PLACES)} or all)", "trapezius, neck", str)
    how: str = _answer(strength, "How strong", "light", click.Choice(tuple(STRENGTHS)))
    played: str = _answer(motion, "Which motion", "knead", click.Choice(MOTIONS))
    places = [place.strip() for place in named.split(",") if place.strip()]
    path = save(called, compose(called, length, places, how, played))
    click.echo(f"wrote {path}")
    click.echo(f"Play it with: massager-ctl run {called}")


def _answer(given: Any, question: str, usual: Any, kind: Any) -> Any:
    """What an option gave, else what the person answers."""
    return click.prompt(question, default=usual, type=kind) if given is None else given


def _planned(name: str, cap: str | None) -> tuple[Profile, Plan]:
    """A profile and its plan under the fixed bounds, its own cap and `cap`."""
    from massager_ctl.model.units import parse_intensity
    from massager_ctl.profile.format.load import load_profile
    from massager_ctl.profile.plan.make import make_plan
    from massager_ctl.safety.limits import CapLayer, combine

    layers: tuple[CapLayer, ...] = ()
    if cap is not None:
        ceiling = float(parse_intensity(cap))
        if not ceiling > 0:
            raise InputError("a cap of 0 leaves nothing to play", "Give 1 to 70.")
        layers = (CapLayer.flat("option", ceiling, "--cap"),)
    profile = load_profile(name)
    return profile, make_plan(profile, combine(layers))


def _chart(plan: Plan) -> str:
    from massager_ctl.profile.draw.chart import chart
    from massager_ctl.profile.draw.drawing import draw

    width = min(shutil.get_terminal_size((80, 24)).columns, 120)
    try:
        "█·─░┬└┘│".encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return chart(draw(plan), width, plain=True)
    return chart(draw(plan), width)

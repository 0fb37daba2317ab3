"""`massager-sim hil`: the options of the conformance suite."""

from __future__ import annotations

from pathlib import Path

import click

_EPILOG = """\b
Examples:
  massager-sim hil                                  # the embedded simulator, in full
  massager-sim hil --device serial:/tmp/massager --junit out.xml --html out.html
  massager-sim hil --device sim:?mutant=no-cap      # exit code 3: it breaks R1
  massager-sim hil --device ble:Massager --bench NM-0042 --interactive
  massager-sim hil --device serial:/dev/ttyACM0 --bench bench.toml --evidence out.md
  massager-sim hil -k "R4 or stop"                  # some of the checks; --list names them

Exit codes: 0 every check passed, 2 usage, 3 a check failed, 4 the device, the link or the bench was lost,
5 interrupted and STOP was not confirmed, 130 interrupted.
No one may wear the device during a run.
"""


@click.command(epilog=_EPILOG)
@click.option(
    "--device",
    default="sim:",
    show_default=True,
    help="Any device address; python:MODULE:FACTORY and exec:CMD are your own firmware in simulated time.",
)
@click.option("--junit", type=click.Path(path_type=Path), metavar="FILE", help="Write JUnit XML.")
@click.option("--html", type=click.Path(path_type=Path), metavar="FILE", help="Write a web page.")
@click.option(
    "--json", type=click.Path(path_type=Path), metavar="FILE", help="Write a record in JSON."
)
@click.option(
    "--markdown",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write rule by rule, as a table.",
)
@click.option(
    "--evidence",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write a form of evidence, R1 to R25.",
)
@click.option(
    "--require",
    default="",
    metavar="RULES",
    help="Such as R1,R4,R6: each must be shown by a check that ran.",
)
@click.option(
    "--strict", is_flag=True, help="A check that is skipped or not covered fails the run."
)
@click.option("--seed", type=int, default=1, show_default=True, help="Of the random walks.")
@click.option("--repeat", type=click.IntRange(1, 1000), default=1, help="Run every check N times.")
@click.option("-x", "first_failure", is_flag=True, help="End after the first check that fails.")
@click.option(
    "--last-failed",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Run what failed in the run of this record (--json).",
)
@click.option(
    "--compare",
    nargs=2,
    type=click.Path(path_type=Path),
    metavar="OLD NEW",
    help="Say what came out otherwise between two records, and run nothing.",
)
@click.option(
    "--full/--quick",
    default=False,
    help="Every check, the long bounds too: over three hours in real time. On sim: it is always full.",
)
@click.option("--interactive", is_flag=True, help="Ask for a hand on the button and the charger.")
@click.option(
    "--bench",
    default="",
    metavar="SERIAL|FILE.toml",
    help="The real device with this serial number, or the one that the bench's file names, lies on a bench: "
    "its motors may move, at 10 % at most. A file also says what acts on it: hooks.",
)
@click.option(
    "--witness",
    default="",
    metavar="CMD",
    help="A program that prints what it measures at the outputs, as JSON lines; they and TELEMETRY are judged.",
)
@click.option("--full-power", is_flag=True, help="Its levels may go above 10 %.")
@click.option("-k", "expression", default="", metavar="EXPR", help="Checks by name, word or rule.")
@click.option("--list", "listed", is_flag=True, help="List the checks and run none.")
@click.option("-v", "--verbose", is_flag=True, help="Show every finding.")
@click.pass_context
def hil(
    context: click.Context,
    device: str,
    junit: Path | None,
    html: Path | None,
    json: Path | None,
    markdown: Path | None,
    evidence: Path | None,
    require: str,
    strict: bool,
    seed: int,
    repeat: int,
    first_failure: bool,
    last_failed: Path | None,
    compare: tuple[Path, Path] | None,
    full: bool,
    interactive: bool,
    bench: str,
    witness: str,
    full_power: bool,
    expression: str,
    listed: bool,
    verbose: bool,
) -> None:
    """Run the conformance suite against any device, simulated or real."""
    from massager_hil import command

    if compare is not None:
        context.exit(command.compare(*compare))
    if listed:
        click.echo(command.listing(expression))
        return
    request = command.Request(
        device,
        junit=junit,
        html=html,
        json=json,
        markdown=markdown,
        evidence=evidence,
        require=command.rules_of(require),
        strict=strict,
        seed=seed,
        repeat=repeat,
        first_failure=first_failure,
        last_failed=last_failed,
        full=full,
        bench=bench,
        witness=witness,
        full_power=full_power,
        interactive=interactive,
        verbose=verbose,
        expression=expression,
    )
    context.exit(command.main(request))

"""`massager-sim hil`: the conformance suite on the command line."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click

from firmware_sim.hil.model import Check, Outcome, Tier, Verdict
from firmware_sim.hil.page import page
from firmware_sim.hil.report import details, heading, junit, line, summary
from firmware_sim.hil.runner import Order, Session, run
from firmware_sim.hil.suite import all_checks, chosen
from massager_ctl.errors import MassagerError

EXIT_FAILED: Final = 3
EXIT_LOST: Final = 4
_COLOURS: Final = {Verdict.PASSED: "green", Verdict.FAILED: "red"}


@dataclass(frozen=True, slots=True)
class Request:
    """What the command line asked for."""

    device: str
    junit: Path | None = None
    html: Path | None = None
    full: bool = False
    on_bench: bool = False
    interactive: bool = False
    verbose: bool = False
    expression: str = ""


def checks_for(expression: str) -> list[Check]:
    """The checks that `-k` chooses; `click.UsageError` where there are none."""
    checks = chosen(expression, all_checks()) if expression else all_checks()
    if not checks:
        raise click.UsageError(f"no check fits -k {expression!r}; --list names them")
    return checks


def listing(expression: str) -> str:
    """Each check's name, tier, rules, needs and title."""
    rows: list[str] = []
    for check in checks_for(expression):
        needs = ", ".join(sorted(need.name.lower().replace("_", " ") for need in check.needs))
        tier = "full " if check.tier is Tier.FULL else "quick"
        rows.append(f"{check.id:<20} {tier} {' '.join(check.rules):<14} {check.title}")
        if needs:
            rows.append(f"{'':<26} needs: {needs}")
    return "\n".join(rows)


def main(request: Request) -> int:
    """Run the suite and write its reports; the exit code."""
    order = Order(
        request.device,
        tuple(checks_for(request.expression)),
        full=request.full,
        on_bench=request.on_bench,
        interactive=request.interactive,
    )

    def tell(outcome: Outcome) -> None:
        first, *rest = line(outcome).splitlines()
        click.secho(first, fg=_COLOURS.get(outcome.verdict))
        for text in [details(outcome)] if request.verbose and outcome.findings else rest:
            click.echo(text)

    try:
        session = run(order, tell, lambda text: click.echo(text, err=True))
    except MassagerError as error:
        click.echo(f"Error: {error}", err=True)
        return int(error.exit_code)
    click.echo(f"\n{heading(session)}\n{summary(session)}")
    _write(request, session)
    if session.lost:
        click.echo(f"Error: the device was lost: {session.lost}", err=True)
        return EXIT_LOST
    return EXIT_FAILED if session.count(Verdict.FAILED) else 0


def _write(request: Request, session: Session) -> None:
    for path, content in (
        (request.junit, lambda: junit(session)),
        (request.html, lambda: page(session).encode()),
    ):
        if path is None:
            continue
        try:
            path.write_bytes(content())
        except OSError as error:
            raise click.ClickException(f"cannot write {path}: {error.strerror}") from error
        click.echo(f"wrote {path}")

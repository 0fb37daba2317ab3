"""`massager-sim hil`: the conformance suite on the command line."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click

from massager_ctl.errors import ConfigError, MassagerError
from massager_hil.benchfile import is_file
from massager_hil.benchfile import read as read_bench
from massager_hil.matrix import RULES, evidence, markdown, missing
from massager_hil.model import Check, Outcome, Tier, Verdict
from massager_hil.page import page
from massager_hil.record import RecordError, as_json, differences, failed_in, got_worse, read
from massager_hil.report import details, heading, junit, line, summary
from massager_hil.runner import Order, Session, run
from massager_hil.signals import ended_by_signals
from massager_hil.suite import all_checks, chosen

EXIT_FAILED: Final = 3
EXIT_LOST: Final = 4
EXIT_UNCONFIRMED: Final = 5
EXIT_INTERRUPTED: Final = 130
_COLOURS: Final = {Verdict.PASSED: "green", Verdict.FAILED: "red", Verdict.NOT_RUN: "red"}


@dataclass(frozen=True, slots=True)
class Request:
    """What the command line asked for."""

    device: str
    junit: Path | None = None
    html: Path | None = None
    json: Path | None = None
    markdown: Path | None = None
    evidence: Path | None = None
    last_failed: Path | None = None
    require: tuple[str, ...] = ()
    strict: bool = False
    seed: int = 1
    repeat: int = 1
    first_failure: bool = False
    full: bool = False
    bench: str = ""
    """A serial number, or a bench's file."""
    witness: str = ""
    full_power: bool = False
    interactive: bool = False
    verbose: bool = False
    expression: str = ""


def rules_of(text: str) -> tuple[str, ...]:
    """`R1,R4` as rules; `click.UsageError` where one is none."""
    named = tuple(word.strip().upper() for word in text.split(",") if word.strip())
    for word in named:
        if word not in RULES:
            raise click.UsageError(f"--require {word!r}: rules are R1 to R25, with commas between")
    return named


def witness_of(text: str) -> tuple[str, ...]:
    """`--witness` as an argv, split as a shell does and run by none; `click.UsageError` where it cannot be."""
    try:
        return tuple(shlex.split(text))
    except ValueError as error:
        raise click.UsageError(f"--witness {text!r}: {error}") from error


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
    outputs = (request.junit, request.html, request.json, request.markdown, request.evidence)
    for path in outputs:
        _require_writable(path)
    checks = checks_for(request.expression)
    if request.last_failed is not None:
        checks = _failed_before(request.last_failed, checks)
    try:
        bench = read_bench(Path(request.bench)) if is_file(request.bench) else None
    except ConfigError as error:
        click.echo(f"Error: {error}", err=True)
        return int(error.exit_code)
    order = Order(
        request.device,
        tuple(checks),
        seed=request.seed,
        repeat=request.repeat,
        first_failure=request.first_failure,
        full=request.full,
        bench_serial=request.bench if bench is None else bench.serial,
        bench=bench,
        witness=witness_of(request.witness),
        full_power=request.full_power,
        interactive=request.interactive,
    )

    def tell(outcome: Outcome) -> None:
        first, *rest = line(outcome).splitlines()
        _say_coloured(first, _COLOURS.get(outcome.verdict))
        for text in [details(outcome)] if request.verbose and outcome.findings else rest:
            click.echo(text)

    try:
        with ended_by_signals():
            session = run(order, tell, lambda text: click.echo(text, err=True))
    except MassagerError as error:
        click.echo(f"Error: {error}", err=True)
        return int(error.exit_code)
    click.echo(f"\n{heading(session)}\n{summary(session)}")
    _write(request, session)
    if session.interrupted:
        click.echo("Error: the run was interrupted", err=True)
        return EXIT_INTERRUPTED if session.stopped else EXIT_UNCONFIRMED
    if session.lost:
        click.echo(f"Error: the device was lost: {session.lost}", err=True)
        return EXIT_LOST
    return _code(request, session)


def _say_coloured(text: str, colour: str | None) -> None:
    """A line in a colour, if what is printed to knows colours of ours from escapes in foreign text."""
    coloured: Callable[[str, str], None] | None = getattr(sys.stdout, "coloured", None)
    if colour is None or coloured is None:
        click.echo(text)
    else:
        coloured(f"{text}\n", colour)


def _failed_before(path: Path, checks: list[Check]) -> list[Check]:
    """Those that failed, or were not run, in the run of that record; `click.UsageError` where there are none."""
    try:
        names = failed_in(read(path))
    except RecordError as error:
        raise click.UsageError(str(error)) from error
    found = [check for check in checks if check.id in names]
    if not found:
        raise click.UsageError(f"no check failed in {path}: there is nothing to run again")
    return found


def _code(request: Request, session: Session) -> int:
    """0 only where everything that was asked for holds."""
    if session.count(Verdict.FAILED):
        return EXIT_FAILED
    if session.count(Verdict.NOT_RUN) or session.bench_failed:
        click.echo("Error: the bench failed: see the checks that were not run", err=True)
        return EXIT_LOST
    lacking = missing(session, request.require)
    if lacking:
        said = ", ".join(lacking)
        click.echo(f"Required, and shown by no check that ran: {said}", err=True)
        return EXIT_FAILED
    left_out = session.count(Verdict.SKIPPED) + session.count(Verdict.NOT_COVERED)
    if request.strict and left_out:
        click.echo(f"--strict: {left_out} checks were skipped or not covered", err=True)
        return EXIT_FAILED
    return 0


def compare(old: Path, new: Path) -> int:
    """Print what came out otherwise; 3 where a check that passed does not any more."""
    try:
        before, after = read(old), read(new)
    except RecordError as error:
        raise click.UsageError(str(error)) from error
    lines = differences(before, after)
    click.echo("\n".join(lines) if lines else "no check came out otherwise")
    return EXIT_FAILED if got_worse(before, after) else 0


def _require_writable(path: Path | None) -> None:
    """Before minutes of checks, not after them. Reports of an earlier run are written over."""
    if path is None:
        return
    target = path if path.exists() else path.parent
    if path.is_dir() or not target.exists() or not os.access(target, os.W_OK):
        why = "it is a folder" if path.is_dir() else "no such folder, or no permission"
        raise click.UsageError(f"{path} cannot be written: {why}")


def _write(request: Request, session: Session) -> None:
    for path, content in (
        (request.junit, lambda: junit(session)),
        (request.html, lambda: page(session).encode()),
        (request.json, lambda: as_json(session)),
        (request.markdown, lambda: markdown(session).encode()),
        (request.evidence, lambda: evidence(session).encode()),
    ):
        if path is None:
            continue
        try:
            path.write_bytes(content())
        except OSError as error:
            raise click.ClickException(f"cannot write {path}: {error.strerror}") from error
        click.echo(f"wrote {path}")

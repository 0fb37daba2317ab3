"""`massager-ctl drivers`: which drivers of other makes are installed, and do they pass?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from massager_ctl.cli.border import json_text
from massager_ctl.errors import ExitCode, InputError
from massager_ctl.model.text import visible

if TYPE_CHECKING:
    from massager_ctl.drivers.dialect import DriverSpec
    from massager_ctl.drivers.registry import Installed
    from massager_ctl.testing.peers import MakePeer


@click.group(
    "drivers",
    epilog="""\b
Examples:
  massager-ctl drivers list
  massager-ctl drivers check tcode
  massager-ctl drivers check acme-massager    a package, all its drivers""",
)
def drivers() -> None:
    """Drivers for devices of other makes: which are installed, and do they pass?"""


@drivers.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def list_command(as_json: bool) -> int:
    """List every driver, its links, and what its devices may be used for."""
    from massager_ctl.drivers.registry import devices_folder, installed

    found = installed()
    if as_json:
        click.echo(json_text({"drivers": [_document(one) for one in found]}))
        return ExitCode.OK
    for one in found:
        click.echo(f"{visible(one.scheme)}  {visible(one.source)}")
        for line in _lines(one):
            click.echo(f"  {visible(line)}")
    click.echo(f"Descriptions are read from {devices_folder()}")
    return ExitCode.OK


def _lines(one: Installed) -> list[str]:
    from massager_ctl.drivers.registry import links_of

    if one.spec is None:
        return [f"not used: {one.problem.message}" if one.problem else "not used"]
    spec = one.spec
    link = next(iter(spec.links)).value
    confirmed = f"confirmed on hardware by {spec.confirmed_by}" if spec.confirmed_by else None
    return [
        f"{spec.title}, over {links_of(spec)}; address {spec.scheme}:{link}:…",
        confirmed or "not confirmed on hardware by anybody yet",
        *class_of(spec),
    ]


def class_of(spec: DriverSpec) -> list[str]:
    """What its devices may be used for before anything was seen of one, in plain words (R25)."""
    from massager_ctl.safety import assurance

    counted = assurance.counted(spec.declared, assurance.NOTHING_SHOWN)
    found = assurance.allowed(counted, guardian=False)
    percents = [percent for channel in spec.channels for percent in channel.percents]
    lowest = assurance.lowest_above(found.cap, percents)
    return [*found.reasons, *([lowest] if lowest else [])]


def _document(one: Installed) -> dict[str, Any]:
    spec = one.spec
    return {
        "scheme": one.scheme,
        "source": one.source,
        "title": spec.title if spec else None,
        "links": [link.value for link in spec.links] if spec else [],
        "confirmed_by": (spec.confirmed_by or None) if spec else None,
        "class": class_of(spec) if spec else [],
        "problem": one.problem.message if one.problem else None,
    }


@drivers.command("check")
@click.argument("package")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def check_command(package: str, as_json: bool) -> int:
    """Run the conformance suite on the drivers of PACKAGE, or on the one of that scheme, with their simulated peers."""
    from massager_ctl.drivers.registry import installed
    from massager_ctl.testing.drivers import check_driver

    chosen = [
        one for one in installed() if package in (one.scheme, one.source, one.source.split(" ")[0])
    ]
    if not chosen:
        raise InputError(
            f"no driver and no package with one is called '{visible(package)}'",
            "`massager-ctl drivers list` shows what is installed.",
        )
    failed = False
    report: list[dict[str, Any]] = []
    for one in chosen:
        if one.spec is None:
            raise one.problem or InputError(f"{one.scheme} cannot be used")
        findings = check_driver(one.spec, _peer(one), one.source)
        failed = failed or any(finding.problem for finding in findings)
        for finding in findings:
            report.append({"driver": one.scheme, "check": finding.name, "problem": finding.problem})
            if not as_json:
                verdict = "FAILED" if finding.problem else "passed"
                click.echo(f"{verdict}  {one.scheme}  {finding.name}")
                if finding.problem:
                    click.echo(f"        {visible(finding.problem)}")
    if as_json:
        click.echo(json_text({"passed": not failed, "checks": report}))
    return ExitCode.REFUSED if failed else ExitCode.OK


def _peer(one: Installed) -> MakePeer:
    """The simulated peer that its package brings; a description's is made from its frames."""
    from massager_ctl.drivers.described.load import load_file
    from massager_ctl.testing.described_peer import DescribedPeer
    from massager_ctl.testing.peers import peer_for

    path = Path(one.source)
    if path.suffix != ".yaml":
        return peer_for(one.scheme)
    description = load_file(path)
    return lambda: DescribedPeer(description)

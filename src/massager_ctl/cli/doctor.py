"""`massager-ctl doctor`: is everything in place, which limits hold, and who set them?"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from massager_ctl.cli import checks
from massager_ctl.cli.checks import Check, Level
from massager_ctl.errors import ExitCode, MassagerError

if TYPE_CHECKING:
    from massager_ctl.config import Config
    from massager_ctl.store.moment import MomentSource

MARKS: Final = {Level.OK: "ok", Level.NOTE: "note", Level.PROBLEM: "PROBLEM"}


@click.command(
    "doctor",
    epilog="""\b
Examples:
  massager-ctl doctor
  massager-ctl doctor --json
  massager-ctl doctor --renew-ledger    replace a damaged ledger

Exit codes: 0 no problem, 3 at least one.""",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option(
    "--renew-ledger",
    is_flag=True,
    help="Move a damaged dose ledger aside and begin a new one, with the day counted as used up.",
)
def doctor(as_json: bool, renew_ledger: bool) -> int:
    """Check the set-up, with a remedy on each line.

    It shows the cap of each zone and what sets it. Nothing is sent to any device.
    """
    if renew_ledger:
        return _renew()
    found = asyncio.run(examine(os.environ))
    worst = any(check.level is Level.PROBLEM for check in found)
    if as_json:
        import msgspec

        click.echo(
            msgspec.json.encode(
                {"problem": worst, "checks": [msgspec.to_builtins(check) for check in found]}
            ).decode()
        )
    else:
        _show(found)
    return ExitCode.REFUSED if worst else ExitCode.OK


def _show(found: list[Check]) -> None:
    width = max(len(check.name) for check in found)
    for check in found:
        click.echo(f"{MARKS[check.level]:<8} {check.name:<{width}}  {check.text}")
        if check.remedy:
            click.echo(f"{'':<8} {'':<{width}}  → {check.remedy}")


async def examine(env: Mapping[str, str]) -> list[Check]:
    """Every check, in the order in which trouble should be mended."""
    from massager_ctl import config as settings
    from massager_ctl.clock import SystemClock
    from massager_ctl.store.moment import ClockMoments

    moments = ClockMoments(SystemClock())
    found = [checks.clock(moments.now()), checks.runtime()]
    try:
        config = settings.load(env=env)
    except MassagerError as error:
        return [checks.failed("settings", error), *found, checks.NO_CAPS]
    return [
        checks.settings(config),
        *found,
        *await _person(config, moments),
        *checks.ports(config),
        checks.bluetooth(config),
        checks.broker(config),
    ]


async def _person(config: Config, moments: MomentSource) -> list[Check]:
    from massager_ctl.store.sqlite import open_store

    store = open_store(config.data, moments)
    try:
        found = [await checks.ledger(store, config.data)]
        if found[0].level is Level.OK:
            worn = not config.device.startswith("sim:")
            found.append(await checks.health(store, moments.now(), worn=worn))
            found.extend(checks.limits(await checks.effective(store, config)))
        return found
    finally:
        await store.close()


def _renew() -> int:
    from massager_ctl import config as settings
    from massager_ctl.clock import SystemClock
    from massager_ctl.store.moment import ClockMoments
    from massager_ctl.store.sqlite import renew_store

    folder = settings.data_path()
    moments = ClockMoments(SystemClock())
    trouble = asyncio.run(_trouble(folder, moments))
    if trouble is None:
        click.echo("The dose ledger is in order; nothing was changed.")
        return ExitCode.OK
    click.echo(trouble.message)
    click.echo(
        "A new ledger counts the last 24 hours as used up, asks the screening questions again and begins with"
        " the gentle first three sessions."
    )
    click.confirm("Move the damaged one aside and begin a new one?", abort=True)
    aside = asyncio.run(renew_store(folder, moments))
    click.echo(f"Done. The damaged ledger is kept as {aside}")
    return ExitCode.OK


async def _trouble(folder: Path, moments: MomentSource) -> MassagerError | None:
    """Why the ledger cannot be trusted, if so. Raises StoreError where a new one would not help."""
    from massager_ctl.store.database import Damaged
    from massager_ctl.store.sqlite import open_store

    store = open_store(folder, moments)
    try:
        await store.recent()
    except Damaged as error:
        return error
    finally:
        await store.close()
    return None

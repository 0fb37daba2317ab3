"""`massager-ctl doctor`: is everything in place, which limits hold, and who set them?"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from massager_ctl.cli import checks
from massager_ctl.cli.border import json_text
from massager_ctl.cli.checks import Check, Level
from massager_ctl.errors import ExitCode, MassagerError

if TYPE_CHECKING:
    from massager_ctl.config import Config
    from massager_ctl.ledger.clock_reading import ReadingSource

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
    help="Keep a copy of a damaged dose ledger and begin a new one from all that can still be read.",
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
            json_text({"problem": worst, "checks": [msgspec.to_builtins(check) for check in found]})
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
    from massager_ctl.aio.clock import SystemClock
    from massager_ctl.ledger.clock_reading import ClockReader

    readings = ClockReader(SystemClock())
    clock = checks.clock(readings.now())
    try:
        config = settings.load(env=env)
    except MassagerError as error:
        return [checks.failed("settings", error), clock, checks.runtime(), checks.NO_CAPS]
    return [
        checks.settings(config),
        clock,
        checks.runtime(config.devices.get(config.device, config.device)),
        *await _person(config, readings),
        *_drivers(config),
        *checks.ports(config),
        checks.bluetooth(config),
        checks.broker(config),
    ]


def _drivers(config: Config) -> list[Check]:
    """For each device of another make in the settings: what it may be used for before anything was seen of it (R25)."""
    from massager_ctl.cli.drivers import class_of
    from massager_ctl.drivers.registry import spec_for
    from massager_ctl.transports.address import DialectAddress, parse_address

    found: list[Check] = []
    for text in dict.fromkeys(
        (config.devices.get(config.device, config.device), *config.devices.values())
    ):
        try:
            address = parse_address(text)
            if not isinstance(address, DialectAddress):
                continue
            words = "; ".join(class_of(spec_for(address.scheme)))
        except MassagerError as error:
            found.append(checks.failed(f"device {text}", error))
            continue
        remedy = f"See it on a table first: massager-ctl learn verify --on-bench {address}"
        found.append(Check(f"device {address}", Level.NOTE, words, remedy))
    return found


async def _person(config: Config, readings: ReadingSource) -> list[Check]:
    from massager_ctl.ledger.sqlite import open_store

    store = open_store(config.data, readings)
    try:
        found = [await checks.ledger(store, config.data)]
        if found[0].level is Level.OK:
            worn = not config.device.startswith("sim:")
            found.append(await checks.health(store, readings.now(), worn=worn))
            found.extend(checks.limits(await checks.effective(store, config)))
        return found
    finally:
        await store.close()


def _renew() -> int:
    from massager_ctl import config as settings
    from massager_ctl.aio.clock import SystemClock
    from massager_ctl.ledger import repair
    from massager_ctl.ledger.clock_reading import ClockReader

    folder = settings.data_path()
    readings = ClockReader(SystemClock())
    trouble = asyncio.run(_trouble(folder, readings))
    if trouble is None:
        click.echo("The dose ledger is in order; nothing was changed.")
        return ExitCode.OK
    click.echo(trouble.message)
    foreseen = repair.preview(folder)
    click.echo(f"It can still read {foreseen.kept}.")
    for line in foreseen.lost:
        click.echo(f"Lost: {line}.")
    if foreseen.charges_day:
        click.echo("A new ledger keeps what can be read, and counts the last 24 hours as used up.")
    else:
        click.echo("A new ledger keeps every session; nothing is charged for the damage.")
    if foreseen.locks:
        click.echo(
            "A lock may be among what is lost, so it begins locked: `massager-ctl screen` unlocks it."
        )
    click.confirm("Keep a copy of the damaged one and begin a new one?", abort=True)
    aside = repair.replace_ledger(folder, readings)
    click.echo(f"Done. The damaged ledger is kept as {aside}")
    return ExitCode.OK


async def _trouble(folder: Path, readings: ReadingSource) -> MassagerError | None:
    """Why the ledger cannot be trusted, if so. Raises StoreError if a new one would not help."""
    from massager_ctl.ledger.database import Damaged
    from massager_ctl.ledger.sqlite import open_store

    store = open_store(folder, readings)
    try:
        await store.recent()
        await store.lock()
    except Damaged as error:
        return error
    finally:
        await store.close()
    return None

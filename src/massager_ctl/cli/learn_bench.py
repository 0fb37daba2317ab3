"""`massager-ctl learn verify --on-bench`: a device on a table, and a person who says what it does."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from massager_ctl.errors import AddressError, DescriptionError, ExitCode, InputError, Refused

if TYPE_CHECKING:
    from massager_ctl.drivers.dialect import DriverSpec
    from massager_ctl.transports.address import DialectAddress


class AtTheTable:
    """Asks at the terminal, beside the loop that keeps the device awake."""

    async def press(self, text: str) -> None:
        """Enter goes on, `q` leaves."""
        if (await _line(f"Enter: {text}; q leaves: ")).lower().startswith("q"):
            raise Refused("you left before everything was seen", "It stays on the bench.")

    async def sees(self, question: str) -> bool:
        """Only a yes is one."""
        return (await _line(f"{question} [y/N]: ")).lower() in ("y", "yes")

    def say(self, text: str) -> None:
        """A line."""
        click.echo(text)


async def _line(prompt: str) -> str:
    click.echo(prompt, nl=False)
    line = await asyncio.to_thread(sys.stdin.readline)
    if not line:
        raise Refused("the input ended before everything was seen", "It stays on the bench.")
    return line.strip()


def show_on_bench(what: str, device: str | None) -> int:
    """See it through, and keep what was seen. Raises InputError and its kin, Refused, LinkError, StopUnconfirmed."""
    if not sys.stdin.isatty():
        raise InputError(
            "each level needs a key press of a person at the table, and this is not a terminal",
            "Run it in a terminal.",
        )
    spec, address = _meant(what, device)
    click.echo(
        f"{spec.title} at {address}. It lies on a table, no one wears it, and you can reach its switch.\n"
        "Each level and each stop goes out when you press Enter. Nothing else is sent."
    )
    if not click.confirm("Is that so, and is it off now?", default=False):
        raise Refused("nothing was sent", "Switch it off and put it on a table first.")
    return asyncio.run(_see_through(spec, address))


def _meant(what: str, device: str | None) -> tuple[DriverSpec, DialectAddress]:
    """The driver and where its device is: a description's file and a link, or an address of an installed driver."""
    from massager_ctl.drivers.registry import spec_for
    from massager_ctl.transports.address import DialectAddress, parse_address

    path = Path(what)
    if path.suffix in (".yaml", ".yml"):
        if device is None:
            raise InputError(
                f"nothing says where the device of {path} is",
                "Name it: --device ble:NAME, or --device serial:PORT.",
            )
        spec = _described(path)
        address = parse_address(f"{spec.scheme}:{device}")
    else:
        address = parse_address(what)
        if not isinstance(address, DialectAddress):
            raise InputError(
                f"{what} is not a device of another make",
                "For example `acme:serial:/dev/ttyUSB0`, or a description.",
            )
        spec = spec_for(address.scheme)
    if not isinstance(address, DialectAddress):
        raise AddressError(
            f"{device!r} is not a link to a device", "For example ble:NAME or serial:PORT."
        )
    return spec, address


def _described(path: Path) -> DriverSpec:
    """Only frames that were captured and labelled are ever sent: the simulated peer takes no others."""
    from massager_ctl.drivers.described.driver import spec_of
    from massager_ctl.drivers.described.load import load_file
    from massager_ctl.learn.rehearse import rehearse

    description = load_file(path)
    complaints = rehearse(description).complaints
    if complaints:
        raise DescriptionError(
            f"a frame of {path} was never seen: {complaints[0]}",
            "Learn it again from a longer capture.",
        )
    return spec_of(description, path)


async def _see_through(spec: DriverSpec, address: DialectAddress) -> int:
    from massager_ctl import config as settings
    from massager_ctl.drivers.factory import plain_driver
    from massager_ctl.runtime.compose import guard_files
    from massager_ctl.runtime.lock import DeviceLock
    from massager_ctl.runtime.table_trial import TableTrial, in_words
    from massager_ctl.runtime.trial_records import TrialRecords
    from massager_ctl.transports.address_identity import identity

    with DeviceLock(identity(str(address))):
        guarded = plain_driver(spec, address, guard_files(address))
        alone = plain_driver(spec, address, None)
        alone.left_alone()
        info, shown = await TableTrial(guarded, AtTheTable(), alone).run()
    book = TrialRecords(settings.data_path(), spec.scheme)
    if not book.keeps(info):
        click.echo(
            "Everything was as it should be. It tells no serial number, and another device could be at that port"
            " tomorrow: nothing is kept, and it stays on the bench."
        )
        return ExitCode.OK
    book.note(info, shown)
    click.echo(f"Kept for {info.serial}, firmware {info.firmware}:")
    for line in in_words(shown):
        click.echo(f"  {line}")
    return ExitCode.OK

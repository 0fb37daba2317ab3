"""`massager-ctl learn check` and `learn verify`: is a device description sound, and does it do what was captured?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from massager_ctl.errors import DescriptionError, ExitCode

if TYPE_CHECKING:
    from massager_ctl.drivers.described.schema import DeviceFile


@click.command("check")
@click.argument("file", type=click.Path(path_type=Path))
def check_command(file: Path) -> int:
    """Check a device description: its format, and that its golden frames come out and go in."""
    from massager_ctl.drivers.described.load import load_file

    description = load_file(file)
    click.echo(f"{file}: sound, {len(description.file.golden)} golden frames")
    for unsure in description.file.unsure:
        click.echo(f"  not sure: {unsure.part}: {unsure.why}")
    for line in _class_of(description.file):
        click.echo(f"  {line}")
    return ExitCode.OK


def _class_of(file: DeviceFile) -> list[str]:
    """What a device described so may be used for before anything was seen of it, in plain words (R25)."""
    from massager_ctl.drivers.described.driver import declared
    from massager_ctl.safety import assurance

    counted = assurance.counted(declared(file), assurance.NOTHING_SHOWN)
    found = assurance.allowed(counted, guardian=False)
    lowest = assurance.lowest_above(found.cap, [level.percent for level in file.levels])
    return [*found.reasons, *([lowest] if lowest else [])]


@click.command("schema")
def schema_command() -> int:
    """Print the JSON Schema of a device description, for editors."""
    from massager_ctl.drivers.described.schema import schema_text

    click.echo(schema_text(), nl=False)
    return ExitCode.OK


@click.command("verify")
@click.argument("what", metavar="FILE|ADDRESS")
@click.option(
    "--on-bench",
    is_flag=True,
    help="Show it on the device itself, which lies on a table; a key press for each level and stop.",
)
@click.option(
    "--device", "-d", metavar="LINK", help="Where the device of FILE is: ble:NAME or serial:PORT."
)
def verify_command(what: str, on_bench: bool, device: str | None) -> int:
    """Play a description against a simulated peer that takes only frames that were captured.

    With --on-bench it is shown on the device itself, as is any driver by the ADDRESS of its device.
    """
    if on_bench:
        from massager_ctl.cli.learn_bench import show_on_bench

        return show_on_bench(what, device)
    return _verify(Path(what))


def _verify(file: Path) -> int:
    from massager_ctl.drivers.described.load import load_file
    from massager_ctl.learn.rehearse import rehearse

    description = load_file(file)
    result = rehearse(description)
    if result.complaints:
        lines = "\n".join(f"  {line}" for line in result.complaints[:10])
        raise DescriptionError(
            f"the simulated peer does not follow this description:\n{lines}",
            "Learn it again from a longer capture.",
        )
    click.echo(f"{file}: {result.frames} frames, every level and two stops, nothing strange")
    if not description.sure:
        click.echo("It has parts that are not sure, and is not driven before they are settled:")
        for unsure in description.file.unsure:
            click.echo(f"  {unsure.part}: {unsure.why}")
        return ExitCode.REFUSED
    return ExitCode.OK

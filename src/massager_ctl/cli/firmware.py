"""`massager-ctl firmware`: pins, build, install, info, calibrate; over a cable, the device's button held at boot."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

import click

from massager_ctl.errors import ExitCode

_BOARD: Final = click.option(
    "--board", required=True, help="A board by name, or a folder with a board.json."
)
_FOLDER: Final = Path("massager-firmware")
_PORT: Final = click.option("--port", required=True, help="Its serial port, such as /dev/ttyACM0.")


@click.group(
    "firmware",
    epilog="""\b
Examples:
  massager-ctl firmware pins --board pico_w -o pins.py
  massager-ctl firmware build --board pico_w --pins pins.py
  massager-ctl firmware install --port /dev/ttyACM0
  massager-ctl firmware info --port /dev/ttyACM0

A board that runs takes no firmware: hold its button while you plug it in.""",
)
def firmware() -> None:
    """Build the firmware of a massager, and put it on its board."""


@firmware.command("pins")
@_BOARD
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="The file to write."
)
@click.option("--force", is_flag=True, help="Write over a file that is there.")
def pins_command(board: str, output: Path | None, force: bool) -> int:
    """Write the pins of a board, as they are wired in the how-to, for you to edit."""
    from massager_ctl.cli.output_file import check_writable
    from massager_ctl.flash.boards import find_board

    text = find_board(board).pins.read_text(encoding="utf-8")
    if output is None:
        click.echo(text, nl=False)
        return ExitCode.OK
    check_writable(output, option="-o", force=force)
    output.write_text(text, encoding="utf-8")
    click.echo(f"wrote {output}", err=True)
    return ExitCode.OK


@firmware.command("build")
@_BOARD
@click.option(
    "--pins",
    type=click.Path(path_type=Path),
    help="Your pins; else those of the wiring in the how-to.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    default=_FOLDER,
    show_default=True,
    help="The folder to make.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def build_command(board: str, pins: Path | None, output: Path, as_json: bool) -> int:
    """Check the pins, and make a folder of compiled files and their hashes."""
    from massager_ctl.cli.border import json_text
    from massager_ctl.flash.boards import find_board
    from massager_ctl.flash.build import build

    sources = find_board(board)
    made, remarks = build(sources, pins or sources.pins, output)
    manifest = made.manifest
    size = sum(len(data) for data in made.files.values())
    if as_json:
        click.echo(
            json_text(
                {
                    "board": manifest.board,
                    "version": manifest.version,
                    "files": len(made.files),
                    "bytes": size,
                    "hash": made.digest,
                    "remarks": remarks,
                }
            )
        )
        return ExitCode.OK
    click.echo(f"{output}: firmware {manifest.version} for {sources.board.title}")
    click.echo(f"{len(made.files)} files, {size / 1024:.0f} KiB, hash {made.digest[:12]}")
    for remark in remarks:
        click.echo(f"note: {remark}")
    click.echo(
        f"Next: hold the button, plug it in, and run: massager-ctl firmware install --port PORT {output}"
    )
    return ExitCode.OK


@firmware.command("install")
@_PORT
@click.argument("folder", type=click.Path(path_type=Path), default=_FOLDER)
def install_command(port: str, folder: Path) -> int:
    """Put a build (else ./massager-firmware) on a board, compare every hash, and let it boot that.

    Settings, bonds and counters on the board stay. Whatever interrupts it, the board boots what it booted before.
    """
    from massager_ctl.flash.install import install
    from massager_ctl.flash.manifest import Build
    from massager_ctl.flash.repl import open_repl

    made = Build(folder)
    steps = len(made.files) + len(made.root) + 4
    with (
        open_repl(port) as repl,
        click.progressbar(length=steps, label="installing", file=sys.stderr) as bar,
    ):
        slot = install(repl, made, lambda _: bar.update(1))
        repl.restart()
    click.echo(
        f"{port}: firmware {made.manifest.version} is in {slot}, every hash compared; it starts now"
    )
    click.echo("Look at it with: massager-ctl scan")
    return ExitCode.OK


@firmware.command("info")
@_PORT
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def info_command(port: str, as_json: bool) -> int:
    """Show what is on a board, and why it booted lately.

    `massager-ctl scan` shows the version of a running device; this command reads the board itself.
    """
    from massager_ctl.cli.border import json_text
    from massager_ctl.flash.info import read_info
    from massager_ctl.flash.repl import open_repl

    with open_repl(port) as repl:
        info = read_info(repl)
    if as_json:
        click.echo(json_text(info))
        return ExitCode.OK
    click.echo(f"board:       {info.machine}, MicroPython {info.micropython}")
    if info.slot is None:
        click.echo("firmware:    none; it stays off")
    else:
        state = "every hash is right" if info.sound else "damaged; it stays off: install again"
        click.echo(
            f"firmware:    {info.version or 'unknown'} for {info.board or 'unknown'}, in {info.slot}: {state}"
        )
    click.echo(f"free:        {info.free_kib} KiB")
    for index, boot in enumerate(reversed(info.boots)):
        click.echo(f"{'boots:' if not index else '':<13}{boot}")
    return ExitCode.OK


@firmware.command("calibrate")
@_PORT
def calibrate_command(port: str) -> int:
    """Measure start duty and locked-rotor current of each motor, on the bench.

    Motors move, outside of a session and its rules: do not wear the device, and keep fingers away from the gears.
    """
    from massager_ctl.flash.calibrate import Bench, lines_for_pins
    from massager_ctl.flash.repl import open_repl

    click.echo("Motors will move. No one may wear the device, and nothing may lie in it.", err=True)
    click.confirm("Is it open on the bench, with your hand at its button", abort=True, err=True)
    with open_repl(port) as repl:
        bench = Bench(repl)
        found = [bench.measure(motor, _asked) for motor in bench.motors]
    for one in found:
        click.echo(
            f"{one.motor.zone} {one.motor.kind}: starts at {one.start_duty:g} %, draws {one.free_ma} mA free "
            f"and {one.locked_ma} mA held"
        )
    click.echo("Write these into your pins.py, build, and install:")
    for line in lines_for_pins(found):
        click.echo(f"  {line}")
    return ExitCode.OK


def _asked(question: str) -> bool:
    return click.confirm(question, default=False, err=True)

"""`massager-sim`: the simulated device on a serial port or a TCP port, with its faults."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import click

from firmware_sim.border import guarded_output

_SERVE_EPILOG = """\b
Examples:
  massager-sim serve --pty /tmp/massager
  massager-sim serve --tcp 127.0.0.1:7777 --battery 40
  massager-sim serve --pty /tmp/m --fault stall@30 --fault button@60 --trace out.jsonl
  massager-sim serve --pty /tmp/m --count 3        # /tmp/m0, /tmp/m1, /tmp/m2
Then, in another terminal:
  massager-ctl run restorative --device serial:/tmp/massager --simulated

While it runs: SIGUSR1 presses the button and lets go. On a terminal type press, release, hold,
pair, reset, fault SPEC, mend SPEC, status or quit; or write that to the pipe of --control.
"""


class Refused(click.ClickException):
    """What was asked for cannot be done as it stands."""

    exit_code = 2


class _Commands(click.Group):
    """The commands of this file, and `hil`, which is a package of its own; nothing foreign is printed raw."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """As usual, with what is printed made visible."""
        with guarded_output():
            return super().main(*args, **kwargs)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """As usual, and `hil`."""
        return sorted([*super().list_commands(ctx), "hil"])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """As usual; `hil` is loaded when it is asked for."""
        if cmd_name == "hil":
            from massager_hil.cli import hil

            return hil
        return super().get_command(ctx, cmd_name)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="massager-ctl", prog_name="massager-sim")
def main() -> None:
    """A simulated massager that behaves, and misbehaves, like a real one."""


@main.command(epilog=_SERVE_EPILOG)
@click.option(
    "--pty", "ptys", multiple=True, metavar="LINK", help="Make a serial port at this path."
)
@click.option(
    "--tcp", "tcps", multiple=True, metavar="HOST:PORT", help="Listen here; port 0 is any."
)
@click.option(
    "--ble",
    "bles",
    multiple=True,
    metavar="HCI",
    help="Be a BLE device: tcp:HOST:PORT offers a virtual radio there, usb:0 uses a real dongle.",
)
@click.option("--name", default="Massager", show_default=True, help="The name on BLE.")
@click.option(
    "--fault", "faults", multiple=True, metavar="SPEC", help="NAME[=VALUE][@WHEN[:SECONDS]]."
)
@click.option("--scenario", metavar="FILE", help="A fault script in YAML.")
@click.option("--trace", metavar="FILE", help="Write what the actuators do, as JSON Lines.")
@click.option("--force", is_flag=True, help="Let --trace write over a file.")
@click.option("--seed", type=int, help="Make the run repeatable.")
@click.option(
    "--battery", type=click.FloatRange(0, 100), metavar="PERCENT", help="Charge at power-on."
)
@click.option("--nvm", metavar="FILE", help="Keep latch, hours and boot counter in this file.")
@click.option("--baud", type=click.IntRange(min=300), help="Slow a serial port down to this speed.")
@click.option(
    "--control",
    metavar="PIPE",
    help="Make a named pipe that takes a terminal's commands, such as press, reset or fault stall=all.",
)
@click.option("--count", type=click.IntRange(1, 1000), default=1, help="Run so many devices.")
@click.option(
    "--mutant",
    metavar="NAME",
    help="A device with one rule broken; `massager-sim mutants` lists them.",
)
@click.option(
    "--option", "options", multiple=True, metavar="NAME=VALUE", help="Any option of sim:?..."
)
def serve(
    ptys: tuple[str, ...],
    tcps: tuple[str, ...],
    bles: tuple[str, ...],
    name: str,
    faults: tuple[str, ...],
    scenario: str | None,
    trace: str | None,
    force: bool,
    seed: int | None,
    battery: float | None,
    nvm: str | None,
    baud: int | None,
    control: str | None,
    count: int,
    options: tuple[str, ...],
    mutant: str | None,
) -> None:
    """Run the device until SIGTERM, SIGINT or `quit`."""
    from firmware_sim.serve import Request, ServeError, run

    request = Request(
        ptys=ptys,
        tcps=tcps,
        bles=bles,
        name=name,
        faults=faults,
        scenario=scenario,
        trace=trace,
        force=force,
        seed=seed,
        battery=battery,
        nvm=nvm,
        baud=baud,
        control=control,
        count=count,
        options=options if mutant is None else (*options, f"mutant={mutant}"),
    )
    try:
        run(request)
    except ServeError as error:
        raise Refused(str(error)) from error


@main.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script for SHELL, as `massager-ctl completion` does."""
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    assert kind is not None
    click.echo(kind(main, {}, "massager-sim", "_MASSAGER_SIM_COMPLETE").source())


@main.command()
@click.option("--pty", metavar="LINK", type=click.Path(path_type=Path), help="Make a serial port.")
@click.option("--tcp", metavar="HOST:PORT", help="Listen here; port 0 is any.")
def board(pty: Path | None, tcp: str | None) -> None:
    """Run the firmware as a board does, on MicroPython and in real time, until SIGTERM or SIGINT."""
    from firmware_sim.unix_board import UnixBoard
    from firmware_sim.unix_port import MicroPythonError

    if pty is None and tcp is None:
        raise click.UsageError("no link: give --pty LINK or --tcp HOST:PORT")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with UnixBoard(pty, tcp) as running:
            if pty is not None:
                click.echo(f"ready: serial {pty}")
            if running.tcp is not None:
                click.echo(f"ready: tcp {running.tcp}")
            running.process.wait()
            raise click.ClickException("the firmware ended on MicroPython: see what it wrote above")
    except MicroPythonError as error:
        raise click.ClickException(str(error)) from error
    except KeyboardInterrupt:
        click.echo("ended", err=True)


@main.command()
def faults() -> None:
    """List the faults that --fault and a scenario take."""
    from firmware_sim.faults.catalog import FAULTS, FLAWS

    click.echo(
        "NAME[=VALUE][@WHEN[:SECONDS]], where WHEN is seconds, an event, or event+seconds.\n"
    )
    click.echo("From the start:")
    for name, flaw in FLAWS.items():
        click.echo(_line(name, flaw.value, flaw.about, flaw.rows))
    click.echo("\nAt some time:")
    for name, fault in FAULTS.items():
        click.echo(_line(name, fault.value, fault.about, fault.rows))


@main.command()
@click.option("--rules", is_flag=True, help="Say which rule each breaks, and how.")
def mutants(rules: bool) -> None:
    """List the devices with one rule broken, one name a line."""
    from firmware_sim.mutants import MUTANTS

    for name, mutant in MUTANTS.items():
        click.echo(f"{name:<28} {mutant.rule:<4} {mutant.about}" if rules else name)


def _line(name: str, value: str, about: str, rows: str) -> str:
    takes = f" (={value})" if value else ""
    return f"  {name:<17} {about}{takes} [{rows}]"

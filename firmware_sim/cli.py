"""`massager-sim`: the simulated device on a serial port or a TCP port, with its faults."""

from __future__ import annotations

from pathlib import Path

import click

_SERVE_EPILOG = """\b
Examples:
  massager-sim serve --pty /tmp/massager
  massager-sim serve --tcp 127.0.0.1:7777 --battery 40
  massager-sim serve --pty /tmp/m --fault stall@30 --fault button@60 --trace out.jsonl
  massager-sim serve --pty /tmp/m --count 3        # /tmp/m0, /tmp/m1, /tmp/m2
Then, in another terminal:
  massager-ctl run restorative --device serial:/tmp/massager --simulated

While it runs: SIGUSR1 presses the button and lets go. On a terminal type press, release, hold,
status or quit.
"""


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
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
@click.option("--seed", type=int, help="Make the run repeatable.")
@click.option(
    "--battery", type=click.FloatRange(0, 100), metavar="PERCENT", help="Charge at power-on."
)
@click.option("--nvm", metavar="FILE", help="Keep latch, hours and boot counter in this file.")
@click.option("--baud", type=click.IntRange(min=300), help="Slow a serial port down to this speed.")
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
    seed: int | None,
    battery: float | None,
    nvm: str | None,
    baud: int | None,
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
        seed=seed,
        battery=battery,
        nvm=nvm,
        baud=baud,
        count=count,
        options=options if mutant is None else (*options, f"mutant={mutant}"),
    )
    try:
        run(request)
    except ServeError as error:
        raise click.ClickException(str(error)) from error


@main.command()
def faults() -> None:
    """List the faults that --fault and a scenario take."""
    from firmware_sim.fault_list import FAULTS, FLAWS

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


_HIL_EPILOG = """\b
Examples:
  massager-sim hil                                  # the embedded simulator, in full
  massager-sim hil --device serial:/tmp/massager --junit out.xml --html out.html
  massager-sim hil --device sim:?mutant=no-cap      # exit code 3: it breaks R1
  massager-sim hil --device ble:Massager --on-bench --interactive
  massager-sim hil -k "R4 or stop"                  # some of the checks; --list names them

Exit codes: 0 every check passed, 2 usage, 3 a check failed, 4 the device or the link was lost.
No one may wear the device during a run.
"""


@main.command(epilog=_HIL_EPILOG)
@click.option("--device", default="sim:", show_default=True, help="Any device address.")
@click.option("--junit", type=click.Path(path_type=Path), metavar="FILE", help="Write JUnit XML.")
@click.option("--html", type=click.Path(path_type=Path), metavar="FILE", help="Write a web page.")
@click.option(
    "--full/--quick",
    default=False,
    help="Cover the long bounds too: over two hours in real time. On sim: it is always full.",
)
@click.option("--interactive", is_flag=True, help="Ask for a hand on the button and the charger.")
@click.option("--on-bench", is_flag=True, help="The motors of a real device may move.")
@click.option("-k", "expression", default="", metavar="EXPR", help="Checks by name, word or rule.")
@click.option("--list", "listed", is_flag=True, help="List the checks and run none.")
@click.option("-v", "--verbose", is_flag=True, help="Show every finding.")
@click.pass_context
def hil(
    context: click.Context,
    device: str,
    junit: Path | None,
    html: Path | None,
    full: bool,
    interactive: bool,
    on_bench: bool,
    expression: str,
    listed: bool,
    verbose: bool,
) -> None:
    """Run the conformance suite against any device, simulated or real."""
    from firmware_sim.hil import command

    if listed:
        click.echo(command.listing(expression))
        return
    request = command.Request(
        device,
        junit=junit,
        html=html,
        full=full,
        on_bench=on_bench,
        interactive=interactive,
        verbose=verbose,
        expression=expression,
    )
    context.exit(command.main(request))


def _line(name: str, value: str, about: str, rows: str) -> str:
    takes = f" (={value})" if value else ""
    return f"  {name:<17} {about}{takes} [{rows}]"

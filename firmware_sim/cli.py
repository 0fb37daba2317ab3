"""`massager-sim`: the simulated device on a serial port or a TCP port, with its faults."""

from __future__ import annotations

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
        options=options,
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


def _line(name: str, value: str, about: str, rows: str) -> str:
    takes = f" (={value})" if value else ""
    return f"  {name:<17} {about}{takes} [{rows}]"

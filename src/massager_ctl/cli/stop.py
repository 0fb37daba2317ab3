"""`massager-ctl stop` where more is needed than one line to the owner (R6)."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from typing import Any

import click

from massager_ctl.cli.complete import complete_device
from massager_ctl.errors import ExitCode


@click.command(
    "stop",
    epilog="""\b
Examples:
  massager-ctl stop                                every device in use here
  massager-ctl stop sim                            the ones of that name
  massager-ctl stop --device serial:/dev/ttyUSB0   one that nobody owns

Exit codes: 0 every stop was confirmed, 4 nothing could be reached, 5 a stop
was not confirmed.""",
)
@click.argument("name", required=False, default="")
@click.option(
    "--device",
    "-d",
    metavar="DEVICE",
    shell_complete=complete_device,
    help="The device to open where no program owns it. Without it: the one last used.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def stop(name: str, device: str | None, as_json: bool) -> int:
    """Stop now: everything to zero, and wait until the device has confirmed it.

    Without a NAME it stops every device that is in use on this machine. Where no program owns one, it opens the
    device itself.
    """
    from massager_ctl.surfaces.control.client import called, describe, open_owners, stop_all

    owners = open_owners(device or name)
    if not owners and name and not device:
        device = name if ":" in name else None
    answers: list[tuple[str, dict[str, Any]]]
    if owners:
        told = zip(owners, stop_all(owners), strict=True)
        answers = [(called(owner.path, answer), answer) for owner, answer in told]
    else:
        answers = [stop_directly(name, device)]
    code = ExitCode.OK
    for who, answer in answers:
        if answer.get("ok"):
            if not as_json:
                click.echo(f"{who}: stopped, confirmed at zero")
        else:
            code = max(code, _code(answer))
            if not as_json:
                sys.stderr.write(describe(who, answer))
    if as_json:
        import msgspec

        stopped = [
            {"device": who, "confirmed": bool(answer.get("ok")), "error": answer.get("error")}
            for who, answer in answers
        ]
        reason = "person" if code is ExitCode.OK else "stop_unconfirmed" if code == 5 else "link"
        document = {"end_reason": reason, "exit_code": int(code), "stopped": stopped}
        click.echo(msgspec.json.encode(document).decode())
    return code


def _code(answer: dict[str, Any]) -> ExitCode:
    from massager_ctl.cli.asking import error_of

    found = error_of(answer).exit_code
    return ExitCode.LINK if found is ExitCode.LINK else ExitCode.UNCONFIRMED


def stop_directly(name: str, device: str | None) -> tuple[str, dict[str, Any]]:
    """Open the device and stop it; nobody owns it."""
    from massager_ctl import config as settings
    from massager_ctl.compose import choose_device, last_device
    from massager_ctl.errors import DeviceNotFound, MassagerError
    from massager_ctl.surfaces.control.document import error_document
    from massager_ctl.transports.address import AutoAddress, SimAddress, parse_address

    who = device or name

    async def work() -> str:
        nonlocal who
        if name and not device:
            raise DeviceNotFound(
                f"no program on this machine owns a device called '{name}'",
                "`massager-ctl status` lists them; `massager-ctl stop` stops them all.",
            )
        address = parse_address(device) if device else last_device(settings.data_path())
        if isinstance(address, AutoAddress):
            address = await choose_device(device, settings.load())
        if isinstance(address, SimAddress):
            raise DeviceNotFound(
                "no program on this machine runs the embedded simulator",
                "There is nothing to stop.",
            )
        who = str(address)
        await _open_and_stop(address)
        return who

    try:
        return asyncio.run(work()), {"ok": True}
    except MassagerError as error:
        return who, {"ok": False, "error": error_document(error)}


async def _open_and_stop(address: Any) -> None:
    from massager_ctl.device import Cause, Telemetry
    from massager_ctl.drivers.factory import make_driver
    from massager_ctl.errors import MassagerError
    from massager_ctl.stopping import confirm

    class Deaf:
        """Nothing that the device says changes a stop."""

        def telemetry_received(self, telemetry: Telemetry) -> None:
            pass

        def driver_lost(self, error: MassagerError) -> None:
            pass

    driver = make_driver(address)
    try:
        await driver.open_link(Deaf())  # a device that answers nothing else still takes a stop
        await confirm(driver, driver.stop(Cause.PERSON), Cause.PERSON)
    finally:
        with contextlib.suppress(MassagerError):
            await driver.close()

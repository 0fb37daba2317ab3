"""`massager-ctl stop`, when it needs more than one line to the owner (R6)."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from typing import Any

import click

from massager_ctl.cli.border import json_text
from massager_ctl.cli.suggest import complete_device
from massager_ctl.errors import ExitCode
from massager_ctl.frontends.socket.owners import Card, unseen
from massager_ctl.frontends.socket.stop import UNWAITED, unconfirmed
from massager_ctl.model.text import visible, visible_lines


@click.command(
    "stop",
    epilog="""\b
Examples:
  massager-ctl stop                                every device in use here
  massager-ctl stop neck                           the one of that name
  massager-ctl stop --device serial:/dev/ttyUSB0   one that no program owns

Exit codes: 0 every stop was confirmed, 4 nothing could be reached, 5 a stop
was not confirmed.""",
)
@click.argument("name", required=False, default="")
@click.option(
    "--device",
    "-d",
    metavar="DEVICE",
    shell_complete=complete_device,
    help="The device to open if no program owns it. Without it: the one last used.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def stop(name: str, device: str | None, as_json: bool) -> int:
    """Stop now: everything to zero, and wait until the device has confirmed it.

    Without a NAME it stops every device that is in use on this machine. NAME is a device's whole address, name or
    serial number; a part of one stops what it may mean, and confirms nothing. If no program owns the device, it is
    opened here.
    """
    from massager_ctl.cli.result import say
    from massager_ctl.frontends.socket.client import open_owners, resembling
    from massager_ctl.frontends.socket.owners import Distrusted
    from massager_ctl.frontends.socket.stop import describe, stop_all

    wanted = device or name
    meant = True
    try:
        owners = open_owners(wanted)
        if wanted and not owners:
            owners, meant = resembling(wanted), False
    except Distrusted as error:
        owners = []
        sys.stderr.write(visible_lines(f"note: {error}, so nothing in it is asked\n"))
    answers: list[tuple[Card, dict[str, Any]]]
    if owners:
        cards = [owner.card for owner in owners]
        answers = list(zip(cards, stop_all(owners), strict=True))
        if not meant:
            answers = [(card, in_doubt(wanted, card, answer)) for card, answer in answers]
    else:
        answers = stop_directly(wanted)
        if note := unseen():
            sys.stderr.write(f"note: {note}\n")
    code = ExitCode.OK
    for card, answer in answers:
        if answer.get("ok"):
            if not as_json:
                say(f"{card}: stopped, confirmed at zero", code)
        else:
            code = max(code, code_of(answer))
            if not as_json:
                sys.stderr.write(describe(str(card), answer))
    if as_json:
        stopped = [
            {
                "device": card.identity if card.address.startswith("sim:") else card.address,
                "name": card.name,
                "serial": card.serial,
                "confirmed": bool(answer.get("ok")),
                "error": answer.get("error"),
            }
            for card, answer in answers
        ]
        reason = "person" if code is ExitCode.OK else "stop_unconfirmed" if code == 5 else "link"
        document = {"end_reason": reason, "exit_code": int(code), "stopped": stopped}
        return say(json_text(document), code)
    return code


def in_doubt(wanted: str, card: Card, answer: dict[str, Any]) -> dict[str, Any]:
    """The answer of a device that a short form may have meant: it reports what it did, but confirms no stop (R6)."""
    did = "and is at zero" if answer.get("ok") else "and did not confirm it"
    return {
        "ok": False,
        "error": {
            "code": "stop_unconfirmed",
            "message": f"'{visible(wanted)}' is the whole name of no device in use. {card} may be meant: it was sent"
            f" a STOP, {did}; whether it is the one that you mean, only you can see",
            "remedy": "Name it whole next time. `massager-ctl stop` alone stops every device in use."
            " If a massager still runs, unplug it.",
        },
    }


def code_of(answer: dict[str, Any]) -> ExitCode:
    """The exit code of a stop that was not confirmed: 4 if nothing could be reached, else 5."""
    from massager_ctl.cli.ask_owner import error_of

    found = error_of(answer).exit_code
    return ExitCode.LINK if found is ExitCode.LINK else ExitCode.UNCONFIRMED


def stop_directly(wanted: str) -> list[tuple[Card, dict[str, Any]]]:
    """Open the device, the one last used if none is named, and stop it; no program owns it.

    Where several have that name, each of them is sent a STOP, and none is confirmed.
    """
    from massager_ctl.errors import DeviceNotFound, MassagerError, SeveralDevices
    from massager_ctl.frontends.status_document import error_document
    from massager_ctl.transports.address import DialectAddress, SimAddress

    card, scheme = Card(wanted or "the device last used"), ""

    async def work() -> None:
        nonlocal card, scheme
        address, serial = await _meant(wanted)
        if isinstance(address, SimAddress):
            raise DeviceNotFound(
                "no program on this machine runs the embedded simulator",
                "There is nothing to stop.",
            )
        card = Card(str(address))
        scheme = f"{address.scheme}:" if isinstance(address, DialectAddress) else ""
        await _open_and_stop(address, serial)

    try:
        asyncio.run(work())
    except SeveralDevices as error:
        return _stop_each(card.identity, [f"{scheme}{found}" for found in error.found])
    except MassagerError as error:
        return [(card, {"ok": False, "error": error_document(error)})]
    except KeyboardInterrupt:
        return [(card, unconfirmed(UNWAITED))]
    return [(card, {"ok": True})]


def _stop_each(wanted: str, found: list[str]) -> list[tuple[Card, dict[str, Any]]]:
    """Tell each of the devices that the name fits to stop, all at the same time."""
    from massager_ctl.errors import MassagerError
    from massager_ctl.transports.address import parse_address

    async def one(address: str) -> dict[str, Any]:
        try:
            await _open_and_stop(parse_address(address), "")
        except MassagerError:
            return {"ok": False}
        return {"ok": True}

    async def all_of_them() -> list[dict[str, Any]]:
        return await asyncio.gather(*map(one, found))

    cards = [Card(address) for address in found]
    try:
        answers = asyncio.run(all_of_them())
    except KeyboardInterrupt:
        return [(card, unconfirmed(UNWAITED)) for card in cards]
    return [
        (card, in_doubt(wanted, card, answer)) for card, answer in zip(cards, answers, strict=True)
    ]


async def _meant(wanted: str) -> tuple[Any, str]:
    """The address, the one last used if none is named, and the serial number that the device must have."""
    from massager_ctl import config as settings
    from massager_ctl.runtime.compose import as_last_opened, last_device
    from massager_ctl.transports.address import parse_address
    from massager_ctl.transports.address_identity import is_address

    if not wanted:
        return last_device(settings.data_path()), ""
    if is_address(wanted):  # good also if the settings are not
        return as_last_opened(parse_address(wanted), settings.data_path()), ""
    return await _known(wanted)


async def _known(name: str) -> tuple[Any, str]:
    """Where the device of that name is, and the serial number that it must have where that is its name."""
    from massager_ctl import config as settings
    from massager_ctl.errors import AddressError, DeviceNotFound, SeveralDevices
    from massager_ctl.runtime.compose import choose_device, serial_of

    config = settings.load()
    try:
        return await choose_device(name, config), serial_of(name, config)
    except SeveralDevices:
        raise
    except AddressError:
        raise DeviceNotFound(
            f"no device in use, none in the settings and none used before is called '{visible(name)}'",
            "`massager-ctl stop` alone stops every device in use; `--device` takes a whole address."
            " If a massager runs, unplug it.",
        ) from None


async def _open_and_stop(address: Any, serial: str) -> None:
    """`serial`: the number that the device must have, if it was named by that."""
    from massager_ctl.control.stop_path import StopPath
    from massager_ctl.drivers.factory import make_driver
    from massager_ctl.errors import MassagerError
    from massager_ctl.model.device import Cause, Telemetry
    from massager_ctl.runtime.compose import check_serial
    from massager_ctl.runtime.lock import DeviceLock
    from massager_ctl.transports.address_identity import identity

    class Deaf:
        """Nothing that the device says changes a stop."""

        def telemetry_received(self, telemetry: Telemetry) -> None:
            pass

        def driver_lost(self, error: MassagerError) -> None:
            pass

    driver = make_driver(address)
    path = StopPath(driver, deaf_s=driver.boot_s)
    lock = DeviceLock(identity(str(address)))
    with contextlib.suppress(MassagerError, OSError):
        lock.acquire()  # so that the guardian of a program that died lets go of the device (R25)
    try:
        await driver.open_link(Deaf())  # a device that answers nothing else still takes a stop
        await path.stop_now(Cause.PERSON)
        if serial:
            check_serial(serial, await driver.read_info(), address)
    finally:
        await path.settled()  # a stop that nothing confirmed is sent again for some seconds (R25)
        with contextlib.suppress(MassagerError):
            await driver.close()
        lock.release()

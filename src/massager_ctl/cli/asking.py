"""One request to whatever owns a device on this machine."""

from __future__ import annotations

import contextlib
from typing import Any, Final

import click

from massager_ctl.errors import DeviceNotFound, InputError, LinkTimeout, MassagerError
from massager_ctl.surfaces.control.client import Connection, NoAnswer, open_owners
from massager_ctl.surfaces.control.paths import device_name

NOBODY: Final = "no program on this machine owns a device"


def all_owners(name: str = "") -> list[Connection]:
    """A connection to each owner (of that name), closed when the command ends."""
    owners = open_owners(name)
    for owner in owners:
        click.get_current_context().call_on_close(owner.close)
    return owners


def the_owner(name: str = "") -> Connection:
    """The one owner (of that name). Raises DeviceNotFound, and InputError where there are several."""
    owners = all_owners(name)
    if not owners:
        raise DeviceNotFound(
            f"{NOBODY} called '{name}'" if name else NOBODY,
            "Start one in another terminal: `massager-ctl run`, `massager-ctl manual` or `massager-ctl serve`.",
        )
    if len(owners) > 1:
        names = ", ".join(device_name(owner.path) for owner in owners)
        raise InputError(f"more than one device is in use: {names}", "Name one with --device.")
    return owners[0]


def ask(owner: Connection, request: dict[str, Any], wait_s: float = 5.0) -> dict[str, Any]:
    """The owner's answer. Raises what it refused with, and LinkTimeout where none comes."""
    with contextlib.suppress(OSError):  # then no answer comes either
        owner.send(request)
    return answer_of(owner, wait_s)


def answer_of(owner: Connection, wait_s: float) -> dict[str, Any]:
    """The owner's answer to what was sent; raises as `ask` does."""
    try:
        answer = owner.receive(wait_s)
    except (NoAnswer, OSError) as error:
        raise LinkTimeout(
            f"{device_name(owner.path)}: {error}",
            "If the massager is running, unplug it; it stops by itself when it hears nothing.",
        ) from None
    if not answer.get("ok"):
        raise error_of(answer)
    return answer


def error_of(answer: dict[str, Any]) -> MassagerError:
    """The error in an answer, of its own class."""
    from massager_ctl.surfaces.control.remote import error_from

    return error_from(answer.get("error"))


def device_option(function: Any) -> Any:
    """`--device` of the commands that talk to an owner."""
    from massager_ctl.cli.complete import complete_device

    return click.option(
        "--device",
        "-d",
        default="",
        metavar="DEVICE",
        shell_complete=complete_device,
        help="Which device, where more than one is in use: its address or a part of its name.",
    )(function)

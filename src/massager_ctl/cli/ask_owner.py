"""Sends one request to the program that owns a device on this machine."""

from __future__ import annotations

from typing import Any, Final

import click

from massager_ctl.errors import (
    ConfigError,
    DeviceNotFound,
    InputError,
    LinkTimeout,
    MassagerError,
)
from massager_ctl.frontends.socket import client
from massager_ctl.frontends.socket.client import NoAnswer, Owner
from massager_ctl.frontends.socket.owners import Distrusted, unseen
from massager_ctl.model.request_document import request_document
from massager_ctl.model.requests import Ask
from massager_ctl.model.text import visible

NO_OWNER: Final = "no program on this machine owns a device"
_BEGIN: Final = "Start one in another terminal: `massager-ctl run`, `massager-ctl manual` or `massager-ctl serve`."


def all_owners(name: str = "") -> list[Owner]:
    """A connection to each owner (of the device with that whole name), closed when the command ends.

    Raises ConfigError if the runtime folder cannot be trusted.
    """
    return _kept(lambda: client.open_owners(name))


def owners_like(name: str) -> list[Owner]:
    """Each owner of a device with that name, else each that a short form may mean: for reading only."""
    return all_owners(name) or _kept(lambda: client.resembling(name))


def _kept(find: Any) -> list[Owner]:
    try:
        owners: list[Owner] = find()
    except Distrusted as error:
        raise distrusted(error) from None
    for owner in owners:
        click.get_current_context().call_on_close(owner.close)
    return owners


def distrusted(error: Distrusted) -> ConfigError:
    """The error for a runtime folder that cannot be trusted."""
    return ConfigError(
        f"the folder for control sockets cannot be trusted: {error}",
        "No program of yours can listen there. Remove it, or name a folder of your own with MASSAGER_CTL_RUNTIME."
        " If a massager is running, unplug it.",
    )


def the_owner(name: str = "") -> Owner:
    """The one owner (of the device with that whole name).

    Raises DeviceNotFound, and InputError if there are several or the name is a short form: a request that acts
    must have the whole name (R6).
    """
    owners = all_owners(name)
    match owners:
        case [only]:
            return only
        case []:
            raise no_owner(name)
        case _:
            names = ", ".join(str(owner.card) for owner in owners)
            raise InputError(
                f"more than one device is in use: {names}",
                f"Name one with --device, for example `--device {owners[0].card.identity}`.",
            )


def no_owner(name: str) -> MassagerError:
    """Why there is no owner of that name: there is none at all, or the name is a short form."""
    near = owners_like(name) if name else []
    if near:
        names = ", ".join(str(owner.card) for owner in near)
        return InputError(
            f"'{visible(name)}' is the whole name of no device in use; it may mean {names}",
            f"Name it whole: `--device {near[0].card.identity}`.",
        )
    return DeviceNotFound(
        f"{NO_OWNER} called '{visible(name)}'" if name else NO_OWNER,
        " ".join(filter(None, (_BEGIN, unseen()))),
    )


def ask(owner: Owner, request: Ask, wait_s: float = 5.0) -> dict[str, Any]:
    """The owner's answer. Raises what it refused with, and LinkTimeout if none comes."""
    try:
        owner.send(request_document(request))
    except NoAnswer as error:
        raise silent(owner, error) from None
    return answer_of(owner, wait_s)


def answer_of(owner: Owner, wait_s: float) -> dict[str, Any]:
    """The owner's answer to what was sent; raises as `ask` does."""
    try:
        answer = owner.receive(wait_s)
    except (NoAnswer, OSError) as error:
        raise silent(owner, error) from None
    if not answer.get("ok"):
        raise error_of(answer)
    return answer


def silent(owner: Owner, error: Exception) -> LinkTimeout:
    """No answer from an owner."""
    return LinkTimeout(
        f"{owner.card}: {error}",
        "If the massager is running, unplug it; it stops on its own when it receives nothing.",
    )


def error_of(answer: dict[str, Any]) -> MassagerError:
    """The error in an answer, of its own class."""
    from massager_ctl.frontends.socket.remote import error_from

    return error_from(answer.get("error"))


def device_option(function: Any) -> Any:
    """`--device` of the commands that talk to an owner."""
    from massager_ctl.cli.suggest import complete_device

    return click.option(
        "--device",
        "-d",
        default="",
        metavar="DEVICE",
        shell_complete=complete_device,
        help="Which device, if more than one is in use: its whole address, its name or its serial number.",
    )(function)

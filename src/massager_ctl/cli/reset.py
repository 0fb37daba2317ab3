"""`massager-ctl reset`: clears a latch, in two steps, only at this machine (R7)."""

from __future__ import annotations

import asyncio
import contextlib
import textwrap
import threading
from typing import Any, Final

import click

from massager_ctl.cli.ask_owner import all_owners, ask, device_option, no_owner, owners_like
from massager_ctl.errors import Refused
from massager_ctl.model.requests import Reset

WORD: Final = "reset"


@click.command(
    "reset",
    epilog="""\b
Examples:
  massager-ctl reset
  massager-ctl reset --device serial:/dev/ttyUSB0""",
)
@device_option
def reset(device: str) -> None:
    """Clear the latch that the device's button, a fault or an unconfirmed stop has set.

    Without --device it is the one in use, else the one last used. It shows the cause, and clears it only after you have
    typed the word. There is no way to skip that.
    """

    owners = all_owners(device)
    if len(owners) > 1:
        from massager_ctl.cli.ask_owner import the_owner

        the_owner(device)
    if owners:
        _over_socket(owners[0])
    elif device and owners_like(device):
        raise no_owner(device)
    else:
        asyncio.run(_directly(device))
    click.echo("Cleared. A new session starts from zero.")


def confirmed(cause: str, *, fault: bool) -> None:
    """The second step. Raises Refused unless the word was typed."""
    kind = "fault latch" if fault else "stop latch"
    text = f"The device holds a {kind}: {cause}."
    click.echo(textwrap.fill(text, 79, break_on_hyphens=False))
    click.echo("Look at it first: is the cause gone, the button released, nothing caught in it?")
    answer: str = click.prompt(f"Type {WORD} to clear it", default="", show_default=False)
    if answer.strip().lower() != WORD:
        raise Refused("nothing was cleared", f"Type the word {WORD} when the cause is gone.")


async def _confirmed(cause: str, *, fault: bool) -> None:
    """The second step while the link goes on.

    It asks in a thread that is not waited for: a read of the terminal cannot be cancelled, and Ctrl-C must leave.
    """
    loop = asyncio.get_running_loop()
    answered: asyncio.Future[None] = loop.create_future()

    def settle(error: Exception | None) -> None:
        if answered.done():
            return
        if error is None:
            answered.set_result(None)
        else:
            answered.set_exception(error)

    def put() -> None:
        failed: Exception | None = None
        try:
            confirmed(cause, fault=fault)
        except Exception as error:  # noqa: BLE001  raised again where it is waited for
            failed = error
        with contextlib.suppress(RuntimeError):  # the loop is gone
            loop.call_soon_threadsafe(settle, failed)

    threading.Thread(target=put, name="question", daemon=True).start()
    await answered


def _over_socket(owner: Any) -> None:
    offer = ask(owner, Reset())
    if not offer.get("latched"):
        raise Refused("nothing is latched", "There is nothing to clear.")
    status: Any = offer.get("status") or {}
    telemetry: Any = status.get("telemetry") or {}  # none from a device that is not there
    state = telemetry.get("state")
    confirmed(_words(str(offer.get("cause"))), fault=state == "fault")
    ask(owner, Reset(offer["confirm"]))


def _words(cause: str) -> str:
    from massager_ctl.errors import StopUnconfirmed
    from massager_ctl.model.device import Cause
    from massager_ctl.model.outcome import DEVICE_SAYS

    if cause == StopUnconfirmed.code:
        return "a stop was not confirmed; make sure that the device has stopped"
    try:
        return DEVICE_SAYS.get(Cause(cause), cause)
    except ValueError:
        return cause


async def _directly(device: str) -> None:
    """Open the device, which no program owns."""
    from massager_ctl import config as settings
    from massager_ctl.aio.clock import SystemClock
    from massager_ctl.control.controller import Controller
    from massager_ctl.drivers.factory import make_driver
    from massager_ctl.model.device import DeviceState
    from massager_ctl.runtime.compose import admission_for, check_serial, serial_of
    from massager_ctl.runtime.lock import DeviceLock
    from massager_ctl.safety.presence import Watcher
    from massager_ctl.transports.address_identity import identity

    config = settings.load()
    clock = SystemClock()
    address = await _which(device, config)
    admission = admission_for(address, config, clock, simulated=False, watcher=Watcher.PERSON)
    with DeviceLock(identity(str(address))):
        controller = Controller(make_driver(address), admission, clock=clock)
        try:
            check_serial(serial_of(device, config), await controller.connect(), address)
            telemetry = await _first_telemetry(controller)
            if not telemetry.state.latched:
                raise Refused("nothing is latched", "There is nothing to clear.")
            fault = telemetry.state is DeviceState.FAULT
            await _confirmed(_words(telemetry.cause), fault=fault)
            newest = controller.status.telemetry
            if newest is None or newest.latch != telemetry.latch:
                raise Refused("something else has latched meanwhile (R7)", "Begin again.")
            await controller.reset()
        finally:
            await controller.close()
            await admission.close()


async def _which(device: str, config: Any) -> Any:
    """The device that was named, else the one last used, else the one of the settings."""
    from massager_ctl.errors import DeviceNotFound
    from massager_ctl.runtime.compose import choose_device, last_device

    if not device:
        with contextlib.suppress(DeviceNotFound):
            return last_device(config.data)
    return await choose_device(device or None, config)


async def _first_telemetry(controller: Any) -> Any:
    async with asyncio.timeout(2.0):
        async for status in controller.watch():
            if status.telemetry is not None:
                return status.telemetry
    raise AssertionError("a watch without end has ended")

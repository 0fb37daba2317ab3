"""`massager-ctl pain`: stop first, ask afterwards (R22)."""

from __future__ import annotations

import asyncio
import contextlib
import textwrap
from typing import Any, Final

import click

from massager_ctl.cli.asking import all_owners, answer_of, ask, device_option
from massager_ctl.requests import PainKind

QUESTION: Final = """\
What was it?
  m  mild discomfort that is gone now
  w  a warning sign: sharp pain, numbness, tingling, dizziness, trouble with
     speech or sight
  n  not certain"""

_ANSWERS: Final = {
    "m": PainKind.MILD,
    "w": PainKind.WARNING_SIGN,
    "n": PainKind.UNCLASSIFIED,
}


def asked_kind() -> PainKind:
    """What the person says it was; no answer counts as not certain."""
    click.echo(QUESTION)
    try:
        answer: str = click.prompt("Your answer", default="n", show_default=False)
    except click.Abort:
        answer = "n"
    return _ANSWERS.get(answer.strip().lower()[:1], PainKind.UNCLASSIFIED)


def classify(order: Any, outcome: Any) -> None:
    """After a session that `!` ended in this terminal: ask, write down, and say what follows."""
    from massager_ctl import config as settings
    from massager_ctl.clock import SystemClock
    from massager_ctl.compose import admission_for
    from massager_ctl.requests import Origin
    from massager_ctl.safety.attention import Watcher
    from massager_ctl.transports.address import parse_address

    kind = asked_kind()

    async def work() -> str:
        config: settings.Config = order.config
        admission = admission_for(
            parse_address(outcome.device),
            config,
            SystemClock(),
            simulated=order.simulated,
            watcher=Watcher.PERSON,
        )
        try:
            return await admission.report_pain(kind, Origin.LOCAL)
        finally:
            await admission.close()

    click.echo(folded(asyncio.run(work())))
    if outcome.info is not None and outcome.info.simulated:
        click.echo("The device was a simulator, so none of this was written down.")


def folded(text: str) -> str:
    """The text in lines of 78 columns."""
    return textwrap.fill(text, 78)


@click.command(
    "pain",
    epilog="""\b
Examples:
  massager-ctl pain
  massager-ctl pain --kind warning_sign""",
)
@click.option(
    "--kind",
    type=click.Choice([kind.value for kind in PainKind]),
    help="What it was. Without it: the device stops first, then you are asked.",
)
@device_option
def pain(kind: str | None, device: str) -> int:
    """Something hurts: stop at once, and be careful from then on.

    After mild discomfort your cap is lower for a day. After a warning sign nothing starts until you have answered the
    screening questions again.
    """
    from massager_ctl.errors import ExitCode
    from massager_ctl.surfaces.control.client import STOP_WAIT_S

    owners = all_owners(device)
    first = PainKind(kind) if kind else PainKind.UNCLASSIFIED
    said = ""
    for owner in owners:  # all of them first, so that one that hangs keeps no other running (R6)
        with contextlib.suppress(OSError):
            owner.send({"request": "pain", "kind": first.value})
    for owner in owners:
        said = str(answer_of(owner, STOP_WAIT_S).get("said", ""))
        click.echo("Stopped, confirmed at zero.")
    if not owners:
        click.echo(_stopped_directly())
    second = first if kind else asked_kind()
    if not owners:
        said = _write_down(second)
    elif second is not first:
        for owner in owners:
            answer = ask(owner, {"request": "pain", "kind": second.value}, STOP_WAIT_S)
            said = str(answer.get("said", ""))
    click.echo(folded(said))
    return ExitCode.OK if owners else ExitCode.LINK


def _stopped_directly() -> str:
    """Stop the device last used, which no program owns; what came of it."""
    from massager_ctl.cli.stop import stop_directly

    _, answer = stop_directly("", None)
    if answer.get("ok"):
        return "Stopped, confirmed at zero."
    return "No device could be reached. If a massager runs, unplug it."


def _write_down(kind: PainKind) -> str:
    """Lower or lock although nothing ran: pain may come after a session."""
    from massager_ctl import config as settings
    from massager_ctl.clock import SystemClock
    from massager_ctl.safety.pain import classify as consequence
    from massager_ctl.store.moment import ClockMoments
    from massager_ctl.store.sqlite import open_store

    async def work() -> None:
        store = open_store(settings.data_path(), ClockMoments(SystemClock()))
        try:
            await store.report_pain(kind)
        finally:
            await store.close()

    asyncio.run(work())
    return consequence(kind).text

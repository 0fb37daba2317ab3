"""`massager-ctl pain`: stops first, then asks what it was (R22)."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import textwrap
from typing import Any

import click

from massager_ctl.cli.ask_owner import answer_of, ask, device_option, owners_like
from massager_ctl.errors import ExitCode, LinkTimeout, MassagerError
from massager_ctl.frontends.socket import stop
from massager_ctl.frontends.socket.client import NoAnswer, Owner
from massager_ctl.model.request_document import request_document
from massager_ctl.model.requests import Pain, PainKind
from massager_ctl.safety import pain as pain_words


def asked_kind() -> PainKind:
    """What the person says it was. A key that is none of the answers is asked about again; silence is "not certain"."""
    click.echo(folded(pain_words.QUESTION))
    keys = ", ".join(pain_words.ANSWERS)
    while True:
        try:
            answer: str = click.prompt(f"Your answer ({keys})", default="n", show_default=False)
        except click.Abort:
            return PainKind.UNCLASSIFIED
        word = answer.strip().lower().rstrip(".!")
        for key, kind in pain_words.ANSWERS.items():
            if word in (key, kind.value, kind.value.replace("_", " "), kind.value.split("_")[0]):
                return kind
        if word == "not certain":
            return PainKind.UNCLASSIFIED
        click.echo(f"'{answer}' is not one of the answers.")


def classify(options: Any, outcome: Any) -> None:
    """After a session that `!` ended in this terminal: ask, write down, and say what follows."""
    from massager_ctl import config as settings
    from massager_ctl.aio.clock import SystemClock
    from massager_ctl.model.requests import Origin
    from massager_ctl.runtime.compose import admission_for
    from massager_ctl.safety.presence import Watcher
    from massager_ctl.transports.address import parse_address

    kind = asked_kind()

    async def work() -> str:
        config: settings.Config = options.config
        admission = admission_for(
            parse_address(outcome.device),
            config,
            SystemClock(),
            simulated=options.simulated,
            watcher=Watcher.PERSON,
        )
        try:
            return await admission.report_pain(kind, Origin.LOCAL)
        finally:
            await admission.close()

    said = asyncio.run(work())
    if outcome.info is not None and outcome.info.simulated:
        click.echo("The device was a simulator, so nothing was recorded. After a real session:")
    click.echo(folded(said))


def folded(text: str) -> str:
    """The text in lines of 78 columns, paragraph by paragraph."""
    return "\n".join(
        textwrap.fill(line, 78, subsequent_indent="     ", break_on_hyphens=False)
        if line.startswith("  ")
        else textwrap.fill(line, 78, break_on_hyphens=False)
        for line in text.splitlines()
    )


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
    """Something hurts: stop at once, and be careful from then on. Without a session it is recorded too.

    After mild discomfort your cap is lower for a day. After a warning sign nothing starts until you have answered the
    screening questions again.
    """
    from massager_ctl.cli.stop import in_doubt

    owners = owners_like(device)  # a stop more than was meant does no harm (R6)
    first = PainKind(kind) if kind else PainKind.UNCLASSIFIED
    said = ""
    for owner in owners:  # all of them first, so that one that hangs keeps no other running (R6)
        with contextlib.suppress(NoAnswer):
            owner.send(request_document(Pain(first)))
    code = ExitCode.OK
    answered: list[Owner] = []
    failed: MassagerError | None = None
    unheard = False
    """Whether an owner that keeps this person's record may not have heard of it."""
    for owner in owners:
        try:
            answer = answer_of(owner, stop.STOP_WAIT_S)
        except MassagerError as error:
            failed = failed or error
            if not isinstance(error, LinkTimeout):
                answered.append(owner)  # it has the report, though it could not stop the device
            elif not owner.card.address.startswith("sim:"):
                unheard = True
            continue
        answered.append(owner)
        said = str(answer.get("said", ""))
        if not device or owner.card.is_called(device):
            click.echo(f"{owner.card}: stopped, confirmed at zero.")
        else:
            sys.stderr.write(stop.describe(str(owner.card), in_doubt(device, owner.card, answer)))
            code = ExitCode.UNCONFIRMED
    if not owners:
        click.echo(_stopped_directly(device))
    second = first if kind else asked_kind()
    if not owners or unheard:
        said = f"Your report is recorded. {_write_down(second)}"
    if second is not first:
        told, untold = _tell(answered, second)
        said, failed = told or said, failed or untold
    click.echo(folded(said))
    if failed is not None:
        raise failed
    return code


def _tell(owners: list[Owner], kind: PainKind) -> tuple[str, MassagerError | None]:
    """Tell each owner what it was; what the last one said, and the first error."""
    said, failed = "", None
    for owner in owners:
        try:
            said = str(ask(owner, Pain(kind), stop.STOP_WAIT_S).get("said", ""))
        except MassagerError as error:
            failed = failed or error
    return said, failed


def _stopped_directly(device: str) -> str:
    """Stop the device that no program owns, the one last used if none is named; what came of it."""
    from massager_ctl.cli.stop import stop_directly

    answers = stop_directly(device)
    if len(answers) > 1:
        return "\n".join(str(answer["error"]["message"]) for _, answer in answers)
    ((card, answer),) = answers
    if answer.get("ok"):
        return f"{card}: stopped, confirmed at zero."
    where = f"{card} cannot be reached" if str(card) else "No massager is known here"
    return f"Nothing runs from this computer. {where}: if a massager runs all the same, unplug it."


def _write_down(kind: PainKind) -> str:
    """Lower or lock although nothing ran: pain may come after a session."""
    from massager_ctl import config as settings
    from massager_ctl.aio.clock import SystemClock
    from massager_ctl.ledger.clock_reading import ClockReader
    from massager_ctl.ledger.sqlite import open_store
    from massager_ctl.safety.pain import classify as consequence

    async def work() -> None:
        store = open_store(settings.data_path(), ClockReader(SystemClock()))
        try:
            await store.report_pain(kind)
        finally:
            await store.close()

    asyncio.run(work())
    return consequence(kind).text

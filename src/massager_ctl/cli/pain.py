"""`massager-ctl pain`: stops first, then asks what it was (R22)."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import textwrap
from typing import Any

import click

from massager_ctl.cli.ask_owner import answer_of, ask, device_option, owners_like
from massager_ctl.errors import ExitCode, LinkTimeout, MassagerError, StopUnconfirmed
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
    owners = owners_like(device)  # a stop more than was meant does no harm (R6)
    first = PainKind(kind) if kind else PainKind.UNCLASSIFIED
    heard = _Heard(device)
    for owner in owners:  # all of them first, so that one that hangs keeps no other running (R6)
        with contextlib.suppress(NoAnswer):
            owner.send(request_document(Pain(first)))
    for owner in owners:
        heard.take(owner)
    if not owners:
        text, heard.code = _stopped_directly(device)
        click.echo(text)
    said, failed = heard.said, heard.failed
    second = first if kind or heard.leaving else asked_kind()
    if not owners or heard.lost:
        said = f"Your report is recorded. {_write_down(second)}"
    if second is not first:
        told, untold = _tell(heard.answered, second)
        said, failed = told or said, failed or untold
    click.echo(folded(said))
    if failed is not None:
        raise failed
    return heard.code


class _Heard:
    """What the owners answer to a report of pain."""

    def __init__(self, device: str) -> None:
        self._device = device
        self.said = ""
        self.code = ExitCode.OK
        self.answered: list[Owner] = []
        self.failed: MassagerError | None = None
        self.lost = False
        """Whether an owner that keeps this person's record may not have heard of it."""
        self.leaving = False
        """Whether the person waits for no answer: neither the report nor what is unconfirmed is lost with that."""

    def take(self, owner: Owner) -> None:
        """Wait for the answer of one."""
        try:
            answer = answer_of(owner, 0.1 if self.leaving else stop.STOP_WAIT_S)
        except LinkTimeout as error:
            self._silent(owner, StopUnconfirmed(error.message, error.remedy))
        except KeyboardInterrupt:
            self.leaving = True
            why = stop.unconfirmed(stop.UNWAITED)["error"]
            self._silent(owner, StopUnconfirmed(f"{owner.card}: {why['message']}", why["remedy"]))
        except MassagerError as error:
            self.failed = self.failed or error
            self.answered.append(owner)  # it has the report, though it could not stop the device
        else:
            self._answered(owner, answer)

    def _silent(self, owner: Owner, error: StopUnconfirmed) -> None:
        self.failed = self.failed or error
        self.lost = self.lost or not owner.card.address.startswith("sim:")

    def _answered(self, owner: Owner, answer: dict[str, Any]) -> None:
        from massager_ctl.cli.stop import in_doubt

        self.answered.append(owner)
        self.said = str(answer.get("said", ""))
        if not self._device or owner.card.is_called(self._device):
            click.echo(f"{owner.card}: stopped, confirmed at zero.")
        else:
            doubt = in_doubt(self._device, owner.card, answer)
            sys.stderr.write(stop.describe(str(owner.card), doubt))
            self.code = ExitCode.UNCONFIRMED


def _tell(owners: list[Owner], kind: PainKind) -> tuple[str, MassagerError | None]:
    """Tell each owner what it was; what the last one said, and the first error."""
    said, failed = "", None
    for owner in owners:
        try:
            said = str(ask(owner, Pain(kind), stop.STOP_WAIT_S).get("said", ""))
        except MassagerError as error:
            failed = failed or error
    return said, failed


def _stopped_directly(device: str) -> tuple[str, ExitCode]:
    """Stop the device that no program owns, the one last used if none is named; what came of it, and the exit code."""
    from massager_ctl.cli.stop import code_of, stop_directly

    answers = stop_directly(device)
    if len(answers) > 1:
        return "\n".join(
            str(answer["error"]["message"]) for _, answer in answers
        ), ExitCode.UNCONFIRMED
    ((card, answer),) = answers
    if answer.get("ok"):
        return f"{card}: stopped, confirmed at zero.", ExitCode.OK
    if code_of(answer) is ExitCode.UNCONFIRMED:
        return stop.describe(str(card), answer).strip(), ExitCode.UNCONFIRMED
    where = f"{card} cannot be reached" if str(card) else "No massager is known here"
    text = f"Nothing runs from this computer. {where}: if a massager runs all the same, unplug it."
    return text, ExitCode.OK


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

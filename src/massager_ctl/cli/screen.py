"""`massager-ctl screen`: the questions that come before any session (R21), and the way out of a medical lock (R22)."""

from __future__ import annotations

import asyncio
import json
import sys
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

import click

from massager_ctl.errors import ExitCode, InputError
from massager_ctl.requests import PainKind
from massager_ctl.safety.screening import (
    BY_ID,
    QUESTIONS,
    SEEN,
    SYMPTOMS,
    Answer,
    Answered,
    Blocked,
    Clear,
    Question,
    Weight,
    evaluate,
)

if TYPE_CHECKING:
    from massager_ctl.safety.dose_time import Moment
    from massager_ctl.store.base import Lock, Store

INTRODUCTION: Final = """\
A few questions before anything touches your neck. Answer yes, no, or not
certain; not certain counts as yes, to be on the safe side. This is no medical
advice, and this program cannot judge your health: if in doubt, ask a doctor.
Your answers stay on this computer.
"""

DOCTOR_AGREED: Final = "  Does a doctor know about this, and agree to massage?"

PAIN: Final = "pain"
"""Key of an answers file: what an unclassified report was, as in `massager-ctl pain --kind`."""
AGREED: Final = "doctor_agreed"
"""Key of an answers file: the ids of the questions that a doctor has agreed to."""


@click.command(
    "screen",
    epilog="""\b
Examples:
  massager-ctl screen                   ask what is missing or out of date
  massager-ctl screen --all             ask everything again
  massager-ctl screen --questions       the questions and their ids, as JSON
  massager-ctl screen --answers a.toml  take the answers from a file

Exit codes: 0 nothing stands against a session, 3 something does.""",
)
@click.option("--all", "everything", is_flag=True, help="Ask every question again.")
@click.option(
    "--answers",
    type=click.Path(dir_okay=False, path_type=Path),
    help="TOML or JSON: question ids with yes, no or not certain. For tests.",
)
@click.option("--questions", is_flag=True, help="Print the questions as JSON and ask nothing.")
def screen(everything: bool, answers: Path | None, questions: bool) -> int:
    """Answer the screening questions.

    Answers are good for 30 days, the one about today for 12 hours. A yes, or a not certain, blocks sessions until a
    doctor has agreed; an infection or a fresh injury blocks as long as it lasts.
    """
    if questions:
        click.echo(json.dumps([_document(question) for question in BY_ID.values()], indent=2))
        return ExitCode.OK
    from massager_ctl import config as settings

    given = None if answers is None else read_answers(answers)
    return asyncio.run(_screen(settings.data_path(), given, everything=everything))


def _document(question: Question) -> dict[str, str]:
    return {"id": question.id, "question": question.words, "weight": question.weight.value}


class Asked:
    """Puts the questions to the person at this terminal."""

    def answer(self, question: Question) -> tuple[Answer, bool]:
        """The answer, and whether a doctor has agreed. Raises click.Abort at the end of input."""
        answer = self._ask(question.words)
        agreed = False
        if answer is not Answer.NO and question.weight is Weight.DOCTOR:
            agreed = self._ask(DOCTOR_AGREED) is Answer.YES
        return answer, agreed

    def seen(self) -> bool:
        return self._ask(SEEN.words) is Answer.YES

    def pain(self) -> PainKind:
        from massager_ctl.cli.pain import asked_kind

        click.echo("Pain was reported while nobody said what it was.")
        return asked_kind()

    def _ask(self, words: str) -> Answer:
        while True:
            text: str = click.prompt(f"{words} [yes/no/not certain]", prompt_suffix=" ")
            try:
                return Answer.parse(text)
            except InputError as error:
                click.echo(error.remedy)


class Written:
    """Takes the answers from a file."""

    def __init__(
        self, answers: Mapping[str, Answer], agreed: frozenset[str], pain: PainKind
    ) -> None:
        self._answers = answers
        self._agreed = agreed
        self._pain = pain

    def answers(self, question: Question) -> bool:
        return question.id in self._answers

    def answer(self, question: Question) -> tuple[Answer, bool]:
        return self._answers[question.id], question.id in self._agreed

    def seen(self) -> bool:
        return self._answers.get(SEEN.id) is Answer.YES

    def pain(self) -> PainKind:
        return self._pain


def read_answers(path: Path) -> Written:
    """The answers in a TOML or JSON file. Raises InputError."""
    try:
        text = path.read_text(encoding="utf-8")
        found: object = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})", "Check the path.") from None
    except ValueError as error:
        raise InputError(f"{path}: cannot be read ({error})", _FORM) from None
    if not isinstance(found, dict):
        raise InputError(f"{path}: no table of answers", _FORM)
    table = cast("dict[str, object]", found)
    agreed = _ids(path, table.pop(AGREED, []))
    pain = _pain(path, table.pop(PAIN, PainKind.UNCLASSIFIED))
    for name in (*table, *agreed):
        if name not in BY_ID and name != SEEN.id:
            raise InputError(f"{path}: there is no question '{name}'", _FORM)
    answers: dict[str, Answer] = {}
    for name, value in table.items():
        try:
            answers[name] = Answer.parse(value)
        except InputError as error:
            raise InputError(f"{path}: {name}: {error.message}", error.remedy) from None
    return Written(answers, agreed, pain)


_FORM: Final = (
    'One line a question: its id, then "yes", "no" or "not certain"; `massager-ctl screen --questions` lists the'
    " ids. `doctor_agreed` is a list of ids."
)


def _ids(path: Path, value: object) -> frozenset[str]:
    if not isinstance(value, list) or not all(
        isinstance(one, str) for one in cast("list[object]", value)
    ):
        raise InputError(f"{path}: {AGREED} is no list of question ids", _FORM)
    return frozenset(cast("list[str]", value))


def _pain(path: Path, value: object) -> PainKind:
    try:
        return PainKind(str(value))
    except ValueError:
        raise InputError(
            f"{path}: {PAIN} is '{value}'", f"It is one of {', '.join(PainKind)}."
        ) from None


async def _screen(folder: Path, given: Written | None, *, everything: bool) -> int:
    from massager_ctl.clock import SystemClock
    from massager_ctl.store.moment import ClockMoments
    from massager_ctl.store.sqlite import open_store

    moments = ClockMoments(SystemClock())
    store = open_store(folder, moments)
    try:
        lock = await store.lock()
        if lock is not None and lock.kind is PainKind.UNCLASSIFIED:
            lock = await _classify(store, given or Asked())
        known = await store.answers()
        if given is None:
            click.echo(INTRODUCTION)
            wanted = _to_ask(known, moments.now(), everything=everything or lock is not None)
            answered = _put(Asked(), wanted, moments.now())
        else:
            answered = _put(given, filter(given.answers, BY_ID.values()), moments.now())
        await store.answer(answered)
        verdict = evaluate(await store.answers(), moments.now())
        if lock is None or isinstance(verdict, Blocked):
            return _tell(verdict, lock)
        if {one.question for one in answered} != BY_ID.keys():
            click.echo("Still locked: every question has to be answered again first.", err=True)
            return ExitCode.REFUSED
        return await _unlock(store, given or Asked())
    finally:
        await store.close()


async def _classify(store: Store, source: Asked | Written) -> Lock | None:
    """Ask what an unclassified report was. Returns the lock that stays, if any."""
    kind = source.pain()
    if kind is not PainKind.UNCLASSIFIED:
        await store.unlock()
        await store.report_pain(kind)
        click.echo(_consequence(kind))
    return await store.lock()


def _consequence(kind: PainKind) -> str:
    from massager_ctl.safety.pain import classify

    return classify(kind).text


async def _unlock(store: Store, source: Asked | Written) -> int:
    if not source.seen():
        click.echo(f"Still locked: {SEEN.reason}. Please seek medical care.", err=True)
        return ExitCode.REFUSED
    await store.unlock()
    click.echo("Unlocked. Begin gently, and stop if anything feels wrong.")
    return ExitCode.OK


def _to_ask(known: Mapping[str, Answered], now: Moment, *, everything: bool) -> Iterable[Question]:
    """What is missing, out of date or in the way; today's symptoms always."""
    verdict = evaluate(known, now)
    reasons = verdict.reasons if isinstance(verdict, Blocked) else ()
    in_the_way = {reason.question for reason in reasons}
    for question in QUESTIONS:
        if everything or question.id in in_the_way:
            yield question
    yield SYMPTOMS


def _put(source: Asked | Written, wanted: Iterable[Question], now: Moment) -> list[Answered]:
    answered: list[Answered] = []
    for question in wanted:
        answer, agreed = source.answer(question)
        answered.append(Answered(question.id, answer, now, agreed))
    return answered


def _tell(verdict: Clear | Blocked, lock: Lock | None) -> int:
    if isinstance(verdict, Clear):
        click.echo("Thank you. Nothing stands against a session.")
        click.echo("Good for 30 days; the question about today for 12 hours.")
        return ExitCode.OK
    if lock is not None:
        click.echo("Sessions stay locked after the report of a warning sign.", err=True)
    click.echo("No session for now:", err=True)
    for text in dict.fromkeys(_line(reason.question, reason.text) for reason in verdict.reasons):
        click.echo(f"  {text}", err=True)
    return ExitCode.REFUSED


def _line(question: str, text: str) -> str:
    return f"{question.replace('_', ' ')}: {text}"


def ask_about_today(folder: Path) -> None:
    """Put the one question about today's symptoms, where it is all that is missing and somebody is at the terminal.

    For commands that are about to start a session; whatever else is missing is left to their refusal. Raises
    StoreError.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return
    from massager_ctl.clock import SystemClock
    from massager_ctl.store.moment import ClockMoments
    from massager_ctl.store.sqlite import open_store

    async def work() -> None:
        moments = ClockMoments(SystemClock())
        store = open_store(folder, moments)
        try:
            if await store.lock() is not None:
                return
            verdict = evaluate(await store.answers(), moments.now())
            if isinstance(verdict, Blocked) and verdict.only_symptoms_missing:
                await store.answer(_put(Asked(), (SYMPTOMS,), moments.now()))
        finally:
            await store.close()

    asyncio.run(work())

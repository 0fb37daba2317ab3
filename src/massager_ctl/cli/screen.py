"""`massager-ctl screen`: the questions that come before any session (R21), and the way out of a medical lock (R22)."""

from __future__ import annotations

import asyncio
import functools
import json
import sys
import textwrap
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar, cast

import click

from massager_ctl.errors import ExitCode, InputError
from massager_ctl.model.requests import PainKind
from massager_ctl.model.toml_reading import NotToml, read_toml
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
    from massager_ctl.ledger.base import Lock, Store
    from massager_ctl.safety.dose_time import ClockReading

INTRODUCTION: Final = """\
A few questions before anything touches your neck. Answer yes, no, or not
certain; not certain counts as yes, to be on the safe side. This is not medical
advice, and this program cannot judge your health: if in doubt, ask a doctor.
Your answers stay on this computer.
"""

DOCTOR_AGREED: Final = "Does a doctor know about this, and agree to massage?"

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
    return _screen(settings.data_path(), given, everything=everything)


def _document(question: Question) -> dict[str, str]:
    return {"id": question.id, "question": question.words, "weight": question.weight.value}


BACK: Final = frozenset({"b", "back"})


class Asked:
    """Puts the questions to the person at this terminal, one by one; `back` returns to the one before."""

    def answers(self, questions: Sequence[Question]) -> list[tuple[Question, Answer, bool]]:
        """An answer for each question, and whether a doctor has agreed. Raises click.Abort at the end of input."""
        given: list[tuple[Question, Answer, bool]] = []
        while len(given) < len(questions):
            question = questions[len(given)]
            answer = self._ask(
                f"{len(given) + 1} of {len(questions)}. {question.words}",
                may_go_back=bool(given),
            )
            agreed: Answer | None = Answer.NO
            if answer is not None and answer is not Answer.NO and question.weight is Weight.DOCTOR:
                agreed = self._ask(DOCTOR_AGREED, may_go_back=True)
            if answer is None:
                given.pop()
            elif agreed is not None:  # else the same question again
                given.append((question, answer, agreed is Answer.YES))
        return given

    def seen(self) -> bool:
        return self._ask(SEEN.words, may_go_back=False) is Answer.YES

    def pain(self) -> PainKind:
        from massager_ctl.cli.pain import asked_kind

        click.echo("Pain was reported, and it was not said what it was.")
        return asked_kind()

    def _ask(self, words: str, *, may_go_back: bool) -> Answer | None:
        """The answer; None to go back."""
        choices = "yes, no, not certain" + (" or back" if may_go_back else "")
        click.echo()
        click.echo(textwrap.fill(words, 78, break_on_hyphens=False))
        while True:
            text: str = click.prompt(f"[{choices}]", prompt_suffix=" ")
            if may_go_back and text.strip().lower() in BACK:
                return None
            try:
                return Answer.parse(text)
            except InputError:
                click.echo(f"Answer {choices}.")


class Written:
    """Takes the answers from a file."""

    def __init__(
        self, answers: Mapping[str, Answer], agreed: frozenset[str], pain: PainKind
    ) -> None:
        self._answers = answers
        self._agreed = agreed
        self._pain = pain

    def answers(self, questions: Sequence[Question]) -> list[tuple[Question, Answer, bool]]:
        """What the file says to these questions; one that it leaves out stays as it was."""
        return [
            (question, self._answers[question.id], question.id in self._agreed)
            for question in questions
            if question.id in self._answers
        ]

    def seen(self) -> bool:
        return self._answers.get(SEEN.id) is Answer.YES

    def pain(self) -> PainKind:
        return self._pain


def read_answers(path: Path) -> Written:
    """The answers in a TOML or JSON file. Raises InputError."""
    try:
        text = path.read_text(encoding="utf-8")
        found = _json(text) if path.suffix == ".json" else read_toml(text)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})", "Check the path.") from None
    except (ValueError, RecursionError, NotToml) as error:
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


def _json(text: str) -> object:
    """The value in `text`; an answer that is there twice is none. Raises ValueError, RecursionError."""

    def once(pairs: list[tuple[str, object]]) -> dict[str, object]:
        table = dict(pairs)
        if len(table) < len(pairs):
            raise ValueError("a name is there twice")
        return table

    return json.loads(text, object_pairs_hook=once)


_FORM: Final = (
    'One line a question: its id, then "yes", "no" or "not certain"; `massager-ctl screen --questions` lists the'
    " ids. `doctor_agreed` is a list of ids."
)


def _ids(path: Path, value: object) -> frozenset[str]:
    if not isinstance(value, list) or not all(
        isinstance(one, str) for one in cast("list[object]", value)
    ):
        raise InputError(f"{path}: {AGREED} is not a list of question ids", _FORM)
    return frozenset(cast("list[str]", value))


def _pain(path: Path, value: object) -> PainKind:
    try:
        return PainKind(str(value))
    except ValueError:
        raise InputError(
            f"{path}: {PAIN} is '{value}'", f"It is one of {', '.join(PainKind)}."
        ) from None


def _screen(folder: Path, given: Written | None, *, everything: bool) -> int:
    # A prompt never stands inside the event loop: Ctrl-C must end it at once.
    source = given or Asked()
    lock = _with_store(folder, _lock)
    if lock is not None and lock.kind is PainKind.UNCLASSIFIED:
        kind = source.pain()
        if kind is not PainKind.UNCLASSIFIED:
            lock = _with_store(folder, functools.partial(_classify, kind))
            click.echo(textwrap.fill(_consequence(kind), 78))
    if given is None:
        click.echo(INTRODUCTION, nl=False)
        known, now = _with_store(folder, _known)
        wanted = _to_ask(known, now, everything=everything or lock is not None)
    else:
        wanted = tuple(BY_ID.values())
    answered = source.answers(wanted)
    verdict = _with_store(folder, functools.partial(_keep, answered))
    if lock is None or isinstance(verdict, Blocked):
        return _tell(verdict, lock)
    if {question.id for question, _, _ in answered} != BY_ID.keys():
        click.echo("Still locked: every question has to be answered again first.", err=True)
        return ExitCode.REFUSED
    if not source.seen():
        click.echo(f"Still locked: {SEEN.reason}. Please seek medical care.", err=True)
        return ExitCode.REFUSED
    _with_store(folder, _unlock)
    click.echo("Unlocked. Begin gently, and stop if anything feels wrong.")
    return ExitCode.OK


_Result = TypeVar("_Result")


def _with_store(folder: Path, work: Callable[[Store, ClockReading], Awaitable[_Result]]) -> _Result:
    """Do a piece of work on the store, and close it again."""
    from massager_ctl.aio.clock import SystemClock
    from massager_ctl.ledger.clock_reading import ClockReader
    from massager_ctl.ledger.sqlite import open_store

    async def run() -> _Result:
        moments = ClockReader(SystemClock())
        store = open_store(folder, moments)
        try:
            return await work(store, moments.now())
        finally:
            await store.close()

    return asyncio.run(run())


async def _lock(store: Store, _: ClockReading) -> Lock | None:
    return await store.lock()


async def _known(store: Store, now: ClockReading) -> tuple[Mapping[str, Answered], ClockReading]:
    return await store.answers(), now


async def _classify(kind: PainKind, store: Store, _: ClockReading) -> Lock | None:
    await store.unlock()
    await store.report_pain(kind)
    return await store.lock()


async def _keep(
    answered: Sequence[tuple[Question, Answer, bool]], store: Store, now: ClockReading
) -> Clear | Blocked:
    await store.answer(
        [Answered(question.id, answer, now, agreed) for question, answer, agreed in answered]
    )
    return evaluate(await store.answers(), now)


async def _unlock(store: Store, _: ClockReading) -> None:
    await store.unlock()


def _consequence(kind: PainKind) -> str:
    from massager_ctl.safety.pain import classify

    return classify(kind).text


def _to_ask(
    known: Mapping[str, Answered], now: ClockReading, *, everything: bool
) -> tuple[Question, ...]:
    """What is missing, out of date or in the way; today's symptoms always."""
    verdict = evaluate(known, now)
    reasons = verdict.reasons if isinstance(verdict, Blocked) else ()
    in_the_way = {reason.question for reason in reasons}
    asked = tuple(question for question in QUESTIONS if everything or question.id in in_the_way)
    return (*asked, SYMPTOMS)


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
    click.echo("A slip of the key? `massager-ctl screen` asks these questions again.", err=True)
    return ExitCode.REFUSED


def _line(question: str, text: str) -> str:
    return f"{question.replace('_', ' ')}: {text}"


def ask_about_today(folder: Path) -> None:
    """Ask the question about today's symptoms, if only that is missing and a person is at the terminal.

    For commands that are about to start a session; whatever else is missing is left to their refusal. Raises
    StoreError.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return
    if _with_store(folder, _lock) is not None:
        return
    known, now = _with_store(folder, _known)
    verdict = evaluate(known, now)
    if isinstance(verdict, Blocked) and verdict.only_symptoms_missing:
        answered = Asked().answers((SYMPTOMS,))
        _with_store(folder, functools.partial(_keep, answered))

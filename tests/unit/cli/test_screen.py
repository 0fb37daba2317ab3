"""R21, R22 at the command line: what is asked, what it says, and what it leaves behind."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from massager_ctl.aio.clock import SystemClock
from massager_ctl.cli import screen as screen_module
from massager_ctl.cli.screen import screen
from massager_ctl.config import ENV_DATA
from massager_ctl.errors import InputError
from massager_ctl.ledger.base import Lock, Store
from massager_ctl.ledger.clock_reading import ClockReader
from massager_ctl.ledger.sqlite import open_store
from massager_ctl.model.requests import Origin, PainKind
from massager_ctl.safety.screening import BY_ID, QUESTIONS, Answer, Answered

ALL_NO = "no\n" * len(BY_ID)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(ENV_DATA, str(tmp_path / "data"))
    return tmp_path / "data"


def run(*arguments: str, typed: str | None = None) -> Result:
    return CliRunner().invoke(screen, arguments, input=typed, standalone_mode=False)


def with_store(folder: Path, job: Callable[[Store], object]) -> object:
    async def work() -> object:
        store = open_store(folder, ClockReader(SystemClock()))
        try:
            return await job(store)  # type: ignore[misc]
        finally:
            await store.close()

    return asyncio.run(work())


def answers(folder: Path) -> Mapping[str, Answered]:
    return with_store(folder, lambda store: store.answers())  # type: ignore[return-value]


def lock(folder: Path) -> Lock | None:
    return with_store(folder, lambda store: store.lock())  # type: ignore[return-value]


def report(folder: Path, kind: PainKind, origin: Origin = Origin.LOCAL) -> None:
    with_store(folder, lambda store: store.report_pain(kind, origin))


def test_every_question_is_asked_and_kept(folder: Path) -> None:
    result = run(typed=ALL_NO)
    assert result.return_value == 0
    assert "This is not medical\nadvice" in result.output
    shown = " ".join(result.output.split())
    for number, question in enumerate(BY_ID.values(), start=1):
        assert f"{number} of {len(BY_ID)}. {question.words}" in shown
    assert max(len(line) for line in result.output.splitlines()) <= 80
    assert "Nothing stands against a session" in result.output
    assert {answer.answer for answer in answers(folder).values()} == {Answer.NO}
    assert answers(folder).keys() == BY_ID.keys()


def test_a_second_time_only_today_is_asked(folder: Path) -> None:
    run(typed=ALL_NO)
    result = run(typed="no\n")
    assert result.return_value == 0
    assert QUESTIONS[0].words not in result.output
    assert run("--all", typed=ALL_NO).return_value == 0


def test_a_doctor_is_asked_about_and_can_agree(folder: Path) -> None:
    typed = "not certain\nyes\n" + "no\n" * (len(BY_ID) - 1)
    assert run(typed=typed).return_value == 0
    assert answers(folder)["stroke"].doctor_agreed
    refused = "yes\nnot certain\n" + "no\n" * (len(BY_ID) - 1)
    result = run("--all", typed=refused)
    assert result.return_value == 3
    assert "stroke: a doctor should agree to massage first" in result.output


def test_symptoms_block_and_name_medical_care(folder: Path) -> None:
    run(typed=ALL_NO)
    result = run(typed="yes\n")
    assert result.return_value == 3
    assert "please seek medical care" in result.output


def test_what_is_no_answer_is_asked_again(folder: Path) -> None:
    result = run(typed="perhaps\n" + ALL_NO)
    assert result.return_value == 0
    assert "Answer yes, no, not certain." in result.output


def test_a_full_stop_is_no_reason_to_ask_again(folder: Path) -> None:
    assert run(typed="No.\n" * len(BY_ID)).return_value == 0


def test_there_is_a_way_back_to_the_question_before(folder: Path) -> None:
    assert run(typed="yes\nback\n" + ALL_NO).return_value == 0
    assert answers(folder)["stroke"].answer is Answer.NO
    assert run("--all", typed="yes\nyes\nback\n" + ALL_NO).return_value == 0
    assert not answers(folder)["stroke"].doctor_agreed


def test_what_stands_against_a_session_says_how_to_correct_a_slip(folder: Path) -> None:
    result = run(typed="no\n" * (len(BY_ID) - 1) + "yes\n")
    assert result.return_value == 3
    assert "A slip of the key? `massager-ctl screen`" in result.output


def test_half_of_the_answers_are_not_kept(folder: Path) -> None:
    assert run(typed="no\nno\n").exception is not None
    assert answers(folder) == {}


def test_a_warning_sign_unlocks_only_when_all_is_asked_and_a_doctor_has_agreed(
    folder: Path,
) -> None:
    run(typed=ALL_NO)
    report(folder, PainKind.WARNING_SIGN)
    still = run(typed=ALL_NO + "no\n")
    assert still.return_value == 3
    assert "Still locked" in still.output
    assert "Please seek medical care" in still.output
    assert lock(folder) is not None
    blocked = run(typed="no\n" * (len(BY_ID) - 1) + "yes\n")
    assert blocked.return_value == 3
    assert "Sessions stay locked" in blocked.output
    unlocked = run(typed=ALL_NO + "yes\n")
    assert unlocked.return_value == 0
    assert lock(folder) is None


@pytest.mark.parametrize(
    ("typed", "code", "stays"),
    [
        ("m\n" + ALL_NO, 0, False),
        ("w\n" + ALL_NO + "no\n", 3, True),
        ("n\n" + ALL_NO + "no\n", 3, True),
    ],
)
def test_r18_an_unclassified_report_is_asked_about_here(
    folder: Path, typed: str, code: int, stays: bool
) -> None:
    report(folder, PainKind.UNCLASSIFIED, Origin.REMOTE)
    result = run(typed=typed)
    assert result.return_value == code
    assert "Pain was reported, and it was not said what it was" in result.output
    assert (lock(folder) is not None) is stays


def test_the_questions_as_json_are_a_form_to_fill(folder: Path, tmp_path: Path) -> None:
    listed = json.loads(run("--questions").output)
    assert [one["id"] for one in listed] == list(BY_ID)
    form = tmp_path / "answers.json"
    form.write_text(json.dumps({one["id"]: "no" for one in listed}))
    assert run("--answers", str(form)).return_value == 0
    assert answers(folder).keys() == BY_ID.keys()


def test_answers_from_a_file(folder: Path, tmp_path: Path) -> None:
    lines = [f'{name} = "no"' for name in BY_ID if name not in {"implant", "symptoms"}]
    form = tmp_path / "answers.toml"
    form.write_text(
        "\n".join([*lines, 'implant = "yes"', 'symptoms = "n"', 'doctor_agreed = ["implant"]'])
    )
    assert run("--answers", str(form)).return_value == 0
    assert answers(folder)["implant"].doctor_agreed
    form.write_text('symptoms = "not certain"')
    assert run("--answers", str(form)).return_value == 3


def test_a_file_unlocks_only_with_every_answer_and_a_doctor(folder: Path, tmp_path: Path) -> None:
    run(typed=ALL_NO)
    report(folder, PainKind.UNCLASSIFIED, Origin.REMOTE)
    form = tmp_path / "answers.toml"
    form.write_text('symptoms = "no"\nseen = "yes"\npain = "warning_sign"')
    assert run("--answers", str(form)).return_value == 3
    assert lock(folder) is not None
    lines = "\n".join(f'{name} = "no"' for name in BY_ID)
    form.write_text(lines)
    assert run("--answers", str(form)).return_value == 3
    form.write_text(f'{lines}\nseen = "yes"')
    assert run("--answers", str(form)).return_value == 0
    assert lock(folder) is None


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("a.toml", 'shoe = "no"', "there is no question 'shoe'"),
        ("a.toml", 'stroke = "perhaps"', "stroke: 'perhaps' is not a valid answer"),
        ("a.toml", "stroke = true", "stroke: 'True' is not a valid answer"),
        ("a.toml", "stroke = ", "cannot be read"),
        ("a.toml", 'doctor_agreed = "implant"', "is not a list of question ids"),
        ("a.toml", 'doctor_agreed = ["shoe"]', "there is no question 'shoe'"),
        ("a.toml", 'pain = "a bit"', "pain is 'a bit'"),
        ("a.json", "[]", "no table of answers"),
        ("a.json", '{"stroke": "yes", "stroke": "no"}', "a name is there twice"),
        ("a.json", "[" * 200_000, "cannot be read"),
        ("a.toml", "stroke = " + "[" * 20_000, "cannot be read"),
    ],
)
def test_a_wrong_file_changes_nothing(
    folder: Path, tmp_path: Path, name: str, text: str, says: str
) -> None:
    form = tmp_path / name
    form.write_text(text)
    result = run("--answers", str(form))
    assert isinstance(result.exception, InputError)
    assert says in result.exception.message
    assert not folder.exists()


def test_before_a_session_only_the_question_about_today_is_put(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(screen_module.sys, "stdin", _Terminal())
    monkeypatch.setattr(screen_module.sys, "stdout", _Terminal())
    monkeypatch.setattr(
        screen_module.Asked,
        "_ask",
        lambda self, words, *, may_go_back: asked.append(words) or Answer.NO,
    )
    screen_module.ask_about_today(folder)
    assert asked == [], "everything is missing: that is for `screen`"
    at = ClockReader(SystemClock()).now()
    with_store(
        folder,
        lambda store: store.answer(Answered(one.id, Answer.NO, at) for one in QUESTIONS),
    )
    screen_module.ask_about_today(folder)
    assert asked == [f"1 of 1. {BY_ID['symptoms'].words}"]
    screen_module.ask_about_today(folder)
    report(folder, PainKind.WARNING_SIGN)
    screen_module.ask_about_today(folder)
    assert len(asked) == 1
    assert answers(folder)["symptoms"].answer is Answer.NO


def test_without_a_terminal_nothing_is_asked_before_a_session(folder: Path) -> None:
    screen_module.ask_about_today(folder)
    assert not folder.exists()


class _Terminal:
    def isatty(self) -> bool:
        return True

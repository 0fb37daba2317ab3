"""R21: unanswered, not certain, too old or standing against it: each of these alone blocks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from massager_ctl.errors import InputError
from massager_ctl.safety.dose_time import DAY_S, ClockReading
from massager_ctl.safety.screening import (
    BY_ID,
    QUESTIONS,
    SYMPTOMS,
    Answer,
    Answered,
    Blocked,
    Clear,
    Obstacle,
    Weight,
    evaluate,
)

THEN = ClockReading("boot", 1000.0, 1_800_000_000.0)
EVERY = [*QUESTIONS, SYMPTOMS]


def after(seconds: float) -> ClockReading:
    return ClockReading("boot", THEN.boottime + seconds, THEN.wall + seconds)


def answers(
    *, at: ClockReading = THEN, symptoms_at: ClockReading | None = None, **changed: Answered
) -> dict[str, Answered]:
    every = {question.id: Answered(question.id, Answer.NO, at) for question in EVERY}
    every["symptoms"] = Answered("symptoms", Answer.NO, symptoms_at or at)
    return every | changed


def test_all_answered_no_is_clear_for_twelve_hours() -> None:
    assert evaluate(answers(), THEN) == Clear(12 * 3600.0)


def test_unanswered_blocks() -> None:
    verdict = evaluate({}, THEN)
    assert isinstance(verdict, Blocked)
    assert [reason.question for reason in verdict.reasons] == list(BY_ID)
    assert {reason.obstacle for reason in verdict.reasons} == {Obstacle.UNANSWERED}
    assert verdict.text == "the screening questions have not been answered yet"


@pytest.mark.parametrize("question", EVERY, ids=lambda question: question.id)
def test_any_one_unanswered_blocks(question: object) -> None:
    given_answers = answers()
    del given_answers[question.id]  # type: ignore[attr-defined]
    verdict = evaluate(given_answers, THEN)
    assert isinstance(verdict, Blocked)
    assert verdict.reasons[0].question == question.id  # type: ignore[attr-defined]


@pytest.mark.parametrize("answer", [Answer.YES, Answer.NOT_CERTAIN])
@pytest.mark.parametrize("question", EVERY, ids=lambda question: question.id)
def test_yes_and_not_certain_block_each(question: object, answer: Answer) -> None:
    question_id = question.id  # type: ignore[attr-defined]
    verdict = evaluate(answers() | {question_id: Answered(question_id, answer, THEN)}, THEN)
    assert isinstance(verdict, Blocked)
    assert verdict.text == BY_ID[question_id].reason


@pytest.mark.parametrize("question", EVERY, ids=lambda question: question.id)
def test_a_doctor_can_agree_to_some_and_never_to_others(question: object) -> None:
    question_id = question.id  # type: ignore[attr-defined]
    agreed = Answered(question_id, Answer.YES, THEN, doctor_agreed=True)
    verdict = evaluate(answers() | {question_id: agreed}, THEN)
    assert isinstance(verdict, Clear) is (BY_ID[question_id].weight is Weight.DOCTOR)


def test_infection_and_a_fresh_injury_block_as_long_as_they_last() -> None:
    assert BY_ID["infection"].weight is Weight.LASTING
    assert BY_ID["injury"].weight is Weight.LASTING


def test_symptoms_mean_medical_care() -> None:
    now = Answered("symptoms", Answer.YES, THEN)
    verdict = evaluate(answers(symptoms=now), THEN)
    assert isinstance(verdict, Blocked)
    assert "seek medical care" in verdict.text


def test_answers_are_good_for_thirty_days() -> None:
    last = after(30 * DAY_S - 1.0)
    assert isinstance(evaluate(answers(symptoms_at=last), last), Clear)
    over = after(30 * DAY_S)
    verdict = evaluate(answers(symptoms_at=over), over)
    assert isinstance(verdict, Blocked)
    assert {reason.obstacle for reason in verdict.reasons} == {Obstacle.EXPIRED}
    assert verdict.text == "the screening answers are incomplete or older than 30 days"


def test_the_first_answer_to_expire_ends_what_is_clear() -> None:
    now = after(30 * DAY_S - 3600.0)
    assert evaluate(answers(symptoms_at=now), now) == Clear(3600.0)


def test_the_answer_about_today_is_good_for_twelve_hours() -> None:
    assert evaluate(answers(), after(12 * 3600.0 - 1.0)) == Clear(1.0)
    verdict = evaluate(answers(), after(12 * 3600.0))
    assert isinstance(verdict, Blocked)
    assert verdict.only_symptoms_missing
    assert "symptoms" in verdict.text


def test_symptoms_that_were_there_are_not_just_missing() -> None:
    had = Answered("symptoms", Answer.YES, THEN)
    verdict = evaluate(answers(symptoms=had), after(2 * DAY_S))
    assert isinstance(verdict, Blocked)
    assert not verdict.only_symptoms_missing


def test_a_clock_set_back_keeps_nothing_fresh() -> None:
    other_boot = ClockReading("other", 10.0, THEN.wall - 10 * DAY_S)
    verdict = evaluate(answers(), other_boot)
    assert isinstance(verdict, Blocked)
    assert len(verdict.reasons) == len(EVERY)


@given(
    st.dictionaries(
        st.sampled_from([question.id for question in EVERY]),
        st.tuples(
            st.sampled_from(Answer), st.booleans(), st.floats(0.0, 60 * DAY_S), st.booleans()
        ),
    )
)
def test_clear_means_that_every_answer_is_good(
    drawn: dict[str, tuple[Answer, bool, float, bool]],
) -> None:
    now = after(60 * DAY_S)
    given_answers = {
        name: Answered(name, answer, after(60 * DAY_S - age), agreed)
        for name, (answer, agreed, age, _) in drawn.items()
    }
    good = all(
        question.id in drawn
        and drawn[question.id][2] < (43_200.0 if question is SYMPTOMS else 30 * DAY_S)
        and (
            drawn[question.id][0] is Answer.NO
            or (drawn[question.id][1] and question.weight is Weight.DOCTOR)
        )
        for question in EVERY
    )
    assert isinstance(evaluate(given_answers, now), Clear) is good


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("yes", Answer.YES),
        (" Y ", Answer.YES),
        ("No", Answer.NO),
        ("n", Answer.NO),
        ("not certain", Answer.NOT_CERTAIN),
        ("not_certain", Answer.NOT_CERTAIN),
        ("Not-Sure", Answer.NOT_CERTAIN),
        ("?", Answer.NOT_CERTAIN),
    ],
)
def test_answers_are_read_as_people_write_them(text: str, answer: Answer) -> None:
    assert Answer.parse(text) is answer


@pytest.mark.parametrize("text", ["", "nope", True, 1, None, "yess"])
def test_anything_else_is_no_answer(text: object) -> None:
    with pytest.raises(InputError, match="is not a valid answer"):
        Answer.parse(text)

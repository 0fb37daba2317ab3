"""Screening (R21): no session until every question is answered recently enough and no answer blocks it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from msgspec import Struct

from massager_ctl.errors import InputError
from massager_ctl.safety.dose_time import DAY_S, ClockReading, greatest_age

VALID_S: Final = 30 * DAY_S
"""Seconds for which answers are valid (R21)."""

SYMPTOMS_VALID_S: Final = 12 * 3600.0
"""Seconds for which the answer about today's symptoms is valid (R21)."""


class Answer(StrEnum):
    """An answer. Not certain blocks as yes does."""

    YES = "yes"
    NO = "no"
    NOT_CERTAIN = "not certain"

    @classmethod
    def parse(cls, text: object) -> Answer:
        """`yes`, `no`, `not certain` and their usual short forms, in any case. InputError otherwise."""
        spaced = str(text).lower().replace("_", " ").replace("-", " ")
        word = " ".join(spaced.strip(" \t.,;!'\"").split())
        for answer in cls:
            if word == answer or word in _SHORT[answer]:
                return answer
        raise InputError(f"'{text}' is not a valid answer", "Answer yes, no or not certain.")


_SHORT: Final[dict[Answer, frozenset[str]]] = {
    Answer.YES: frozenset({"y"}),
    Answer.NO: frozenset({"n"}),
    Answer.NOT_CERTAIN: frozenset({"?", "unsure", "not sure", "uncertain", "maybe"}),
}


class Weight(StrEnum):
    """What a yes means."""

    DOCTOR = "doctor"
    """Blocks until a doctor has agreed."""
    LASTING = "lasting"
    """Blocks as long as it lasts, regardless of a doctor's consent."""
    SITUATION = "situation"
    """Blocks until the person has changed it."""
    SYMPTOM = "symptom"
    """Blocks, and means: seek medical care."""


class Question(Struct, frozen=True):
    """One question: its id, its text, what a yes means, and the reason shown then."""

    id: str
    words: str
    weight: Weight
    reason: str


_DOCTOR_REASON: Final = "a doctor should agree to massage first"


def _doctor(question_id: str, words: str) -> Question:
    return Question(question_id, words, Weight.DOCTOR, _DOCTOR_REASON)


QUESTIONS: Final[tuple[Question, ...]] = (
    _doctor("stroke", "Have you ever had a stroke, or a warning stroke?"),
    _doctor("circulation", "Do you have a disease of the arteries or of circulation?"),
    _doctor(
        "cervical_spine",
        "Do you have a problem of the neck's spine (a disc, a herniation, a pinched nerve, osteoarthritis)?",
    ),
    Question(
        "injury",
        "Do you have a recent injury, whiplash or strain of the neck, head or shoulders?",
        Weight.LASTING,
        "a fresh injury has to heal first, whatever a doctor said",
    ),
    Question(
        "infection",
        "Do you have an infection or a fever now, or infected skin at the neck?",
        Weight.LASTING,
        "an infection has to be over first, whatever a doctor said",
    ),
    _doctor("muscular_disease", "Do you have a disease of the muscles?"),
    _doctor("unexplained_pain", "Do you have unexplained neck pain?"),
    _doctor("pressure_condition", "Do you have any condition that pressure may make worse?"),
    _doctor(
        "not_discussed",
        "Is there a diagnosed illness, a medicine or a supplement that you have not yet discussed with a doctor?",
    ),
    _doctor("implant", "Do you have a pacemaker or any other implant?"),
    _doctor("pregnancy", "Are you pregnant?"),
    _doctor("blood_thinners", "Do you take blood thinners?"),
    _doctor("reduced_feeling", "Do you feel heat or pressure less than usual?"),
    _doctor("under_16", "Are you under 16?"),
    Question(
        "drawn_in",
        "Is anything around your neck that could be drawn in (a necklace, a scarf, long hair worn loose)?",
        Weight.SITUATION,
        "take it off, or tie your hair up, and answer again",
    ),
    Question(
        "lying",
        "Will you be lying on the device?",
        Weight.SITUATION,
        "sit upright instead, and answer again",
    ),
)
"""The questions that are asked every 30 days, in the order in which they are put."""

SYMPTOMS: Final = Question(
    "symptoms",
    "Any symptom today: sharp pain, numbness, tingling, dizziness, trouble with speech or sight?",
    Weight.SYMPTOM,
    "symptoms like these are for a doctor, not for a massager: please seek medical care",
)
"""Asked only at this computer; its answer is valid for 12 hours (R21)."""

SEEN: Final = Question(
    "seen",
    "You reported a warning sign. Has a doctor looked at it since, and agreed to massage?",
    Weight.DOCTOR,
    "a doctor should look at the warning sign that was reported, and agree, first",
)
"""Asked only under a medical lock (R22); here a yes is what unlocks."""

BY_ID: Final[dict[str, Question]] = {question.id: question for question in (*QUESTIONS, SYMPTOMS)}


class Answered(Struct, frozen=True):
    """An answer and when it was given. `doctor_agreed`: a doctor knows of it and agreed to massage."""

    question: str
    answer: Answer
    at: ClockReading
    doctor_agreed: bool = False


class Obstacle(StrEnum):
    """Why there is no session."""

    UNANSWERED = "unanswered"
    EXPIRED = "expired"
    ANSWER = "answer"


class Reason(Struct, frozen=True):
    """One reason against a session: which question, why, and in plain words."""

    question: str
    obstacle: Obstacle
    text: str


class Clear(Struct, frozen=True):
    """A session is allowed. `valid_s`: seconds until the first answer expires."""

    valid_s: float


class Blocked(Struct, frozen=True):
    """A session is refused; `reasons` is never empty."""

    reasons: tuple[Reason, ...]

    @property
    def only_symptoms_missing(self) -> bool:
        """Whether only the question about today is missing, which a front end can ask at once."""
        return all(
            reason.question == SYMPTOMS.id and reason.obstacle is not Obstacle.ANSWER
            for reason in self.reasons
        )

    @property
    def text(self) -> str:
        """The reasons in a sentence or a few lines."""
        asked = [reason for reason in self.reasons if reason.obstacle is Obstacle.ANSWER]
        if asked:
            return "; ".join(dict.fromkeys(reason.text for reason in asked))
        if self.only_symptoms_missing:
            return "the question about today's symptoms was not answered in the last 12 hours"
        if all(reason.obstacle is Obstacle.UNANSWERED for reason in self.reasons):
            return "the screening questions have not been answered yet"
        return "the screening answers are incomplete or older than 30 days"


def evaluate(answers: Mapping[str, Answered], now: ClockReading) -> Clear | Blocked:
    """Whether `answers`, by question id, allow a session at `now` (R21)."""
    reasons: list[Reason] = []
    valid_s = VALID_S
    for question in (*QUESTIONS, SYMPTOMS):
        answered = answers.get(question.id)
        left_s = 0.0 if answered is None else _good_for(question) - greatest_age(answered.at, now)
        if answered is None:
            reasons.append(Reason(question.id, Obstacle.UNANSWERED, "not answered"))
        elif _stands_against(question, answered):
            reasons.append(Reason(question.id, Obstacle.ANSWER, question.reason))
        elif left_s <= 0:
            reasons.append(Reason(question.id, Obstacle.EXPIRED, "answered too long ago"))
        valid_s = min(valid_s, left_s)
    return Blocked(tuple(reasons)) if reasons else Clear(valid_s)


def _good_for(question: Question) -> float:
    return SYMPTOMS_VALID_S if question.weight is Weight.SYMPTOM else VALID_S


def _stands_against(question: Question, answered: Answered) -> bool:
    if answered.answer is Answer.NO:
        return False
    return not (question.weight is Weight.DOCTOR and answered.doctor_agreed)

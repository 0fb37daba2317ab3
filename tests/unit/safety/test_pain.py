"""R22: any report ends the session; warning signs lock, mild pain lowers, and nothing raises."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from massager_ctl.model.requests import PainKind
from massager_ctl.safety.dose_time import DAY_S
from massager_ctl.safety.pain import ANSWERS, QUESTION, WORDS, Consequence, classify, lowered


@pytest.mark.parametrize(
    ("kind", "consequence", "locks", "says"),
    [
        (PainKind.MILD, Consequence.LOWERED, False, "a quarter lower"),
        (PainKind.WARNING_SIGN, Consequence.LOCKED, True, "seek medical care"),
        (PainKind.UNCLASSIFIED, Consequence.LOCKED_UNTIL_ANSWERED, True, "at this computer"),
    ],
)
def test_what_a_report_leads_to(
    kind: PainKind, consequence: Consequence, locks: bool, says: str
) -> None:
    outcome = classify(kind)
    assert outcome.consequence is consequence
    assert outcome.locks is locks
    assert says in outcome.text
    assert "session is over" in outcome.text


@pytest.mark.parametrize("word", ["sharp", "numb", "tingling", "dizziness", "speech", "sight"])
def test_nerve_and_stroke_signs_are_warning_signs(word: str) -> None:
    assert [kind for kind, words in WORDS.items() if word in words] == [PainKind.WARNING_SIGN]


def test_every_kind_can_be_answered_and_stands_in_the_question() -> None:
    assert set(ANSWERS.values()) == set(WORDS) == set(PainKind)
    assert all(words in QUESTION for words in WORDS.values())


def test_mild_reports_lower_for_a_day() -> None:
    assert lowered([], 40.0) is None
    assert lowered([DAY_S], 40.0) is None
    layer = lowered([DAY_S - 1.0], 40.0)
    assert layer is not None
    assert layer.caps == (30.0,) * 6
    assert layer.reason == "mild pain was reported in the last 24 hours"


def test_each_report_lowers_further() -> None:
    layer = lowered([0.0, 3600.0], 40.0)
    assert layer is not None
    assert layer.caps[0] == 22.5


@given(st.lists(st.floats(0.0, 3 * DAY_S), max_size=30), st.floats(0.0, 70.0))
def test_nothing_raises(ages_s: list[float], cap: float) -> None:
    layer = lowered(ages_s, cap)
    assert layer is None or all(0.0 <= level <= cap for level in layer.caps)

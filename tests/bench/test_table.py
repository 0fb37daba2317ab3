"""The table says why a goal was missed, and only then."""

from __future__ import annotations

import json

import pytest
from bench.figures import Row, at_least, at_most
from bench.table import to_markdown

WHY = "the system wakes it"


@pytest.mark.parametrize("sense", [at_most, at_least])
@pytest.mark.parametrize("value", [1.0, 3.0])
def test_a_reason_stands_where_the_goal_was_missed(sense: object, value: float) -> None:
    goal = (at_most if sense is at_most else at_least)("distance", value, 2.0, why=WHY)
    row = json.loads(json.dumps(Row(1, "a row", (goal,)).to_json()))
    text = to_markdown([row])
    assert (WHY in text) == (not goal.met)
    assert ("MISS" in text) == (not goal.met)
    assert goal.met == ((value < 2.0) == (sense is at_most))

"""The state table: complete where it must be, and what the documentation draws."""

from __future__ import annotations

import itertools

import pytest

from firmware_sim.states import OPEN, TRANSITIONS, Cause, Event, Result, State, follow, mermaid


def test_the_numbers_are_those_of_the_protocol() -> None:
    assert [state.value for state in State] == list(range(7))
    assert [result.value for result in Result] == list(range(15))
    assert [cause.value for cause in Cause] == [
        *range(8),
        *range(16, 26),
        32,
        33,
        *range(48, 54),
    ]


@pytest.mark.parametrize("state", State)
def test_end_latch_and_trip_always_leave_the_session(state: State) -> None:
    for event in (Event.END, Event.LATCH, Event.TRIP):
        assert (state, event) in TRANSITIONS
        assert follow(state, event) not in OPEN


def test_only_arm_opens_a_session_and_only_clear_leaves_a_latch() -> None:
    for state, event in itertools.product(State, Event):
        after = follow(state, event)
        if state not in OPEN and after in OPEN:
            assert event is Event.ARM
        if state in (State.LATCHED, State.FAULT) and after is State.IDLE:
            assert event is Event.CLEAR
        if state is State.FAULT:
            assert after is State.FAULT or event is Event.CLEAR


def test_a_pair_that_is_not_in_the_table_changes_nothing() -> None:
    assert follow(State.FADING, Event.RUN) is State.FADING
    assert follow(State.LATCHED, Event.ARM) is State.LATCHED


def test_the_diagram_has_every_change() -> None:
    drawn = mermaid()
    assert drawn.startswith("stateDiagram-v2\n    [*] --> idle : boot")
    for (state, event), after in TRANSITIONS.items():
        if after is not state:
            line = next(
                line
                for line in drawn.splitlines()
                if line.startswith(f"    {state.name.lower()} --> {after.name.lower()} ")
            )
            assert event.value in line

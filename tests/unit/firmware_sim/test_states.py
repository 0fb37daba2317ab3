"""The state table: complete where it must be, and what the documentation draws."""

from __future__ import annotations

import itertools

import pytest

from firmware_sim.names import EVENTS, mermaid, names, state_name
from massager_fw.states import TRANSITIONS, Cause, Event, Result, State, follow, is_open

STATES = list(names(State))
ROWS = [(row >> 8, row >> 4 & 15, row & 15) for row in TRANSITIONS]
PAIRS = {(state, event) for state, event, _ in ROWS}


def test_the_numbers_are_those_of_the_protocol() -> None:
    assert list(range(7)) == STATES
    assert list(names(Result)) == list(range(15))
    assert list(names(Cause)) == [
        *range(8),
        *range(16, 26),
        32,
        33,
        *range(48, 54),
    ]


@pytest.mark.parametrize("state", STATES)
def test_end_latch_and_trip_always_leave_the_session(state: int) -> None:
    for event in (Event.END, Event.LATCH, Event.TRIP):
        assert (state, event) in PAIRS
        assert not is_open(follow(state, event))


def test_only_arm_opens_a_session_and_only_clear_leaves_a_latch() -> None:
    for state, event in itertools.product(STATES, names(Event)):
        after = follow(state, event)
        if not is_open(state) and is_open(after):
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
    for state, event, after in ROWS:
        if after != state:
            line = next(
                line
                for line in drawn.splitlines()
                if line.startswith(f"    {state_name(state)} --> {state_name(after)} ")
            )
            assert EVENTS[event] in line

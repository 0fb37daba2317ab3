"""The one reader of requests: what it takes, what it refuses and why (R6, R19, R22)."""

from __future__ import annotations

import math
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from massager_ctl.errors import InputError
from massager_ctl.model.request_document import LOCAL, REMOTE, read_request, request_document
from massager_ctl.model.requests import (
    Ask,
    Ease,
    LocalRequest,
    Pain,
    PainKind,
    Pause,
    Request,
    SetLevel,
    SetMotion,
    Start,
    Stop,
    Undo,
    name_of,
    only_lowers,
)
from massager_ctl.model.units import Direction, Motion, Zone

IDS = st.one_of(st.none(), st.text(max_size=64), st.integers(-(1 << 53) + 1, (1 << 53) - 1))
LEVELS = st.floats(0, 100).map(lambda level: round(level, 1))


def requests() -> st.SearchStrategy[Ask]:
    zones = st.one_of(st.none(), st.sampled_from(Zone))
    return st.one_of(
        st.builds(SetLevel, LEVELS, zones, id=IDS),
        st.builds(
            SetMotion,
            st.sampled_from(Motion),
            st.sampled_from(Direction),
            zones,
            st.floats(1, 60),
            id=IDS,
        ),
        st.builds(Ease, LEVELS, id=IDS),
        st.builds(
            Start, st.one_of(st.none(), st.text(max_size=20)), st.one_of(st.none(), LEVELS), id=IDS
        ),
        st.builds(Pain, st.sampled_from(PainKind), id=IDS),
        st.builds(Stop, id=IDS),
        st.builds(Pause, id=IDS),
        st.builds(Undo, id=IDS),
    )


@given(requests())
def test_every_request_survives_being_a_document(request: Ask) -> None:
    assert read_request(request_document(request)) == request


ANYTHING = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)
KEYS = st.sampled_from(
    [
        "id",
        "percent",
        "zone",
        "points",
        "motion",
        "direction",
        "period_s",
        "celsius",
        "profile",
        "cap",
    ]
)


@given(name=st.sampled_from(sorted(LOCAL)), fields=st.dictionaries(KEYS, ANYTHING, max_size=4))
def test_whatever_the_values_are_it_is_a_request_or_an_input_error(
    name: str, fields: dict[str, Any]
) -> None:
    try:
        found = read_request({"request": name, **fields}, allowed=LOCAL)
    except InputError:
        assert name not in ("stop", "pain"), "these stop, whatever else stands there"
        return
    assert name_of(found) == name


@pytest.mark.parametrize("name", sorted(LOCAL - REMOTE))
def test_what_only_this_machine_may_ask_is_unknown_elsewhere(name: str) -> None:
    with pytest.raises(InputError, match="unknown request"):
        read_request({"request": name})


def test_the_names_are_those_of_the_interfaces() -> None:
    assert {
        "start", "stop", "pause", "resume", "set", "motion", "heat", "ease", "undo", "fade", "presence", "pain",
    } == REMOTE  # fmt: skip
    assert {"reset", "ready", "status", "watch"} == LOCAL - REMOTE
    assert {name_of(kind) for kind in get_args(LocalRequest)} == LOCAL


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"request": "set", "percent": 10}, "needs 'zone'"),
        ({"request": "set", "zone": "all"}, "needs 'percent'"),
        ({"request": "set", "zone": "front", "percent": 10}, "never powered"),
        ({"request": "motion", "motion": "percussion"}, "D3"),
        ({"request": "heat"}, "needs 'celsius'"),
        ({"request": "heat", "celsius": math.nan}, "not a number"),
        ({"request": "heat", "celsius": 10**400}, "too large a number"),
        ({"request": "ease", "points": True}, "0 to 100"),
        ({"request": "pause", "now": True}, "no key 'now'"),
        ({"request": "start", "profile": 7}, "start"),
        ({"request": None}, "unknown request None"),
        ({}, "unknown request None"),
    ],
)
def test_an_error_says_what_is_wrong(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError) as caught:
        read_request(fields)
    assert words in str(caught.value)


@pytest.mark.parametrize("kind", get_args(Request))
def test_r5_what_is_never_too_old_can_only_lower(kind: Any) -> None:
    given: dict[str, Any] = {"percent": 0.0, "motion": Motion.VIBRATE, "celsius": 35.0}
    made = kind(**{key: value for key, value in given.items() if key in kind.__struct_fields__})
    assert only_lowers(made) is (name_of(made) in {"stop", "pain", "pause", "ease", "fade"})

"""R25: what is known of a device can only lower what it may be used for."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from massager_ctl.errors import Refused
from massager_ctl.model.requests import Origin
from massager_ctl.safety.assurance import (
    FULL,
    NOTHING_SHOWN,
    Allowed,
    Assurance,
    Confirmation,
    DeadMan,
    OnDisconnect,
    Shown,
    allowed,
    counted,
    lowest_above,
    require,
)

known = st.builds(
    Assurance,
    dead_man=st.sampled_from(DeadMan),
    on_disconnect=st.sampled_from(OnDisconnect),
    own_timer=st.booleans(),
    stop=st.sampled_from(Confirmation),
    stall_sensing=st.booleans(),
    own_remote=st.booleans(),
)


def test_nothing_known_is_for_the_bench_only() -> None:
    assert allowed(Assurance(), guardian=False) == Allowed(
        worn=False,
        cap=15.0,
        limit_s=600,
        presence_s=120,
        heat=False,
        kneading=False,
        remote_start=False,
        reasons=(
            "for the bench only: it may run on when the host is gone",
            "it has no dead-man: at most 25 % and 10 minutes, with a person present",
            "no second process was shown to stop it here: at most 15 %",
            "its own remote or app can raise it: at most 15 %",
            "it cannot sense a stall: no kneading",
            "nothing confirms a stop: it is sent, not confirmed; look at the device",
        ),
    )


def test_a_device_with_the_device_half_keeps_the_usual_rules() -> None:
    best = Assurance(
        dead_man=DeadMan.FULL, stop=Confirmation.TELEMETRY, stall_sensing=True, own_remote=True
    )
    assert allowed(best, guardian=False) == Allowed(
        worn=True,
        cap=None,
        limit_s=None,
        presence_s=None,
        heat=True,
        kneading=True,
        remote_start=True,
        reasons=(),
    )


def test_a_weak_device_with_a_guardian() -> None:
    for known_end in (
        Assurance(on_disconnect=OnDisconnect.STOPS, own_remote=False),
        Assurance(own_timer=True, own_remote=False),
    ):
        found = allowed(known_end, guardian=True)
        assert (found.worn, found.cap, found.limit_s) == (True, 25.0, 600)
    assert allowed(Assurance(own_timer=True), guardian=True).cap == 15.0
    assert allowed(Assurance(own_timer=True, own_remote=False), guardian=False).cap == 15.0
    assert not allowed(Assurance(on_disconnect=OnDisconnect.RUNS_ON), guardian=True).worn


def test_a_receipt_confirms_no_stop() -> None:
    confirming = [one for one in Confirmation if one.confirms]
    assert confirming == [Confirmation.STATE, Confirmation.TELEMETRY]
    reasons = allowed(Assurance(stop=Confirmation.RESPONSE), guardian=True).reasons
    assert any("not confirmed" in reason for reason in reasons)


DECLARED = Assurance(
    dead_man=DeadMan.OWN,
    on_disconnect=OnDisconnect.STOPS,
    own_timer=True,
    stop=Confirmation.STATE,
    own_remote=False,
)
SHOWN = Shown(
    levels_seen=True, stops_when_left=True, ends_by_timer=True, reads_back=True, no_remote=True
)


@pytest.mark.parametrize(
    ("declared", "shown", "counts"),
    [
        ({}, {}, {}),
        ({"bench_only": True}, {}, {"bench_only": False}),
        ({}, {"levels_seen": False}, {}),
        (
            {"bench_only": True},
            {"levels_seen": False},
            {
                "dead_man": DeadMan.NONE,
                "on_disconnect": OnDisconnect.UNKNOWN,
                "own_timer": False,
            },
        ),
        (
            {},
            {"stops_when_left": False},
            {"dead_man": DeadMan.NONE, "on_disconnect": OnDisconnect.UNKNOWN},
        ),
        ({}, {"ends_by_timer": False}, {"own_timer": False}),
        ({}, {"reads_back": False}, {"stop": Confirmation.NOTHING}),
        ({"stop": Confirmation.RESPONSE}, {"reads_back": False}, {}),
        ({}, {"no_remote": False}, {"own_remote": True}),
        # What was shown and never declared counts for nothing.
        ({"dead_man": DeadMan.NONE}, {}, {}),
        ({"on_disconnect": OnDisconnect.UNKNOWN}, {}, {}),
        ({"own_timer": False}, {}, {}),
        ({"stop": Confirmation.NOTHING}, {}, {}),
        ({"own_remote": True}, {}, {}),
        # To run on is no better than not to be known.
        ({"on_disconnect": OnDisconnect.RUNS_ON}, {}, {"on_disconnect": OnDisconnect.UNKNOWN}),
    ],
)
def test_r25_of_a_declaration_counts_what_was_shown_on_this_very_device(
    declared: dict[str, Any], shown: dict[str, Any], counts: dict[str, Any]
) -> None:
    said = msgspec.structs.replace(DECLARED, **declared)
    found = counted(said, msgspec.structs.replace(SHOWN, **shown))
    assert found == msgspec.structs.replace(said, **counts)


def test_r25_a_device_with_the_device_half_needs_no_trial() -> None:
    assert counted(FULL, NOTHING_SHOWN) == FULL


@given(known, st.booleans())
def test_without_a_dead_man_nothing_gets_more_than_its_class(
    assurance: Assurance, guardian: bool
) -> None:
    found = allowed(assurance, guardian=guardian)
    if assurance.dead_man is not DeadMan.FULL:
        assert found.cap is not None
        assert found.cap <= 25
        assert found.limit_s == 600
        assert found.presence_s == 120
        assert not found.heat
        assert not found.remote_start
    assert found.kneading is assurance.stall_sensing


WEAK = allowed(Assurance(on_disconnect=OnDisconnect.STOPS), guardian=True)
BENCH_ALONE = allowed(Assurance(), guardian=True)
EVERYTHING = allowed(FULL, guardian=False)


@pytest.mark.parametrize(
    ("found", "duration_s", "origin", "heat", "bench", "refused"),
    [
        (EVERYTHING, 1590.0, Origin.REMOTE, True, False, ""),
        (WEAK, 600.0, Origin.LOCAL, False, False, ""),
        (WEAK, 600.1, Origin.LOCAL, False, False, "lasts 600.1 s .* at most 600 s"),
        (WEAK, 600.0, Origin.REMOTE, False, False, "not started remotely"),
        (WEAK, 600.0, Origin.LOCAL, True, False, "gets no heat"),
        (BENCH_ALONE, 600.0, Origin.LOCAL, False, False, "for the bench only"),
        (BENCH_ALONE, 600.0, Origin.LOCAL, False, True, ""),
        (BENCH_ALONE, 600.1, Origin.LOCAL, False, True, "at most 600 s"),
        (BENCH_ALONE, 600.0, Origin.REMOTE, False, True, "not started remotely"),
    ],
)
def test_r25_what_its_class_does_not_allow_is_refused(
    found: Allowed, duration_s: float, origin: Origin, heat: bool, bench: bool, refused: str
) -> None:
    def ask() -> None:
        require(found, duration_s=duration_s, origin=origin, heat=heat, bench=bench)

    if not refused:
        ask()
        return
    with pytest.raises(Refused, match=refused):
        ask()


def test_a_lowest_level_above_the_cap_is_told_with_both_numbers() -> None:
    assert lowest_above(25.0, (33.3, 66.7, 100.0)) == (
        "its lowest level is 33.3 % and the cap is 25 %: it is not started"
    )
    assert lowest_above(25.0, (25.0, 50.0)) == ""
    assert lowest_above(None, (90.0,)) == ""

"""R23: long, warm or remote sessions ask for a sign of life every five minutes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from massager_ctl.errors import Refused
from massager_ctl.requests import Origin
from massager_ctl.safety.attention import Attention, Watcher, needed, require_watcher


@pytest.mark.parametrize(
    ("duration_s", "origin", "heat", "asks"),
    [
        (900.0, Origin.LOCAL, False, False),
        (900.1, Origin.LOCAL, False, True),
        (60.0, Origin.LOCAL, True, True),
        (60.0, Origin.REMOTE, False, True),
        (60.0, Origin.PROGRAM, False, False),
    ],
)
def test_which_sessions_ask(duration_s: float, origin: Origin, heat: bool, asks: bool) -> None:
    assert needed(duration_s, origin, heat=heat) is asks
    assert (Attention.for_session(duration_s, origin, 0.0, heat=heat) is not None) is asks


def test_it_is_due_every_five_minutes_and_asked_half_a_minute_before() -> None:
    attention = Attention(1000.0)
    assert attention.due_in(1000.0) == 300.0
    assert not attention.asking(1269.9)
    assert attention.asking(1270.0)
    assert not attention.missed(1299.9)
    assert attention.missed(1300.0)
    assert attention.due_in(1400.0) == 0.0


def test_a_sign_of_life_starts_the_time_anew() -> None:
    attention = Attention(0.0)
    attention.sign_of_life(290.0)
    assert not attention.asking(300.0)
    assert not attention.missed(589.9)
    assert attention.missed(590.0)


def test_an_older_sign_takes_nothing_back() -> None:
    attention = Attention(100.0)
    attention.sign_of_life(50.0)
    assert attention.due_in(100.0) == 300.0


def test_nobody_to_ask_refuses_before_anything_starts() -> None:
    with pytest.raises(Refused, match="somebody who can answer"):
        Attention.for_session(1200.0, Origin.LOCAL, 0.0, watcher=Watcher.NOBODY)
    require_watcher(600.0, Origin.LOCAL, Watcher.NOBODY)
    require_watcher(1200.0, Origin.LOCAL, Watcher.PERSON)


def test_a_simulated_device_answers_for_itself() -> None:
    simulated = Attention.for_session(1200.0, Origin.LOCAL, 0.0, watcher=Watcher.SIMULATED)
    assert simulated is not None
    assert simulated.answers_itself
    assert not Attention(0.0).answers_itself


@given(st.lists(st.floats(0.0, 3600.0), max_size=20), st.floats(0.0, 4000.0))
def test_missed_means_five_minutes_without_any_sign(signs: list[float], now: float) -> None:
    attention = Attention(0.0)
    heard = sorted(sign for sign in signs if sign <= now)
    for sign in heard:
        attention.sign_of_life(sign)
    assert attention.missed(now) is (now >= (heard[-1] if heard else 0.0) + 300.0)

"""R23: long, warm or remote sessions need presence every five minutes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from massager_ctl.errors import Refused
from massager_ctl.model.requests import Origin
from massager_ctl.safety.presence import PresenceTimer, Watcher, needed, require_watcher


@pytest.mark.parametrize(
    ("duration_s", "origin", "heat", "asks"),
    [
        (900.0, Origin.LOCAL, False, False),
        (900.1, Origin.LOCAL, False, True),
        (60.0, Origin.LOCAL, True, True),
        (60.0, Origin.REMOTE, False, True),
    ],
)
def test_which_sessions_ask(duration_s: float, origin: Origin, heat: bool, asks: bool) -> None:
    assert needed(duration_s, origin, heat=heat) is asks
    assert (PresenceTimer.for_session(duration_s, origin, 0.0, heat=heat) is not None) is asks


def test_it_is_due_every_five_minutes_and_asked_half_a_minute_before() -> None:
    presence = PresenceTimer(1000.0)
    assert presence.due_in(1000.0) == 300.0
    assert not presence.asking(1269.9)
    assert presence.asking(1270.0)
    assert not presence.missed(1299.9)
    assert presence.missed(1300.0)
    assert presence.due_in(1400.0) == 0.0


def test_a_presence_starts_the_time_anew() -> None:
    presence = PresenceTimer(0.0)
    presence.shown(290.0)
    assert not presence.asking(300.0)
    assert not presence.missed(589.9)
    assert presence.missed(590.0)


def test_an_older_sign_takes_nothing_back() -> None:
    presence = PresenceTimer(100.0)
    presence.shown(50.0)
    assert presence.due_in(100.0) == 300.0


def test_nobody_to_ask_refuses_before_anything_starts() -> None:
    with pytest.raises(Refused, match="a person who can answer"):
        PresenceTimer.for_session(1200.0, Origin.LOCAL, 0.0, watcher=Watcher.NOBODY)
    require_watcher(600.0, Origin.LOCAL, Watcher.NOBODY)
    require_watcher(1200.0, Origin.LOCAL, Watcher.PERSON)


def test_r25_a_device_that_asks_every_two_minutes_asks_in_any_session() -> None:
    presence = PresenceTimer.for_session(60.0, Origin.LOCAL, 0.0, every_s=120.0)
    assert presence is not None
    assert presence.due_in(0.0) == 120.0
    require_watcher(60.0, Origin.LOCAL, Watcher.PERSON, every_s=120.0)
    with pytest.raises(Refused, match="answers every 2 minutes"):
        require_watcher(60.0, Origin.LOCAL, Watcher.NOBODY, every_s=120.0)


def test_a_simulated_device_answers_for_itself() -> None:
    simulated = PresenceTimer.for_session(1200.0, Origin.LOCAL, 0.0, watcher=Watcher.SIMULATED)
    assert simulated is not None
    assert simulated.simulated
    assert not PresenceTimer(0.0).simulated


@given(st.lists(st.floats(0.0, 3600.0), max_size=20), st.floats(0.0, 4000.0))
def test_missed_means_five_minutes_without_any_sign(signs: list[float], now: float) -> None:
    presence = PresenceTimer(0.0)
    heard = sorted(sign for sign in signs if sign <= now)
    for sign in heard:
        presence.shown(sign)
    assert presence.missed(now) is (now >= (heard[-1] if heard else 0.0) + 300.0)

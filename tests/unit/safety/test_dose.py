"""R9: three sessions and thirty minutes in any 24 hours, rests, and what a crash or another host costs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from massager_ctl.errors import DoseSpent
from massager_ctl.safety import dose
from massager_ctl.safety.dose import DoseState, Entry, check, tally
from massager_ctl.safety.dose_time import DAY_S

NOW = 50 * DAY_S


def ago(seconds: float, charged_s: float, **more: bool) -> Entry:
    return Entry(NOW - seconds, charged_s, **more)


def test_an_empty_ledger_leaves_everything() -> None:
    state = tally([], NOW)
    assert state == DoseState()
    assert state.left_s == 1800.0
    assert state.sessions_left == 3
    check(state, 1800.0)


def test_three_sessions_are_all_that_a_day_takes() -> None:
    state = tally([ago(hours * 3600.0, 200.0) for hours in (4, 8, 12)], NOW)
    assert (state.sessions, state.sessions_left, state.used_s) == (3, 0, 600.0)
    with pytest.raises(DoseSpent, match="3 sessions in the last 24 hours") as caught:
        check(state, 10.0)
    assert caught.value.remedy == "The oldest stops counting in 12 h."
    check(tally([ago(hours * 3600.0, 200.0) for hours in (4, 8, 24)], NOW), 10.0)


def test_a_short_run_does_not_hide_when_a_session_is_free_again() -> None:
    state = tally([ago(20 * 3600.0, 60.0), *(ago(h * 3600.0, 200.0) for h in (4, 8, 12))], NOW)
    assert (state.time_free_in_s, state.session_free_in_s) == (4 * 3600.0, 12 * 3600.0)


def test_what_is_left_is_never_below_zero() -> None:
    state = DoseState(used_s=2000.0, sessions=5, counting=((100.0, 2000.0),))
    assert (state.left_s, state.sessions_left, state.left_after(0.0)) == (0.0, 0, 0.0)


def test_what_is_left_later_is_without_what_stops_counting_by_then() -> None:
    state = tally([ago(2 * 3600.0, 600.0)], NOW)
    assert state.left_after(22 * 3600.0 - 1.0) == 1200.0
    assert state.left_after(22 * 3600.0) == 1800.0
    running = tally([ago(0.0, 600.0, open=True)], NOW)
    assert running.left_after(30 * 3600.0) == 1800.0 - running.counting[0][1]


def test_the_order_of_the_sessions_does_not_matter() -> None:
    state = tally([ago(hours * 3600.0, 200.0) for hours in (12, 8, 4)], NOW)
    assert state.session_free_in_s == 12 * 3600.0
    assert tally([ago(0.0, 600.0, open=True), ago(3600.0, 200.0)], NOW).open


def test_thirty_minutes_are_all_that_a_day_takes() -> None:
    state = tally([ago(2 * 3600.0, 900.0), ago(6 * 3600.0, 899.5)], NOW)
    with pytest.raises(DoseSpent, match="30 minutes of the last 24 hours are used up") as caught:
        check(state, 10.0)
    assert caught.value.remedy == "The oldest stops counting in 18 h."


def test_a_session_must_fit_into_what_is_left() -> None:
    state = tally([ago(2 * 3600.0, 1500.0)], NOW)
    check(state, 300.0)
    with pytest.raises(DoseSpent, match=r"takes 10 min of the motors, and .* leave 5 min"):
        check(state, 600.0)


@pytest.mark.parametrize(
    ("length_s", "rest_s"), [(120.0, 600.0), (600.0, 600.0), (601.0, 601.0), (1500.0, 1500.0)]
)
def test_the_rest_is_ten_minutes_or_as_long_as_the_session(length_s: float, rest_s: float) -> None:
    assert tally([ago(0.0, length_s)], NOW).rest_s == rest_s
    with pytest.raises(DoseSpent, match="still resting"):
        check(tally([ago(rest_s - 1.0, length_s)], NOW), 10.0)
    check(tally([ago(rest_s, length_s)], NOW), 10.0)


def test_under_two_minutes_is_time_and_no_session() -> None:
    state = tally([ago(0.0, 119.9)] * 4, NOW)
    assert (state.sessions, state.rest_s, state.days) == (0, 0.0, 0)
    assert state.used_s == pytest.approx(479.6)
    check(state, 1300.0)
    with pytest.raises(DoseSpent):
        check(state, 1321.0)


def test_an_open_session_refuses_another() -> None:
    state = tally([ago(0.0, 600.0, open=True)], NOW)
    assert state.open
    with pytest.raises(DoseSpent, match="already running"):
        check(state, 10.0)


def test_an_open_session_counts_however_long_ago_it_was_seen() -> None:
    assert tally([ago(3 * DAY_S, 600.0, open=True)], NOW).used_s == 600.0


def test_what_ended_after_now_counts_as_ending_now() -> None:
    assert tally([ago(-20.0, 600.0)], NOW).rest_s == 600.0


def test_days_are_counted_in_seven() -> None:
    entries = [ago(day * DAY_S + 3600.0, 200.0) for day in (0, 0, 1, 2, 3, 4, 6, 7)]
    state = tally(entries, NOW)
    assert state.days == 6
    assert dose.warnings(state) == (
        "used on 6 of the last 7 days; a few times a week is plenty (R9, T3)",
    )
    assert dose.warnings(DoseState(days=5)) == ()


def test_the_first_three_sessions_are_capped() -> None:
    layers = [dose.first_sessions_layer(DoseState(sessions_ever=ever)) for ever in range(4)]
    assert [layer and (layer.caps[0], layer.reason) for layer in layers] == [
        (25.0, "session 1 of 3"),
        (25.0, "session 2 of 3"),
        (25.0, "session 3 of 3"),
        None,
    ]


def test_fault_38_a_crash_costs_the_last_checkpoint_and_twenty_seconds() -> None:
    assert dose.unsettled(0.0) == 20.0
    assert dose.unsettled(65.0) == 85.0


def test_a_fade_for_an_overdue_checkpoint_ends_within_what_a_crash_is_charged() -> None:
    fade_s, dead_man_s = 6.0, 1.1
    assert dose.CHECKPOINT_OVERDUE_S + fade_s + dead_man_s <= dose.CRASH_S


def test_fault_59_what_other_hosts_delivered_is_charged() -> None:
    assert dose.foreign(5000.0, 4000.0, 400.0) == 600.0
    assert dose.foreign(4400.0, 4000.0, 400.0) == 0.0
    assert dose.foreign(4000.0, 4000.0, 620.0) == 0.0
    assert dose.foreign(10.0, 4000.0, 0.0) == 0.0


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.0, "1 s"),
        (59.4, "59 s"),
        (60.0, "1 min"),
        (90.0, "1 min 30 s"),
        (3599.0, "59 min 59 s"),
        (3600.0, "1 h"),
        (3601.0, "1 h 1 min"),
        (86_400.0, "24 h"),
    ],
)
def test_durations_in_words(seconds: float, words: str) -> None:
    assert dose.in_words(seconds) == words


@given(
    st.lists(
        st.tuples(st.floats(0.0, 2 * DAY_S), st.floats(1.0, 1800.0), st.floats(0.0, 1.0)),
        max_size=40,
    )
)
def test_no_window_of_24_hours_ever_holds_more(
    wishes: list[tuple[float, float, float]],
) -> None:
    """Whoever asks whenever, for whatever, and stops early or not: R9 holds over every window."""
    entries: list[Entry] = []
    spans: list[tuple[float, float]] = []
    at_s = 0.0
    for waits_s, planned_s, share in wishes:
        at_s += waits_s
        try:
            check(tally(entries, at_s), planned_s)
        except DoseSpent:
            continue
        delivered_s = planned_s * share
        spans.append((at_s, delivered_s))
        at_s += delivered_s
        entries.append(Entry(at_s, delivered_s))
    for begin_s, first_s in spans:
        window = [(b, s) for b, s in spans if begin_s <= b < begin_s + DAY_S]
        assert sum(min(s, begin_s + DAY_S - b) for b, s in window) <= 1800.0 + 1e-6
        assert sum(1 for _, s in window if s >= 120.0) <= 3
        if first_s >= 120.0:
            after = [b for b, _ in spans if b > begin_s]
            assert all(b >= begin_s + first_s + max(600.0, first_s) - 1e-6 for b in after)


def test_r9_the_longest_rest_that_is_left_counts_whichever_session_it_follows() -> None:
    for long_ago, short_ago in ((100.0, 50.0), (50.0, 100.0)):
        long, short = ago(long_ago, 1500.0), ago(short_ago, 150.0)
        for entries in ([long, short], [short, long]):
            assert tally(entries, NOW).rest_s == 1500.0 - long_ago

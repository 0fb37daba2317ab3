"""`ready --at`: the time that someone names, by the clock of this place."""

from __future__ import annotations

import datetime as dt

import pytest

from massager_ctl.cli.ready import seconds_until
from massager_ctl.errors import InputError


def at(hour: int, minute: int = 0, second: int = 0) -> dt.datetime:
    return dt.datetime(2026, 11, 25, hour, minute, second).astimezone()


@pytest.mark.parametrize(
    ("text", "now", "seconds"),
    [
        ("22:00", at(19), 3 * 3600),
        ("22.00", at(21, 59, 30), 30),
        ("22:00", at(22, 9), 0),  # a start may come until ten minutes after it
        ("6:30", at(23), 7.5 * 3600),
        ("00:05", at(23, 55), 600),
        ("07:00", at(19), 12 * 3600),
    ],
)
def test_a_time_is_the_next_one_of_that_name(text: str, now: dt.datetime, seconds: float) -> None:
    assert seconds_until(text, now) == seconds


@pytest.mark.parametrize("text", ["", "22", "24:00", "22:60", "22:00:00", "ten", "-1:00", "٢٢:٠٠"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        seconds_until(text, at(12))


@pytest.mark.parametrize(("text", "now"), [("22:00", at(9)), ("22:00", at(22, 11))])
def test_more_than_twelve_hours_are_refused(text: str, now: dt.datetime) -> None:
    with pytest.raises(InputError, match="12 hours"):
        seconds_until(text, now)

"""R18: who keeps a session going that a page started; half-open links and backlogs do not."""

from __future__ import annotations

from massager_ctl.frontends.web.attendance import GONE_S, HERE, PAGES_MAX, Attendance


def kept() -> Attendance:
    attendance = Attendance()
    attendance.sign("phone", 10.0)
    attendance.keep("phone")
    return attendance


def test_a_page_is_gone_4_s_after_the_last_picture_that_it_answered() -> None:
    attendance = kept()
    assert GONE_S == 4.0
    assert attendance.present("phone", 13.9)
    assert not attendance.lost(13.9)
    assert not attendance.present("phone", 14.0)
    assert attendance.lost(14.0)


def test_an_answer_to_an_old_picture_is_no_news() -> None:
    attendance = kept()
    attendance.sign("phone", 3.0)
    assert attendance.present("phone", 13.9)
    attendance.sign("phone", 12.0)
    assert attendance.present("phone", 15.9)


def test_another_page_or_somebody_here_takes_over() -> None:
    attendance = kept()
    attendance.sign("tablet", 13.0)
    attendance.keep("tablet")
    assert not attendance.lost(16.0)
    assert attendance.lost(17.0)
    attendance.taken_here()
    assert attendance.keeper == HERE
    assert not attendance.lost(1e9)


def test_what_no_page_started_needs_none() -> None:
    attendance = Attendance()
    attendance.taken_here()
    assert attendance.keeper is None
    assert not attendance.lost(1e9)
    attendance.keep("phone")
    attendance.over()
    assert not attendance.lost(1e9)


def test_names_without_end_do_not_fill_the_memory() -> None:
    attendance = kept()
    for number in range(PAGES_MAX + 10):
        attendance.sign(f"page{number}", 11.0)
    assert len(attendance._seen) == PAGES_MAX


def test_a_keeper_that_never_signed_is_gone() -> None:
    attendance = Attendance()
    attendance.keep("phone")
    assert not attendance.present("phone", 0.0)
    assert attendance.lost(0.0)

"""Codes, tokens and the file that keeps them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from msgspec import structs

from massager_ctl.errors import StoreError
from massager_ctl.frontends.web.access import (
    CODE_S,
    CODE_TRIES,
    SESSIONS_MAX,
    Access,
    AccessFile,
    new_code,
    plain,
)
from massager_ctl.frontends.web.guard import Guard

WALL = 1_800_000_000.0


def paired(folder: Path, wall: float = WALL) -> tuple[Access, AccessFile]:
    file = AccessFile(folder)
    return Access(file, lambda: wall), file


def test_a_code_works_once_however_it_is_typed(tmp_path: Path) -> None:
    access, file = paired(tmp_path)
    code = new_code(file, WALL)
    assert len(plain(code)) == 12
    token = access.pair(f" {code.lower()} ", "Phone")
    assert token is not None
    session = access.session(token)
    assert session is not None
    assert session.name == "Phone"
    assert access.pair(code, "Thief") is None


def test_a_code_is_good_for_ten_minutes(tmp_path: Path) -> None:
    _, file = paired(tmp_path)
    code = new_code(file, WALL)
    late = Access(file, lambda: WALL + CODE_S + 0.1)
    assert late.pair(code, "") is None
    code = new_code(file, WALL)
    assert Access(file, lambda: WALL + CODE_S - 0.1).pair(code, "") is not None


def test_five_wrong_tries_use_a_code_up(tmp_path: Path) -> None:
    access, file = paired(tmp_path)
    code = new_code(file, WALL)
    for _ in range(CODE_TRIES):
        assert access.pair("AAAA-AAAA-AAAA", "") is None
    assert access.pair(code, "") is None


def test_secrets_are_kept_as_hashes_alone_for_the_owner_alone(tmp_path: Path) -> None:
    access, file = paired(tmp_path)
    code = new_code(file, WALL)
    token = access.pair(code, "Phone") or ""
    content = file.path.read_text()
    assert token not in content
    assert plain(code) not in content
    assert file.path.stat().st_mode & 0o077 == 0


def test_what_was_forgotten_elsewhere_is_let_in_no_longer(tmp_path: Path) -> None:
    access, _ = paired(tmp_path)
    token = access.issue("Phone")
    session = access.session(token)
    assert session is not None
    assert access.holds(session)
    AccessFile(tmp_path).change(lambda book: structs.replace(book, sessions=()))
    assert access.session(token) is None
    assert not access.holds(session)


def test_what_was_forgotten_in_the_same_tick_of_the_clock_is_let_in_no_longer(
    tmp_path: Path,
) -> None:
    access, file = paired(tmp_path)
    token = access.issue("Phone")
    assert access.session(token) is not None
    at = file.path.stat().st_mtime_ns
    AccessFile(tmp_path).change(lambda book: structs.replace(book, sessions=()))
    os.utime(file.path, ns=(at, at))
    assert access.session(token) is None


@pytest.mark.parametrize("content", ["", "{", '{"sessions": 3}'])
def test_a_damaged_file_lets_nobody_in_and_says_what_to_do(tmp_path: Path, content: str) -> None:
    access, file = paired(tmp_path)
    file.path.write_text(content)
    with pytest.raises(StoreError, match="cannot be read") as caught:
        access.session("anything")
    assert "pair your browsers again" in caught.value.remedy


def test_on_loopback_a_session_ends_with_the_service() -> None:
    access = Access(None, lambda: WALL)
    token = access.issue("Browser\x00")
    session = access.session(token)
    assert session is not None
    assert session.name == "Browser"
    assert access.session("x" + token) is None
    assert access.pair("anything", "") is None
    assert Access(None, lambda: WALL).session(token) is None


def test_visits_without_end_log_no_open_page_out() -> None:
    access = Access(None, lambda: WALL)
    tokens = [access.issue("Browser") for _ in range(4)]
    first, second, unused, watching = tokens
    held = access.session(watching)
    assert access.session(first)
    assert held is not None
    for _ in range(3 * SESSIONS_MAX):
        access.issue("curl")
    assert access.session(unused) is None
    assert access.session(second) is None
    assert access.session(first)
    assert access.holds(held)
    assert len(access._here) == SESSIONS_MAX


def test_of_sessions_in_use_the_one_that_has_rested_longest_goes_first() -> None:
    access = Access(None, lambda: WALL)
    first, second, *others = [access.issue("Browser") for _ in range(SESSIONS_MAX)]
    for token in (first, second, *others, first):
        assert access.session(token)
    fresh = access.issue("Browser")
    assert access.session(second) is None
    assert all(access.session(token) for token in (first, fresh, *others))


def test_how_a_session_is_had_is_said_for_the_way_that_there_is(tmp_path: Path) -> None:
    access, _ = paired(tmp_path)
    assert "massager-ctl access pair" in Guard(access, ("neck.local",), 443, tls=True).remedy
    here = Guard(Access(None, lambda: WALL), ("localhost",), 8080, tls=False)
    assert here.remedy == "Open the page first, or POST to /v1/session."

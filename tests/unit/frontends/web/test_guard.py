"""R17: by the headers of a request, who may ask: the host it names, the page that asks, and its session."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.requests import HTTPConnection

from massager_ctl.frontends.web.access import Access, AccessFile
from massager_ctl.frontends.web.guard import Guard
from massager_ctl.frontends.web.problems import HttpProblem

PORT = 8137
HOST = f"127.0.0.1:{PORT}"
ORIGIN = f"http://{HOST}"


def guard(port: int = PORT, *, tls: bool = False) -> Guard:
    return Guard(Access(None, lambda: 0.0), ("127.0.0.1", "massager.local"), port, tls=tls)


def asked(*headers: tuple[str, str], method: str = "POST", kind: str = "http") -> HTTPConnection:
    raw = [(name.encode(), value.encode()) for name, value in headers]
    scope = {"type": kind, "method": method, "path": "/", "headers": raw}
    if kind == "websocket":
        del scope["method"]
    return HTTPConnection(scope)


def refusal(by: Guard, request: HTTPConnection, *, session: bool = False) -> str:
    """The name of the problem; empty if it is let in."""
    try:
        by.session(request) if session else by.check_place(request)
    except HttpProblem as error:
        return error.problem.type.rpartition(":")[2]
    return ""


@pytest.mark.parametrize(
    ("headers", "problem"),
    [
        ([("host", HOST)], ""),
        ([("host", f"MASSAGER.local:{PORT}")], ""),
        ([], "unknown_host"),
        ([("host", HOST), ("host", HOST)], "unknown_host"),
        ([("host", "127.0.0.1")], "unknown_host"),
        ([("host", f"evil.example:{PORT}")], "unknown_host"),
        ([("host", HOST), ("sec-fetch-site", "cross-site")], "other_site"),
        ([("host", HOST), ("sec-fetch-site", "same-origin")], ""),
        ([("host", HOST), ("origin", ORIGIN)], ""),
        ([("host", HOST), ("origin", "null")], "other_origin"),
        ([("host", HOST), ("origin", f"https://{HOST}")], "other_origin"),
        ([("host", HOST), ("origin", "http://evil.example")], "other_origin"),
    ],
)
def test_the_host_and_the_page_that_asks(headers: list[tuple[str, str]], problem: str) -> None:
    assert refusal(guard(), asked(*headers)) == problem


@pytest.mark.parametrize(
    ("port", "tls", "known"),
    [(80, False, True), (443, True, True), (443, False, False), (PORT, True, False)],
)
def test_a_host_without_a_port_is_known_at_the_usual_one_alone(
    port: int, tls: bool, known: bool
) -> None:
    assert refusal(guard(port, tls=tls), asked(("host", "127.0.0.1"))) == (
        "" if known else "unknown_host"
    )


@pytest.mark.parametrize("kind", ["http", "websocket"])
def test_a_cookie_needs_the_page_that_asks_and_a_token_does_not(kind: str) -> None:
    by = guard()
    token = by.access.issue("browser")
    cookie, bearer = ("cookie", f"{by.cookie}={token}"), ("authorization", f"Bearer {token}")
    origin = ("origin", ORIGIN)
    assert refusal(by, asked(cookie, kind=kind), session=True) == "no_origin"
    assert refusal(by, asked(cookie, origin, kind=kind), session=True) == ""
    assert refusal(by, asked(bearer, kind=kind), session=True) == ""
    other = ("authorization", f"Basic {token}")
    assert refusal(by, asked(other, origin, kind=kind), session=True) == "no_session"
    assert refusal(by, asked(origin, kind=kind), session=True) == "no_session"


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_what_changes_nothing_needs_no_page(method: str) -> None:
    by = guard()
    cookie = ("cookie", f"{by.cookie}={by.access.issue('browser')}")
    assert refusal(by, asked(cookie, method=method), session=True) == ""


def test_the_cookie_is_for_this_service_alone_and_secure_where_the_line_is() -> None:
    assert "; Secure" in guard(tls=True).set_cookie("token")
    plain = guard().set_cookie("token")
    assert "Secure" not in plain
    assert plain.startswith(f"massager_{PORT}=token; ")
    assert "; HttpOnly; SameSite=Strict" in plain


def test_who_is_let_in_is_known_by_name_and_who_is_not_is_told_what_to_do(tmp_path: Path) -> None:
    by = guard()
    bearer = ("authorization", f"bearer {by.access.issue('script')}")
    assert by.session(asked(bearer)).name == "script"
    assert "Open the page first" in by.remedy
    paired = Guard(Access(AccessFile(tmp_path), lambda: 0.0), ("massager.local",), PORT, tls=True)
    with pytest.raises(HttpProblem) as told:
        paired.session(asked(bearer))
    assert "massager-ctl access pair" in told.value.problem.remedy

"""Checks who asks: the Host against a fixed list, then Origin, then the session. A stop is never checked.

Comparing Origin with Host would not help: under DNS rebinding both are the attacker's name.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from starlette.requests import HTTPConnection

from massager_ctl.frontends.web.access import Access, Session
from massager_ctl.frontends.web.problems import HttpProblem

SAFE: Final = frozenset({"GET", "HEAD"})
LOOPBACK_NAMES: Final = ("127.0.0.1", "localhost", "[::1]")


class Guard:
    """Checks a request by its headers; the address that it came from proves nothing."""

    def __init__(self, access: Access, names: Iterable[str], port: int, *, tls: bool) -> None:
        """`names`: the host names of the service, as it has printed them."""
        self.access = access
        self.tls = tls
        self.scheme = "https" if tls else "http"
        usual = 443 if tls else 80
        self.hosts = frozenset(f"{name}:{port}" for name in names) | frozenset(
            name for name in names if port == usual
        )
        self.origins = frozenset(f"{self.scheme}://{host}" for host in self.hosts)
        self.cookie = f"massager_{port}"
        """Cookies ignore ports, so the name contains the port."""

    def check_place(self, asked: HTTPConnection) -> None:
        """The host and the page that asked. Raises HttpProblem."""
        hosts = asked.headers.getlist("host")
        if len(hosts) != 1 or hosts[0].lower() not in self.hosts:
            raise HttpProblem(
                403,
                "unknown_host",
                "this service does not have that host name",
                "Open the address that `massager-ctl serve` printed.",
            )
        if asked.headers.get("sec-fetch-site") == "cross-site":
            raise HttpProblem(403, "other_site", "the request comes from another site's page")
        origin = asked.headers.get("origin")
        if origin is not None and origin not in self.origins:
            raise HttpProblem(403, "other_origin", "the request comes from another site's page")

    def session(self, asked: HTTPConnection) -> Session:
        """The session of a request. Raises HttpProblem if there is none."""
        scheme, _, token = asked.headers.get("authorization", "").partition(" ")
        by_token = scheme.lower() == "bearer"
        if not by_token:
            token = asked.cookies.get(self.cookie, "")
        found = self.access.session(token) if token else None
        if found is None:
            raise HttpProblem(401, "no_session", "this browser is not paired", self.remedy)
        unsafe = asked.scope["type"] == "websocket" or asked.scope["method"] not in SAFE
        if unsafe and not by_token and "origin" not in asked.headers:
            # Every browser sends it; without it a cookie does not show who made the request.
            raise HttpProblem(403, "no_origin", "a request with a cookie needs an Origin header")
        return found

    @property
    def remedy(self) -> str:
        if self.access.by_code:
            return "Run `massager-ctl access pair` at the machine and open the code that it shows."
        return "Open the page first, or POST to /v1/session."

    def set_cookie(self, token: str) -> str:
        """The header that gives a session to a browser."""
        secure = "; Secure" if self.tls else ""
        return f"{self.cookie}={token}; Path=/; HttpOnly; SameSite=Strict; Max-Age=15552000{secure}"

"""What strangers may not: hosts, origins, tokens, codes, sizes, slowness, paths; and a stop that gets through."""

from __future__ import annotations

import asyncio
import contextlib
import time
from pathlib import Path

import pytest
from msgspec import structs

from massager_ctl.frontends.web import body, connection, limiter
from massager_ctl.frontends.web.access import new_code
from massager_ctl.frontends.web.limiter import IN_FLIGHT_MAX, WATCHERS_MAX
from massager_ctl.frontends.web.server import LOOPBACK
from tests.e2e.web.harness import Rig, WatchingPage, page, read_answer, rig

pytestmark = pytest.mark.asyncio

STOP = "/v1/devices/neck/stop"


async def test_only_a_stop_needs_no_session() -> None:
    async with rig() as made:
        for path in ("/v1/devices", "/v1/devices/neck", "/v1/profiles", "/v1/history", "/metrics"):
            answer = await made.ask("GET", path, authorization="")
            assert (answer.status, answer.kind) == (401, "no_session"), path
        for name in ("start", "pause", "fade", "pain", "set", "presence"):
            answer = await made.ask("POST", f"/v1/devices/neck/{name}", authorization="")
            assert (answer.status, answer.kind) == (401, "no_session"), name
        for token in ("Bearer x", "Bearer ", "Basic eDp5", "Bearer " + "x" * 5000):
            answer = await made.ask("GET", "/v1/devices", authorization=token)
            assert answer.status == 401, token
        assert (await made.ask("POST", STOP, authorization="")).json["confirmed"] is True


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "127.0.0.1:{port}."]
)
async def test_an_unknown_host_gets_nothing_but_a_stop(host: str) -> None:
    """DNS rebinding: the attacker's name in Host and Origin alike, pointing here."""
    async with rig() as made:
        named = host.format(port=made.port)
        asked = {"host": named, "origin": f"http://{named}"}
        for method, path in (("GET", "/"), ("GET", "/v1/devices"), ("GET", "/static/style.css")):
            answer = await made.ask(method, path, **asked)
            assert (answer.status, answer.kind) == (403, "unknown_host"), path
        assert "set-cookie" not in (await made.ask("GET", "/", **asked)).headers
        assert await WatchingPage(made).open(**asked) == 403
        assert (await made.ask("POST", STOP, **asked)).json["confirmed"] is True


async def test_two_hosts_are_none() -> None:
    async with rig() as made:
        head = f"GET / HTTP/1.1\r\nhost: 127.0.0.1:{made.port}\r\nhost: evil\r\n\r\n"
        assert (await made.raw(head.encode())).status == 400


async def test_a_page_of_another_site_gets_nothing_but_a_stop() -> None:
    async with rig() as made:
        cookie = await _cookie(made)
        for asked in (
            {"origin": "http://evil.example"},
            {"origin": "null"},
            {"origin": f"https://127.0.0.1:{made.port}"},
            {"origin": f"http://127.0.0.1:{made.port + 1}"},
            {"sec_fetch_site": "cross-site"},
            {},  # by cookie, and no word of who made it
        ):
            answer = await made.ask(
                "POST", "/v1/devices/neck/pause", authorization="", cookie=cookie, **asked
            )
            assert answer.status == 403, asked
            status = await WatchingPage(made).open(
                authorization="",
                cookie=cookie,
                **{k.replace("_", "-"): v for k, v in asked.items()},
            )
            assert status == 403, asked
            stopped = await made.ask("POST", STOP, authorization="", **asked)
            assert stopped.json["confirmed"] is True
        own = {"origin": made.origin, "sec_fetch_site": "same-origin"}
        answer = await made.ask(
            "POST", "/v1/devices/neck/pause", authorization="", cookie=cookie, **own
        )
        assert (answer.status, answer.kind) == (409, "refused")  # no session runs


async def test_answers_name_no_origin_that_may_read_them() -> None:
    async with rig() as made:
        for method, path in (("GET", "/"), ("POST", STOP), ("OPTIONS", STOP), ("GET", "/health")):
            answer = await made.ask(method, path, origin="http://evil.example")
            assert not any(name.startswith("access-control") for name in answer.headers), path
        page_headers = (await made.ask("GET", "/")).headers
        assert "frame-ancestors 'none'" in page_headers["content-security-policy"]
        assert page_headers["x-content-type-options"] == "nosniff"
        assert page_headers["referrer-policy"] == "no-referrer"
        assert page_headers["cross-origin-opener-policy"] == "same-origin"
        assert "server" not in page_headers


async def test_the_cookie_is_named_by_the_port_and_out_of_reach() -> None:
    async with rig() as made:
        header = (await made.ask("GET", "/", authorization="")).headers["set-cookie"]
        assert header.startswith(f"massager_{made.port}=")
        assert "HttpOnly" in header
        assert "SameSite=Strict" in header
        again = await made.ask("GET", "/", authorization="", cookie=header.partition(";")[0])
        assert "set-cookie" not in again.headers


async def test_on_the_network_nobody_is_let_in_without_the_code(tmp_path: Path) -> None:
    async with rig(lan=tmp_path) as made:
        assert made.file is not None
        assert "set-cookie" not in (await made.ask("GET", "/", authorization="")).headers
        assert (await made.ask("POST", "/v1/session", {}, authorization="")).kind == "code_needed"
        code = new_code(made.file, time.time())
        wrong = await made.ask("POST", "/v1/pair", {"code": "AAAA"}, authorization="")
        assert (wrong.status, wrong.kind) == (403, "wrong_code")
        right = await made.ask("POST", "/v1/pair", {"code": code}, authorization="")
        assert right.json == {"paired": True}
        assert "Secure" in right.headers["set-cookie"]
        used = await made.ask("POST", "/v1/pair", {"code": code}, authorization="")
        assert used.kind == "wrong_code"
        cookie = right.headers["set-cookie"].partition(";")[0]
        listed = await made.ask("GET", "/v1/devices", authorization="", cookie=cookie)
        assert listed.status == 200
        # A stop needs no code, and comes by the same certificate.
        assert (await made.ask("POST", STOP, authorization="")).json["confirmed"] is True


async def test_tries_to_pair_are_few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with rig(lan=tmp_path) as made:
        monkeypatch.setattr(limiter, "PAIRING_RATE", 0.0)
        answers = [
            (await made.ask("POST", "/v1/pair", {"code": "AAAA"}, authorization="")).status
            for _ in range(8)
        ]
        assert answers[:4] == [403] * 4
        assert answers[-1] == 429


async def test_a_page_that_was_forgotten_is_closed(tmp_path: Path) -> None:
    async with rig(lan=tmp_path) as made, page(made) as phone:
        assert made.file is not None
        made.file.change(lambda book: structs.replace(book, sessions=()))
        assert await phone.gone() == 1008
        assert (await made.ask("GET", "/v1/devices")).status == 401


@pytest.mark.parametrize(
    "path",
    [
        "/static/../app.py",
        "/static/..%2fapp.py",
        "/static/%2e%2e/%2e%2e/errors.py",
        "/static/index.html",
        "/static//etc/passwd",
        "/static/style.css%00.js",
        "/static/",
        "//evil.example/static/style.css",
        "/v1/devices/../devices",
        "/v1/devices/neck%2fstop",
    ],
)
async def test_a_path_leads_to_what_it_names_alone(path: str) -> None:
    async with rig() as made:
        answer = await made.ask("GET", path)
        assert answer.status in (404, 405), answer.body
        assert answer.kind in ("not_found", "method", "unknown_device")


async def test_a_stop_reaches_the_device_it_names_and_says_so() -> None:
    async with rig("left", "right") as made:
        answer = await made.ask("POST", "/v1/devices/right/stop")
        assert (answer.json["device"], answer.json["confirmed"]) == ("right", True)
        for name in ("lef", "leftt", "LEFT", "left%20", "%6ceft%00", ".", "neck"):
            answer = await made.ask("POST", f"/v1/devices/{name}/stop")
            assert (answer.status, answer.kind) == (404, "unknown_device"), name
            assert "Nothing was stopped" in answer.json["remedy"]


async def test_a_stop_is_one_in_every_form_that_http_has_for_it() -> None:
    async with rig() as made:
        host = f"host: 127.0.0.1:{made.port}\r\n"
        upgrade = "connection: upgrade\r\nupgrade: websocket\r\n"
        for target, more in (
            (f"{made.origin}{STOP}", ""),  # as a client writes it that takes this for a proxy
            (f"http://other.example{STOP}", ""),
            (STOP, upgrade),
            (f"{STOP}?x=/", "expect: 100-continue\r\ncontent-length: 5\r\n"),
        ):
            await made.controller.manual(600)
            answer = await made.raw(f"POST {target} HTTP/1.1\r\n{host}{more}\r\n".encode())
            assert (answer.status, answer.json["confirmed"]) == (200, True), (target, more)
            assert not made.controller.status.phase.in_session


async def test_a_head_that_is_too_large_or_no_http_ends_the_connection() -> None:
    async with rig() as made:
        for content in (b"GET / HTTP/1.1\r\nx: " + b"y" * 40_000, b"\x16\x03\x01\x02\x00" * 20):
            assert (await made.raw(content + b"\r\n\r\n")).status == 400
        assert (await made.ask("GET", "/health")).json["ok"] is True


async def test_half_a_request_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "HEAD_S", 0.3)
    monkeypatch.setattr(body, "BODY_S", 0.3)
    async with rig() as made:
        reader, writer = await asyncio.open_connection(LOOPBACK, made.port)
        writer.write(b"GET / HT")
        assert await asyncio.wait_for(reader.read(), 10) == b""
        writer.close()
        slow = await made.raw(
            f"POST /v1/devices/neck/pause HTTP/1.1\r\nhost: 127.0.0.1:{made.port}\r\n"
            f"authorization: Bearer {made.token}\r\ncontent-length: 20\r\n\r\n{{".encode()
        )
        assert (slow.status, slow.kind) == (408, "too_slow")
        # A stop acts on its head alone.
        stopped = await made.raw(
            f"POST {STOP} HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999\r\n\r\n".encode()
        )
        assert stopped.json["confirmed"] is True


async def test_a_websocket_outlives_the_patience_for_a_request(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connection, "HEAD_S", 0.2)
    async with rig() as made, page(made) as phone:
        first = phone.pictures[0]["seq"]
        await phone.until(lambda picture: picture["seq"] > first + 6)


async def test_there_is_room_for_a_stop_among_too_many_connections(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connection, "CONNECTIONS_MAX", 10)
    async with rig() as made, contextlib.AsyncExitStack() as stack:
        crowd: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        for _ in range(30):
            reader, writer = await asyncio.open_connection(LOOPBACK, made.port)
            stack.callback(writer.close)
            writer.write(b"POST /")
            crowd.append((reader, writer))
        assert (await made.ask("POST", STOP)).json["confirmed"] is True
        dropped = 0
        for reader, _ in crowd:
            with contextlib.suppress(TimeoutError, ConnectionError):
                if await asyncio.wait_for(reader.read(1), 0.05) == b"":
                    dropped += 1
        assert dropped >= 20


async def test_under_load_others_are_refused_and_a_stop_never(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limiter, "RATE", 0.0)  # nothing comes back while this looks
    async with rig() as made:
        counts = made.server.app.limiter
        counts.in_flight = IN_FLIGHT_MAX
        busy = await made.ask("GET", "/v1/devices")
        assert (busy.status, busy.kind) == (503, "busy")
        assert (await made.ask("POST", STOP)).status == 200
        counts.in_flight = 0
        while counts.allow(LOOPBACK, asyncio.get_running_loop().time()):
            pass
        assert (await made.ask("GET", "/v1/devices")).status == 429
        answers = await asyncio.gather(*(made.ask("POST", STOP) for _ in range(50)))
        assert {answer.status for answer in answers} == {200}


async def test_more_pages_than_there_is_room_for() -> None:
    async with rig() as made, page(made):
        made.server.app.limiter.watchers = WATCHERS_MAX
        assert await WatchingPage(made).open() == 403
        made.server.app.limiter.watchers = 1


@pytest.mark.parametrize(
    "said", ["no json", "{}", '{"seq":"1"}', '{"seq":1,"stop":true}', "x" * 9000]
)
async def test_a_websocket_takes_answers_and_nothing_else(said: str) -> None:
    async with rig() as made, page(made) as phone:
        phone.answers = False
        phone.say(said)
        assert await phone.gone() in (1008, 1009)
        assert made.controller.status.phase == "idle"


async def test_a_websocket_that_talks_too_much_is_closed() -> None:
    async with rig() as made, page(made) as phone:
        phone.answers = False
        for _ in range(200):
            phone.say({"seq": 1})
        assert await phone.gone() == 1008


async def test_many_stops_at_once_are_each_confirmed() -> None:
    async with rig() as made:
        reader, writer = await asyncio.open_connection(LOOPBACK, made.port)
        writer.write(f"POST {STOP} HTTP/1.1\r\nhost: x\r\n\r\n".encode() * 20)
        for _ in range(20):
            assert (await read_answer(reader)).json["confirmed"] is True
        writer.close()


async def _cookie(made: Rig) -> str:
    return (await made.ask("GET", "/", authorization="")).headers["set-cookie"].partition(";")[0]

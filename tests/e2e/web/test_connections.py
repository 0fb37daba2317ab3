"""Crowds of connections, silent, half open or busy: few stay open, and a stop gets through."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import resource
import socket
import time
from collections.abc import Generator
from pathlib import Path

import pytest

from massager_ctl.frontends.web import acceptor, connection
from massager_ctl.frontends.web.server import LOOPBACK
from tests.e2e.web.harness import PATIENCE_S, Rig, page, rig, soon

pytestmark = pytest.mark.asyncio

STOP = "/v1/devices/neck/stop"


async def test_a_stop_over_tls_is_quick_among_hundreds_that_are_silent(tmp_path: Path) -> None:
    async with rig(lan=tmp_path) as made:
        with crowd(made, 150) as silent, crowd(made, 150, b"\x16\x03\x01") as halves:
            begun = time.monotonic()
            assert (await made.ask("POST", STOP, authorization="")).json["confirmed"] is True
            assert time.monotonic() - begun < 5
            for some in (silent, halves):
                await soon(lambda some=some: gone(some) >= 150 - acceptor.PENDING_MAX)
                assert gone(some[:50]) == 50, "the oldest go first"


@pytest.mark.parametrize("content", [b"", b"\x16\x03\x01"])
async def test_a_handshake_has_seconds(
    content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(acceptor, "HANDSHAKE_S", 0.05)
    async with rig(lan=tmp_path) as made:
        with crowd(made, 5, content) as some:
            async with asyncio.timeout(10):
                await soon(lambda: gone(some) == 5)


async def test_who_is_silent_pushes_no_handshake_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(acceptor, "PENDING_MAX", 3)
    async with rig(lan=tmp_path) as made:
        (door,) = made.server._server._acceptors
        with crowd(made, 3, b"\x16\x03\x01") as halves:
            await soon(lambda: [one.heard for one in door._pending] == [True] * 3)
            with crowd(made, 20) as silent:
                await soon(lambda: gone(silent) == 17)
                assert gone(halves) == 0
                with crowd(made, 1, b"\x16\x03\x01"):
                    await soon(lambda: gone(halves) == 1)


async def test_a_crowd_that_comes_in_one_turn_is_dropped_as_one_that_comes_slowly(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connection, "CONNECTIONS_MAX", 10)
    async with rig() as made:
        with crowd(made, 60, b"POST /") as some:
            assert (await made.ask("POST", STOP)).json["confirmed"] is True
            await soon(lambda: gone(some) >= 50)


async def test_requests_in_progress_are_dropped_where_nothing_is_idle(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connection, "CONNECTIONS_MAX", 4)
    async with rig() as made:
        slow = (
            f"POST /v1/devices/neck/pause HTTP/1.1\r\nhost: 127.0.0.1:{made.port}\r\n"
            f"authorization: Bearer {made.token}\r\ncontent-length: 20\r\n\r\n{{"
        )
        with crowd(made, 12, slow.encode()) as some:
            assert (await made.ask("POST", STOP)).json["confirmed"] is True
            await soon(lambda: gone(some) >= 9)


async def test_what_lingers_at_the_end_of_tls_is_dropped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A websocket that is refused waits for its peer to end TLS too."""
    monkeypatch.setattr(connection, "CONNECTIONS_MAX", 3)
    async with rig(lan=tmp_path) as made, contextlib.AsyncExitStack() as stack:
        (door,) = made.server._server._acceptors
        for _ in range(12):
            loop = asyncio.get_running_loop()
            transport, _ = await loop.create_connection(
                asyncio.Protocol, LOOPBACK, made.port, ssl=made.tls
            )
            stack.callback(transport.abort)
            transport.pause_reading()
            transport.write(
                b"GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
                b"sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
            )
        async with asyncio.timeout(acceptor.CLOSING_S / 2):
            await soon(lambda: door.open_count <= 3)
        assert (await made.ask("POST", STOP, authorization="")).json["confirmed"] is True


async def test_a_page_is_the_last_to_be_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    async with rig() as made, page(made) as phone:
        monkeypatch.setattr(connection, "CONNECTIONS_MAX", 3)
        with crowd(made, 20, b"POST /"):
            assert (await made.ask("POST", STOP)).json["confirmed"] is True
            assert phone.closed is None
        monkeypatch.setattr(connection, "CONNECTIONS_MAX", 1)
        assert (await made.ask("POST", STOP)).json["confirmed"] is True
        assert await phone.gone() == 1006


async def test_what_is_open_is_bounded_in_whatever_state_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(acceptor, "OPEN_MAX", 8)
    monkeypatch.setattr(acceptor, "RETRY_S", 0.02)
    async with rig() as made:
        (door,) = made.server._server._acceptors
        with crowd(made, 30, b"POST /"):
            for _ in range(30):
                await asyncio.sleep(0)
                assert door.open_count <= 8
        assert (await made.ask("POST", STOP)).json["confirmed"] is True


async def test_without_a_descriptor_it_says_so_once_and_goes_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with rig() as made:
        request = f"POST {STOP} HTTP/1.1\r\nhost: x\r\n\r\n".encode()
        with crowd(made, 1, request) as (client,), caplog.at_level(logging.INFO):
            with no_descriptors():
                await asyncio.sleep(0.15)
            said = [record for record in caplog.records if record.exc_info or "page" in record.msg]
            assert len(said) == 1
            client.setblocking(False)
            answer = await asyncio.wait_for(
                asyncio.get_running_loop().sock_recv(client, 4096), PATIENCE_S
            )
            assert answer.startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("content", [b"", b"\x16\x03\x01"])
async def test_the_service_ends_at_once_among_open_handshakes(
    content: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with rig(lan=tmp_path) as made:
        with crowd(made, 5, content) as some:
            await soon(lambda: made.server._server._acceptors[0].open_count == 5)
            made.tasks[-1].cancel()
            await soon(lambda: gone(some) == 5 and made.tasks[-1].done())
    assert not caplog.records


@contextlib.contextmanager
def crowd(made: Rig, count: int, content: bytes = b"") -> Generator[list[socket.socket]]:
    """So many connections at once, each with this said."""
    with contextlib.ExitStack() as stack:
        some = [
            stack.enter_context(socket.create_connection((LOOPBACK, made.port), PATIENCE_S))
            for _ in range(count)
        ]
        for one in some:
            if content:
                one.send(content)
        yield some


def gone(some: list[socket.socket]) -> int:
    """How many of them were dropped."""
    count = 0
    for one in some:
        one.setblocking(False)
        try:
            count += one.recv(65536, socket.MSG_PEEK) == b""
        except BlockingIOError:
            pass
        except ConnectionError:
            count += 1
    return count


@contextlib.contextmanager
def no_descriptors() -> Generator[None]:
    """This process can open no further file."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = os.dup(0)
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

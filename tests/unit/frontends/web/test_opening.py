"""R17: on loopback the page is plain and for anyone at this machine; on the network it is TLS, and a code lets in."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from massager_ctl.aio.clock import SystemClock
from massager_ctl.aio.tasks import end_all
from massager_ctl.frontends.web.access import AccessFile, Book
from massager_ctl.frontends.web.opening import Opened, open_page
from massager_ctl.frontends.web.pairing import lan_names
from massager_ctl.frontends.web.server import LOOPBACK, listen


@asynccontextmanager
async def opened(data: Path, *, lan: bool) -> AsyncGenerator[tuple[Opened, int]]:
    listener = listen(LOOPBACK, 0)
    try:
        page = open_page([], listener, SystemClock(), data, lan=lan, metrics=None)
        serving = asyncio.ensure_future(page.server.run())
        try:
            yield page, listener.port
        finally:
            await end_all([serving])
    finally:
        listener.sock.close()


async def answer(port: int, request: str, tls: ssl.SSLContext | None = None) -> str:
    """What comes back for a POST, head and body."""
    reader, writer = await asyncio.open_connection(LOOPBACK, port, ssl=tls)
    writer.write(request.encode())
    said = await asyncio.wait_for(reader.read(), 30)
    writer.close()
    return said.decode()


def post(path: str, host: str, origin: str, body: str = "{}") -> str:
    return (
        f"POST {path} HTTP/1.1\r\nHost: {host}\r\nOrigin: {origin}\r\nConnection: close\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    )


@pytest.mark.asyncio
async def test_on_loopback_it_is_plain_and_leaves_no_list_behind(tmp_path: Path) -> None:
    async with opened(tmp_path, lan=False) as (page, port):
        assert page.invitation == f"The page is at http://127.0.0.1:{port}/"
        for name in (f"127.0.0.1:{port}", f"localhost:{port}"):
            said = await answer(port, post("/v1/session", name, f"http://{name}"))
            assert " 200 " in said.partition("\r\n")[0], said
            assert "; Secure" not in said
        foreign = f"{lan_names()[0]}:{port}"
        assert "unknown_host" in await answer(
            port, post("/v1/session", foreign, f"http://{foreign}")
        )
    assert AccessFile(tmp_path).book() == Book()


@pytest.mark.asyncio
async def test_on_the_network_it_speaks_tls_and_its_own_code_lets_in(tmp_path: Path) -> None:
    async with opened(tmp_path, lan=True) as (page, port):
        book = AccessFile(tmp_path).book()
        assert book.addresses == tuple(f"https://{name}:{port}/" for name in lan_names())
        assert book.fingerprint in page.invitation
        assert all(address in page.invitation for address in book.addresses)
        code = page.invitation.partition(f"{book.addresses[0]}#k=")[2].split()[0]
        trusting = ssl.create_default_context()
        trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
        name = f"{lan_names()[0]}:{port}"
        refused = await answer(port, post("/v1/session", name, f"https://{name}"), trusting)
        assert " 200 " not in refused.partition("\r\n")[0], "a browser was let in without a code"
        body = json.dumps({"code": code})
        let_in = await answer(port, post("/v1/pair", name, f"https://{name}", body), trusting)
        assert " 200 " in let_in.partition("\r\n")[0], let_in
        assert "; Secure" in let_in

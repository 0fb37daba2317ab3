"""TCP: what goes wrong on connecting, and how an abort looks from the other side."""

from __future__ import annotations

import asyncio
import socket

import pytest

from massager_ctl.errors import DeviceNotFound, LinkError, LinkTimeout
from massager_ctl.testing.transports import PIECE, Recorder, until
from massager_ctl.transports import tcp
from massager_ctl.transports.factory import make_transport
from massager_ctl.transports.tcp import TcpTransport


@pytest.mark.asyncio
async def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(DeviceNotFound, match="nothing listens") as caught:
        await make_transport(f"tcp:127.0.0.1:{port}").open(Recorder())
    assert caught.value.remedy


@pytest.mark.asyncio
async def test_a_host_that_is_not_known() -> None:
    with pytest.raises(DeviceNotFound, match="not known"):
        await TcpTransport("no-such-host.invalid", 1).open(Recorder())


@pytest.mark.asyncio
async def test_a_host_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tcp, "CONNECT_S", 0.1)
    # A listener whose queue is full leaves further connections unanswered.
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        where = listener.getsockname()
        waiting = []
        for _ in range(4):
            other = socket.socket()
            other.setblocking(False)
            other.connect_ex(where)
            waiting.append(other)
        await asyncio.sleep(0.05)
        with pytest.raises(LinkTimeout, match="did not answer"):
            await TcpTransport(*where).open(Recorder())
        for other in waiting:
            other.close()


@pytest.mark.asyncio
async def test_an_address_that_cannot_be_reached() -> None:
    with pytest.raises(LinkError):
        await TcpTransport("255.255.255.255", 9).open(Recorder())


@pytest.mark.asyncio
async def test_an_abort_resets_the_connection() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        transport = TcpTransport(*listener.getsockname())
        await transport.open(Recorder())
        accepted, _ = await asyncio.get_running_loop().sock_accept(listener)
        with accepted:
            accepted.setblocking(False)
            transport.abort()
            with pytest.raises(ConnectionResetError):
                await asyncio.get_running_loop().sock_recv(accepted, 1)


@pytest.mark.asyncio
async def test_a_reset_by_the_peer_is_a_loss_with_its_reason() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        transport = TcpTransport(*listener.getsockname())
        heard = Recorder()
        await transport.open(heard)
        accepted, _ = await asyncio.get_running_loop().sock_accept(listener)
        accepted.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, tcp.RESET_ON_CLOSE)
        accepted.close()
        transport.write(PIECE)
        await until(lambda: heard.lost, "the loss is told")
        assert "reset" in heard.lost[0].message.lower()
        await transport.close()


@pytest.mark.asyncio
async def test_ipv6_addresses_are_written_with_brackets() -> None:
    assert TcpTransport("::1", 7).address == "tcp:[::1]:7"
    assert TcpTransport("host", 7).address == "tcp:host:7"

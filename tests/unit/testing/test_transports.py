"""Every transport passes the same checks (massager_ctl.testing.transports)."""

from __future__ import annotations

import asyncio
import os
import socket
import tty
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from massager_ctl.testing.transports import CHECKS, Check, Recorder, Rig, until
from massager_ctl.transports.in_process import PipeTransport, pipe
from massager_ctl.transports.serial import SerialTransport
from massager_ctl.transports.tcp import TcpTransport, make_socket_serial


class PipeEnd:
    def __init__(self, end: PipeTransport) -> None:
        self._end = end
        self._heard = Recorder()

    async def accept(self) -> None:
        await asyncio.sleep(0)  # hear first that the opening before this one is over
        self._heard = Recorder()
        await self._end.open(self._heard)

    async def receive(self, count: int) -> bytes:
        await until(lambda: len(self._heard.data) >= count, f"{count} bytes arrive")
        taken = bytes(self._heard.data[:count])
        del self._heard.data[:count]
        return taken

    async def send(self, data: bytes) -> None:
        self._end.write(data)

    async def pause(self) -> None:
        self._end.pause()

    async def resume(self) -> None:
        self._end.resume()

    async def hang_up(self) -> None:
        self._end.abort()


@asynccontextmanager
async def memory_rig() -> AsyncGenerator[Rig]:
    near, far = pipe()
    yield Rig(near, PipeEnd(far))
    await near.close()
    await far.close()


class Descriptor:
    """A far end that is a descriptor of ours: a PTY's master or an accepted socket."""

    def __init__(self) -> None:
        self.fd = -1

    async def receive(self, count: int) -> bytes:
        taken = b""

        def more() -> bool:
            nonlocal taken
            try:
                taken += os.read(self.fd, min(count - len(taken), 65536))
            except BlockingIOError:
                pass
            return len(taken) == count

        await until(more, f"{count} bytes arrive, {len(taken)} did")
        return taken

    async def send(self, data: bytes) -> None:
        os.write(self.fd, data)

    async def pause(self) -> None:
        """Nobody reads but `receive`."""

    async def resume(self) -> None:
        """As `pause`."""


class PtyEnd(Descriptor):
    def __init__(self, link: Path) -> None:
        super().__init__()
        self._link = link
        self._slave = -1
        self.plug_in()

    def plug_in(self) -> None:
        self.fd, self._slave = os.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self.fd, False)
        self._link.unlink(missing_ok=True)
        self._link.symlink_to(os.ttyname(self._slave))

    async def accept(self) -> None:
        if self._slave >= 0:
            os.close(self._slave)
            self._slave = -1

    async def hang_up(self) -> None:
        self.unplug()
        self.plug_in()

    def unplug(self) -> None:
        for fd in (self.fd, self._slave):
            if fd >= 0:
                os.close(fd)


@asynccontextmanager
async def pty_rig(folder: Path) -> AsyncGenerator[Rig]:
    far = PtyEnd(folder / "port")
    transport = SerialTransport(str(folder / "port"))
    yield Rig(transport, far)
    await transport.close()
    far.unplug()


class SocketEnd(Descriptor):
    def __init__(self) -> None:
        super().__init__()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.listener.setblocking(False)
        self._accepted: socket.socket | None = None

    @property
    def port(self) -> int:
        return self.listener.getsockname()[1]

    async def accept(self) -> None:
        if self._accepted is not None:
            self._accepted.close()
        self._accepted, _ = await asyncio.get_running_loop().sock_accept(self.listener)
        self._accepted.setblocking(False)
        self.fd = self._accepted.fileno()

    async def hang_up(self) -> None:
        assert self._accepted is not None
        self._accepted.close()

    def end(self) -> None:
        self.listener.close()
        if self._accepted is not None:
            self._accepted.close()


@asynccontextmanager
async def tcp_rig(make: Callable[[int], TcpTransport]) -> AsyncGenerator[Rig]:
    far = SocketEnd()
    transport = make(far.port)
    yield Rig(transport, far)
    await transport.close()
    far.end()


@pytest.fixture(params=["memory", "pty", "tcp", "socket"])
def make_rig(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Callable[[], AbstractAsyncContextManager[Rig]]:
    match request.param:
        case "memory":
            return memory_rig
        case "pty":
            return lambda: pty_rig(tmp_path)
        case "tcp":
            return lambda: tcp_rig(lambda port: TcpTransport("127.0.0.1", port))
        case _:
            return lambda: tcp_rig(lambda port: make_socket_serial(f"socket://127.0.0.1:{port}"))


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.asyncio
async def test_a_transport(
    make_rig: Callable[[], AbstractAsyncContextManager[Rig]], check: Check
) -> None:
    async with make_rig() as rig:
        await check(rig)

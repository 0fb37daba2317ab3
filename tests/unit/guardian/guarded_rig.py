"""A transport with its guardian, and the bytes that stop the device behind it."""

from __future__ import annotations

import asyncio

from tests.support.line_device import ANSWER, Peer

from massager_ctl.guardian.messages import Burst
from massager_ctl.testing.transports import Recorder
from massager_ctl.transports.factory import make_transport
from massager_ctl.transports.guarded import GuardedTransport, guarded
from massager_ctl.transports.guardian_process import GuardianProcess

OFF: tuple[Burst, ...] = ((b"\nOFF\n",),)

REST = ((ANSWER, b"\xff" * len(ANSWER)),)

BUSY_S = 2.0
"""Seconds that a busy machine may add to what is measured between processes."""


class Rig:
    """The transport, its guardian, and what it complained of."""

    def __init__(self, peer: Peer, lock: str = "", held: str = "") -> None:
        found = guarded(make_transport(peer.address), lock=lock, held=held)
        assert found is not None
        self.transport: GuardedTransport = found
        self.transport.on_trouble = self._trouble
        self.troubles: list[str] = []
        self.recorder = Recorder()

    def _trouble(self, why: str) -> None:
        self.troubles.append(why)
        self.transport.preempt(OFF[0][0])

    @property
    def process(self) -> GuardianProcess:
        assert self.transport._process is not None
        return self.transport._process

    async def run(self, level: int = 20, seconds: float = 0.0) -> None:
        await self.transport.open(self.recorder)
        await self.transport.begin(OFF, REST)
        self.transport.write(b"L%d\n" % level)
        await self.beat(seconds)

    async def beat(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        self.transport.beat()
        while loop.time() < until:
            await asyncio.sleep(0.05)
            self.transport.beat()


async def _until(peer: Peer, line: bytes, count: int = 1) -> float:
    return await asyncio.to_thread(peer.wait_for, line, 10.0, count)

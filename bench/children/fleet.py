"""Many small devices on one TCP port: they speak the protocol and keep what they were sent, as a register server does.

The simulated device would cost a core of its own long before the host's limit; what is measured here is the host.
"""

from __future__ import annotations

import asyncio
import itertools
import sys
from typing import cast

import msgspec

from bench.processes import ready
from firmware_sim import wire
from firmware_sim.config import DeviceConfig, LinkKind
from firmware_sim.firmware import Firmware
from firmware_sim.nvm import MemoryNvm
from massager_fw.states import Result, State

TELEMETRY_S = 0.1
_numbers = itertools.count(1)
_BATTERY = 87
_STILL = (0,) * 6
"""The drive of the kneading motors."""


def model() -> wire.Info:
    """INFO of the simulated device."""
    firmware = Firmware(DeviceConfig(), MemoryNvm(), 0)
    firmware.connect(1, LinkKind.TCP, 0.0)
    found = wire.parse(firmware.read_info(1, 0.0))
    assert isinstance(found, wire.Info)
    return found


class SmallDevice(asyncio.BufferedProtocol):
    """One connection is one device. It answers every frame at once, a setpoint with TELEMETRY."""

    info: wire.Info

    def __init__(self) -> None:
        self._epoch = next(_numbers) << 20
        self._counter = self._owner = self._seq = self._running = 0
        self._levels = (0,) * 6
        self._armed_at: float | None = None
        self._state = State.IDLE
        self._splitter = wire.Splitter()
        self._room = bytearray(4096)
        self._ticking: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._loop = asyncio.get_running_loop()
        self._tick()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._ticking is not None:
            self._ticking.cancel()

    def _tick(self) -> None:
        """While idle, TELEMETRY as often as the protocol has it; in a session, the setpoints bring it."""
        if self._state is State.IDLE:
            self._send(self._telemetry())
        self._ticking = self._loop.call_later(TELEMETRY_S, self._tick)

    def get_buffer(self, sizehint: int) -> bytearray:
        return self._room

    def buffer_updated(self, nbytes: int) -> None:
        for body in self._splitter.feed(bytes(self._room[:nbytes])):
            assert isinstance(body, bytes), body
            self._take(wire.parse(body))

    def _take(self, message: wire.Message) -> None:
        match message:
            case wire.Setpoint():
                self._seq, self._levels = message.seq, message.level
                self._send(self._telemetry())
            case wire.Stop(token=token):
                self._epoch += 1
                self._levels, self._state, self._owner = (0,) * 6, State.IDLE, 0
                self._send(self._ack(token, wire.FrameType.STOP), self._telemetry())
            case wire.Arm():
                self._owner, self._seq, self._state = message.owner, message.seq, State.RUNNING
                self._armed_at = self._loop.time()
                self._send(self._ack(message.token, wire.FrameType.ARM), self._telemetry())
            case wire.GetInfo(token=token):
                self._send(wire.pack(self._info(token)))
            case _:
                raise AssertionError(message)

    def _info(self, token: int) -> wire.Info:
        """A host stops a device that does not count the seconds for which it runs (R9)."""
        ran_s = 0.0 if self._armed_at is None else self._loop.time() - self._armed_at
        lifetime = self.info.lifetime + int(ran_s)
        return msgspec.structs.replace(self.info, token=token, lifetime=lifetime)

    def _ack(self, token: int, of: wire.FrameType) -> bytes:
        return wire.pack(wire.Ack(token, of, Result.OK, self._epoch, 0))

    def _telemetry(self) -> bytes:
        self._counter += 1
        uptime = int(self._loop.time() * 1000) & 0xFFFFFFFF
        head = wire.VERSION, wire.FrameType.TELEMETRY, self._counter, self._epoch, 1, uptime
        session = self._running, self._owner, self._seq, self._state, 0, 0, 8, _BATTERY
        body = wire.TELEMETRY_BODY.pack(
            *head, *session, *self._levels, *self._levels, *_STILL, 0, 240, 240, 1800, 0
        )
        return wire.seal(body)

    def _send(self, *bodies: bytes) -> None:
        self._transport.write(b"".join(map(wire.frame, bodies)))


async def serve() -> None:
    SmallDevice.info = model()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(SmallDevice, "127.0.0.1", 0, backlog=1024)
    ready(f"127.0.0.1:{server.sockets[0].getsockname()[1]}")
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(serve())

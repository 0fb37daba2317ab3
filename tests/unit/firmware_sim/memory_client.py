"""A host on a memory link of the simulator, which keeps what it heard."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.unit.firmware_sim.lone_device import LOW

from firmware_sim import wire
from firmware_sim.links.memory import Simulator


class Client:
    """A host on a memory link."""

    def __init__(self, sim: Simulator) -> None:
        self.sim = sim
        self.splitter = wire.Splitter()
        self.heard: list[wire.Message] = []
        self.bad = 0
        self.lost: list[str] = []
        self.seq = 0
        self.link = sim.open_link("memory", self._data, self.lost.append)

    @property
    def core(self) -> Any:
        return self.sim.device.firmware.core

    def _data(self, data: bytes) -> None:
        for body in self.splitter.feed(data):
            try:
                if isinstance(body, wire.Bad):
                    raise wire.BadFrame(body)
                self.heard.append(wire.parse(body))
            except wire.BadFrame:
                self.bad += 1

    def last(self, kind: type[Any]) -> Any:
        return [message for message in self.heard if isinstance(message, kind)][-1]

    def count(self, kind: type[Any]) -> int:
        return sum(isinstance(message, kind) for message in self.heard)

    def send(self, message: wire.Message) -> None:
        self.link.write(wire.frame(wire.pack(message)))

    async def arm(self) -> None:
        await asyncio.sleep(0.15)
        telemetry = self.last(wire.Telemetry)
        self.send(wire.Arm(1, 9, telemetry.epoch, telemetry.challenge, self.seq, 1000, 1800))
        await asyncio.sleep(0.01)

    async def drive(self, seconds: float, level: tuple[int, ...] = LOW, heat: int = 0) -> None:
        for _ in range(round(seconds / 0.2)):
            telemetry = self.last(wire.Telemetry)
            self.seq += 1
            pattern = (0x01,) * 6
            self.send(
                wire.Setpoint(
                    telemetry.epoch, 9, self.seq, telemetry.counter, 0, heat, 4000, level, pattern
                )
            )
            await asyncio.sleep(0.2)

"""The guardian's rules, with a time of their own and what they hand on and say."""

from __future__ import annotations

from massager_ctl.guardian.machine import Machine, Write
from massager_ctl.guardian.messages import Burst, Kind, Message

OFF = (b"OFF\n",)


class Bench:
    """A machine, what it hands on and what it says."""

    def __init__(self) -> None:
        self.now = 100.0
        self.wrote: list[Write] = []
        self.said: list[Message] = []
        self.machine = Machine(self.wrote.append, self.said.append)

    def take(self, kind: Kind, generation: int = 1, *frames: bytes, age: float = 0.0) -> None:
        stops: tuple[Burst, ...] = (OFF,) if kind is Kind.START else ()
        self.machine.take(Message(kind, generation, 7, self.now - age, frames, stops), self.now)

    def start(self, generation: int = 1) -> None:
        self.take(Kind.START, generation)
        assert self.said[-1].kind is Kind.STARTED

    def wait(self, seconds: float, *, beat: bool = False) -> None:
        """Time passes in steps of 10 ms, heartbeats every 200 ms."""
        for step in range(round(seconds * 100)):
            self.now += 0.01
            if beat and step % 20 == 0:
                self.take(Kind.BEAT)
            self.machine.tick(self.now)

    @property
    def handed_on(self) -> list[bytes]:
        return [frame for write in self.wrote for frame in write.frames]

    @property
    def stops(self) -> int:
        return sum(write.frames == OFF for write in self.wrote)

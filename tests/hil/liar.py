"""A device that lies by the book: `liar.py PORT TRACE MUTANT [deaf]`.

Two firmwares get what the host sends. A sound one answers, so that every frame is in order; the one that drives the
motors, and writes the trace, has one rule broken. `deaf`: STOP does not reach it. The mutant `tireless` has a
dead-man that waits for four seconds.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import IO

from msgspec.structs import replace

from firmware_sim.core import Core
from firmware_sim.device import SimLink, SimulatedDevice
from firmware_sim.links.memory import build_device
from firmware_sim.links.pty import PtyPort
from firmware_sim.mutants import MUTANTS, Mutant
from firmware_sim.mutants.link_mistakes import around
from firmware_sim.options import parse_options
from massager_fw.frames import Arm
from massager_hil import wire


class Tireless(Core):
    """A dead-man that waits eight times as long."""

    def arm(self, arm: Arm, link: int, deadman_ms: int, now: int) -> None:
        super().arm(arm, link, 8 * deadman_ms, now)


MUTANTS["tireless"] = Mutant("R4", "the dead-man waits for four seconds", around(Tireless))


class BothLinks:
    """What the host writes reaches both; to the true one in the words of its own session."""

    def __init__(self, *, deaf: bool) -> None:
        self._deaf = deaf
        self._splitter = wire.Splitter()
        self._last: wire.Telemetry | None = None
        self.reported: SimLink
        self.true: SimLink

    def hear(self, data: bytes) -> None:
        """The true one's own TELEMETRY, which no one receives."""
        for run in self._splitter.feed(data):
            message = wire.parse(wire.unstuff(run))
            if isinstance(message, wire.Telemetry):
                self._last = message

    def write(self, data: bytes) -> None:
        try:
            message = wire.parse(wire.unstuff(data.strip(b"\0")))
        except wire.BadFrame:
            self.true.write(data)
        else:
            if not (self._deaf and isinstance(message, wire.Stop)):
                self.true.write(wire.frame(wire.pack(self._translated(message))))
        self.reported.write(data)

    def _translated(self, message: wire.Message) -> wire.Message:
        last = self._last
        match message:
            case wire.Arm() if last is not None:
                return replace(message, epoch=last.epoch, challenge=last.challenge)
            case wire.Setpoint() if last is not None:
                return replace(message, epoch=last.epoch, echo=last.counter)
            case wire.Reset() if last is not None:
                return replace(message, challenge=last.challenge, latch=last.latch)
            case _:
                return message

    def close(self) -> None:
        self.true.close()
        self.reported.close()


class Liar:
    """A device as its port sees it."""

    def __init__(self, reported: SimulatedDevice, true: SimulatedDevice, *, deaf: bool) -> None:
        self._reported, self._true, self._deaf = reported, true, deaf
        self.loop, self.plugged, self.watch_plug = reported.loop, True, reported.watch_plug

    def open_link(
        self,
        kind: str,
        on_data: Callable[[bytes], None],
        on_lost: Callable[[str], None],
        *,
        to_system: bool,
    ) -> BothLinks:
        both = BothLinks(deaf=self._deaf)
        both.true = self._true.open_link(kind, both.hear, lambda _: None)
        both.reported = self._reported.open_link(kind, on_data, on_lost, to_system=to_system)
        return both


async def main(port: str, trace: IO[str], mutant: str, deaf: str = "") -> None:
    """Serve until the end of standard input."""
    true = build_device(parse_options(f"mutant={mutant}"), trace=trace)
    reported = build_device(parse_options(""))
    PtyPort(Liar(reported, true, deaf=bool(deaf)), Path(port))  # type: ignore[arg-type]
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)


with Path(sys.argv[2]).open("w", buffering=1, encoding="utf-8") as written:
    asyncio.run(main(sys.argv[1], written, *sys.argv[3:]))

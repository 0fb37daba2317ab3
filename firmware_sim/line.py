"""One direction of a link, with what a bad cable or a radio does to it; seeded."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from firmware_sim.splitmix import SplitMix64


@dataclass(slots=True)
class LineFaults:
    """What happens to each piece of bytes on every link of a device, in both directions. Shares are 0 to 1."""

    seed: int
    drop: float = 0.0
    """Share of the pieces that are lost (fault 25)."""
    corrupt: float = 0.0
    """Share of the pieces of which one bit flips (fault 16)."""
    duplicate: float = 0.0
    """Share of the pieces that come twice (fault 18)."""
    reorder: float = 0.0
    """Share of the pieces that change places with the next one (fault 19)."""
    truncate: float = 0.0
    """Share of the pieces of which only the first half comes (fault 15)."""
    delay_s: float = 0.0
    """Seconds that everything is late (fault 58)."""
    fragment: int = 0
    """Bytes in a piece; 0 leaves them as they are (fault 24)."""
    silent: bool = False
    """Nothing passes, and no one is notified (faults 12, 13)."""
    noise: SplitMix64 = field(init=False)

    def __post_init__(self) -> None:
        self.noise = SplitMix64(self.seed)

    @property
    def clean(self) -> bool:
        """The line does nothing to what passes."""
        return not (
            self.silent
            or self.fragment
            or self.delay_s
            or self.drop
            or self.corrupt
            or self.duplicate
            or self.reorder
            or self.truncate
        )


class Line:
    """Bytes in at one end; what is left of them out at the other."""

    __slots__ = ("_deliver", "_due", "_faults", "_held", "_late", "_loop")

    def __init__(
        self, loop: asyncio.AbstractEventLoop, faults: LineFaults, deliver: Callable[[bytes], None]
    ) -> None:
        self._loop = loop
        self._faults = faults
        self._deliver = deliver
        self._held: bytes | None = None
        self._late = 0
        self._due = 0.0

    def push(self, data: bytes) -> None:
        """One piece enters."""
        faults = self._faults
        if faults.clean and self._held is None and not self._late:
            self._deliver(data)
            return
        for piece in self._spoil(data):
            self._pass(piece)

    def _spoil(self, data: bytes) -> list[bytes]:
        faults, chance = self._faults, self._faults.noise.unit
        if faults.silent or chance() < faults.drop:
            return []
        if chance() < faults.truncate:
            data = data[: len(data) // 2]
        if data and chance() < faults.corrupt:
            spoilt = bytearray(data)
            bit = int(chance() * 8 * len(data))
            spoilt[bit // 8] ^= 1 << bit % 8
            data = bytes(spoilt)
        pieces = [data, data] if chance() < faults.duplicate else [data]
        if self._held is not None:
            pieces.append(self._held)
            self._held = None
        elif chance() < faults.reorder:
            self._held = pieces.pop()
        size = faults.fragment
        if size:
            pieces = [piece[k : k + size] for piece in pieces for k in range(0, len(piece), size)]
        return pieces

    def _pass(self, piece: bytes) -> None:
        if self._faults.delay_s or self._late:
            self._late += 1
            # Timers of the same moment come in any order: each piece a microsecond after the last.
            self._due = max(self._loop.time() + self._faults.delay_s, self._due + 1e-6)
            self._loop.call_at(self._due, self._arrive, piece)
        else:
            self._deliver(piece)

    def _arrive(self, piece: bytes) -> None:
        self._late -= 1
        self._deliver(piece)

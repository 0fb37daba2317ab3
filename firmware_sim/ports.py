"""One link to a host as the firmware sees it: framing, rights, and how noisy it is (R16, R17)."""

from __future__ import annotations

from typing import Final

from firmware_sim import wire
from firmware_sim.config import LinkKind

MTU_FOR_ALL: Final = 64
"""Smallest ATT MTU for commands and telemetry (docs/protocol.md 2)."""
NOISE_SLOTS: Final = 20
"""2 s in frames of 100 ms."""
NOISE_LEAST: Final = 10


class Port:
    """A link that is up."""

    __slots__ = (
        "_bad",
        "_bad_slots",
        "_splitter",
        "_total",
        "_total_slots",
        "kind",
        "link",
        "may_command",
        "talks",
    )

    def __init__(self, link: int, kind: LinkKind, *, bonded: bool, mtu: int | None) -> None:
        self.link = link
        self.kind = kind
        self.talks = mtu is None or mtu >= MTU_FOR_ALL
        """TELEMETRY and INFO fit."""
        self.may_command = bonded and self.talks
        self._splitter = None if kind is LinkKind.BLE else wire.Splitter()
        self._bad = self._total = 0
        self._bad_slots = [0] * NOISE_SLOTS
        self._total_slots = [0] * NOISE_SLOTS

    def split(self, data: bytes) -> list[bytes | wire.Bad]:
        """The frame bodies in `data`."""
        return [data] if self._splitter is None else self._splitter.feed(data)

    def framed(self, body: bytes) -> bytes:
        """`body` as it travels on this link."""
        return body if self._splitter is None else wire.frame(body)

    def flush(self) -> None:
        """Forget half a frame (the device was reset)."""
        if self._splitter is not None:
            self._splitter = wire.Splitter()

    def note(self, *, bad: bool) -> None:
        """One more frame on this link."""
        self._total += 1
        self._total_slots[-1] += 1
        if bad:
            self._bad += 1
            self._bad_slots[-1] += 1

    @property
    def noisy(self) -> bool:
        """Over half of the frames of the last 2 s were bad, and at least 10 were."""
        return self._bad >= NOISE_LEAST and 2 * self._bad > self._total

    def turn_slot(self) -> None:
        """100 ms are over."""
        if self._total:
            self._total -= self._total_slots.pop(0)
            self._total_slots.append(0)
            self._bad -= self._bad_slots.pop(0)
            self._bad_slots.append(0)

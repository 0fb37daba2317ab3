"""What the device announces so that no old frame can act: epoch, challenge, counter (R4, R7, R16)."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from typing import Final

from firmware_sim.config import TICK_S
from firmware_sim.noise import Noise

_WORD: Final = 0xFFFFFFFF
EPOCHS_PER_BOOT: Final = 1 << 20
CHALLENGE_LIFE_S: Final = 10.0
CHALLENGE_PERIOD_S: Final = 5.0
_REMEMBERED: Final = 128
"""Counters remembered; at 60 TELEMETRY a second that is more than 2 s, and T is at most 1."""


class Announcer:
    """Issues epochs, challenges and counters, and says whether one that comes back still counts."""

    __slots__ = (
        "_boot",
        "_changes",
        "_known",
        "_next_boot",
        "_noise",
        "_old",
        "_sent_ticks",
        "_since",
        "_since_old",
        "challenge",
        "counter",
        "epoch",
    )

    def __init__(self, boot: int, next_boot: Callable[[], int], noise: Noise) -> None:
        self._boot = boot
        self._next_boot = next_boot
        self._changes = 0
        self._noise = noise
        self._sent_ticks = array("I", [0]) * _REMEMBERED
        self._known = 0
        """How many of the counters up to the present one have their tick in the ring."""
        self.epoch = 0
        self.counter = 0
        self.challenge = 0
        self._old: int | None = None
        self._since = self._since_old = 0.0
        self._name_epoch()
        self.void_challenges(0.0)

    def new_epoch(self) -> None:
        """After this, nothing that was sent before it can act."""
        self._changes += 1
        if self._changes == EPOCHS_PER_BOOT:
            # Its share of epochs is spent: go on as if it had booted, so that none comes back.
            self._boot, self._changes = self._next_boot(), 0
        self._name_epoch()

    def _name_epoch(self) -> None:
        self.epoch = (self._boot * EPOCHS_PER_BOOT + self._changes) & _WORD

    def renew_if_due(self, now: float) -> None:
        """A new challenge every 5 s; the one before it stays good until it is 10 s old."""
        if now - self._since >= CHALLENGE_PERIOD_S:
            self._old, self._since_old = self.challenge, self._since
            self._draw(now)

    def void_challenges(self, now: float) -> None:
        """A stop or a latch: none of the challenges so far is good any more."""
        self._old = None
        self._draw(now)

    def use(self, challenge: int, now: float) -> bool:
        """Whether `challenge` is good; it is used up by the asking."""
        if challenge == self.challenge and now - self._since <= CHALLENGE_LIFE_S:
            self._draw(now)
            return True
        if challenge == self._old and now - self._since_old <= CHALLENGE_LIFE_S:
            self._old, self._since_old = self.challenge, self._since
            self._draw(now)
            return True
        return False

    def _draw(self, now: float) -> None:
        self.challenge = self._noise.u32()
        self._since = now

    def count(self, tick: int) -> int:
        """The counter of the TELEMETRY that is sent now."""
        counter = (self.counter + 1) & _WORD
        self.counter = counter
        self._sent_ticks[counter % _REMEMBERED] = tick & _WORD
        if self._known < _REMEMBERED:
            self._known += 1
        return counter

    def fresh(self, echo: int, now: float, most: float) -> bool:
        """Whether TELEMETRY number `echo` was sent, and no more than `most` seconds ago."""
        if (self.counter - echo) & _WORD >= self._known:
            return False
        return now - self._sent_ticks[echo % _REMEMBERED] * TICK_S <= most

"""What the device announces so that no old frame can act: epoch, challenge, counter (R4, R7, R16)."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

from massager_fw.config import TICK_MS
from massager_fw.frames import get32, put32, word
from massager_fw.shim import const, micropython

if TYPE_CHECKING:
    from massager_fw.board import Board
    from massager_fw.memory import Memory

EPOCHS_PER_BOOT = 1 << 20
CHALLENGE_LIFE_MS = 10_000
CHALLENGE_PERIOD_MS = 5_000
_REMEMBERED = const(128)
"""Counters remembered; at 60 TELEMETRY a second that is more than 2 s, and T is at most 1."""


class Announcer:
    """Issues epochs, challenges and counters, and says whether one that comes back still counts.

    Times are milliseconds on the device's clock.
    """

    __slots__ = (
        "_board",
        "_boot",
        "_changes",
        "_known",
        "_memory",
        "_old",
        "_old_is_good",
        "_sent_ticks",
        "_since",
        "_since_old",
        "challenge",
        "counter",
        "epoch",
    )

    def __init__(self, memory: Memory, board: Board) -> None:
        self._memory = memory
        self._board = board
        self._boot = memory.boot
        self._changes = 0
        self._sent_ticks = array("I", [0] * _REMEMBERED)
        self._known = 0
        """How many of the counters up to the present one have their tick in the ring."""
        self.epoch = bytearray(4)
        self.counter = 0
        self.challenge = bytearray(4)
        self._old = bytearray(4)
        self._old_is_good = False
        self._since = self._since_old = 0
        self._name_epoch()
        self.void_challenges(0)

    def new_epoch(self) -> None:
        """After this, nothing that was sent before it can act."""
        self._changes += 1
        if self._changes == EPOCHS_PER_BOOT:
            # Its share of epochs is spent: go on as if it had booted, so that none comes back.
            self._boot, self._changes = self._memory.next_boot(), 0
        self._name_epoch()

    def _name_epoch(self) -> None:
        put32(self.epoch, 0, self._boot * EPOCHS_PER_BOOT + self._changes)

    def renew_if_due(self, now: int) -> None:
        """A new challenge every 5 s; the one before it stays good until it is 10 s old."""
        if now - self._since >= CHALLENGE_PERIOD_MS:
            self._keep_old()
            self._draw(now)

    def void_challenges(self, now: int) -> None:
        """A stop or a latch: none of the challenges so far is good any more."""
        self._old_is_good = False
        self._draw(now)

    def use(self, challenge: bytearray, now: int) -> bool:
        """Whether `challenge` is good; it is used up by the asking."""
        if challenge == self.challenge and now - self._since <= CHALLENGE_LIFE_MS:
            self._draw(now)
            return True
        if (
            self._old_is_good
            and challenge == self._old
            and now - self._since_old <= CHALLENGE_LIFE_MS
        ):
            self._keep_old()
            self._draw(now)
            return True
        return False

    def _keep_old(self) -> None:
        for i in range(4):
            self._old[i] = self.challenge[i]
        self._old_is_good = True
        self._since_old = self._since

    def _draw(self, now: int) -> None:
        self._board.random(self.challenge)
        self._since = now

    @micropython.native
    def count(self, tick: int) -> int:
        """The counter of the TELEMETRY that is sent now."""
        counter = word(self.counter + 1)
        self.counter = counter
        self._sent_ticks[counter % _REMEMBERED] = tick
        if self._known < _REMEMBERED:
            self._known += 1
        return counter

    def fresh(self, high: int, low: int, now: int, most: int) -> bool:
        """Whether TELEMETRY of that number, in halves, was sent, and no more than `most` milliseconds ago."""
        counter = self.counter
        low = (counter & 0xFFFF) - low
        high = (counter >> 16) - high - (low < 0) & 0xFFFF
        low &= 0xFFFF
        if high or low >= self._known:
            return False
        sent = self._sent_ticks[(counter - low) % _REMEMBERED]
        return now - sent * TICK_MS <= most


def number(word: bytearray) -> int:
    """An epoch or a challenge as a number."""
    return get32(word, 0)

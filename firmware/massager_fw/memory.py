"""What the firmware keeps in NVM, and how it comes back: anything unreadable is a memory fault (R7, R8)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from massager_fw.allowance import CHECKPOINT_S
from massager_fw.board import RECORD_MAX, RECORDS
from massager_fw.codec import RECORD_CRC, crc16
from massager_fw.config import TICKS_PER_S
from massager_fw.frames import get16, get32, put32
from massager_fw.states import Cause

if TYPE_CHECKING:
    from massager_fw.allowance import Allowance
    from massager_fw.board import Board

_BOOT_COPIES = (0, 1)
_LIFE = 2
_ALLOWANCE = 3
_LATCH = 4
_BOOT_SIZE = 4
_LIFE_SIZE = 9
_LATCH_SIZE = 3
_ANY = -1
_WRONG = -1


def seal(record: bytearray, size: int) -> int:
    """Put a checksum behind the first `size` bytes; the whole length."""
    crc = crc16(record, size, RECORD_CRC)
    record[size] = crc & 255
    record[size + 1] = crc >> 8
    return size + 2


def unsealed(record: bytearray, size: int) -> int:
    """The length of what was sealed in the first `size` bytes; -1 if the checksum is wrong."""
    size -= 2
    if size < 0 or crc16(record, size, RECORD_CRC) != get16(record, size):
        return _WRONG
    return size


class Memory:
    """The records of one device. `intact` is False when something could not be read at boot."""

    __slots__ = (
        "_board",
        "_record",
        "allowance_lost",
        "boot",
        "cause",
        "intact",
        "latch",
        "life_ticks",
    )

    def __init__(self, board: Board, allowance: Allowance) -> None:
        self._board = board
        self._record = bytearray(RECORD_MAX)
        self.intact = True
        self.allowance_lost = False
        self.cause = Cause.NONE
        self.latch = 0
        self.life_ticks = 0
        self.boot = 1
        if self._is_new():
            self._put_boot()
            self.save_latch(Cause.NONE, 0)
            self.checkpoint(allowance, in_session=False)
            return
        self._load_boot()
        self._load_latch()
        self._load_life()
        self._load_allowance(allowance)
        self.checkpoint(allowance, in_session=False)

    def _is_new(self) -> bool:
        for number in range(len(RECORDS)):
            if self._board.load(number, self._record) >= 0:
                return False
        return True

    def _read(self, number: int, size: int) -> int:
        """Read a record; its length, or -1, which is a memory fault."""
        found = self._board.load(number, self._record)
        length = unsealed(self._record, found)
        if length < 0 or (size != _ANY and length != size):
            self.intact = False
            return _WRONG
        return length

    def _put(self, number: int, size: int) -> None:
        self._board.store(number, self._record, seal(self._record, size))

    def _load_boot(self) -> None:
        known = 0
        for number in _BOOT_COPIES:
            if self._read(number, _BOOT_SIZE) == _BOOT_SIZE:
                known = max(known, get32(self._record, 0))
        self.boot = known
        self.next_boot()

    def next_boot(self) -> int:
        """Count one more boot, and say which it is."""
        self.boot = (self.boot + 1) & 0xFFFFFFFF
        self._put_boot()
        return self.boot

    def _put_boot(self) -> None:
        for number in _BOOT_COPIES:
            put32(self._record, 0, self.boot)
            self._put(number, _BOOT_SIZE)

    def _load_latch(self) -> None:
        if self._read(_LATCH, _LATCH_SIZE) == _LATCH_SIZE:
            self.cause = self._record[0]
            self.latch = get16(self._record, 1)

    def _load_life(self) -> None:
        if self._read(_LIFE, _LIFE_SIZE) == _LIFE_SIZE:
            record = self._record
            self.life_ticks = get32(record, 0) | get32(record, 4) << 32
            if record[8]:
                self.life_ticks += CHECKPOINT_S * TICKS_PER_S

    def _load_allowance(self, allowance: Allowance) -> None:
        size = self._read(_ALLOWANCE, _ANY)
        if allowance.restore(self._record, size):
            allowance.charge_boot()
            return
        self.intact = False
        self.allowance_lost = True
        allowance.spend_all()

    def checkpoint(self, allowance: Allowance, *, in_session: bool) -> None:
        """At ARM, every 10 s, and at the end of a session.

        A boot that finds `in_session` charges an interval to the lifetime: no more can have been lost.
        """
        allowance.save(self._record)
        self._put(_ALLOWANCE, allowance.record_size)
        put32(self._record, 0, self.life_ticks)
        put32(self._record, 4, self.life_ticks >> 32)
        self._record[8] = in_session
        self._put(_LIFE, _LIFE_SIZE)

    def save_latch(self, cause: int, latch: int) -> None:
        """A fault latch outlives a reboot; `Cause.NONE` clears it."""
        self.cause, self.latch = cause, latch
        self._put_latch()

    def _put_latch(self) -> None:
        self._record[0] = self.cause
        self._record[1] = self.latch & 255
        self._record[2] = self.latch >> 8
        self._put(_LATCH, _LATCH_SIZE)

    def add_life(self, seconds: int) -> None:
        """Running time that was delivered to another host (fault 59)."""
        self.life_ticks += seconds * TICKS_PER_S

    def mend(self, allowance: Allowance) -> bool:
        """Write all of it again and read it back: whether the memory can be trusted again."""
        self._put_boot()
        self.checkpoint(allowance, in_session=False)
        self._put_latch()
        self.intact = True
        for number in range(len(RECORDS)):
            self._read(number, _ANY)
        if self.intact:
            self.allowance_lost = False
        return self.intact

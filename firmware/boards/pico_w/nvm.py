"""Memory that outlives the power: whole or not at all, no erasing while anything moves, and worn evenly.

An erase stops an RP2040 for tens of milliseconds, so the records are a log: one is added by programming a page, and
blocks are erased at rest, one after the other in a ring. MicroPython gives its whole flash to the file system. Each
block of ours therefore belongs to a file of exactly one block, which littlefs never moves; it is found once by what
is in it, programmed past the file system, and at each boot compared with what the file system reads.
"""

import json
import os

from massager_fw.board import RECORD_MAX, RECORDS
from massager_fw.codec import copy, crc16

BLOCK = 4096
PAGE = 256
BLOCKS = 20
"""One more than the checkpoints of the longest session need, a page each, besides the ones in use."""
FOLDER = "/nvm"
MAP = FOLDER + "/map"
LOST = FOLDER + "/lost"
"""Is there from a loss until the fault that it is has been stored: a power cut in between makes no new device."""
_LATCH = RECORDS.index("latch")
"""The last record that the firmware writes after a loss."""

_MAGIC = 0x5A
_HEAD = 8
"""Magic, record, length, zero, number of the entry (u32); then the record, and a CRC over all of it."""
_SEAL = 0x4D53
_STEP = 16
_CODE_ERASE = 6
_CODE_COUNT = 4


class Nvm:
    """The records of `massager_fw.board`, by their number."""

    def __init__(self, flash):
        self._flash = flash
        self._page = bytearray(PAGE)
        self._one = bytearray(_HEAD + RECORD_MAX + 2)
        self._blank = b"\xff" * PAGE
        self._last = [-1] * len(RECORDS)
        """Where the newest entry of each record begins: its place in the ring."""
        self._number = 0
        self._place = 0
        """Where the next entry begins: block of the ring times BLOCK, and the place in the block."""
        self._free = bytearray(BLOCKS)
        self.lost = False
        """What the map says is not what the flash holds: nothing is read, so that the firmware fails closed."""
        self.erased = 0
        """Erases since boot."""
        self._anew = False
        """Made again after a loss, and the fault is not stored yet."""
        self._blocks = self._find()
        if not self.lost:
            self._scan()

    # --- where it is

    def _find(self):
        if _is_there(LOST):
            self.lost = True
            return []
        try:
            with open(MAP) as file:
                blocks = json.load(file)
        except (OSError, ValueError):
            # Nothing of ours is there, or a first boot was cut off before its map.
            if not _is_there(MAP):
                return self._make()
            self.lost = True
            return []
        view = bytearray(PAGE)
        try:
            for index, block in enumerate(blocks):
                with open(f"{FOLDER}/{index:02d}", "rb") as file:
                    file.readinto(view)
                self._flash.readblocks(block, self._page, 0)
                if view != self._page:
                    self.lost = True
            if len(blocks) != BLOCKS:
                self.lost = True
        except (OSError, TypeError, ValueError):  # what is there is no list of blocks of this flash
            self.lost = True
        return blocks

    def _make(self):
        """Give each file a block of its own, and find out which."""
        try:
            os.mkdir(FOLDER)
        except OSError:
            pass
        marks = []
        for index in range(BLOCKS):
            mark = b"massager nvm %02d " % index + os.urandom(16)
            marks.append(mark)
            with open(f"{FOLDER}/{index:02d}", "wb") as file:
                file.write(mark)
                file.write(b"\xff" * (BLOCK - len(mark)))
        found = [-1] * BLOCKS
        view = bytearray(len(marks[0]))
        for block in range(self._flash.ioctl(_CODE_COUNT, 0)):
            self._flash.readblocks(block, view, 0)
            if bytes(view) in marks:
                found[marks.index(bytes(view))] = block
        if -1 in found:
            raise OSError("a block of the flash cannot be found again")
        for block in found:
            self._flash.ioctl(_CODE_ERASE, block)
        with open(MAP + ".new", "w") as file:
            json.dump(found, file)
        os.rename(MAP + ".new", MAP)
        return found

    # --- what it holds

    def _scan(self):
        """Find the newest entry of each record, and where to go on."""
        newest = [-1] * len(RECORDS)
        highest = -1
        for ring in range(BLOCKS):
            free = True
            place = 0
            while place < BLOCK:
                self._flash.readblocks(self._blocks[ring], self._page, place)
                if self._page == self._blank:
                    place += PAGE
                    continue
                free = False
                start = 0
                while start < PAGE:
                    size = self._entry(start)
                    if not size:
                        start += _STEP
                        continue
                    number = self._number_at(start)
                    record = self._page[start + 1]
                    if number > newest[record]:
                        newest[record] = number
                        self._last[record] = ring * BLOCK + place + start
                    highest = max(highest, number)
                    start += size
                place += PAGE
            self._free[ring] = free
        self._number = highest + 1
        # The rest of a block that a boot finds begun may be torn: go on with a free one.
        self._place = -1

    def _entry(self, start):
        """Room that a sound entry takes up in the page, 0 for none."""
        page = self._page
        if page[start] != _MAGIC or page[start + 1] >= len(RECORDS):
            return 0
        length = page[start + 2]
        end = _HEAD + length
        if length > RECORD_MAX or start + end + 2 > PAGE:
            return 0
        entry = self._one
        copy(page, start, end + 2, entry, 0)
        if entry[end] | entry[end + 1] << 8 != crc16(entry, end, _SEAL):
            return 0
        return _rounded(end + 2)

    def _number_at(self, start):
        page = self._page
        return (
            page[start + 4] | page[start + 5] << 8 | page[start + 6] << 16 | page[start + 7] << 24
        )

    def load(self, record, into):
        """Copy a record; its length, or -1 if it was never written. Where all is lost, something that is none."""
        if self.lost:
            into[0] = 0
            return 1
        at = self._last[record]
        if at < 0:
            return -1
        page = self._page
        start = at % PAGE
        self._flash.readblocks(self._blocks[at // BLOCK], page, at % BLOCK - start)
        length = page[start + 2]
        return copy(page, start + _HEAD, length, into, 0)

    def store(self, record, data, length):
        """Add a record to the log. It allocates nothing, and erases only where no block is free.

        The latch is added twice: where a bit of the newest entry flips, the one before it says the same. Of the others
        the entry before is a checkpoint older (R8), or there are two records (the boots).
        """
        if self.lost:
            self._begin_anew()
        self._add(record, data, length)
        if record == _LATCH:
            self._add(record, data, length)
            if self._anew:
                os.remove(LOST)
                self._anew = False

    def _add(self, record, data, length):
        size = _rounded(_HEAD + length + 2)
        place = self._place
        if place < 0 or place % BLOCK == 0:
            place = self._next_block(place)
        elif place % PAGE + size > PAGE:
            place = place - place % PAGE + PAGE
            if place % BLOCK == 0:
                place = self._next_block(place)
        entry = self._one
        number = self._number
        entry[0] = _MAGIC
        entry[1] = record
        entry[2] = length
        entry[3] = 0
        entry[4] = number & 255
        entry[5] = number >> 8 & 255
        entry[6] = number >> 16 & 255
        entry[7] = number >> 24 & 255
        copy(data, 0, length, entry, _HEAD)
        end = _HEAD + length
        total = crc16(entry, end, _SEAL)
        entry[end] = total & 255
        entry[end + 1] = total >> 8
        page = self._page
        copy(self._blank, 0, PAGE, page, 0)
        start = place % PAGE
        copy(entry, 0, end + 2, page, start)
        self._flash.writeblocks(self._blocks[place // BLOCK], page, place % BLOCK - start)
        self._last[record] = place
        self._number = number + 1
        self._place = place + size

    def _next_block(self, place):
        """The place of a free block's beginning; where there is none, one is erased now."""
        ring = 0 if place < 0 else (place - 1) // BLOCK + 1
        for step in range(BLOCKS):
            candidate = (ring + step) % BLOCKS
            if self._free[candidate]:
                self._free[candidate] = 0
                return candidate * BLOCK
        for step in range(BLOCKS):
            candidate = (ring + step) % BLOCKS
            if not self._holds(candidate):
                self._erase(candidate)
                self._free[candidate] = 0
                return candidate * BLOCK
        raise OSError("no block of the memory is free")

    def _holds(self, ring):
        """Whether the newest of any record is in this block."""
        for at in self._last:
            if at >= 0 and at // BLOCK == ring:
                return True
        return False

    def _erase(self, ring):
        self._flash.ioctl(_CODE_ERASE, self._blocks[ring])
        self.erased += 1

    def tidy(self):
        """At rest: erase one block that holds nothing new any more, or move one record out of an old block.

        True if there was something to do.
        """
        if self.lost:
            return False
        current = -1 if self._place < 0 else (self._place - 1) // BLOCK
        for ring in range(BLOCKS):
            if self._free[ring] or ring == current:
                continue
            for record in range(len(RECORDS)):
                at = self._last[record]
                if at >= 0 and at // BLOCK == ring:
                    buffer = bytearray(RECORD_MAX)
                    self.store(record, buffer, self.load(record, buffer))
                    return True
            self._erase(ring)
            self._free[ring] = 1
            return True
        return False

    def _begin_anew(self):
        """After a loss that the firmware tells as a fault: files and blocks are made new."""
        with open(LOST, "w"):
            pass
        self._anew = True
        try:
            os.remove(MAP)
        except OSError:
            pass
        self._blocks = self._make()
        self._last = [-1] * len(RECORDS)
        self._free = bytearray(b"\x01" * BLOCKS)
        self._place = -1
        self._number = 0
        self.lost = False


def _is_there(path):
    try:
        os.stat(path)
        return True
    except OSError:
        return False


def _rounded(size):
    return size + _STEP - 1 & ~(_STEP - 1)

"""The board's memory on a real littlefs: `micropython try_nvm.py RULES BOARD FLASH WHAT`; prints one JSON object."""

import json
import os
import sys

import vfs

sys.path.insert(0, __file__.rsplit("/", 1)[0])
sys.path[1:1] = sys.argv[1:4]
import nor_flash
from nvm import BLOCKS, PAGE, Nvm

from massager_fw.board import RECORD_MAX, RECORDS

FLASH, WHAT = sys.argv[4:6]
LAST = 270
SESSION_CHECKPOINTS = 243
"""2700 s with pauses, counted at 0.9, one in 10 s."""


class PowerCut(Exception):
    pass


def mounted(flash):
    try:
        vfs.umount("/")
    except OSError:
        pass
    try:
        files = vfs.VfsLfs2(flash, progsize=256)
    except OSError:
        vfs.VfsLfs2.mkfs(flash, progsize=256)
        files = vfs.VfsLfs2(flash, progsize=256)
    vfs.mount(files, "/")


def unmounted():
    """The machine's own files again."""
    vfs.umount("/")
    vfs.mount(vfs.VfsPosix("/"), "/")


def pattern(number, record, length):
    return bytearray((number * 7 + record * 31 + i) & 255 for i in range(length))


def read(memory, record):
    into = bytearray(RECORD_MAX)
    length = memory.load(record, into)
    return None if length < 0 else bytes(into[:length])


def checkpoint(memory, number):
    memory.store(3, pattern(number, 3, RECORD_MAX), RECORD_MAX)
    memory.store(2, pattern(number, 2, 11), 11)


def keeps():
    flash = nor_flash.NorFlash(FLASH, 64)
    mounted(flash)
    memory = Nvm(flash)
    new = [read(memory, record) is None for record in range(len(RECORDS))]
    for record in range(len(RECORDS)):
        memory.store(record, pattern(1, record, 20 + record), 20 + record)
    mounted(flash)
    again = Nvm(flash)
    same = [read(again, r) == bytes(pattern(1, r, 20 + r)) for r in range(len(RECORDS))]
    return {"new": new, "same": same, "lost": again.lost}


def session():
    """The longest session erases nothing; at rest the room comes back, and every block is worn alike."""
    flash = nor_flash.NorFlash(FLASH, 64)
    mounted(flash)
    memory = Nvm(flash)
    for record in range(len(RECORDS)):
        memory.store(record, pattern(0, record, 20), 20)
    in_session = []
    worst_pages = 0
    most_tidies = 0
    before = list(flash.erased)
    for _ in range(8):
        erased = memory.erased
        for number in range(SESSION_CHECKPOINTS):
            pages = flash.programmed
            memory.store(3, pattern(number, 3, RECORD_MAX), RECORD_MAX)
            worst_pages = max(worst_pages, flash.programmed - pages)
            memory.store(2, pattern(number, 2, 11), 11)
        in_session.append(memory.erased - erased)
        tidies = 0
        while memory.tidy():
            tidies += 1
        most_tidies = max(most_tidies, tidies)
    worn = [after - was for after, was in zip(flash.erased, before) if after != was]
    return {
        "in_session": max(in_session),
        "worst_pages": worst_pages,
        "tidies": most_tidies,
        "blocks": len(worn),
        "least": min(worn),
        "most": max(worn),
        "boot": read(memory, 0) == bytes(pattern(0, 0, 20)),
    }


def cuts():
    """The power fails at each operation on the flash in turn; what was stored last, or before it, is there."""
    bad = []
    tried = 0
    flash = nor_flash.NorFlash(FLASH, 40)
    mounted(flash)
    memory = Nvm(flash)
    for record in range(len(RECORDS)):
        memory.store(record, pattern(0, record, 20), 20)
    for count in range(LAST + 1):
        checkpoint(memory, count)
    unmounted()
    with open(FLASH, "rb") as file:
        image = file.read()
    for at in range(1, 200):
        path = FLASH + "-" + str(at)
        with open(path, "wb") as file:
            file.write(image)
        flash = nor_flash.NorFlash(path, 40)
        mounted(flash)
        left = [10**9]

        def watch(_what, _block, left=left):
            left[0] -= 1
            if left[0] == 0:
                raise PowerCut

        memory = Nvm(flash)
        flash.watch = watch
        left[0] = at
        written, begun = {3: LAST, 2: LAST}, {3: LAST, 2: LAST}
        try:
            for number in range(1000, 1008):
                for record, length in ((3, RECORD_MAX), (2, 11)):
                    begun[record] = number
                    memory.store(record, pattern(number, record, length), length)
                    written[record] = number
                for _ in range(6):
                    memory.tidy()
        except PowerCut:
            tried += 1
        flash.watch = None
        mounted(flash)
        again = Nvm(flash)
        if again.lost or read(again, 0) != bytes(pattern(0, 0, 20)):
            bad.append([at, "boot"])
        for record, length in ((3, RECORD_MAX), (2, 11)):
            fits = [bytes(pattern(n, record, length)) for n in (written[record], begun[record])]
            if read(again, record) not in fits:
                bad.append([at, record])
        # It goes on as ever.
        checkpoint(again, 5)
        if read(again, 2) != bytes(pattern(5, 2, 11)):
            bad.append([at, "on"])
        unmounted()
        os.remove(path)
        if left[0] > 0:
            break
    return {"bad": bad, "tried": tried}


def first_boot_cut():
    """The power fails while the blocks are found; the next boot begins again, and is a new device."""
    bad = []
    for at in (1, 5, 30, 60, 90, 100, 120):
        unmounted()
        path = FLASH + "-" + str(at)
        flash = nor_flash.NorFlash(path, 64)
        mounted(flash)
        left = [at]

        def watch(_what, _block, left=left):
            left[0] -= 1
            if left[0] == 0:
                raise PowerCut

        flash.watch = watch
        try:
            Nvm(flash)
        except PowerCut:
            pass
        flash.watch = None
        mounted(flash)
        memory = Nvm(flash)
        memory.store(1, pattern(1, 1, 9), 9)
        if memory.lost or read(memory, 0) is not None or read(memory, 1) != bytes(pattern(1, 1, 9)):
            bad.append(at)
        unmounted()
        os.remove(path)
    return {"bad": bad}


def damage():
    """A flipped bit costs that entry; a file that moved loses all, and says so by something that is not a record."""
    flash = nor_flash.NorFlash(FLASH, 64)
    mounted(flash)
    memory = Nvm(flash)
    memory.store(0, pattern(1, 0, 20), 20)
    memory.store(0, pattern(2, 0, 20), 20)
    at = memory._last[0]
    block = memory._blocks[at // 4096]
    page = bytearray(b"\xff" * PAGE)
    page[at % PAGE + 10] = 0
    flash.writeblocks(block, page, at % 4096 - at % PAGE)
    mounted(flash)
    older = read(Nvm(flash), 0) == bytes(pattern(1, 0, 20))
    with open("/nvm/03", "wb") as file:
        file.write(b"somebody's own" * 400)
    lost = Nvm(flash)
    stored = read(lost, 0)
    lost.store(0, pattern(3, 0, 20), 20)
    lost.store(4, pattern(3, 4, 20), 20)
    mounted(flash)
    anew = Nvm(flash)
    return {
        "older": older,
        "lost": stored == b"\0",
        "again": read(anew, 0) == bytes(pattern(3, 0, 20)) and not anew.lost,
        "files": len(os.listdir("/nvm")) == BLOCKS + 1,
    }


def latch_flips():
    """A fault is stored, and one bit of its newest entry or of the one before flips: no older state comes back."""
    flash = nor_flash.NorFlash(FLASH, 64)
    mounted(flash)
    memory = Nvm(flash)
    old, new = bytearray(b"\0\0\0\0\0"), bytearray(b"\x09\x01\0\x11\x22")
    memory.store(4, old, len(old))
    first = memory._last[4]
    memory.store(4, new, len(new))
    last = memory._last[4]
    block, page = memory._blocks[last // 4096], last % 4096 // PAGE * PAGE
    sound = bytearray(PAGE)
    flash.readblocks(block, sound, page)
    unmounted()
    back = []
    for start in range(first + 16, last + 1, 16):
        for bit in range(8 * 15):
            image = bytearray(sound)
            image[start % PAGE + bit // 8] ^= 1 << bit % 8
            flash._file.seek(block * 4096 + page)
            flash._file.write(image)
            flash._file.flush()
            memory._last = [-1] * len(RECORDS)
            memory._scan()
            if read(memory, 4) != bytes(new):
                back.append([start, bit])
    mounted(flash)
    return {"back": back}


def anew_cut():
    """The power fails while a lost memory is made again: no boot after that takes the device for a new one."""
    bad = []
    flash = nor_flash.NorFlash(FLASH, 64)
    mounted(flash)
    memory = Nvm(flash)
    for record in range(len(RECORDS)):
        memory.store(record, pattern(1, record, 9), 9)
    with open("/nvm/03", "wb") as file:
        file.write(b"somebody's own" * 400)
    unmounted()
    with open(FLASH, "rb") as file:
        image = file.read()
    for at in (1, 2, 10, 60, 90, 100, 120, 140, 160, 170):
        path = FLASH + "-" + str(at)
        with open(path, "wb") as file:
            file.write(image)
        flash = nor_flash.NorFlash(path, 64)
        mounted(flash)
        memory = Nvm(flash)
        left = [at]

        def watch(_what, _block, left=left):
            left[0] -= 1
            if left[0] == 0:
                raise PowerCut

        flash.watch = watch
        stored = -1
        try:
            for record in (0, 1, 3, 2, 4):
                memory.store(record, pattern(2, record, 9), 9)
                stored = record
        except PowerCut:
            pass
        flash.watch = None
        mounted(flash)
        again = Nvm(flash)
        # The firmware takes a memory for new where no record was ever written, and latches no fault then.
        if all(read(again, record) is None for record in range(len(RECORDS))):
            bad.append(at)
        if stored == 4 and (again.lost or read(again, 4) != bytes(pattern(2, 4, 9))):
            bad.append([at, "lost again"])
        unmounted()
        os.remove(path)
    return {"bad": bad}


def odd_maps():
    """A map that is not a list of blocks is a loss, which is reported, and no end of the firmware."""
    flash = nor_flash.NorFlash(FLASH, 64)
    mounted(flash)
    Nvm(flash)
    lost = []
    for text in ("5", "null", '{"a": 1}', '["x"]', "[1.5]", "[]", "[70000]", "["):
        with open("/nvm/map", "w") as file:
            file.write(text)
        lost.append(Nvm(flash).lost)
    return {"lost": lost}


def allocates():
    import gc

    flash = nor_flash.NorFlash(FLASH, 64)
    mounted(flash)
    memory = Nvm(flash)

    class Chip:
        """As the real one: it takes what it is given."""

        def readblocks(self, block, into, offset):
            pass

        def writeblocks(self, block, data, offset):
            pass

    memory._flash = Chip()
    data = bytearray(RECORD_MAX)
    memory.store(3, data, RECORD_MAX)
    gc.collect()
    gc.disable()
    grown = []
    for _ in range(3):
        before = gc.mem_alloc()
        for _ in range(60):
            memory.store(3, data, RECORD_MAX)
        grown.append(gc.mem_alloc() - before)
    return {"bytes": grown}


print(json.dumps(globals()[WHAT]()))

"""A NOR flash in a file: erasing sets a block's bits, programming can only clear them, as on the real one."""

import micropython

BLOCK = 4096
PAGE = 256


@micropython.viper
def _clear(cells: ptr8, data: ptr8, length: int):  # noqa: F821
    for i in range(length):
        cells[i] = cells[i] & data[i]


class NorFlash:
    """MicroPython's block device, in the extended protocol; what was done to it is counted."""

    def __init__(self, path: str, blocks: int) -> None:
        self.blocks = blocks
        self.erased = [0] * blocks
        self.programmed = 0
        self.watch = None
        """Called with "erase" or "program" and the block, before it happens."""
        try:
            self._file = open(path, "r+b")
        except OSError:
            with open(path, "wb") as file:
                for _ in range(blocks):
                    file.write(b"\xff" * BLOCK)
            self._file = open(path, "r+b")

    def readblocks(self, block: int, into: bytearray, offset: int = 0) -> None:
        self._file.seek(block * BLOCK + offset)
        self._file.readinto(into)

    def writeblocks(self, block: int, data: bytes, offset=None) -> None:
        if offset is None:
            for number in range(len(data) // BLOCK):
                self.ioctl(6, block + number)
            offset = 0
        if offset % PAGE or len(data) % PAGE:
            raise ValueError("a flash is programmed in whole pages")
        if self.watch:
            self.watch("program", block)
        place = block * BLOCK + offset
        before = bytearray(len(data))
        self._file.seek(place)
        self._file.readinto(before)
        _clear(before, data, len(data))
        self._file.seek(place)
        self._file.write(before)
        self._file.flush()
        self.programmed += len(data) // PAGE

    def ioctl(self, op: int, argument: int):
        if op == 4:
            return self.blocks
        if op == 5:
            return BLOCK
        if op == 6:
            if self.watch:
                self.watch("erase", argument)
            self.erased[argument] += 1
            self._file.seek(argument * BLOCK)
            self._file.write(b"\xff" * BLOCK)
            self._file.flush()
        return 0

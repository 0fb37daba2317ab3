"""MicroPython's prompt over a board's flash: `micropython -i with_flash.py FILE BLOCKS`."""

import os
import sys

import vfs

sys.path.insert(0, __file__.rsplit("/", 1)[0])
from nor_flash import NorFlash

_flash = NorFlash(sys.argv[1], int(sys.argv[2]))
try:
    _files = vfs.VfsLfs2(_flash, progsize=256)
except OSError:
    vfs.VfsLfs2.mkfs(_flash, progsize=256)
    _files = vfs.VfsLfs2(_flash, progsize=256)
vfs.umount("/")
vfs.mount(_files, "/")
os.chdir("/")

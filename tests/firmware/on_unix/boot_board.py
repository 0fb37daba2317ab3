"""Boot a board as the real one does: mount its flash, then run its boot.py and main.py in one namespace.

`micropython boot_board.py HOST FLASH BLOCKS`: HOST is the folder with pins.py, the pipe `hands`, and the log.
"""

import sys

import vfs

sys.path.insert(0, __file__.rsplit("/", 1)[0])
import nor_flash
import rp2

_host, _flash, _blocks = sys.argv[1:]
rp2.flash = nor_flash.NorFlash(_flash, int(_blocks))
_here = sys.path[0]
try:
    _files = vfs.VfsLfs2(rp2.flash, progsize=256)
except OSError:
    vfs.VfsLfs2.mkfs(rp2.flash, progsize=256)
    _files = vfs.VfsLfs2(rp2.flash, progsize=256)
vfs.umount("/")
vfs.mount(_files, "/")
vfs.mount(vfs.VfsPosix(_host), "/host")
vfs.mount(vfs.VfsPosix(_here), "/stand_in")
sys.path[:] = ["", "/stand_in", ".frozen"]

_names = {"__name__": "__main__"}
for _file in ("/boot.py", "/main.py"):
    try:
        with open(_file) as _text:
            _source = _text.read()
    except OSError:
        continue
    exec(_source, _names)

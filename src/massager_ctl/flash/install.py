"""Install: write the slot that does not boot, compare every hash, and rename the pointer last."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any, Final

from massager_ctl.errors import FirmwareError, LinkError
from massager_ctl.flash.boards import ARCHITECTURES
from massager_ctl.flash.manifest import MANIFEST, Build, Manifest
from massager_ctl.flash.repl import NoSpace, Repl

POINTER: Final = "/active"
"""`slot_a` or `slot_b`, a space, and the hash of that slot's manifest."""
SLOTS: Final = ("slot_a", "slot_b")
BOOTS: Final = "/boots"
"""Why it booted, a line a boot, the newest last."""

_DIRECTORY_BLOCKS: Final = 2
_SPARE_BLOCKS: Final = 4
"""The file system needs blocks to move its own things."""

_ON_BOARD: Final = """\
import os, hashlib, sys, gc
def _hash(path):
    h = hashlib.sha256()
    b = bytearray(512)
    try:
        f = open(path, 'rb')
    except OSError:
        return ''
    while True:
        n = f.readinto(b)
        if not n: break
        h.update(memoryview(b)[:n])
    f.close()
    return ''.join('%02x' % c for c in h.digest())
def _remove(path):
    try:
        names = os.listdir(path) if os.stat(path)[0] & 0x4000 else None
    except OSError:
        return
    if names is None:
        os.remove(path)
        return
    for name in names:
        _remove(path + '/' + name)
    os.rmdir(path)
def _text(path):
    try:
        f = open(path)
    except OSError:
        return ''
    t = f.read(16384)
    f.close()
    return t
"""

Tell = Callable[[str], None]


def begin(repl: Repl) -> None:
    """Put on the board what the rest of this file runs there."""
    repl.run(_ON_BOARD)


def install(repl: Repl, build: Build, tell: Tell) -> str:
    """Put a build on a board that waits for Python; returns the slot that boots next.

    `tell` hears each step before it is taken. `FirmwareError`: another board, or no room. `LinkError`: the board is
    gone, or failed. In every case the board boots what it booted before, unless the last step was taken.
    """
    begin(repl)
    _must_fit(repl, build.manifest)
    before = pointed(repl)
    slot = SLOTS[1] if before == SLOTS[0] else SLOTS[0]
    try:
        _fill(repl, build, slot, tell)
        for name, data in build.root.items():
            tell(name)
            _replace(repl, f"/{name}", data, build.manifest.root[name])
        tell("switch over")
        line = f"{slot} {build.digest}\n".encode()
        repl.write(f"{POINTER}.new", line)
        repl.run(f"os.rename({POINTER + '.new'!r}, {POINTER!r})")
    except NoSpace:
        raise FirmwareError(
            "the board's file system is full; it boots what it booted before",
            "Remove files of your own from it, and install again.",
        ) from None
    except LinkError as error:
        kept = (
            "boots what it booted before" if before else "has no firmware that boots, and stays off"
        )
        raise type(error)(
            f"{error.message}; the board {kept}", error.remedy or "Install again."
        ) from None
    tell("done")
    return slot


def _fill(repl: Repl, build: Build, slot: str, tell: Tell) -> None:
    tell("make room")
    repl.run(f"_remove('/{slot}')\n_remove({POINTER + '.new'!r})")
    _must_have_room(repl, build)
    folders = {PurePosixPath(name).parent.as_posix() for name in build.files} - {"."}
    repl.run(f"os.mkdir('/{slot}')")
    for folder in sorted(folders):
        repl.run(f"os.mkdir('/{slot}/{folder}')")
    hashes = build.manifest.files
    for name, data in build.files.items():
        tell(name)
        repl.write(f"/{slot}/{name}", data)
        _compare(repl, f"/{slot}/{name}", hashes[name])
    tell(MANIFEST)
    repl.write(f"/{slot}/{MANIFEST}", build.raw)
    _compare(repl, f"/{slot}/{MANIFEST}", build.digest)


def _replace(repl: Repl, path: str, data: bytes, wanted: str) -> None:
    """Replace a file as a whole, unless it is the same already."""
    if repl.value(f"_hash({path!r})") == wanted:
        return
    repl.write(f"{path}.new", data)
    _compare(repl, f"{path}.new", wanted)
    repl.run(f"os.rename({path + '.new'!r}, {path!r})")


def _compare(repl: Repl, path: str, wanted: str) -> None:
    found = repl.value(f"_hash({path!r})")
    if found != wanted:
        raise LinkError(
            f"{path} on the board is not what was sent", "Its flash may be worn out: try again."
        )


def _must_fit(repl: Repl, manifest: Manifest) -> None:
    """Compare what the board is with what the build is for."""
    facts: dict[str, Any] = repl.value(
        "{'machine': getattr(sys.implementation, '_machine', ''), 'mpy': getattr(sys.implementation, '_mpy', 0), "
        "'version': tuple(sys.implementation[1][:2]), 'platform': sys.platform}"
    )
    machine, mpy = str(facts["machine"]), int(facts["mpy"])
    kind = mpy >> 10
    arch = ARCHITECTURES[kind] if kind < len(ARCHITECTURES) else f"number {kind}"
    if facts["platform"] != manifest.platform or not machine.startswith(manifest.machines):
        raise FirmwareError(
            f"this firmware is for '{manifest.board}', and the board says that it is '{machine}'; nothing was written",
            "Build for that board, or name the right port.",
        )
    if manifest.arch not in ("none", arch) or mpy & 0xFF != manifest.bytecode:
        raise FirmwareError(
            f"this firmware is compiled for {manifest.arch}, format {manifest.bytecode}, and the board takes {arch}, "
            f"format {mpy & 0xFF}; nothing was written",
            "Put a present MicroPython on the board, and build again.",
        )
    if tuple(facts["version"]) < manifest.oldest:
        shown = ".".join(map(str, facts["version"]))
        oldest = ".".join(map(str, manifest.oldest))
        raise FirmwareError(
            f"the board has MicroPython {shown}, and this needs {oldest} or later; nothing was written",
            "Put a present MicroPython on the board.",
        )


def _must_have_room(repl: Repl, build: Build) -> None:
    files = [*build.files.values(), build.raw, *build.root.values()]
    folders = 1 + len({PurePosixPath(name).parent for name in build.files} - {PurePosixPath()})
    size, free = repl.value("(os.statvfs('/')[1], os.statvfs('/')[4])")
    blocks = sum(-(-len(data) // size) for data in files)
    blocks += folders * _DIRECTORY_BLOCKS + _SPARE_BLOCKS
    if blocks > free:
        raise FirmwareError(
            f"the board's file system has {free * size // 1024} KiB left, and this needs {blocks * size // 1024}; "
            "it boots what it booted before",
            "Remove files of your own from it, and install again.",
        )


def pointed(repl: Repl) -> str:
    """The slot that boots now, or '' if none does."""
    words = str(repl.value(f"_text({POINTER!r})")).split()
    return words[0] if words and words[0] in SLOTS else ""

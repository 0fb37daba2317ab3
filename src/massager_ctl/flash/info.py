"""What a board holds, and why it booted."""

from __future__ import annotations

import msgspec

from massager_ctl.flash.install import BOOTS, POINTER, SLOTS, begin
from massager_ctl.flash.manifest import MANIFEST, Manifest
from massager_ctl.flash.repl import Repl
from massager_ctl.model.json_reading import NotJson, read_json


class BoardInfo(msgspec.Struct, frozen=True):
    """`sound` is False if a hash is another one than was installed: such a board stays off."""

    machine: str
    micropython: str
    slot: str | None
    board: str | None
    version: str | None
    sound: bool
    boots: list[str]
    """Why it booted, the oldest first."""
    free_kib: int


def read_info(repl: Repl) -> BoardInfo:
    """Ask a board that waits for Python."""
    begin(repl)
    machine = str(repl.value("getattr(sys.implementation, '_machine', '')"))
    version = ".".join(str(part) for part in repl.value("tuple(sys.implementation[1][:3])"))
    words = str(repl.value(f"_text({POINTER!r})")).split()
    slot = words[0] if len(words) == 2 and words[0] in SLOTS else None
    manifest = None if slot is None else _manifest(repl, slot, words[1])
    sound = manifest is not None and all(
        repl.value(f"_hash('/{slot}/{name}')") == wanted for name, wanted in manifest.files.items()
    )
    size, free = repl.value("(os.statvfs('/')[1], os.statvfs('/')[4])")
    return BoardInfo(
        machine,
        version,
        slot,
        None if manifest is None else manifest.board,
        None if manifest is None else manifest.version,
        sound,
        [line for line in str(repl.value(f"_text({BOOTS!r})")).splitlines() if line],
        free * size // 1024,
    )


def _manifest(repl: Repl, slot: str, wanted: str) -> Manifest | None:
    path = f"/{slot}/{MANIFEST}"
    if repl.value(f"_hash({path!r})") != wanted:
        return None
    try:
        return read_json(str(repl.value(f"_text({path!r})")), Manifest)
    except NotJson:
        return None

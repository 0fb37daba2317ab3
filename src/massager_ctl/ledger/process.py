"""Tells which process has a session open and whether it still runs; a dead one is charged by the crash rule (R9)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

_PROC: Final = Path("/proc")


def mine(boot: str) -> str:
    """This process, named so that a later one with the same number is not taken for it."""
    pid = os.getpid()
    return f"{boot} {pid} {_begun(pid)}"


def alive(owner: str, boot: str) -> bool:
    """Whether the process behind `owner` still runs, in this boot."""
    its_boot, pid, begun = owner.rsplit(" ", 2)
    if its_boot != boot:
        return False
    if not _PROC.is_dir():
        return _answers(int(pid))
    return begun != "" and _begun(int(pid)) == begun


def _begun(pid: int) -> str:
    """When the process began, in the kernel's ticks; empty if it is gone, a zombie, or unknown."""
    try:
        after_name = (_PROC / str(pid) / "stat").read_text("utf-8", "replace").rpartition(")")[2]
    except OSError:
        return ""
    fields = after_name.split()
    return "" if fields[0] in "ZX" else fields[19]


def _answers(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # it is another user's
    return True

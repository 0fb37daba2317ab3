"""Notices that the reader of a pipe has gone, at once and not only at the next write: `massager-ctl run … | less`."""

from __future__ import annotations

import asyncio
import contextlib
import os
import stat
from collections.abc import Callable, Generator
from typing import IO


@contextlib.contextmanager
def reader_watched(stream: IO[str], on_gone: Callable[[], None]) -> Generator[None]:
    """Within the block, call `on_gone` once when no one has the other end of this pipe open any more.

    For anything but a pipe it does nothing: a terminal that closes sends a signal, and a file has no reader.
    """
    try:
        descriptor = stream.fileno()
        watched = stat.S_ISFIFO(os.fstat(descriptor).st_mode)
    except (OSError, ValueError):
        descriptor, watched = -1, False
    if not watched:
        yield
        return
    loop = asyncio.get_running_loop()

    def gone() -> None:
        # The end that writes is readable only once its reader is gone.
        loop.remove_reader(descriptor)
        on_gone()

    loop.add_reader(descriptor, gone)
    try:
        yield
    finally:
        loop.remove_reader(descriptor)

"""Children of a measurement: started with a pipe for what they report, and ended by their own handle."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

_STAMP = struct.Struct("<qI")
_NS = struct.Struct("<q")


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a child read, and when: nanoseconds of the clock that all processes of a machine share."""

    ns: int
    data: bytes

    @property
    def known_ns(self) -> int:
        """Of what `tell_frame` reported: when the frame was known."""
        return _NS.unpack(self.data)[0]


@dataclass(slots=True)
class Child:
    """A running child. `ready` is its first line: where it can be reached."""

    process: subprocess.Popen[bytes]
    ready: str
    report: int

    def stamps(self) -> list[Stamp]:
        """What has been reported since the last call; waits for at least one report."""
        raw = os.read(self.report, 1 << 20)
        found: list[Stamp] = []
        at = 0
        while at < len(raw):
            ns, length = _STAMP.unpack_from(raw, at)
            at += _STAMP.size
            found.append(Stamp(ns, raw[at : at + length]))
            at += length
        return found

    def forget(self) -> None:
        """Throw away what was reported so far."""
        os.set_blocking(self.report, False)
        try:
            while os.read(self.report, 1 << 20):
                pass
        except BlockingIOError:
            pass
        finally:
            os.set_blocking(self.report, True)


@contextmanager
def child(module: str, *arguments: str, fds: Sequence[int] = ()) -> Generator[Child]:
    """`python -m module REPORT_FD ARGUMENTS...` for as long as the block lasts."""
    report, writing = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-m", module, str(writing), *arguments],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        pass_fds=(writing, *fds),
    )
    os.close(writing)
    try:
        assert process.stdout is not None
        ready = process.stdout.readline().decode().strip()
        if not ready:
            raise RuntimeError(f"{module} did not start")
        yield Child(process, ready, report)
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
        os.close(report)


def tell(report: int, ns: int, data: bytes) -> None:
    """For the child: report what was read and when."""
    os.write(report, _STAMP.pack(ns, len(data)) + data)


def tell_frame(report: int, read_ns: int, known_ns: int) -> None:
    """For the child: report when a frame's bytes were read, and when it was known what frame they are."""
    tell(report, read_ns, _NS.pack(known_ns))


def ready(where: str) -> None:
    """For the child: say that it can be reached now."""
    print(where, flush=True)

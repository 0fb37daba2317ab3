"""The wire for people: pieces of bytes as frames in words, on stderr or from a file. No one's answers are on it."""

from __future__ import annotations

import atexit
import os
import queue
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Final

import msgspec

from massager_ctl.errors import InputError, ProtocolError
from massager_ctl.model.json_reading import NotJson, read_json
from massager_ctl.model.text import visible
from massager_ctl.transports.wire_log import Direction, Piece, listen_in
from massager_ctl.wire.codec import Splitter, decode_body, decode_run

LOG_ENV: Final = "MASSAGER_CTL_LOG"
"""Names a file to which the wire is appended, as JSON Lines."""

_WAIT_MAX: Final = 4096
"""Pieces that may wait for a slow reader; what is more is counted and left out."""

_LEAVE_S: Final = 1.0

_LINE_MAX: Final = 1 << 20
"""Bytes of a line that is read; a piece takes a thousand at most."""


class FrameReader:
    """Makes lines for people of pieces, in the order in which they came; of each device both ways."""

    def __init__(self) -> None:
        self._splitters: dict[tuple[str, bool], Splitter] = {}

    def lines(self, piece: Piece) -> Iterator[str]:
        """One line a frame that the piece completes."""
        stamp = datetime.fromtimestamp(piece.time, UTC).strftime("%H:%M:%S.%f")[:-3]
        ours = piece.direction in (Direction.SENT, Direction.URGENT)
        arrow = {Direction.SENT: "->", Direction.URGENT: "=>", Direction.RECEIVED: "<-"}.get(
            piece.direction, "--"
        )
        head = f"{stamp} {visible(piece.device)} {arrow}"
        if piece.direction in (Direction.OPENED, Direction.LOST):
            yield f"{head} link {piece.direction}"
            return
        data = bytes.fromhex(piece.hex)
        splitter = self._splitters.setdefault((piece.device, ours), Splitter())
        for frame in [data] if piece.framed else splitter.feed(data):
            try:
                message: object = decode_body(frame) if piece.framed else decode_run(frame)
            except ProtocolError as error:
                yield f"{head} no frame ({error}): {frame.hex()}"
            else:
                yield f"{head} {message}"


class _Writer:
    """Writes in a thread of its own, so that no slow disk or terminal holds up the loop (R24)."""

    def __init__(self, write: Callable[[Piece], None]) -> None:
        self._write = write
        self._waiting: queue.Queue[Piece | None] = queue.Queue(_WAIT_MAX)
        self.left_out = 0
        self._thread = threading.Thread(target=self._work, daemon=True, name="wire-log")
        self._thread.start()
        atexit.register(self.close)

    def put(self, piece: Piece) -> None:
        try:
            self._waiting.put_nowait(piece)
        except queue.Full:
            self.left_out += 1

    def close(self) -> None:
        """Write what waits, as far as that takes no longer than a second."""
        try:
            self._waiting.put(None, timeout=_LEAVE_S)
        except queue.Full:
            return
        self._thread.join(_LEAVE_S)
        if self.left_out:
            sys.stderr.write(f"note: {self.left_out} pieces of the wire were not written\n")

    def _work(self) -> None:
        while (piece := self._waiting.get()) is not None:
            try:
                self._write(piece)
            except OSError:
                self.left_out += 1


def show_wire() -> None:
    """From now on show every frame on stderr."""
    reader = FrameReader()

    def write(piece: Piece) -> None:
        for line in reader.lines(piece):
            os.write(2, f"{line}\n".encode())

    listen_in(_Writer(write).put)


def keep_wire(path: str) -> None:
    """From now on append every piece to that file. Raises InputError where it cannot be opened."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise InputError(
            f"{visible(path)}: cannot be written ({error.strerror})",
            f"Name another file in {LOG_ENV}, or leave it out.",
        ) from None
    listen_in(_Writer(lambda piece: _append(descriptor, piece)).put)


def _append(descriptor: int, piece: Piece) -> None:
    os.write(descriptor, msgspec.json.encode(piece) + b"\n")


def read_wire(path: str) -> Iterator[str]:
    """The frames of such a file as lines. Raises InputError where it cannot be read or is none."""
    reader = FrameReader()
    try:
        with open(path, "rb") as file:  # noqa: PTH123  a pipe is welcome
            for number, line in enumerate(iter(partial(file.readline, _LINE_MAX), b""), 1):
                try:
                    piece = read_json(line, Piece)
                    yield from reader.lines(piece)
                except (NotJson, ValueError, OverflowError) as error:
                    raise InputError(
                        f"{visible(path)}:{number}: no line of a log of the wire ({visible(error)})",
                        f"Such a file is written where {LOG_ENV} names it.",
                    ) from None
    except OSError as error:
        raise InputError(
            f"{visible(path)}: cannot be read ({error.strerror})", "Check the path."
        ) from None

"""A capture of a serial line as text or JSON Lines, one piece of data a line.

Text: `SECONDS > AA 01 02` for what went to the device, `<` for what came from it. JSON Lines:
`{"t": 1.25, "dir": "tx", "hex": "AA0102"}`, with `rx` for what came. `#` starts a comment.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any, BinaryIO, Final, NamedTuple

from massager_ctl.errors import CaptureError
from massager_ctl.learn.capture import Budget, Capture, Connection, Op
from massager_ctl.learn.records import Progress

_LONGEST_LINE: Final = 1 << 16
_GLUE_S: Final = 0.008
"""Pieces of one direction that follow this closely are one frame: a driver hands over what it has."""


class _Piece(NamedTuple):
    time: float
    to_device: bool
    data: bytes


def read_serial(file: BinaryIO, progress: Progress | None = None) -> Capture:
    """The capture in a text. CaptureError names the line that cannot be read."""
    connection = Connection(1, 0.0, Budget())
    connection.serial = True
    started: float | None = None
    last = 0.0
    packets = 0
    for piece in _glued(_pieces(file, progress)):
        started = piece.time if started is None else started
        last = piece.time
        packets += 1
        if piece.to_device:
            connection.writes += 1
        else:
            connection.answers += 1
        op = Op.SENT if piece.to_device else Op.RECEIVED
        connection.messages.add(piece.time - started, op, 0, piece.data)
    found = (connection,) if packets else ()
    start = started or 0.0
    return Capture(start, last - start, found, packets, None, 0)


def _glued(pieces: Iterator[_Piece]) -> Iterator[_Piece]:
    waiting: _Piece | None = None
    end = 0.0
    for piece in pieces:
        if (
            waiting is not None
            and piece.to_device == waiting.to_device
            and 0 <= piece.time - end < _GLUE_S
        ):
            waiting = _Piece(waiting.time, waiting.to_device, waiting.data + piece.data)
        else:
            if waiting is not None:
                yield waiting
            waiting = piece
        end = piece.time
    if waiting is not None:
        yield waiting


def _pieces(file: BinaryIO, progress: Progress | None) -> Iterator[_Piece]:
    done = 0
    number = 0
    while raw := file.readline(_LONGEST_LINE):
        number += 1
        done += len(raw)
        if progress is not None and number % 4096 == 0:
            progress(done)
        try:
            text = raw.decode("utf-8").strip()
        except UnicodeDecodeError:
            raise _unreadable(number, "no text") from None
        if not text or text.startswith("#"):
            continue
        piece = _json(number, text) if text.startswith("{") else _plain(number, text)
        if piece.data:
            yield piece


def _json(number: int, text: str) -> _Piece:
    try:
        entry: Any = json.loads(text)
        time, way, data = entry["t"], entry["dir"], bytes.fromhex(entry["hex"])
    except (ValueError, KeyError, TypeError):
        raise _unreadable(number, "no object with t, dir and hex") from None
    if way not in ("tx", "rx"):
        raise _unreadable(number, f"dir is {way!r}, neither tx nor rx")
    return _Piece(_time(number, time), way == "tx", data)


def _plain(number: int, text: str) -> _Piece:
    time, _, rest = text.partition(" ")
    rest = rest.strip()
    if rest[:1] not in ("<", ">"):
        raise _unreadable(number, "a line reads `SECONDS > AA 01`, or `<` for what came")
    try:
        data = bytes.fromhex(rest[1:])
    except ValueError:
        raise _unreadable(number, "the data is not hexadecimal") from None
    return _Piece(_time(number, time), rest[0] == ">", data)


def _time(number: int, value: object) -> float:
    try:
        if isinstance(value, bool) or not isinstance(value, (int, float, str)):
            raise ValueError
        time = float(value)
    except ValueError:
        raise _unreadable(number, f"{value!r} is not a time in seconds") from None
    if not math.isfinite(time):
        raise _unreadable(number, f"{value!r} is not a time in seconds")
    return time


def _unreadable(number: int, why: str) -> CaptureError:
    return CaptureError(
        f"line {number} of the serial capture cannot be read: {why}",
        "The how-to for learning a device shows the two forms.",
    )

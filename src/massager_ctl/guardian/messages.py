"""What the controller and the guardian say to each other over their pipe, and nothing of what a device understands."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

Burst = tuple[bytes, ...]
"""Whole frames that belong together, in order."""

_HEAD: Final = struct.Struct("!BIIdI")
_LENGTH: Final = struct.Struct("!H")
LONGEST: Final = 4_194_304
"""Bytes of a message's body at most: more than a driver can give at a time."""


class Kind(IntEnum):
    """Up to REST the controller speaks, from READY on the guardian."""

    START = 1
    """A new generation begins; `stops` is how it is stopped, `frames` is how a device at rest is recognised."""
    SEND = 2
    """Frames to hand on; of generation 0, frames that move nothing."""
    BEAT = 3
    STOP = 4
    """Hand on at once, past all that waits; the generation is over."""
    REST = 5
    """The device was read back at rest, or a person has seen it."""
    READY = 16
    STARTED = 17
    HEARD = 18
    """A heartbeat came; `seq` is the heartbeat's."""
    WROTE = 19
    """All of the message `seq` is with the system that carries it to the device, or was not to be handed on."""
    STOPPED = 20
    """The guardian has stopped the device on its own."""
    BROKE = 21
    """The way to the device is broken, or could not be opened: why, and what to do."""
    SAID = 22
    """What the device said, where the guardian alone hears it."""


class Nonsense(ValueError):
    """What came is not a message."""


@dataclass(frozen=True, slots=True)
class Message:
    """`at`: seconds of `clock.now` at which it was written. `stops`: the n-th repetition of the stop from here on is
    the n-th of them, and the last one for ever after; none: as before.
    """

    kind: Kind
    generation: int = 0
    seq: int = 0
    at: float = 0.0
    frames: Burst = ()
    stops: tuple[Burst, ...] = ()

    def encode(self) -> bytes:
        """The bytes on the pipe. Raises Nonsense for more than fits."""
        body = b"".join(map(_pack, (self.frames, *self.stops)))
        if len(body) > LONGEST:
            raise Nonsense(f"a message of {len(body)} bytes is too long")
        return _HEAD.pack(self.kind, self.generation, self.seq, self.at, len(body)) + body


class Decoder:
    """From pieces of any size to messages."""

    def __init__(self) -> None:
        self._waiting = bytearray()

    def feed(self, data: bytes) -> Iterator[Message]:
        """Every message that is whole by now. Raises Nonsense."""
        self._waiting += data
        while len(self._waiting) >= _HEAD.size:
            kind, generation, seq, at, length = _HEAD.unpack_from(self._waiting)
            if length > LONGEST or not math.isfinite(at):
                raise Nonsense("a message has an impossible head")
            end = _HEAD.size + length
            if len(self._waiting) < end:
                return
            body = bytes(self._waiting[_HEAD.size : end])
            del self._waiting[:end]
            try:
                known = Kind(kind)
            except ValueError:
                raise Nonsense(f"there is no message {kind}") from None
            frames, *stops = _unpack(body)
            yield Message(known, generation, seq, at, frames, tuple(stops))


def _pack(burst: Burst) -> bytes:
    if len(burst) > 0xFFFF or any(len(frame) > 0xFFFF for frame in burst):
        raise Nonsense("a burst has too many frames, or too long ones")
    return _LENGTH.pack(len(burst)) + b"".join(_LENGTH.pack(len(frame)) + frame for frame in burst)


def _unpack(body: bytes) -> list[Burst]:
    bursts: list[Burst] = []
    at = 0
    while at < len(body):
        if at + _LENGTH.size > len(body):
            raise Nonsense("a message ends within the number of its frames")
        (count,) = _LENGTH.unpack_from(body, at)
        at += _LENGTH.size
        frames: list[bytes] = []
        for _ in range(count):
            if at + _LENGTH.size > len(body):
                raise Nonsense("a message ends within a frame's length")
            (length,) = _LENGTH.unpack_from(body, at)
            at += _LENGTH.size
            if at + length > len(body):
                raise Nonsense("a message ends within a frame")
            frames.append(body[at : at + length])
            at += length
        bursts.append(tuple(frames))
    if not bursts:
        raise Nonsense("a message has no body")
    return bursts

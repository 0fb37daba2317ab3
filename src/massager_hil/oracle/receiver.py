"""What reaches a device on one link: bytes to frames, as docs/protocol.md 2 and 3 has it."""

from __future__ import annotations

from dataclasses import dataclass

from massager_hil import wire


@dataclass(frozen=True, slots=True)
class Bad:
    """A frame that counts, and has no effect."""


@dataclass(frozen=True, slots=True)
class AnyStop:
    """A STOP, of whatever version and length."""

    token: int
    reason: int


Received = Bad | AnyStop | wire.GetInfo | wire.Arm | wire.Setpoint | wire.Reset
_BAD = Bad()
_STOP_BODY = 9


class Receiver:
    """Splits and reads what a host wrote to one link."""

    def __init__(self, *, framed_by_link: bool) -> None:
        self._framed_by_link = framed_by_link
        self._run = b""
        """What came since the last zero; of a run that is too long no more than shows that."""

    @property
    def half(self) -> bool:
        """A frame has begun that is not whole yet."""
        return bool(self._run)

    def feed(self, data: bytes) -> list[Received]:
        """The frames that are whole now."""
        if self._framed_by_link:
            return [read(data)]
        *ends, rest = data.split(b"\x00")
        frames: list[Received] = []
        for end in ends:
            run, self._run = self._run + end, b""
            if run:
                frames.append(_read_run(run))
        self._run = (self._run + rest)[: wire.MOST_RUN + 1]
        return frames


def _read_run(run: bytes) -> Received:
    if len(run) > wire.MOST_RUN:
        return _BAD
    try:
        return read(wire.unstuff(run))
    except wire.BadFrame:
        return _BAD


def read(body: bytes) -> Received:
    """One body, as a device has to take it."""
    if len(body) >= _STOP_BODY and body[1] == wire.Stop.TYPE and _crc_holds(body):
        return AnyStop(int.from_bytes(body[2:6], "little"), body[6])
    try:
        message = wire.parse(body)
    except wire.BadFrame:
        return _BAD
    if isinstance(message, (wire.GetInfo, wire.Arm, wire.Setpoint, wire.Reset)):
        return message
    return _BAD


def _crc_holds(body: bytes) -> bool:
    return len(body) <= wire.MOST_BODY and wire.crc16(body[:-2]) == int.from_bytes(
        body[-2:], "little"
    )

"""Encodes and decodes frames and byte streams: COBS, CRC (R16). Raises only ProtocolError."""

from __future__ import annotations

import struct
from binascii import crc_hqx
from collections.abc import Callable
from typing import Final, cast

from cobs import cobs as _cobs

from massager_ctl.errors import ProtocolError
from massager_ctl.wire.messages import (
    Ack,
    Arm,
    GetInfo,
    Info,
    Message,
    Reset,
    SetpointFrame,
    Stop,
    TelemetryFrame,
    Type,
)

# The package has no type hints of its own.
_cobs_encode = cast("Callable[[bytes], bytes]", _cobs.encode)  # pyright: ignore[reportUnknownMemberType]
_cobs_decode = cast("Callable[[bytes], bytes]", _cobs.decode)  # pyright: ignore[reportUnknownMemberType]

VERSION: Final = 2
MAX_BODY: Final = 84
"""Maximum bytes of a body: an ATT MTU of 87 minus its header (protocol section 2)."""

MAX_ENCODED: Final = MAX_BODY + 1
"""Maximum bytes of a COBS run, without its closing `00`."""

_GET_INFO = struct.Struct("<BBI")
_ARM = struct.Struct("<BBIIIIIHH")
_SETPOINT = struct.Struct("<BBIIIIBHH6H6B")
_STOP = struct.Struct("<BBIB")
_RESET = struct.Struct("<BBIIH")
_INFO = struct.Struct("<BBIB12s3BIIBBBBB6BBBHHHHB")
_TELEMETRY = struct.Struct("<BBIIIIIIIBBHBB6H6H6HHhhHH")
_ACK = struct.Struct("<BBIBBIH")
_CRC = struct.Struct("<H")

LENGTHS: Final[dict[Type, int]] = {
    Type.GET_INFO: _GET_INFO.size + 2,
    Type.ARM: _ARM.size + 2,
    Type.SETPOINT: _SETPOINT.size + 2,
    Type.STOP: _STOP.size + 2,
    Type.RESET: _RESET.size + 2,
    Type.INFO: _INFO.size + 2,
    Type.TELEMETRY: _TELEMETRY.size + 2,
    Type.ACK: _ACK.size + 2,
}
"""Bytes of the whole body of each type, CRC included."""


def encode_body(message: Message) -> bytes:
    """The body of a frame, CRC included. ProtocolError for a value that does not fit its field."""
    try:
        content = _pack(message)
    except struct.error as error:
        raise ProtocolError(f"{type(message).__name__} does not fit its frame: {error}") from None
    return content + crc_hqx(content, 0xFFFF).to_bytes(2, "little")


def encode_frame(message: Message) -> bytes:
    """The body, COBS-encoded and closed with `00`, for byte streams."""
    return _cobs_encode(encode_body(message)) + b"\0"


def _pack(message: Message) -> bytes:
    match message:
        case SetpointFrame():
            return _SETPOINT.pack(
                VERSION,
                Type.SETPOINT,
                message.epoch,
                message.owner,
                message.seq,
                message.echo,
                message.mode,
                message.heat,
                message.period,
                *message.levels,
                *message.patterns,
            )
        case Stop():
            return _STOP.pack(VERSION, Type.STOP, message.token, message.reason)
        case GetInfo():
            return _GET_INFO.pack(VERSION, Type.GET_INFO, message.token)
        case Arm():
            return _ARM.pack(
                VERSION,
                Type.ARM,
                message.token,
                message.owner,
                message.epoch,
                message.challenge,
                message.seq,
                message.cap,
                message.limit_s,
            )
        case Reset():
            return _RESET.pack(VERSION, Type.RESET, message.token, message.challenge, message.latch)
        case TelemetryFrame():
            return _TELEMETRY.pack(
                VERSION,
                Type.TELEMETRY,
                message.counter,
                message.epoch,
                message.challenge,
                message.uptime,
                message.running,
                message.owner,
                message.seq,
                message.state,
                message.cause,
                message.latch,
                message.flags,
                message.battery,
                *message.levels,
                *message.vibration,
                *message.kneading,
                message.current,
                message.pad,
                message.motor,
                message.allowance,
                message.rejected,
            )
        case Info():
            return _INFO.pack(
                VERSION,
                Type.INFO,
                message.token,
                message.flags,
                message.serial,
                *message.firmware,
                message.boot,
                message.lifetime,
                message.zones,
                message.vibration,
                message.kneading,
                message.motions,
                message.directions,
                *message.caps,
                message.sum_cap,
                message.rise,
                message.deadman,
                message.session,
                message.with_pauses,
                message.allowance,
                message.sensing,
            )
        case Ack():
            return _ACK.pack(
                VERSION,
                Type.ACK,
                message.token,
                message.of,
                message.result,
                message.epoch,
                message.detail,
            )


def decode_body(body: bytes) -> Message:
    """The message in a body. ProtocolError for a wrong length, CRC, version or type (R16)."""
    if len(body) < 4 or len(body) > MAX_BODY:
        raise ProtocolError(f"a body of {len(body)} bytes; it must have 4 to {MAX_BODY}")
    if crc_hqx(body[:-2], 0xFFFF) != body[-2] | body[-1] << 8:
        raise ProtocolError("wrong CRC")
    if body[0] != VERSION:
        raise ProtocolError(f"protocol version {body[0]}; this program speaks {VERSION}")
    known = _UNPACK.get(body[1])
    if known is None:
        raise ProtocolError(f"unknown frame type {body[1]:#04x}")
    length, unpack = known
    if len(body) != length:
        raise ProtocolError(f"{Type(body[1]).name} of {len(body)} bytes; it has {length}")
    return unpack(body)


def decode_run(run: bytes) -> Message:
    """The message in one COBS run (without its `00`). ProtocolError as for `decode_body`, and for bad COBS."""
    try:
        body = _cobs_decode(run)
    except _cobs.DecodeError as error:
        raise ProtocolError(f"bad COBS: {error}") from None
    return decode_body(body)


def _get_info(body: bytes) -> Message:
    return GetInfo(_GET_INFO.unpack_from(body)[2])


def _arm(body: bytes) -> Message:
    _, _, token, owner, epoch, challenge, seq, cap, limit_s = _ARM.unpack_from(body)
    return Arm(token, owner, epoch, challenge, seq, cap, limit_s)


def _setpoint(body: bytes) -> Message:
    f = _SETPOINT.unpack_from(body)
    return SetpointFrame(f[2], f[3], f[4], f[5], f[6], f[7], f[8], f[9:15], f[15:21])


def _stop(body: bytes) -> Message:
    _, _, token, reason = _STOP.unpack_from(body)
    return Stop(token, reason)


def _reset(body: bytes) -> Message:
    _, _, token, challenge, latch = _RESET.unpack_from(body)
    return Reset(token, challenge, latch)


def _info(body: bytes) -> Message:
    f = _INFO.unpack_from(body)
    firmware = (f[5], f[6], f[7])
    masks = f[10], f[11], f[12], f[13], f[14]
    return Info(
        f[2],
        f[3],
        f[4],
        firmware,
        f[8],
        f[9],
        *masks,
        f[15:21],
        f[21],
        f[22],
        f[23],
        f[24],
        f[25],
        f[26],
        f[27],
    )


def _telemetry(body: bytes) -> Message:
    f = _TELEMETRY.unpack_from(body)
    head = f[2], f[3], f[4], f[5], f[6], f[7], f[8], f[9], f[10], f[11], f[12], f[13]
    return TelemetryFrame(*head, f[14:20], f[20:26], f[26:32], f[32], f[33], f[34], f[35], f[36])


def _ack(body: bytes) -> Message:
    _, _, token, of, result, epoch, detail = _ACK.unpack_from(body)
    return Ack(token, of, result, epoch, detail)


_UNPACK: Final[dict[int, tuple[int, Callable[[bytes], Message]]]] = {
    Type.GET_INFO: (LENGTHS[Type.GET_INFO], _get_info),
    Type.ARM: (LENGTHS[Type.ARM], _arm),
    Type.SETPOINT: (LENGTHS[Type.SETPOINT], _setpoint),
    Type.STOP: (LENGTHS[Type.STOP], _stop),
    Type.RESET: (LENGTHS[Type.RESET], _reset),
    Type.INFO: (LENGTHS[Type.INFO], _info),
    Type.TELEMETRY: (LENGTHS[Type.TELEMETRY], _telemetry),
    Type.ACK: (LENGTHS[Type.ACK], _ack),
}
"""Length and reader of each type."""


class Splitter:
    """Splits a byte stream into COBS runs, whatever its chunks; buffers at most one frame."""

    __slots__ = ("_overlong", "_rest", "dropped")

    def __init__(self) -> None:
        self._rest = b""
        self._overlong = False
        self.dropped = 0
        """Runs that were too long to be a frame."""

    def feed(self, data: bytes) -> list[bytes]:
        """The runs that `data` completes, in order."""
        *runs, rest = data.split(b"\0")
        whole: list[bytes] = []
        for run in runs:
            joined = self._rest + run
            self._rest = b""
            if self._overlong or len(joined) > MAX_ENCODED:
                self._overlong = False
                self.dropped += 1
            elif joined:
                whole.append(joined)
        self._rest += rest
        if len(self._rest) > MAX_ENCODED:
            self._overlong = True
            self._rest = b""
        return whole

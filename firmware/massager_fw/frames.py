"""Frame bodies of docs/protocol.md 3 to 7, read and written in place: no frame makes an object."""

from __future__ import annotations

from typing import TYPE_CHECKING

from massager_fw.codec import FRAME_CRC, MAX_BODY, MAX_ENCODED, cobs_decode, copy, crc16, find_zero
from massager_fw.shim import const, ints, micropython

if TYPE_CHECKING:
    from typing import Any

    from massager_fw.codec_cpython import Buffer

    ptr8 = ptr32 = Any

VERSION = 2
ZONES = const(6)
NO_SENSOR = -32768
MAINS = 255
OVERHEAD = const(4)
"""Version, type, and the CRC's two bytes."""


class FrameType:
    """The second byte of each frame body."""

    GET_INFO = 0x01
    ARM = 0x02
    SETPOINT = 0x03
    STOP = 0x04
    RESET = 0x05
    INFO = 0x81
    TELEMETRY = 0x82
    ACK = 0x83


class Bad:
    """Why a frame is bad; all are counted and have no effect (R16)."""

    OVERLONG = -1
    COBS = -2
    SHORT = -3
    CRC = -4
    VERSION = -5
    TYPE = -6
    LENGTH = -7


_STOP_PAYLOAD = const(5)
_STOP = const(4)
"""`FrameType.STOP`, without the way there."""
LENGTHS = {
    FrameType.GET_INFO: OVERHEAD + 4,
    FrameType.ARM: OVERHEAD + 24,
    FrameType.SETPOINT: OVERHEAD + 39,
    FrameType.RESET: OVERHEAD + 10,
    FrameType.INFO: OVERHEAD + 50,
    FrameType.TELEMETRY: OVERHEAD + 80,
    FrameType.ACK: OVERHEAD + 12,
}
"""Length of each body in bytes; a STOP may have any that holds its payload."""


@micropython.native
def get16(body: bytearray, place: int) -> int:
    """The u16 at `place`."""
    return body[place] | body[place + 1] << 8


def get32(body: bytearray, place: int) -> int:
    """The u32 at `place`. On a 32-bit processor one above 2^30 is an object: not for every frame."""
    return get16(body, place) | get16(body, place + 2) << 16


@micropython.viper
def same(a: ptr8, place: int, b: ptr8) -> bool:
    """Whether the four bytes at `place` in `a` are those of `b`."""
    return (
        a[place] == b[0] and a[place + 1] == b[1] and a[place + 2] == b[2] and a[place + 3] == b[3]
    )


_SMALL = const(0x3FFFFFFF)
"""Up to here a number is not an object on a 32-bit processor, and neither is a mask."""


@micropython.native
def word(value: int) -> int:
    """`value` modulo 2^32, for one that is small as long as no one waits for years."""
    return value if value <= _SMALL else value & 0xFFFFFFFF


def put32(out: bytearray, place: int, value: int):
    """`value` as a u32."""
    out[place] = value & 255
    out[place + 1] = value >> 8 & 255
    out[place + 2] = value >> 16 & 255
    out[place + 3] = value >> 24 & 255


@micropython.native
def seal(body: bytearray, size: int) -> int:
    """Put the CRC of the first `size` bytes (version, type, payload) behind them; the whole length."""
    crc = crc16(body, size, FRAME_CRC)
    body[size] = crc & 255
    body[size + 1] = crc >> 8
    return size + 2


def check(body: bytearray, size: int) -> int:
    """The type of the frame body in the first `size` bytes, or what is `Bad` with it; whatever the bytes.

    A STOP whose CRC is right counts whatever its version, and whatever follows its first five payload
    bytes, so that a later host can still stop this device (docs/protocol.md 3).
    """
    if size > MAX_BODY:
        return Bad.OVERLONG
    if size < OVERHEAD:
        return Bad.SHORT
    if crc16(body, size - 2, FRAME_CRC) != body[size - 2] | body[size - 1] << 8:
        return Bad.CRC
    kind = body[1]
    if kind == _STOP:
        return kind if size >= OVERHEAD + _STOP_PAYLOAD else Bad.LENGTH
    if body[0] != VERSION:
        return Bad.VERSION
    length = LENGTHS.get(kind)
    if length is None:
        return Bad.TYPE
    return kind if size == length else Bad.LENGTH


class Receiver:
    """Cuts a byte stream into frame bodies at its zeros, and never holds more than one frame.

    `read` stops at each zero; `size` is then the length of what is in `body`, or what is `Bad` with it.
    """

    __slots__ = ("_dropping", "_held", "_run", "body", "size")

    def __init__(self) -> None:
        self._run = bytearray(MAX_ENCODED)
        self._held = 0
        self._dropping = False
        self.body = bytearray(MAX_ENCODED)
        self.size = 0
        """0 while no frame is complete: an empty run is nothing at all."""

    @micropython.native
    def read(self, data: Buffer, start: int, end: int) -> int:
        """Read on; the place after the zero that ended a run, or `end`."""
        self.size = 0
        zero = find_zero(data, start, end)
        held = self._held + zero - start
        if held > MAX_ENCODED:
            self._dropping = True
            held = 0
        elif self._dropping:
            held = 0
        else:
            copy(data, start, zero - start, self._run, self._held)
        if zero == end:
            self._held = held
            return end
        self._held = 0
        if self._dropping:
            self._dropping = False
            self.size = Bad.OVERLONG
        elif held:
            size = cobs_decode(self._run, held, self.body)
            self.size = Bad.COBS if size < 0 else size
        return zero + 1

    def whole(self, data: Buffer, length: int) -> None:
        """One frame body that came as a whole (BLE)."""
        if length > MAX_BODY:
            self.size = Bad.OVERLONG
            return
        copy(data, 0, length, self.body, 0)
        self.size = length

    def reset(self) -> None:
        """Forget half a frame."""
        self._held = 0
        self._dropping = False


_SEQ_LOW = const(0)
_SEQ_HIGH = const(1)
_ECHO_LOW = const(2)
_ECHO_HIGH = const(3)
_HEAT = const(4)
_PERIOD = const(5)


@micropython.viper
def _read(body: ptr8, epoch: ptr8, owner: ptr8, words: ptr32, level: ptr32, pattern: ptr32) -> int:
    """The fields of a SETPOINT, each to its place; the mode (docs/protocol.md 4)."""
    for i in range(4):
        epoch[i] = body[2 + i]
        owner[i] = body[6 + i]
        words[i] = body[10 + 2 * i] | body[11 + 2 * i] << 8
    words[_HEAT] = body[19] | body[20] << 8
    words[_PERIOD] = body[21] | body[22] << 8
    for zone in range(6):
        level[zone] = body[23 + 2 * zone] | body[24 + 2 * zone] << 8
        pattern[zone] = body[35 + zone]
    return body[18]


@micropython.viper
def _same_words(a: ptr32, b: ptr32, size: int) -> bool:
    for i in range(size):
        if a[i] != b[i]:
            return False
    return True


@micropython.viper
def _copy_words(of: ptr32, to: ptr32, size: int):
    for i in range(size):
        to[i] = of[i]


class Setpoint:
    """The SETPOINT that was read last. 32-bit numbers are halves, which are not objects on a small processor."""

    __slots__ = (
        "_words",
        "echo_high",
        "echo_low",
        "epoch",
        "heat",
        "level",
        "mode",
        "owner",
        "pattern",
        "period",
        "seq_high",
        "seq_low",
    )

    def __init__(self) -> None:
        self.epoch = bytearray(4)
        self.owner = bytearray(4)
        self.seq_high = self.seq_low = self.echo_high = self.echo_low = 0
        self.mode = self.heat = self.period = 0
        self.level = ints([0] * ZONES)
        """Tenths of a percent."""
        self.pattern = ints([0] * ZONES)
        self._words = ints([0] * 6)

    def read(self, body: bytearray) -> None:
        """Take the fields out of a checked body."""
        words = self._words
        self.mode = _read(body, self.epoch, self.owner, words, self.level, self.pattern)
        self.seq_low = words[_SEQ_LOW]
        self.seq_high = words[_SEQ_HIGH]
        self.echo_low = words[_ECHO_LOW]
        self.echo_high = words[_ECHO_HIGH]
        self.heat = words[_HEAT]
        self.period = words[_PERIOD]

    def wishes_like(self, other: Setpoint) -> bool:
        """Whether both ask for the same."""
        return (
            self.mode == other.mode
            and self.heat == other.heat
            and self.period == other.period
            and _same_words(self.level, other.level, ZONES)
            and _same_words(self.pattern, other.pattern, ZONES)
        )

    def wish(self, other: Setpoint) -> None:
        """Ask for what `other` asks for."""
        self.mode = other.mode
        self.heat = other.heat
        self.period = other.period
        _copy_words(other.level, self.level, ZONES)
        _copy_words(other.pattern, self.pattern, ZONES)


class Arm:
    """An ARM. It comes while everything is at zero, so that it may be an object."""

    __slots__ = ("cap", "challenge", "epoch", "limit_s", "owner", "seq", "token")

    def __init__(self, body: bytearray) -> None:
        self.token = body[2:6]
        self.owner = body[6:10]
        self.epoch = body[10:14]
        self.challenge = body[14:18]
        self.seq = get32(body, 18)
        self.cap = get16(body, 22)
        self.limit_s = get16(body, 24)


def pack_ack(out: bytearray, request: bytearray, result: int, epoch: bytearray, latch: int) -> int:
    """The ACK of the request in `request` into `out`; its length."""
    out[0] = VERSION
    out[1] = FrameType.ACK
    out[6] = request[1]
    out[7] = result
    for i in range(4):
        out[2 + i] = request[2 + i]
        out[8 + i] = epoch[i]
    out[12] = latch & 255
    out[13] = latch >> 8
    return seal(out, LENGTHS[FrameType.ACK] - 2)

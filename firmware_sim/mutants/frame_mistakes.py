"""Devices that take what is not a frame of this protocol, or lose what is one (R6, R16)."""

from __future__ import annotations

from typing import Final

from firmware_sim.core import Core
from firmware_sim.firmware import Rules
from massager_fw import frames
from massager_fw.codec import FRAME_CRC, crc16
from massager_fw.codec_cpython import Buffer
from massager_fw.frames import LENGTHS, Bad, FrameType
from massager_fw.links import Port

_STOP_SIZE: Final = 9


class _Looks(Rules):
    """Mends a frame before it is judged: `mended` gives its length then."""

    types: frozenset[int] = frozenset(range(256))

    def _frame(self, port: Port, body: bytearray, size: int, now: int) -> None:
        if size >= frames.OVERHEAD and body[1] in self.types:
            size = self.mended(body, size)
        super()._frame(port, body, size, now)

    def mended(self, body: bytearray, size: int) -> int:
        """The frame in the first `size` bytes, as this device sees it."""
        frames.seal(body, size - 2)
        return size


def _crc(body: bytearray, size: int) -> int:
    return crc16(body, size - 2, FRAME_CRC)


class CrcLowOnly(_Looks):
    """R16: only the low byte of the CRC is compared."""

    def mended(self, body: bytearray, size: int) -> int:
        return super().mended(body, size) if _crc(body, size) & 255 == body[size - 2] else size


class CrcHighOnly(_Looks):
    """R16: only the high byte of the CRC is compared."""

    def mended(self, body: bytearray, size: int) -> int:
        return super().mended(body, size) if _crc(body, size) >> 8 == body[size - 1] else size


class CrcOfArmIgnored(_Looks):
    """R16: an ARM with a wrong CRC is obeyed."""

    types = frozenset((FrameType.ARM,))


class CrcOfSetpointIgnored(_Looks):
    """R16: a SETPOINT with a wrong CRC is obeyed."""

    types = frozenset((FrameType.SETPOINT,))


class CrcOfResetIgnored(_Looks):
    """R16: a RESET with a wrong CRC is obeyed."""

    types = frozenset((FrameType.RESET,))


class CrcOfQuestionIgnored(_Looks):
    """R16: a GET_INFO with a wrong CRC is answered."""

    types = frozenset((FrameType.GET_INFO,))


class CrcOfStopIgnored(_Looks):
    """R16: a STOP with a wrong CRC is obeyed, and answered as if it had come whole."""

    types = frozenset((FrameType.STOP,))


class VersionIgnored(_Looks):
    """R16: a frame of another version is obeyed as if it were of this one."""

    def mended(self, body: bytearray, size: int) -> int:
        if _crc(body, size) == body[size - 2] | body[size - 1] << 8:
            body[0] = frames.VERSION
            return super().mended(body, size)
        return size


class _Lengths(_Looks):
    """Takes frames of some other length."""

    def fits(self, size: int, due: int) -> bool:
        raise NotImplementedError

    def mended(self, body: bytearray, size: int) -> int:
        due = LENGTHS.get(body[1], size)
        good = _crc(body, size) == body[size - 2] | body[size - 1] << 8
        if not good or size == due or not self.fits(size, due):
            return size
        for place in range(size - 2, due):
            body[place] = 0
        return super().mended(body, due)


class LongerIsTaken(_Lengths):
    """R16: a frame with more bytes than its type has is obeyed."""

    def fits(self, size: int, due: int) -> bool:
        return size > due


class ShorterIsTaken(_Lengths):
    """R16: a frame with fewer bytes than its type has is filled up with zeros."""

    def fits(self, size: int, due: int) -> bool:
        return size < due


class LongStopRefused(_Looks):
    """R6: a STOP with bytes behind its reason is refused."""

    types = frozenset((FrameType.STOP,))

    def mended(self, body: bytearray, size: int) -> int:
        return size if size == _STOP_SIZE else Bad.LENGTH


class GoodAfterOverlongIsLost(Rules):
    """R16: the frame behind one that is too long is lost with it."""

    _drops = False

    def _frame(self, port: Port, body: bytearray, size: int, now: int) -> None:
        dropped, self._drops = self._drops, size == Bad.OVERLONG
        if not dropped:
            super()._frame(port, body, size, now)


class OverlongNotCounted(Rules):
    """R16: a run that is too long leaves no trace in `rejected`."""

    def _frame(self, port: Port, body: bytearray, size: int, now: int) -> None:
        if size != Bad.OVERLONG:
            super()._frame(port, body, size, now)


class EmptyRunsCount(Rules):
    """R16: two zeros on end count as a bad frame."""

    def feed(self, link: int, data: Buffer, size: int, now: int) -> None:
        if bytes(data[:size]).startswith(b"\x00"):
            self._reject()
        super().feed(link, data, size, now)


class OwnTypesNotCounted(Rules):
    """R16: frames of the types that only devices send are passed over."""

    def _frame(self, port: Port, body: bytearray, size: int, now: int) -> None:
        if size <= 0 or body[1] < FrameType.INFO:
            super()._frame(port, body, size, now)


class RefusedNotCounted(Rules):
    """R16: an ARM or a RESET that was refused is not counted in `rejected`."""

    def _answer(self, port: Port, request: bytearray, result: int) -> None:
        before = self.rejected
        super()._answer(port, request, result)
        self.rejected = before


class HalfFrameSwallowsStop(Rules):
    """R6: the zero before a STOP that cuts in is not taken as an end, so that a STOP behind half a frame is lost."""

    _half = False

    def feed(self, link: int, data: Buffer, size: int, now: int) -> None:
        said = bytes(data[:size])
        if self._half and said.startswith(b"\x00"):
            said = said[1:]
        self._half = bool(said) and not said.endswith(b"\x00")
        super().feed(link, said, len(said), now)


FRAMES: Final[dict[str, type[Core | Rules]]] = {
    "crc-low-only": CrcLowOnly,
    "crc-high-only": CrcHighOnly,
    "crc-of-arm-ignored": CrcOfArmIgnored,
    "crc-of-setpoint-ignored": CrcOfSetpointIgnored,
    "crc-of-reset-ignored": CrcOfResetIgnored,
    "crc-of-question-ignored": CrcOfQuestionIgnored,
    "crc-of-stop-ignored": CrcOfStopIgnored,
    "version-ignored": VersionIgnored,
    "longer-is-taken": LongerIsTaken,
    "shorter-is-taken": ShorterIsTaken,
    "long-stop-refused": LongStopRefused,
    "good-after-overlong-is-lost": GoodAfterOverlongIsLost,
    "overlong-not-counted": OverlongNotCounted,
    "empty-runs-count": EmptyRunsCount,
    "own-types-not-counted": OwnTypesNotCounted,
    "refused-not-counted": RefusedNotCounted,
    "half-frame-swallows-stop": HalfFrameSwallowsStop,
}

"""What a sniffer took from the air: link layer packets, plain until the two sides start to encrypt."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from massager_ctl.learn.att import AttReader
from massager_ctl.learn.capture import Connection

_ADVERTISING: Final = 0x8E89BED6
_CONNECT: Final = 5
_CRC: Final = 3
_CONTROL: Final = 3
_FIRST: Final = 2
_ENCRYPTING: Final = frozenset({0x03, 0x04, 0x05, 0x06})
_ATT: Final = 4


class _Stream:
    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.att = AttReader(connection)
        self.parts: dict[bool | None, bytes] = {}
        self.last: dict[bool | None, bytes] = {}


class AirReader:
    """Connections by access address."""

    def __init__(self, opened: Callable[[float], Connection]) -> None:
        self._opened = opened
        self._streams: dict[int, _Stream] = {}

    def feed(self, time: float, sent: bool | None, data: bytes) -> None:
        """One packet from its access address to its CRC."""
        if len(data) < 6 + _CRC:
            return
        access = int.from_bytes(data[:4], "little")
        body = data[6 : 6 + data[5]]
        if access == _ADVERTISING:
            if data[4] & 0x0F == _CONNECT and len(body) >= 16:
                connection = self._opened(time)
                connection.address = body[6:12][::-1].hex(":").upper()
                self._streams[int.from_bytes(body[12:16], "little")] = _Stream(connection)
            return
        stream = self._streams.get(access)
        if stream is None:
            connection = self._opened(time)
            connection.from_start = False
            stream = self._streams[access] = _Stream(connection)
        self._data(stream, time, sent, data[4], body)

    def _data(
        self, stream: _Stream, time: float, sent: bool | None, head: int, body: bytes
    ) -> None:
        # A packet with the number of the one before it in its direction was sent again.
        packet = bytes((head & 0x0B,)) + body
        if not body or stream.connection.encrypted_air or stream.last.get(sent) == packet:
            return
        stream.last[sent] = packet
        kind = head & 3
        if kind == _CONTROL:
            if body[0] in _ENCRYPTING:
                stream.connection.encrypted_air = True
            return
        whole = body if kind == _FIRST else stream.parts.pop(sent, b"") + body
        if len(whole) < 4 or len(whole) < 4 + int.from_bytes(whole[:2], "little"):
            stream.parts[sent] = whole
            return
        if int.from_bytes(whole[2:4], "little") == _ATT:
            stream.att.feed(time, sent, whole[4:])

"""HCI: which connections there are, and fragments put together to L2CAP and ATT."""

from __future__ import annotations

import struct
from typing import Final

from massager_ctl.learn.air import AirReader
from massager_ctl.learn.att import AttReader, printable
from massager_ctl.learn.capture import Budget, Capture, Connection
from massager_ctl.learn.records import Carrier, Packets, Source

_ACL: Final = int(Carrier.ACL)
_EVENT: Final = int(Carrier.EVENT)
_BOUNDARY: Final = 0x3000
_CONTINUED: Final = 0x1000
_ATT: Final = 4
_SMP: Final = 6
_MOST_NAMES: Final = 10_000
_MOST_CONNECTIONS: Final = 2_000

_CONNECTED: Final = 0x03
_DISCONNECTED: Final = 0x05
_ENCRYPTED: Final = (0x08, 0x59)
_LE: Final = 0x3E
_LE_CONNECTED: Final = (0x01, 0x0A, 0x29)
_LE_ADVERTISING: Final = 0x02
_LE_EXTENDED_ADVERTISING: Final = 0x0D


class _Link:
    """One connection while it lasts: what has arrived of a message, by direction."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.att = AttReader(connection)
        self.parts: dict[bool | None, bytearray] = {}


class HciReader:
    """Feeds on packets and keeps what a description can be learned from."""

    def __init__(self, only: int | None = None) -> None:
        self._only = only
        self._budget = Budget()
        self._nothing = Budget()
        self._nothing.messages = 0
        self._links: dict[int, _Link] = {}
        self._names: dict[bytes, str] = {}
        self._air = AirReader(self._open)
        self.connections: list[Connection] = []
        self._packets = 0

    def read(self, packets: Packets, source: Source) -> Capture:
        """All of a capture."""
        start: float | None = None
        time = 0.0
        for time, sent, carrier, data in packets:
            if start is None:
                start = time
            self._packets += 1
            if carrier == _ACL:
                self._acl(time - start, sent, data)
            elif carrier == _EVENT:
                if data and data[0] in _EVENTS:
                    self._event(time - start, data[0], data[2:])
            elif carrier == Carrier.AIR:
                self._air.feed(time - start, sent, data)
        for connection in self.connections:
            if connection.address is not None:
                key = bytes.fromhex(connection.address.replace(":", ""))[::-1]
                connection.name = connection.name or self._names.get(key)
        return Capture(
            start or 0.0,
            max(time - (start or 0.0), 0.0),
            tuple(self.connections),
            self._packets,
            source.cut_off,
            source.shortened,
        )

    def _open(self, time: float) -> Connection:
        number = len(self.connections) + 1
        kept = (self._only is None or number == self._only) and number <= _MOST_CONNECTIONS
        connection = Connection(number, time, self._budget if kept else self._nothing)
        if number <= _MOST_CONNECTIONS:
            self.connections.append(connection)
        return connection

    def _acl(self, time: float, sent: bool | None, data: bytes) -> None:
        if len(data) < 4:
            return
        head = data[0] | data[1] << 8
        link = self._links.get(head & 0x0FFF)
        if link is None:
            connection = self._open(time)
            connection.from_start = False
            link = self._links[head & 0x0FFF] = _Link(connection)
        if link.connection.classic:
            return
        if head & _BOUNDARY != _CONTINUED and len(data) >= 8:
            size = data[4] | data[5] << 8
            if len(data) == 8 + size:  # the most usual case: a whole message
                if data[6] == _ATT and data[7] == 0:
                    link.att.feed(time, sent, data[8:])
                elif data[6] == _SMP and data[7] == 0:
                    link.connection.bonded = True
                link.parts.pop(sent, None)
                return
        self._part(link, time, sent, data)

    def _part(self, link: _Link, time: float, sent: bool | None, data: bytes) -> None:
        """A message that comes in several packets."""
        if (data[0] | data[1] << 8) & _BOUNDARY == _CONTINUED:
            waiting = link.parts.get(sent)
            if waiting is None:
                return
            waiting += data[4:]
            if len(waiting) < 4 or len(waiting) < 4 + (waiting[0] | waiting[1] << 8):
                return
            body = bytes(waiting)
            del link.parts[sent]
        else:
            body = data[4:]
            link.parts.pop(sent, None)
            if len(body) < 4 or len(body) < 4 + (body[0] | body[1] << 8):
                link.parts[sent] = bytearray(body)
                return
        channel = body[2] | body[3] << 8
        if channel == _ATT:
            link.att.feed(time, sent, body[4 : 4 + (body[0] | body[1] << 8)])
        elif channel == _SMP:
            link.connection.bonded = True

    def _event(self, time: float, code: int, data: bytes) -> None:
        if code == _LE and data:
            if data[0] in _LE_CONNECTED:
                self._le_connected(time, data)
            elif data[0] == _LE_ADVERTISING:
                self._advertised(data[2:])
            elif data[0] == _LE_EXTENDED_ADVERTISING and len(data) >= 26:
                self._named(data[5:11], data[26 : 26 + data[25]])
        elif code == _DISCONNECTED and len(data) >= 4 and data[0] == 0:
            link = self._links.pop(int.from_bytes(data[1:3], "little") & 0x0FFF, None)
            if link is not None:
                link.connection.closed = time
        elif code == _CONNECTED and len(data) >= 11 and data[0] == 0:
            connection = self._open(time)
            connection.classic = True
            connection.address = _address(data[3:9])
            self._links[int.from_bytes(data[1:3], "little") & 0x0FFF] = _Link(connection)
        elif code in _ENCRYPTED and len(data) >= 4 and data[0] == 0 and data[3]:
            link = self._links.get(int.from_bytes(data[1:3], "little") & 0x0FFF)
            if link is not None:
                link.connection.bonded = True

    def _le_connected(self, time: float, data: bytes) -> None:
        if len(data) < 12 or data[1] != 0:
            return
        handle = struct.unpack_from("<H", data, 2)[0] & 0x0FFF
        connection = self._open(time)
        connection.address = _address(data[6:12])
        self._links[handle] = _Link(connection)

    def _advertised(self, reports: bytes) -> None:
        at = 0
        while at + 9 <= len(reports):
            size = reports[at + 8]
            self._named(reports[at + 2 : at + 8], reports[at + 9 : at + 9 + size])
            at += 10 + size

    def _named(self, address: bytes, content: bytes) -> None:
        if address not in self._names and len(self._names) < _MOST_NAMES:
            name = advertised_name(content)
            if name:
                self._names[address] = name


_EVENTS: Final = frozenset({_CONNECTED, _DISCONNECTED, _LE, *_ENCRYPTED})


def _address(raw: bytes) -> str:
    return raw[::-1].hex(":").upper()


def advertised_name(content: bytes) -> str:
    """The name in advertising data, or nothing."""
    at = 0
    while at + 1 < len(content):
        size = content[at]
        if size and content[at + 1] in (0x08, 0x09):
            return printable(content[at + 2 : at + 1 + size])
        at += size + 1
    return ""

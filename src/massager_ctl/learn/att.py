"""ATT: services from discovery, and what is written and notified."""

from __future__ import annotations

import struct
from typing import Final

from massager_ctl.drivers.described.uuids import full_uuid
from massager_ctl.learn.capture import Characteristic, Connection, Op

_ERROR: Final = 0x01
_FIND_INFO_RESPONSE: Final = 0x05
_FIND_BY_TYPE: Final = 0x06
_FIND_BY_TYPE_RESPONSE: Final = 0x07
_READ_BY_TYPE: Final = 0x08
_READ_BY_TYPE_RESPONSE: Final = 0x09
_READ: Final = 0x0A
_READ_RESPONSE: Final = 0x0B
_READ_BY_GROUP: Final = 0x10
_READ_BY_GROUP_RESPONSE: Final = 0x11
_WRITE: Final = 0x12
_PREPARE: Final = 0x16
_EXECUTE: Final = 0x18
_NOTIFY: Final = 0x1B
_INDICATE: Final = 0x1D
_NOTIFY_SEVERAL: Final = 0x23
_WRITE_COMMAND: Final = 0x52
_SIGNED_WRITE: Final = 0xD2
_SIGNATURE: Final = 12

_PRIMARY: Final = (b"\x00\x28", b"\x01\x28")
_CHARACTERISTIC: Final = b"\x03\x28"
_DEVICE_NAME: Final = b"\x00\x2a"


class AttReader:
    """The client's side of one connection, message by message."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._asked: bytes = b""
        self._prepared: dict[int, bytes] = {}
        self._named: int | None = None

    def feed(self, time: float, sent: bool | None, pdu: bytes) -> None:
        """One ATT message; `sent` by the phone, by the device, or unknown."""
        if len(pdu) < 3:
            if pdu[:1] == b"\x18" and sent is not False:
                self._from_phone(time, _EXECUTE, pdu)
            return
        code = pdu[0]
        connection = self._connection
        if code in (_WRITE_COMMAND, _WRITE) and sent is not False:
            connection.writes += 1
            connection.messages.add(time, code, pdu[1] | pdu[2] << 8, pdu[3:])
        elif code in (_NOTIFY, _INDICATE) and sent is not True:
            connection.answers += 1
            connection.messages.add(time, code, pdu[1] | pdu[2] << 8, pdu[3:])
        elif sent is not False and code in _FROM_PHONE:
            self._from_phone(time, code, pdu)
        elif sent is not True and code in _FROM_DEVICE:
            self._from_device(time, code, pdu)

    def _from_phone(self, time: float, code: int, pdu: bytes) -> None:
        if code == _SIGNED_WRITE:
            handle = int.from_bytes(pdu[1:3], "little")
            self._write(time, Op.WRITE_COMMAND, handle, pdu[3:-_SIGNATURE])
        elif code == _PREPARE and len(pdu) >= 5:
            handle, offset = struct.unpack_from("<HH", pdu, 1)
            self._prepared[handle] = self._prepared.get(handle, b"")[:offset] + pdu[5:]
        elif code == _EXECUTE:
            if pdu[1:2] == b"\x01":
                for handle, value in self._prepared.items():
                    self._write(time, Op.WRITE_REQUEST, handle, value)
            self._prepared.clear()
        else:
            self._asked = pdu

    def _write(self, time: float, op: int, handle: int, value: bytes) -> None:
        self._connection.writes += 1
        self._connection.messages.add(time, op, handle, value)

    def _from_device(self, time: float, code: int, pdu: bytes) -> None:
        if code == _NOTIFY_SEVERAL:
            at = 1
            while at + 4 <= len(pdu):
                handle, size = struct.unpack_from("<HH", pdu, at)
                self._notified(time, Op.NOTIFICATION, handle, pdu[at + 4 : at + 4 + size])
                at += 4 + size
        elif self._asked:
            self._answered(code, pdu)

    def _notified(self, time: float, op: int, handle: int, value: bytes) -> None:
        self._connection.answers += 1
        self._connection.messages.add(time, op, handle, value)

    def _answered(self, code: int, pdu: bytes) -> None:
        asked, self._asked = self._asked, b""
        match code:
            case 0x11 if asked[0] == _READ_BY_GROUP and asked[5:7] in _PRIMARY:
                self._services(pdu)
            case 0x07 if asked[0] == _FIND_BY_TYPE and asked[5:7] in _PRIMARY:
                uuid = _uuid(asked[7:])
                for at in range(1, len(pdu) - 3, 4):
                    first, last = struct.unpack_from("<HH", pdu, at)
                    self._service(first, last, uuid)
            case 0x09 if asked[0] == _READ_BY_TYPE and asked[5:7] == _CHARACTERISTIC:
                self._characteristics(pdu)
            case 0x09 if asked[0] == _READ_BY_TYPE and asked[5:7] == _DEVICE_NAME:
                self._name(pdu[4:])
            case 0x0B if asked[0] == _READ:
                handle = int.from_bytes(asked[1:3], "little")
                known = self._connection.database.characteristics.get(handle)
                if known is not None and known.uuid.startswith("00002a00-"):
                    self._name(pdu[1:])
            case _:
                pass

    def _services(self, pdu: bytes) -> None:
        size = pdu[1] if len(pdu) > 1 else 0
        if size < 6:
            return
        for at in range(2, len(pdu) - size + 1, size):
            first, last = struct.unpack_from("<HH", pdu, at)
            self._service(first, last, _uuid(pdu[at + 4 : at + size]))

    def _service(self, first: int, last: int, uuid: str | None) -> None:
        if uuid is not None:
            self._connection.database.services[first] = (last, uuid)

    def _characteristics(self, pdu: bytes) -> None:
        size = pdu[1] if len(pdu) > 1 else 0
        if size < 7:
            return
        for at in range(2, len(pdu) - size + 1, size):
            properties, handle = struct.unpack_from("<BH", pdu, at + 2)
            uuid = _uuid(pdu[at + 5 : at + size])
            if uuid is not None:
                self._connection.database.characteristics[handle] = Characteristic(
                    handle, uuid, properties
                )

    def _name(self, raw: bytes) -> None:
        self._connection.name = self._connection.name or printable(raw)


_FROM_PHONE: Final = frozenset(
    {
        _FIND_BY_TYPE,
        _READ_BY_TYPE,
        _READ,
        _READ_BY_GROUP,
        _PREPARE,
        _EXECUTE,
        _SIGNED_WRITE,
    }
)
_FROM_DEVICE: Final = frozenset(
    {
        _ERROR,
        _FIND_INFO_RESPONSE,
        _FIND_BY_TYPE_RESPONSE,
        _READ_BY_TYPE_RESPONSE,
        _READ_RESPONSE,
        _READ_BY_GROUP_RESPONSE,
        _NOTIFY_SEVERAL,
    }
)


def _uuid(raw: bytes) -> str | None:
    if len(raw) == 2:
        return full_uuid(f"{int.from_bytes(raw, 'little'):04x}")
    if len(raw) == 16:
        digits = raw[::-1].hex()
        return full_uuid(
            f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
        )
    return None


def printable(raw: bytes) -> str:
    """A name from a device, without anything that could steer a terminal."""
    text = raw.split(b"\0")[0].decode("utf-8", "replace")
    return "".join(letter for letter in text if letter.isprintable())[:60]

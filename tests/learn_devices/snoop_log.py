"""A btsnoop file as Android writes it."""

from __future__ import annotations

import struct

SERVICE, WRITE, NOTIFY = 0x20, 0x22, 0x24


class Log:
    """Writes a btsnoop file as Android does."""

    def __init__(self) -> None:
        self.out = b"btsnoop\0" + struct.pack(">II", 1, 1002)

    def record(self, time: float, data: bytes, *, sent: bool, control: bool = False) -> None:
        stamp = int((time + 1_700_000_000) * 1e6) + 0x00DCDDB30F2F8000
        flags = (0 if sent else 1) | (2 if control else 0)
        self.out += struct.pack(">IIIIQ", len(data), len(data), flags, 0, stamp) + data

    def event(self, time: float, code: int, body: bytes) -> None:
        self.record(time, bytes((4, code, len(body))) + body, sent=False, control=True)

    def att(
        self, time: float, pdu: bytes, *, sent: bool, handle: int = 0x40, mtu: int = 27
    ) -> None:
        whole = struct.pack("<HH", len(pdu), 4) + pdu
        for at in range(0, len(whole), mtu):
            part = whole[at : at + mtu]
            flag = 0x1000 if at else (0 if sent else 0x2000)
            self.record(
                time, b"\x02" + struct.pack("<HH", handle | flag, len(part)) + part, sent=sent
            )

    def connect(self, time: float, address: bytes, name: str, handle: int = 0x40) -> None:
        raw = name.encode()
        data = bytes((len(raw) + 1, 9)) + raw
        report = b"\x00\x00" + address[::-1] + bytes((len(data),)) + data + b"\xc0"
        self.event(time, 0x3E, b"\x02\x01" + report)
        self.event(
            time + 0.1,
            0x3E,
            b"\x01\x00" + struct.pack("<H", handle) + b"\x00\x00" + address[::-1] + bytes(7),
        )

    def discover(self, time: float, handle: int = 0x40) -> None:
        self.att(time, b"\x10\x01\x00\xff\xff\x00\x28", sent=True, handle=handle)
        groups = struct.pack("<HHH", 1, 9, 0x1800) + struct.pack("<HHH", SERVICE, 0x2F, 0xFFF0)
        self.att(time + 0.02, b"\x11\x06" + groups, sent=False, handle=handle)
        self.att(
            time + 0.04,
            b"\x08" + struct.pack("<HHH", SERVICE, 0x2F, 0x2803),
            sent=True,
            handle=handle,
        )
        found = struct.pack("<HBHH", WRITE - 1, 0x0C, WRITE, 0xFFF2)
        found += struct.pack("<HBHH", NOTIFY - 1, 0x10, NOTIFY, 0xFFF1)
        self.att(time + 0.06, b"\x09\x07" + found, sent=False, handle=handle)
        self.att(time + 0.08, b"\x12" + struct.pack("<H", NOTIFY + 1) + b"\x01\x00", sent=True)
        self.att(time + 0.1, b"\x13", sent=False, handle=handle)

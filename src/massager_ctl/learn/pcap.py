"""pcap and pcapng files with Bluetooth in them, packet by packet."""

from __future__ import annotations

import struct
from typing import Final

from massager_ctl.errors import CaptureError
from massager_ctl.learn.btsnoop import MONITOR_PACKETS
from massager_ctl.learn.records import LONGEST, Carrier, Packet, Packets, Source

PCAPNG: Final = b"\x0a\x0d\x0d\x0a"
PCAP: Final[dict[bytes, tuple[str, float]]] = {
    b"\xd4\xc3\xb2\xa1": ("<", 1e-6),
    b"\xa1\xb2\xc3\xd4": (">", 1e-6),
    b"\x4d\x3c\xb2\xa1": ("<", 1e-9),
    b"\xa1\xb2\x3c\x4d": (">", 1e-9),
}

_H4: Final = 187
_H4_DIRECTION: Final = 201
_AIR: Final = 251
_MONITOR: Final = 254
_AIR_HEADER: Final = 256
_NORDIC: Final = 272

LINKS: Final = frozenset({_H4, _H4_DIRECTION, _AIR, _MONITOR, _AIR_HEADER, _NORDIC})

_SECTION: Final = 0x0A0D0D0A
_INTERFACE: Final = 1
_SIMPLE: Final = 3
_ENHANCED: Final = 6
_LONGEST_BLOCK: Final = LONGEST + 4096
_DIRECTION: Final[dict[int, bool]] = {int(Carrier.COMMAND): True, int(Carrier.EVENT): False}
"""Whether the host sent it, where the carrier alone tells."""
_IN_OUT: Final[dict[int, bool | None]] = {0: None, 1: False, 2: True, 3: None}


def pcap_packets(source: Source, magic: bytes) -> Packets:
    """The packets of a pcap file, after its magic."""
    order, unit = PCAP[magic]
    head = source.take(20)
    if head is None:
        raise CaptureError("the capture ends in its header", "Take the log again.")
    link = struct.unpack(order + "HHIIII", head)[5] & 0xFFFF
    _known(link)
    while (raw := source.take(16)) is not None:
        seconds, part, kept, whole = struct.unpack(order + "IIII", raw)
        if kept > LONGEST:
            source.damaged()
            return
        data = source.take(kept)
        if data is None:
            source.cut_off = source.cut_off or source.position
            return
        source.shortened += kept < whole
        packet = _packet(link, seconds + part * unit, None, data)
        if packet is not None:
            yield packet


def pcapng_packets(source: Source) -> Packets:
    """The packets of a pcapng file, after its magic."""
    order = "<"
    links: list[tuple[int, float]] = []
    kind: int | None = _SECTION
    while kind is not None:
        raw = source.take(4)
        if raw is None:
            source.cut_off = source.position
            return
        if kind == _SECTION:
            magic = source.take(4)
            if magic is None:
                return
            order = "<" if magic == b"\x4d\x3c\x2b\x1a" else ">"
            links = []
        length = struct.unpack(order + "I", raw)[0]
        body_size = length - 12 - (4 if kind == _SECTION else 0)
        if body_size < 0 or length > _LONGEST_BLOCK or length % 4:
            source.damaged()
            return
        body = source.take(body_size)
        if body is None or source.take(4) is None:
            source.cut_off = source.cut_off or source.position
            return
        if kind == _INTERFACE:
            links.append(_interface(order, body))
        elif kind in (_ENHANCED, _SIMPLE):
            packet = _block(order, kind, body, links, source)
            if packet is not None:
                yield packet
        raw = source.take(4)
        kind = None if raw is None else struct.unpack(order + "I", raw)[0]


def _interface(order: str, body: bytes) -> tuple[int, float]:
    if len(body) < 8:
        return 0, 1e-6
    link: int = struct.unpack_from(order + "H", body)[0]
    _known(link)
    unit = 1e-6
    for code, value in _options(order, body, 8):
        if code == 9 and value:  # if_tsresol
            power = value[0] & 0x7F
            unit = 2.0**-power if value[0] & 0x80 else 10.0**-power
    return link, unit


def _block(
    order: str, kind: int, body: bytes, links: list[tuple[int, float]], source: Source
) -> Packet | None:
    if kind == _SIMPLE:
        return _packet(links[0][0], 0.0, None, body[4:]) if links else None
    if len(body) < 20:
        return None
    head: tuple[int, ...] = struct.unpack_from(order + "IIIII", body)
    number, high, low, kept, whole = head
    if number >= len(links) or 20 + kept > len(body):
        return None
    link, unit = links[number]
    source.shortened += kept < whole
    sent: bool | None = None
    for code, value in _options(order, body, 20 + (kept + 3) // 4 * 4):
        if code == 2 and len(value) >= 4:  # epb_flags
            sent = _IN_OUT[struct.unpack_from(order + "I", value)[0] & 3]
    return _packet(link, ((high << 32) | low) * unit, sent, body[20 : 20 + kept])


def _options(order: str, body: bytes, at: int) -> list[tuple[int, bytes]]:
    found: list[tuple[int, bytes]] = []
    while at + 4 <= len(body):
        code, size = struct.unpack_from(order + "HH", body, at)
        if code == 0:
            break
        found.append((code, body[at + 4 : at + 4 + size]))
        at += 4 + (size + 3) // 4 * 4
    return found


def _known(link: int) -> None:
    if link not in LINKS:
        raise CaptureError(
            f"a capture of link type {link}, which is not a Bluetooth HCI log",
            "Take the log on the phone (btsnoop_hci.log), or export HCI packets.",
        )


def _packet(link: int, time: float, sent: bool | None, data: bytes) -> Packet | None:
    """The packet behind what the link type puts before it."""
    match link:
        case 201 if len(data) > 4:
            return time, data[3] & 1 == 0, data[4], data[5:]
        case 187 if data:
            return time, _DIRECTION.get(data[0], sent), data[0], data[1:]
        case 254 if len(data) > 4:
            found = MONITOR_PACKETS.get(struct.unpack_from(">H", data, 2)[0])
            return (time, found[1], found[0], data[4:]) if found else None
        case 251:
            return time, None, Carrier.AIR, data
        case 256 if len(data) > 10:
            return time, None, Carrier.AIR, data[10:]
        case 272 if len(data) > 17:
            # Nordic's header: 7 bytes of its own, then 10 about the packet, the second of them flags.
            sent = bool(data[8] & 2)
            return time, sent, Carrier.AIR, data[17:]
        case _:
            return None

"""Android's and BlueZ's `btsnoop` files, packet by packet (RFC 1761 with Bluetooth's data links)."""

from __future__ import annotations

import struct
from typing import Final

from massager_ctl.errors import CaptureError
from massager_ctl.learn.records import LONGEST, Carrier, Packets, Source

MAGIC: Final = b"btsnoop\0"
_H1: Final = 1001
_H4: Final = 1002
_MONITOR: Final = 2001
_EPOCH_US: Final = 0x00DCDDB30F2F8000
"""Microseconds from the year 0, which the format counts from, to 1970."""

MONITOR_PACKETS: Final[dict[int, tuple[int, bool]]] = {
    2: (Carrier.COMMAND, True),
    3: (Carrier.EVENT, False),
    4: (Carrier.ACL, True),
    5: (Carrier.ACL, False),
}
"""What BlueZ's monitor calls a packet: its carrier, and whether the host sent it."""


def packets(source: Source) -> Packets:
    """The packets after the magic. CaptureError for a data link that is not Bluetooth's."""
    head = source.take(8)
    if head is None:
        raise CaptureError("the capture ends in its header", "Take the log again.")
    version, link = struct.unpack(">II", head)
    if version != 1 or link not in (_H1, _H4, _MONITOR):
        raise CaptureError(
            f"a btsnoop file of version {version} with data link {link}, which is not known",
            "Take a Bluetooth HCI log (H4).",
        )
    if link == _H4:
        return _h4(source)
    return _others(source, monitor=link == _MONITOR)


def _h4(source: Source) -> Packets:
    """The one kind that can be hundreds of megabytes: it looks at each chunk in place."""
    unpack = struct.Struct(">IIIIQ").unpack_from
    wanted = 24
    while True:
        buffer, at = source.ahead(wanted)
        end = len(buffer)
        if end - at < wanted:
            # The end of the file: whole, or in the middle of a packet.
            source.take(wanted)
            return
        wanted = 24
        while end - at >= 24:
            whole, kept, flags, _, time = unpack(buffer, at)
            if kept > LONGEST or kept > whole:
                source.move(at)
                source.damaged()
                return
            stop = at + 24 + kept
            if stop > end:
                wanted = 24 + kept
                break
            if kept < whole:
                source.shortened += 1
            if kept:
                yield (
                    (time - _EPOCH_US) / 1e6,
                    not flags & 1,
                    buffer[at + 24],
                    buffer[at + 25 : stop],
                )
            at = stop
        source.move(at)


def _others(source: Source, *, monitor: bool) -> Packets:
    """Without a type in the data: it follows from the flags."""
    while (raw := source.take(24)) is not None:
        whole, kept, flags, _, time = struct.unpack(">IIIIQ", raw)
        if kept > LONGEST or kept > whole:
            source.damaged()
            return
        data = source.take(kept)
        if data is None:
            source.cut_off = source.cut_off or source.position
            return
        source.shortened += kept < whole
        if monitor:
            found = MONITOR_PACKETS.get(flags & 0xFFFF)
            if found is None:
                continue
            carrier, sent = found
        else:
            sent = not flags & 1
            carrier = (Carrier.COMMAND if sent else Carrier.EVENT) if flags & 2 else Carrier.ACL
        yield (time - _EPOCH_US) / 1e6, sent, carrier, data

"""A phone's Bluetooth log, with the times of simulated time."""

from __future__ import annotations

import asyncio
import struct
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Final

from bumble.hci import HCI_COMMAND_PACKET, HCI_EVENT_PACKET
from bumble.snoop import BtSnooper, Snooper

BEGAN: Final = datetime(2026, 3, 14, 19, 2, 11, 350_000, tzinfo=UTC)
"""What the phone's clock shows at second 0 of the loop's."""


class SimulatedSnooper(BtSnooper):
    """bumble's, apart from the clock: its own is the machine's."""

    def __init__(self) -> None:
        self.buffer = BytesIO()
        self.first: datetime | None = None
        super().__init__(self.buffer)

    def snoop(self, hci_packet: bytes, direction: Snooper.Direction) -> None:
        """Keep one packet."""
        now = clock()
        self.first = self.first or now
        flags = int(direction)
        if hci_packet[0] in (HCI_EVENT_PACKET, HCI_COMMAND_PACKET):
            flags |= 2
        size = len(hci_packet)
        time = (now - self.TIMESTAMP_ANCHOR) // timedelta(microseconds=1) + self.TIMESTAMP_DELTA
        self.buffer.write(struct.pack(">IIIIQ", size, size, flags, 0, time) + hci_packet)


def clock() -> datetime:
    """The time that the phone's clock shows."""
    return BEGAN + timedelta(seconds=asyncio.get_running_loop().time())

"""One link to a host as the firmware sees it: framing and rights (R16, R17)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from massager_fw.codec import MAX_ENCODED, cobs_encode
from massager_fw.config import LinkKind
from massager_fw.frames import Receiver
from massager_fw.shim import micropython

if TYPE_CHECKING:
    from massager_fw.board import Board

MTU_FOR_ALL = 87
"""Smallest ATT MTU for commands and telemetry (docs/protocol.md 2)."""
NO_MTU = 0
"""Of a link that is a byte stream."""


class Port:
    """A link that is up."""

    __slots__ = (
        "_board",
        "_outgoing",
        "deadman_ms",
        "framed",
        "link",
        "may_command",
        "receiver",
        "talks",
    )

    def __init__(
        self, board: Board, link: int, kind: str, deadman_ms: int, bonded: bool, mtu: int
    ) -> None:
        """`bonded` and `mtu` matter on BLE alone."""
        self._board = board
        self.link = link
        self.deadman_ms = deadman_ms
        """T on this link (R4)."""
        self.talks = mtu == NO_MTU or mtu >= MTU_FOR_ALL
        """TELEMETRY and INFO fit."""
        self.may_command = bonded and self.talks
        self.receiver = Receiver()
        self.framed = kind != LinkKind.BLE
        """Bodies travel in COBS."""
        self._outgoing = bytearray(MAX_ENCODED + 1)

    @micropython.native
    def send(self, body: bytearray, size: int) -> None:
        """Send a frame body as it travels on this link."""
        if self.framed:
            out = self._outgoing
            self._board.send(self.link, out, cobs_encode(body, size, out))
        else:
            self._board.send(self.link, body, size)

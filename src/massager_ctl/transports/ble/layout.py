"""The GATT layout of docs/protocol.md, section 2: identifiers and sizes."""

from __future__ import annotations

from typing import Final

SERVICE: Final = "6d617373-6765-7200-a001-000000000001"
COMMAND: Final = "6d617373-6765-7200-a001-000000000002"
EVENT: Final = "6d617373-6765-7200-a001-000000000003"
STOP: Final = "6d617373-6765-7200-a001-000000000004"
INFO: Final = "6d617373-6765-7200-a001-000000000005"
BATTERY_LEVEL: Final = "00002a19-0000-1000-8000-00805f9b34fb"
FIRMWARE_REVISION: Final = "00002a26-0000-1000-8000-00805f9b34fb"

BODY: Final = 84
"""Maximum bytes of a frame body; a link with a smaller MTU may only stop and read."""

MAY_COMMAND: Final = b"\x01"
"""What the command characteristic reads if this link may command."""

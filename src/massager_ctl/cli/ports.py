"""Serial ports by their files alone: fast enough for a key press, without loading pyserial."""

from __future__ import annotations

from pathlib import Path
from typing import Final

_PATTERNS: Final = ("ttyUSB*", "ttyACM*", "cu.usb*", "rfcomm*")


def serial_ports(folder: Path = Path("/dev")) -> list[str]:
    """Device files that look like a serial adapter."""
    return sorted(str(path) for pattern in _PATTERNS for path in folder.glob(pattern))

"""Checksums as cheap devices use them, written for these devices alone."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Final


@dataclass(frozen=True, slots=True)
class Check:
    """One way to protect a frame. `kind`: none, sum, xor or crc; `size` in bytes."""

    name: str
    kind: str
    size: int = 1
    poly: int = 0
    init: int = 0
    reflected: bool = False
    xor_out: int = 0
    negate: bool = False
    little: bool = False

    def over(self, data: bytes) -> bytes:
        """The check of these bytes."""
        top = (1 << 8 * self.size) - 1
        match self.kind:
            case "none":
                return b""
            case "sum":
                value = (self.init + sum(data)) & top
            case "xor":
                value = self.init
                for byte in data:
                    value ^= byte
            case _:
                value = self._crc(data)
        if self.negate:
            value = -value & top
        return ((value ^ self.xor_out) & top).to_bytes(
            self.size, "little" if self.little else "big"
        )

    def _crc(self, data: bytes) -> int:
        bits = 8 * self.size
        value = self.init
        for byte in data:
            value ^= (_mirror(byte, 8) if self.reflected else byte) << (bits - 8)
            for _ in range(8):
                carry = value >> (bits - 1) & 1
                value = value << 1 & (1 << bits) - 1
                if carry:
                    value ^= self.poly
        return _mirror(value, bits) if self.reflected else value


def _mirror(value: int, bits: int) -> int:
    return int(f"{value:0{bits}b}"[::-1], 2)


NO_CHECK: Final = Check("none", "none", 0)

CRC_8: Final = (
    Check("CRC-8/SMBUS", "crc", poly=0x07),
    Check("CRC-8/I-432-1", "crc", poly=0x07, xor_out=0x55),
    Check("CRC-8/ROHC", "crc", poly=0x07, init=0xFF, reflected=True),
    Check("CRC-8/MAXIM", "crc", poly=0x31, reflected=True),
    Check("CRC-8/NRSC-5", "crc", poly=0x31, init=0xFF),
    Check("CRC-8/SAE-J1850", "crc", poly=0x1D, init=0xFF, xor_out=0xFF),
    Check("CRC-8/DVB-S2", "crc", poly=0xD5),
    Check("CRC-8/WCDMA", "crc", poly=0x9B, reflected=True),
)

CRC_16: Final = (
    Check("CRC-16/MODBUS", "crc", 2, 0x8005, 0xFFFF, reflected=True, little=True),
    Check("CRC-16/MODBUS, high byte first", "crc", 2, 0x8005, 0xFFFF, reflected=True),
    Check("CRC-16/ARC", "crc", 2, 0x8005, reflected=True, little=True),
    Check("CRC-16/IBM-3740", "crc", 2, 0x1021, 0xFFFF),
    Check("CRC-16/XMODEM", "crc", 2, 0x1021),
    Check("CRC-16/XMODEM, low byte first", "crc", 2, 0x1021, little=True),
    Check("CRC-16/KERMIT", "crc", 2, 0x1021, reflected=True, little=True),
    Check("CRC-16/IBM-SDLC", "crc", 2, 0x1021, 0xFFFF, reflected=True, xor_out=0xFFFF, little=True),
    Check("CRC-16/UMTS", "crc", 2, 0x8005),
)


def choose_check(random: Random) -> Check:
    """A family by how common it is, and its parameters."""
    family = random.choices(
        ("none", "sum", "sum16", "xor", "crc8", "crc16"), (22, 25, 6, 20, 13, 14)
    )[0]
    match family:
        case "none":
            return NO_CHECK
        case "sum":
            form = random.choices(("plain", "negated", "inverted", "offset"), (60, 15, 10, 15))[0]
            return Check(
                f"sum, {form}",
                "sum",
                init=random.randrange(1, 256) if form == "offset" else 0,
                negate=form == "negated",
                xor_out=0xFF if form == "inverted" else 0,
            )
        case "sum16":
            little = random.random() < 0.5
            return Check(f"sum of 16 bits{', low byte first' * little}", "sum", 2, little=little)
        case "xor":
            init = random.choice((0, 0, 0, 0xFF, random.randrange(1, 256)))
            return Check(f"exclusive-or from {init:#04x}", "xor", init=init)
        case "crc8":
            return random.choice(CRC_8)
        case _:
            return random.choice(CRC_16)

"""What outlives a reboot: records with a CRC in a plain dict, and the running time of the last hour of powered time."""

import struct

from tests.second_device.codec import crc16

WINDOW = 400
BUCKET_MS = 10_000
CHARGE_MS = 10_000


class Unreadable(Exception):
    """A record whose CRC is wrong."""


def put(nvm: dict[str, bytes], key: str, layout: str, *values: int) -> None:
    """Write one record."""
    data = struct.pack(layout, *values)
    nvm[key] = data + struct.pack("<H", crc16(data))


def get(nvm: dict[str, bytes], key: str, layout: str) -> tuple[int, ...] | None:
    """Read one record; None if there is none yet."""
    if key not in nvm:
        return None
    data, crc = nvm[key][:-2], nvm[key][-2:]
    if len(data) != struct.calcsize(layout) or struct.pack("<H", crc16(data)) != crc:
        raise Unreadable(key)
    return struct.unpack(layout, data)


class Hour:
    """Running milliseconds in buckets of 10 s of powered time; 4000 s are looked at (3600 at 0.9)."""

    def __init__(self) -> None:
        self.buckets: list[int] = [0]
        self.total = 0
        self.age_ms = 0
        self.readable = True

    def load(self, nvm: dict[str, bytes]) -> None:
        """Take what NVM holds; unreadable counts as spent, and each later boot charges an interval."""
        try:
            stored = get(nvm, "hour", f"<{WINDOW + 1}H")
        except Unreadable:
            self.readable = False
            self.buckets = [BUCKET_MS] * (WINDOW + 1)
            self.total = sum(self.buckets)
            return
        if stored is not None:
            self.buckets = [*stored, 0][-(WINDOW + 1) :]
            self.total = sum(self.buckets)
            self.charge(CHARGE_MS)

    def save(self, nvm: dict[str, bytes]) -> None:
        padded = [0] * (WINDOW + 1 - len(self.buckets)) + self.buckets
        put(nvm, "hour", f"<{WINDOW + 1}H", *padded)

    def charge(self, ms: int) -> None:
        self.buckets[-1] += ms
        self.total += ms

    def step(self, ms: int) -> None:
        """Let `ms` of powered time pass."""
        self.age_ms += ms
        if self.age_ms >= BUCKET_MS:
            self.age_ms = 0
            self.buckets = [*self.buckets, 0][-(WINDOW + 1) :]
            self.total = sum(self.buckets)
            self.readable = self.readable or self.total == 0

    def used_ms(self) -> int:
        return self.total

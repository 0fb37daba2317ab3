"""What the firmware keeps in NVM, and how it comes back: anything unreadable is a memory fault (R7, R8)."""

from __future__ import annotations

from struct import Struct
from typing import Final

from firmware_sim import nvm
from firmware_sim.allowance import SLOT_S, Allowance
from firmware_sim.config import TICKS_PER_S
from firmware_sim.states import Cause

_BOOT: Final = Struct("<I")
_LIFE: Final = Struct("<QB")
_LATCH: Final = Struct("<BH")
_BOOT_COPIES: Final = ("boot_a", "boot_b")
RECORDS: Final = (*_BOOT_COPIES, "life", "allowance", "latch")


class Memory:
    """The records of one device. `intact` is False when something could not be read at boot."""

    __slots__ = ("_nvm", "allowance_lost", "boot", "cause", "intact", "latch", "life_ticks")

    def __init__(self, store: nvm.Nvm, allowance: Allowance) -> None:
        self._nvm = store
        self.intact = True
        self.allowance_lost = False
        self.cause = Cause.NONE
        self.latch = 0
        self.life_ticks = 0
        self.boot = 1
        if all(store.load(name) is None for name in RECORDS):
            self._put_boot()
            self.save_latch(Cause.NONE, 0)
            self.checkpoint(allowance, running=False)
            return
        self._load_boot()
        self._load_latch()
        self._load_life()
        self._load_allowance(allowance)
        self.checkpoint(allowance, running=False)

    def _read(self, name: str, size: int | None) -> bytes | None:
        raw = self._nvm.load(name)
        try:
            payload = None if raw is None else nvm.unseal(raw)
        except nvm.Unreadable:
            payload = None
        if payload is None or (size is not None and len(payload) != size):
            self.intact = False
            return None
        return payload

    def _put(self, name: str, payload: bytes) -> None:
        self._nvm.store(name, nvm.seal(payload))

    def _load_boot(self) -> None:
        copies = [self._read(name, _BOOT.size) for name in _BOOT_COPIES]
        known = [_BOOT.unpack(copy)[0] for copy in copies if copy is not None]
        self.boot = (max(known, default=0) + 1) & 0xFFFFFFFF
        self._put_boot()

    def next_boot(self) -> int:
        """Count one more boot, and say which it is."""
        self.boot = (self.boot + 1) & 0xFFFFFFFF
        self._put_boot()
        return self.boot

    def _put_boot(self) -> None:
        for name in _BOOT_COPIES:
            self._put(name, _BOOT.pack(self.boot))

    def _load_latch(self) -> None:
        payload = self._read("latch", _LATCH.size)
        if payload is not None:
            cause, self.latch = _LATCH.unpack(payload)
            self.cause = Cause(cause)

    def _load_life(self) -> None:
        payload = self._read("life", _LIFE.size)
        if payload is not None:
            self.life_ticks, was_running = _LIFE.unpack(payload)
            self.life_ticks += was_running * SLOT_S * TICKS_PER_S

    def _load_allowance(self, allowance: Allowance) -> None:
        payload = self._read("allowance", None)
        if payload is not None and allowance.restore(payload):
            allowance.charge_boot()
            return
        self.intact = False
        self.allowance_lost = True
        allowance.spend_all()

    def checkpoint(self, allowance: Allowance, *, running: bool) -> None:
        """Every 10 s, and at the end of a session."""
        self._put("allowance", allowance.save())
        self._put("life", _LIFE.pack(self.life_ticks, running))

    def save_latch(self, cause: Cause, latch: int) -> None:
        """A fault latch outlives a reboot; `Cause.NONE` clears it."""
        self.cause, self.latch = cause, latch
        self._put("latch", _LATCH.pack(cause, latch))

    def add_life(self, seconds: float) -> None:
        """Running time that was delivered to somebody else's host (fault 59)."""
        self.life_ticks += round(seconds * TICKS_PER_S)

    def mend(self, allowance: Allowance) -> bool:
        """Write everything anew and read it back: whether the memory can be trusted again."""
        self._put_boot()
        self.checkpoint(allowance, running=False)
        self._put("latch", _LATCH.pack(self.cause, self.latch))
        self.intact = True
        for name in RECORDS:
            self._read(name, None)
        if self.intact:
            self.allowance_lost = False
        return self.intact

"""The maker's app of a made-up massager: what it would send."""

from __future__ import annotations

from tests.learn_devices.device import Device


class App:
    """What the maker's app would send."""

    def __init__(self, device: Device) -> None:
        self.device = device
        self.count = device.counter_first
        self.last: bytes | None = None

    def _next(self, *, command: bool) -> int | None:
        device = self.device
        if device.counter == "none" or (device.counter == "commands" and not command):
            return None
        count, self.count = self.count, (self.count + 1) & 0xFF
        return count

    def frame(self, opcode: int, payload: bytes, *, command: bool = True) -> bytes:
        return self.device.wire(opcode, payload, self._next(command=command))

    def level(self, level: int) -> list[bytes]:
        d = self.device
        if level == 0 and d.stop != "level0":
            frames = [self.frame(d.opcode + 7, b"")]
            if d.stop == "two":
                frames.append(self.frame(d.opcode + 9, b"\x01"))
            return frames
        if d.coding == "opcode":
            return [self.frame(d.opcode + 20 + level, b"")]
        return [self.frame(d.opcode, d.value(level))]

    def hello(self) -> list[bytes]:
        return [self.frame(self.device.opcode + 3, b"\x01\x02")] if self.device.hello else []

    def beat(self, level: int) -> list[bytes]:
        d = self.device
        match d.alive:
            case "fixed":
                return [d.wire(d.opcode + 5, b"\x00", None)]
            case "counted":
                return [self.frame(d.opcode + 5, b"\x00", command=False)]
            case "resend":
                return self.level(level)
            case "level":
                return [self.frame(d.opcode + 6, bytes((level,)), command=False)]
            case _:
                return []

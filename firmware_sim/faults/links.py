"""What each fault does to what the device says, and to the line that carries it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from firmware_sim import wire
from firmware_sim.core import Core
from firmware_sim.faults.actions import number, once
from firmware_sim.faults.plan import Start, Undo
from firmware_sim.firmware import telemetry

if TYPE_CHECKING:
    from firmware_sim.device import SimulatedDevice


def _tells(tell: Callable[[Core, int], bytes | None]) -> Start:
    def start(device: SimulatedDevice) -> Undo:
        device.firmware.rules.tell = tell
        return lambda: setattr(device.firmware.rules, "tell", None)

    return start


def telemetry_silent(_text: str) -> Start:
    """Nothing is said."""
    return _tells(lambda _core, _rejected: None)


def telemetry_freeze(_text: str) -> Start:
    """What was said first is said again and again."""
    said: list[bytes] = []

    def tell(core: Core, rejected: int) -> bytes:
        if not said:
            said.append(telemetry(core, rejected))
        return said[0]

    return _tells(tell)


def lie_level(_text: str) -> Start:
    """All levels are reported as zero."""

    def tell(core: Core, rejected: int) -> bytes:
        head = bytearray(telemetry(core, rejected)[:-2])
        head[36:48] = bytes(12)
        return wire.seal(bytes(head))

    return _tells(tell)


def ack_lost(text: str) -> Start:
    """So many ACKs do not arrive."""
    count = int(number(text, 1, 1, 1000))

    def start(device: SimulatedDevice) -> None:
        device.lose_acks(count)

    return start


# --- the line


def share(name: str) -> Callable[[str], Start]:
    """A share of the pieces on the line meets with `name`."""

    def begin(text: str) -> Start:
        part = number(text, 0.1, 0.0, 1.0)

        def start(device: SimulatedDevice) -> Undo:
            setattr(device.line_faults, name, part)
            return lambda: setattr(device.line_faults, name, 0.0)

        return start

    return begin


def delay(text: str) -> Start:
    """Seconds late."""
    seconds = number(text, 5.0, 0.0, 60.0)

    def start(device: SimulatedDevice) -> Undo:
        device.line_faults.delay_s = seconds
        return lambda: setattr(device.line_faults, "delay_s", 0.0)

    return start


def fragment(text: str) -> Start:
    """Pieces of so many bytes."""
    size = int(number(text, 1, 1, 1000))

    def start(device: SimulatedDevice) -> Undo:
        device.line_faults.fragment = size
        return lambda: setattr(device.line_faults, "fragment", 0)

    return start


def silent(_text: str) -> Start:
    """Nothing passes."""

    def start(device: SimulatedDevice) -> Undo:
        device.line_faults.silent = True
        return lambda: setattr(device.line_faults, "silent", False)

    return start


def unplug(_text: str) -> Start:
    """All links break, and no other comes up until it is over."""

    def start(device: SimulatedDevice) -> Undo:
        device.unplug()
        return device.plug

    return start


def flap(_text: str) -> Start:
    """All links break, once."""
    return once(lambda device: device.drop_links("the link to the simulated device broke"))


def garbage(text: str) -> Start:
    """Noise for the host."""
    size = int(number(text, 200, 1, 100_000))

    def start(device: SimulatedDevice) -> None:
        noise = device.line_faults.noise
        device.shout(bytes(noise.u32() & 0xFF for _ in range(size)))

    return start

"""The device alone with a peer on its link: how tests make it, drive it, load it and break its frames."""

from __future__ import annotations

from typing import Any

from firmware_sim import wire
from firmware_sim.config import DeviceConfig
from firmware_sim.firmware import Firmware
from firmware_sim.nvm import MemoryNvm
from firmware_sim.peer import Peer, Watch
from massager_fw.states import Cause

LOW = (50, 50, 0, 0, 0, 0)

RUBBISH = b"\x05garb\x00"


def device(nvm: MemoryNvm | None = None, **config: Any) -> Firmware:
    return Firmware(DeviceConfig(**config), nvm or MemoryNvm(), 1, recorder=Watch())


def make(nvm: MemoryNvm | None = None, **config: Any) -> Peer:
    return Peer(device(nvm, **config))


def changed(message: wire.Message, **fields: object) -> wire.Message:
    import msgspec

    return msgspec.structs.replace(message, **fields)


def hold(peer: Peer, seconds: float) -> None:
    peer.firmware.press(peer.now)
    peer.run(seconds)
    peer.firmware.release(peer.now)
    peer.run(0.3)


def at_zero(peer: Peer) -> bool:
    core = peer.firmware.core
    return core.levels.level == core.patterns.drive == [0] * 6 and core.session is None


def load(peer: Peer, value: float) -> None:
    motors = peer.firmware.core.plant.motors
    motors.load[0] = value
    motors.disturb()


def running(peer: Peer, seconds: float = 2.0) -> None:
    peer.arm()
    peer.drive(seconds, LOW)


def trip_time(peer: Peer, most: float = 2.0) -> float:
    """Seconds until everything is at zero."""
    start = peer.now
    while not at_zero(peer) and peer.now < start + most:
        peer.send(peer.setpoint(LOW))
        peer.run(0.02)
    return peer.now - start


def rejected(peer: Peer, message: wire.Message) -> bool:
    """Whether `message` is counted and has no effect."""
    core = peer.firmware.core
    before = peer.firmware.rejected
    session = core.session
    seq = session.seq if session else None
    asked = list(core.levels.asked)
    peer.send(message)
    same = core.levels.asked == asked and (core.session.seq if core.session else None) == seq
    return same and peer.firmware.rejected == before + 1


def noisy(peer: Peer, bad: int, seconds: float) -> None:
    """A good SETPOINT every 100 ms, and so many bad frames with it."""
    for _ in range(round(seconds * 10)):
        peer.send(peer.setpoint(LOW))
        for _ in range(bad):
            peer.raw(RUBBISH)
        peer.run(0.1)


def trip(peer: Peer) -> None:
    peer.firmware.core.trip(Cause.STALL)
    peer._take(peer.firmware.advance(peer.now))

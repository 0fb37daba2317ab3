"""What a host without rules says, and hears: frames by hand, past everything that the real host keeps."""

from __future__ import annotations

from typing import Final

from firmware_sim import wire
from massager_ctl.errors import MassagerError
from massager_ctl.model.device import Telemetry
from tests.faults.ground import Ground

FULL: Final = (1000,) * 6
VIBRATE: Final = (1,) * 6


class Hand:
    """A host without rules: it hears, and says what it is asked to."""

    def __init__(self) -> None:
        self.lost: list[MassagerError] = []

    def telemetry_received(self, telemetry: Telemetry) -> None:
        pass

    def driver_lost(self, error: MassagerError) -> None:
        self.lost.append(error)


def authentic(g: Ground, *, ahead: int = 1, **other: object) -> wire.Setpoint:
    """The setpoint that the owner could send at this moment, at full level, but for what is `other`."""
    core = g.device.firmware.core
    session = core.session
    seq = (0 if session is None else session.seq + ahead) & 0xFFFFFFFF
    fields: dict[str, object] = {
        "epoch": core.epoch,
        "owner": 0 if session is None else int.from_bytes(session.owner, "little"),
        "seq": seq,
        "echo": core.announcer.counter,
        "mode": 0,
        "heat": 0,
        "period": 5000,
        "level": FULL,
        "pattern": VIBRATE,
        **other,
    }
    return wire.Setpoint(**fields)  # type: ignore[arg-type]


def on_the_line(message: wire.Message) -> bytes:
    return wire.frame(wire.pack(message))

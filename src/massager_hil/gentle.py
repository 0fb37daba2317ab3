"""A host that asks a real device for little."""

from __future__ import annotations

import msgspec

from massager_hil import wire


def gentle(message: wire.Message, most: int) -> wire.Message:
    """The same within `most` tenths of a percent; what is out of any range stays, as it has to be refused."""
    match message:
        case wire.Setpoint():
            level = tuple(min(x, most) if x <= 1000 else x for x in message.level)
            return msgspec.structs.replace(message, level=level)
        case wire.Arm() if most < message.cap <= 1000:
            return msgspec.structs.replace(message, cap=most)
        case _:
            return message

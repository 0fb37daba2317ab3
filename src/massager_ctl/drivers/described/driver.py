"""A described device as a driver: the description's own dialect behind the seam that every driver has."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

import msgspec

from massager_ctl.drivers.described import dialect as described
from massager_ctl.drivers.described.encoding import Encoding
from massager_ctl.drivers.described.model import Description
from massager_ctl.drivers.described.schema import DeviceFile
from massager_ctl.drivers.described.template import parse_bytes
from massager_ctl.drivers.dialect import Dialect, DriverSpec, Find, Frames, check_spec
from massager_ctl.errors import DriverFault
from massager_ctl.model.device import Channel
from massager_ctl.model.units import Zone
from massager_ctl.safety.assurance import Assurance, Confirmation, OnDisconnect
from massager_ctl.transports.base import LinkKind
from massager_ctl.transports.gatt import Gatt

BAUD: Final = 115200
_ENDS: Final = {Encoding.SLIP: b"\xc0", Encoding.HDLC: b"\x7e", Encoding.COBS: b"\0"}


class DescribedDialect(Dialect):
    """One channel, whose steps are the levels of the file in order."""

    def __init__(self, description: Description) -> None:
        self._description = description
        self._inner = described.Dialect(description)
        self._numbers = [level.level for level in description.file.levels]
        self._stream = description.file.link.kind != "ble"
        self._rest = b""
        self._lengths = _lengths(description)
        encoding = description.file.border.encoding
        self._border = _ENDS.get(encoding, b"")
        # The border before a frame, which may be the one after the frame before; COBS has none.
        self._ahead = b"" if encoding is Encoding.COBS else self._border
        self._begun = not self._ahead
        """Whether what has come since the last border began with one, where a frame must."""
        # A file that changed is another device for all that was seen of it.
        self.firmware = f"description {digest(description)}"

    def start(self, now: float) -> Frames:
        """As the file has it."""
        return self._inner.start(now)

    def levels(self, steps: tuple[int, ...], now: float) -> Frames:
        """The frames of that level."""
        return self._inner.set_level(self._numbers[steps[0] - 1] if steps[0] else 0, now)

    def stop(self, now: float) -> Frames:
        """The frames of the stop."""
        return self._inner.stop(now)

    def timer(self, minutes: float, now: float) -> Frames:  # noqa: ARG002
        """The frames of that step of the timer."""
        timer = self._description.file.timer
        steps = () if timer is None else timer.steps
        return [
            frame for step in steps if step.minutes == minutes for frame in self._inner.timer(step)
        ]

    def due(self, now: float) -> Frames:
        """The keep-alives of the file."""
        return self._inner.due(now)

    def next_due(self) -> float | None:
        """When the next one is due."""
        return self._inner.next_due()

    def feed(self, data: bytes, now: float) -> tuple[int, ...] | None:  # noqa: ARG002
        """The level that a state frame reports; on a stream such a frame may begin anywhere."""
        reported = self._reported(data) if self._stream else self._inner.feed(data)
        if reported is None or (reported and reported not in self._numbers):
            return None
        return (self._numbers.index(reported) + 1 if reported else 0,)

    def _reported(self, data: bytes) -> int | None:
        """The newest level in a stream."""
        return self._between_borders(data) if self._border else self._wherever(data)

    def _between_borders(self, data: bytes) -> int | None:
        """What lies between two borders is one frame: however much comes at once, each byte is looked at once (R6)."""
        longest = max(self._lengths, default=0)
        *pieces, rest = (self._rest + data).split(self._border)
        self._rest = rest[-longest:] if longest else b""  # so long that no frame of it is read
        reported: int | None = None
        for piece in pieces:
            frame = self._ahead + piece + self._border
            if self._begun and len(frame) <= longest:
                found = self._inner.feed(frame)
                reported = reported if found is None else found
            self._begun = True
        return reported

    def _wherever(self, data: bytes) -> int | None:
        """Without borders: at each byte that came, the frames that may end there."""
        reported: int | None = None
        for byte in data:
            self._rest = (self._rest + bytes((byte,)))[-max(self._lengths, default=1) :]
            for length in self._lengths:
                found = (
                    self._inner.feed(self._rest[-length:]) if length <= len(self._rest) else None
                )
                if found is not None:
                    reported, self._rest = found, b""
        return reported


def _lengths(description: Description) -> tuple[int, ...]:
    """How long a state frame can be: as the golden ones; between borders up to twice that, for what is escaped."""
    file = description.file
    if file.state is None:
        return ()
    seen = {
        len(parse_bytes(golden.bytes)) for golden in file.golden if golden.is_ == file.state.frame
    }
    if not seen:
        return ()
    if file.border.encoding in _ENDS:
        return (2 * max(seen),)
    return tuple(sorted(seen))


def declared(file: DeviceFile) -> Assurance:
    """What the file declares of its device, which can only lower what is allowed (R25)."""
    known = file.assurance
    return Assurance(
        on_disconnect=OnDisconnect(known.on_disconnect),
        own_timer=known.own_timer_min is not None or file.timer is not None,
        stop=Confirmation(file.stop.confirmed_by),
        stall_sensing=known.stall_sensing,
        own_remote=known.own_remote,
        bench_only=file.bench_only,
    )


def spec_of(description: Description, path: Path) -> DriverSpec:
    """What a driver says of its device, from the file. Raises DriverFault where it is not driven."""
    file = description.file
    if not description.sure:
        parts = ", ".join(unsure.part for unsure in file.unsure)
        raise DriverFault(
            f"{path}: a description that is not sure of itself is not driven: {parts}",
            "Learn it again from a longer capture: `massager-ctl learn`.",
        )
    link = file.link
    gatt = None
    if link.kind == "ble":
        assert link.service is not None
        assert link.write is not None
        gatt = Gatt(
            service=link.service, write=link.write, notify=link.notify, response=link.response
        )
    confirmed = next((source.by for source in file.sources if source.by), None)
    spec = DriverSpec(
        scheme=file.id,
        title=file.title,
        links=(LinkKind.BLE,) if gatt else (LinkKind.SERIAL, LinkKind.TCP),
        channels=(
            Channel(
                tuple(Zone(zone) for zone in file.zones), tuple(one.percent for one in file.levels)
            ),
        ),
        dialect=lambda: DescribedDialect(description),
        assurance=declared(file),
        baud=link.baud or BAUD,
        gatt=gatt,
        find=Find(name=file.find.name or "", service=file.find.service or ""),
        timer_min=() if file.timer is None else tuple(step.minutes for step in file.timer.steps),
        ends_frame=_ENDS.get(file.border.encoding, b""),
        source="; ".join(source.what for source in file.sources),
        confirmed_by=confirmed or "",
    )
    return check_spec(spec, str(path))


def digest(description: Description) -> str:
    """Twelve letters that stand for the content of a file."""
    return hashlib.sha256(msgspec.json.encode(description.file, order="sorted")).hexdigest()[:12]

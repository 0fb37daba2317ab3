"""A made-up massager that takes lines: `L2`, `OFF`, and answers `=2`. Its driver and its simulated peer."""

from __future__ import annotations

from collections.abc import Sequence

from massager_ctl.drivers.dialect import Dialect, DriverSpec, Find
from massager_ctl.model.device import Channel
from massager_ctl.model.units import Zone
from massager_ctl.safety.assurance import Assurance, Confirmation, OnDisconnect
from massager_ctl.transports.base import LinkKind

BOTH = (Zone.TRAPEZIUS_LEFT, Zone.TRAPEZIUS_RIGHT)
PERCENTS = (5.0, 10.0, 15.0, 20.0, 60.0, 100.0)


class AsciiDialect(Dialect):
    known = False
    _rest = b""

    def start(self, now: float) -> Sequence[bytes]:
        return [b"WHO\n"]

    def levels(self, steps: tuple[int, ...], now: float) -> Sequence[bytes]:
        return [b"L%d\n" % steps[0]] if steps[0] else self.stop(now)

    def stop(self, now: float) -> Sequence[bytes]:
        return [b"OFF\n"]

    def feed(self, data: bytes, now: float) -> tuple[int, ...] | None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        reported = None
        for line in lines:
            if line.startswith(b"I AM "):
                self.known, self.serial = True, line[5:].decode()
            elif line[:1] == b"=":
                reported = (int(line[1:]),)
        return reported


ASCII = DriverSpec(
    scheme="ascii",
    title="the ASCII massager",
    links=(LinkKind.SERIAL, LinkKind.TCP),
    channels=(Channel(BOTH, PERCENTS),),
    dialect=AsciiDialect,
    assurance=Assurance(on_disconnect=OnDisconnect.STOPS, stop=Confirmation.STATE),
    find=Find(answers=True),
    ends_frame=b"\n",
)


class AsciiPeer:
    """The device: silent where `deaf`, tells nothing where `mute`."""

    def __init__(self, *, mute: bool = False, deaf: bool = False) -> None:
        self.steps: tuple[int, ...] = (0,)
        self.complaints: list[str] = []
        self.mute, self.deaf = mute, deaf
        self._rest = b""

    def take(self, data: bytes, now: float) -> Sequence[bytes]:
        if self.deaf:
            return []
        *lines, self._rest = (self._rest + data).split(b"\n")
        answers: list[bytes] = []
        for line in lines:
            match line[:1], line[1:]:
                case b"W", b"HO":
                    answers.append(b"I AM A1\n")
                case b"O", b"FF":
                    self.steps = (0,)
                    answers.append(b"=0\n")
                case b"L", number if number.isdigit() and 1 <= int(number) <= len(PERCENTS):
                    self.steps = (int(number),)
                    answers.append(b"=%d\n" % self.steps)
                case b"", b"":
                    pass
                case _:
                    self.complaints.append(f"{line!r} is not a command")
        return [] if self.mute and answers != [b"I AM A1\n"] else answers

    def pass_time(self, now: float) -> Sequence[bytes]:
        return []

    def link_down(self, now: float) -> None:
        self.steps = (0,)

"""T-Code version 0.3 over a serial line, for devices that makers build themselves. Marked bench-only.

From the public text at https://github.com/multiaxis/TCode-Specification (version 0.3 of May 2021). A channel stays at
its level until it is sent another, and there is no heartbeat: the level is sent again every 0.2 s with a ramp as long,
so that a line that was lost mends itself. Nothing in the text confirms a stop, and the device runs on when its line is
cut.
"""

from __future__ import annotations

from typing import Final

from massager_ctl.drivers.dialect import Dialect, DriverSpec, Find, Frames
from massager_ctl.model.device import Channel
from massager_ctl.model.units import Zone
from massager_ctl.safety.assurance import Assurance, Confirmation, OnDisconnect
from massager_ctl.transports.base import LinkKind

INTERVAL_MS: Final = 200
_LINE_MAX: Final = 256


class TCode(Dialect):
    """Vibration channel 0; a step is a hundredth of its range."""

    every_s = INTERVAL_MS / 1000
    known = False

    def __init__(self) -> None:
        self._step = 0
        self._version = self._channel = False
        self._rest = b""

    def start(self, now: float) -> Frames:  # noqa: ARG002
        """Who are you, which version, which axes."""
        return [b"D0\n", b"D1\n", b"D2\n"]

    def levels(self, steps: tuple[int, ...], now: float) -> Frames:
        """The level, ramped."""
        (self._step,) = steps
        self._alive_at = now + INTERVAL_MS / 1000
        return [self._line()]

    def stop(self, now: float) -> Frames:  # noqa: ARG002
        """The channel to zero at once, and the device's own stop."""
        self._step = 0
        return [b"V00\n", b"DSTOP\n"]

    def alive(self, now: float) -> Frames:  # noqa: ARG002
        """The same level again; nothing at rest."""
        return [self._line()] if self._step else []

    def feed(self, data: bytes, now: float) -> tuple[int, ...] | None:  # noqa: ARG002
        """The answers to what was asked at the start; no level is ever reported."""
        *lines, rest = (self._rest + data).split(b"\n")
        self._rest = rest[-_LINE_MAX:]
        for line in lines:
            text = line.strip().decode("ascii", "replace")
            if "tcode" in text.lower() and "0.3" in text:
                self._version = True
            elif text.upper().startswith("V0"):
                self._channel = True
            elif not self.firmware:
                self.firmware = text
        self.known = self._version and self._channel

    def _line(self) -> bytes:
        magnitude = b"9999" if self._step >= 100 else b"%02d" % self._step
        return b"V0%sI%d\n" % (magnitude, INTERVAL_MS)


TCODE: Final = DriverSpec(
    scheme="tcode",
    title="a T-Code device",
    links=(LinkKind.SERIAL, LinkKind.TCP),
    channels=(
        Channel(
            (Zone.TRAPEZIUS_LEFT, Zone.TRAPEZIUS_RIGHT),
            tuple(float(step) for step in range(1, 101)),
        ),
    ),
    dialect=TCode,
    assurance=Assurance(
        on_disconnect=OnDisconnect.RUNS_ON, stop=Confirmation.NOTHING, own_remote=False
    ),
    bench_only=True,
    find=Find(answers=True),
    ends_frame=b"\n",
    source="https://github.com/multiaxis/TCode-Specification, version 0.3",
)

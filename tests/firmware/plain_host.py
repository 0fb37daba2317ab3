"""The plainest host: frames on a byte stream, with no rule of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from massager_ctl.errors import ProtocolError
from massager_ctl.wire import codec, messages
from tests.firmware.pico import Pico

Found = TypeVar("Found", messages.Info, messages.TelemetryFrame, messages.Ack)


class PlainHost:
    """Sends what it is asked to send, and keeps all that it hears."""

    def __init__(self, board: Pico) -> None:
        self._board = board
        self._splitter = codec.Splitter()
        self.heard: list[messages.Info | messages.TelemetryFrame | messages.Ack] = []
        self._seq = 1000
        self._owner = 0x0A0B0C0D
        self._epoch = 0

    def listen(self, seconds: float = 0.05) -> None:
        """Hear what comes for so long."""
        until = self._board.now() + seconds
        while (left := until - self._board.now()) > 0:
            for run in self._splitter.feed(self._board.read(left)):
                try:
                    message = codec.decode_run(run)
                except ProtocolError:
                    continue  # where it began to listen in the middle of one
                if isinstance(message, messages.Info | messages.TelemetryFrame | messages.Ack):
                    self.heard.append(message)

    def send(self, message: codec.Message) -> None:
        """Send one frame."""
        self._board.write(codec.encode_frame(message))

    def wait(
        self, kind: type[Found], fits: Callable[[Found], bool] = lambda _: True, within: float = 5.0
    ) -> Found:
        """The next message of a kind that fits."""
        until = self._board.now() + within
        seen = len(self.heard)
        while self._board.now() < until:
            for message in self.heard[seen:]:
                if isinstance(message, kind) and fits(message):
                    return message
            seen = len(self.heard)
            self.listen()
        raise AssertionError(f"no {kind.__name__} in {within} s: {self.heard[-2:]}")

    def telemetry(self, within: float = 5.0) -> messages.TelemetryFrame:
        """The next TELEMETRY."""
        return self.wait(messages.TelemetryFrame, within=within)

    def arm(self) -> messages.Ack:
        """Open a session."""
        now = self.telemetry()
        self._epoch = now.epoch
        self.send(messages.Arm(7, self._owner, now.epoch, now.challenge, self._seq, 400, 600))
        return self.wait(messages.Ack)

    def setpoint(self, levels: tuple[int, ...], patterns: tuple[int, ...]) -> None:
        """One SETPOINT, with the newest counter as its echo."""
        newest = [one for one in self.heard if isinstance(one, messages.TelemetryFrame)][-1]
        self._seq += 1
        self.send(
            messages.SetpointFrame(
                self._epoch,
                self._owner,
                self._seq,
                newest.counter,
                0,
                0,
                10_000,
                levels,
                patterns,
            )
        )

    def drive(
        self, seconds: float, levels: tuple[int, ...], patterns: tuple[int, ...]
    ) -> messages.TelemetryFrame:
        """SETPOINTs every 50 ms for so long; the newest TELEMETRY."""
        until = self._board.now() + seconds
        while self._board.now() < until:
            self.setpoint(levels, patterns)
            self.listen(0.05)
        return [one for one in self.heard if isinstance(one, messages.TelemetryFrame)][-1]

    def stop(self) -> messages.Ack:
        """STOP, and its acknowledgement."""
        self.send(messages.Stop(9, 1))
        return self.wait(messages.Ack, lambda ack: ack.token == 9)

"""A device that is made from its description: it takes only frames that the description has, and tells what it says.

It shows that a description fits itself and every rule of a driver. That the device is so, only the device shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from massager_ctl.drivers.described.model import OFF, Description
from massager_ctl.drivers.described.template import parse_bytes

_WHOLE: Final = 256
"""Bytes of a stream after which what is not a frame is complained of."""


class DescribedPeer:
    """One channel, whose steps are the levels of the file in order."""

    def __init__(self, description: Description) -> None:
        self._description = description
        self._stream = description.file.link.kind != "ble"
        self._rest = b""
        self._level = OFF
        self.complaints: list[str] = []

    @property
    def steps(self) -> tuple[int, ...]:
        """The place of the level in the file, 0 for off."""
        numbers = [level.level for level in self._description.file.levels]
        return (numbers.index(self._level) + 1 if self._level else 0,)

    def take(self, data: bytes, now: float) -> Sequence[bytes]:  # noqa: ARG002
        """A frame, or pieces of a stream."""
        if not self._stream:
            return self._obey(data, complain=True)
        answers: list[bytes] = []
        for byte in data:
            self._rest += bytes((byte,))
            for start in range(len(self._rest)):
                if self._known(self._rest[start:]):
                    answers += self._obey(self._rest[start:], complain=False)
                    self._rest = b""
                    break
            self._rest = self._rest[-_WHOLE:]
        return answers

    def pass_time(self, now: float) -> Sequence[bytes]:  # noqa: ARG002
        """Nothing happens on its own."""
        return []

    def link_down(self, now: float) -> None:  # noqa: ARG002
        """It stops where the file says that it does."""
        if self._description.file.assurance.on_disconnect == "stops":
            self._level = OFF

    def _known(self, frame: bytes) -> bool:
        return any(self._description.decode(name, frame) for name in self._description.templates)

    def _obey(self, frame: bytes, *, complain: bool) -> list[bytes]:
        file = self._description.file
        for name in self._description.templates:
            found = self._description.decode(name, frame)
            if found is None:
                continue
            for number, step in [(OFF, file.stop), *((one.level, one) for one in file.levels)]:
                content = None if step.value is None else parse_bytes(step.value)
                if step.send[-1] == name and found.given.get("level") == content:
                    self._level = number
                    return self._state()
            return []
        if complain:
            self.complaints.append(f"{frame.hex(' ')} is not a frame of the description")
        return []

    def _state(self) -> list[bytes]:
        """The state frame of the level, as a golden frame shows it."""
        file = self._description.file
        if file.state is None:
            return []
        for entry in file.state.levels:
            for golden in file.golden:
                value = None if golden.value is None else parse_bytes(golden.value)
                same = entry.level == self._level and value == parse_bytes(entry.value)
                if same and golden.is_ == file.state.frame:
                    return [parse_bytes(golden.bytes)]
        return []

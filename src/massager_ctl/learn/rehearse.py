"""A description played to its end in simulated time, against a peer that is made from its frames alone."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from massager_ctl.drivers.described.dialect import Dialect
from massager_ctl.drivers.described.model import OFF, Description, counted_on
from massager_ctl.drivers.described.schema import CounterField
from massager_ctl.drivers.described.template import parse_bytes

_STAY_S: Final = 20.0
_LATE: Final = 1.5


class Rehearsal(Struct, frozen=True):
    """What came of it: frames sent, levels reached, and every complaint of the peer."""

    frames: int
    levels: tuple[int, ...]
    complaints: tuple[str, ...]


class _Peer:
    """Takes only frames of the description, with counters in their order, that were seen in its golden frames."""

    def __init__(self, description: Description) -> None:
        self._description = description
        self._golden = {
            (golden.is_, None if golden.value is None else parse_bytes(golden.value))
            for golden in description.file.golden
        }
        self._counters: dict[str, int] = {}
        self.level = OFF
        self.complaints: list[str] = []

    def take(self, frame: bytes) -> str | None:
        """The name of the frame, or None with a complaint."""
        for name in self._description.templates:
            found = self._description.decode(name, frame)
            if found is None:
                continue
            value = found.given.get("level")
            if (name, value) not in self._golden:
                continue
            for counter, count in found.counters.items():
                self._count(counter, count)
            self._set(name, value)
            return name
        self.complaints.append(f"{frame.hex(' ')} was never seen")
        return None

    def _count(self, name: str, count: int) -> None:
        field = self._description.file.fields[name]
        assert isinstance(field, CounterField)
        before = self._counters.get(name)
        if before is not None and count not in (before, counted_on(field, before)):
            self.complaints.append(f"{name} went from {before} to {count}")
        self._counters[name] = count

    def _set(self, name: str, value: bytes | None) -> None:
        file = self._description.file
        for number, step in [(OFF, file.stop), *((one.level, one) for one in file.levels)]:
            content = None if step.value is None else parse_bytes(step.value)
            if step.send[-1] == name and content == value:
                self.level = number


def rehearse(description: Description) -> Rehearsal:
    """Start, each level up and down, two stops, and a second session; keep-alives all along."""
    dialect, peer = Dialect(description), _Peer(description)
    now, sent = 0.0, 0
    reached: list[int] = []
    numbers = [level.level for level in description.file.levels]

    def give(frames: list[bytes]) -> None:
        nonlocal sent
        for frame in frames:
            sent += 1
            peer.take(frame)

    give(dialect.start(now))
    for number in [*numbers, *reversed(numbers), OFF, OFF, numbers[0], OFF]:
        give(dialect.set_level(number, now))
        if peer.level != number:
            peer.complaints.append(f"level {number} was set, and the peer is at {peer.level}")
        reached.append(number)
        until = now + _STAY_S
        while (due := dialect.next_due()) is not None and due < until:
            if due < now - _LATE:
                peer.complaints.append(f"a keep-alive is late by {now - due:.1f} s")
            now = max(due, now)
            give(dialect.due(now))
            if peer.level != number:
                peer.complaints.append(f"a keep-alive moved level {number} to {peer.level}")
        now = until
    return Rehearsal(sent, tuple(reached), tuple(dict.fromkeys(peer.complaints)))

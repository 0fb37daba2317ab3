"""What a described device is sent and when: pure, with the time as an argument.

The stop of a session is final for all that waits: nothing of an older level is sent after it (R6).
"""

from __future__ import annotations

from collections.abc import Mapping

from massager_ctl.drivers.described.model import (
    OFF,
    Description,
    counted_on,
    sent_while,
    value_bytes,
)
from massager_ctl.drivers.described.schema import CounterField, Level, Stop, TimerStep
from massager_ctl.errors import Refused


class Dialect:
    """One connection to a described device."""

    def __init__(self, description: Description) -> None:
        self._description = description
        self._file = description.file
        self._counters: dict[str, int] = description.first_counters()
        self._sent_before: dict[str, int] = {}
        self._level = OFF
        self._last: tuple[tuple[str, ...], dict[str, bytes]] | None = None
        self._alive_at: dict[int, float] = {}
        """When each keep-alive is due, by its place in the file."""
        self.reported: int | None = None
        """The level that the device reported last; None before it reported one."""

    @property
    def level(self) -> int:
        """The level that was sent last."""
        return self._level

    def start(self, now: float) -> list[bytes]:
        """What comes first after connecting."""
        for index, alive in enumerate(self._file.keep_alive):
            if alive.send:
                self._alive_at[index] = now + alive.every
        return [] if self._file.start is None else self._frames(self._file.start.send, {})

    def set_level(self, number: int, now: float) -> list[bytes]:
        """The frames for a level of the file; 0 is the stop. Refused for one that was never seen."""
        if number == OFF:
            return self.stop(now)
        try:
            level = self._description.level(number)
        except LookupError as error:
            raise Refused(
                f"{error}: it was never seen, so it is never sent",
                "Use one of its levels.",
            ) from None
        wake = self._file.wake
        before: list[bytes] = []
        if wake is not None and self._level == OFF:
            before = self._frames(wake.send, {})
        return before + self._set(number, level, now)

    def highest_below(self, percent: float) -> int:
        """The highest level that is worth no more than `percent`: 0 where there is none (R25)."""
        fitting = [level.level for level in self._file.levels if level.percent <= percent]
        return max(fitting, default=OFF)

    def stop(self, now: float) -> list[bytes]:
        """The frames that switch everything off."""
        return self._set(OFF, self._file.stop, now)

    def timer(self, step: TimerStep) -> list[bytes]:
        """The frames that set the device's own timer."""
        assert self._file.timer is not None
        return self._frames(self._file.timer.send, {"timer": value_bytes(step.value) or b""})

    def due(self, now: float) -> list[bytes]:
        """The keep-alives whose time has come."""
        frames: list[bytes] = []
        for index, alive in enumerate(self._file.keep_alive):
            at = self._alive_at.get(index)
            if at is None or now < at:
                continue
            # From when it was due, so that the rhythm does not drift, but never a backlog.
            self._alive_at[index] = max(at + alive.every, now + alive.every / 2)
            if not sent_while(alive, self._level):
                continue
            if alive.send:
                frames += self._frames(alive.send, {})
            elif self._last is not None:
                frames += self._frames(*self._last, again=True)
        return frames

    def next_due(self) -> float | None:
        """When `due` has something to send at the earliest; None for never."""
        return min(self._alive_at.values(), default=None)

    def feed(self, frame: bytes) -> int | None:
        """The level that a frame from the device reports, or None."""
        reported = self._description.level_of_state(frame)
        if reported is not None:
            self.reported = reported
        return reported

    def _set(self, number: int, step: Level | Stop, now: float) -> list[bytes]:
        content = value_bytes(step.value)
        given = {} if content is None else {"level": content}
        self._level = number
        self._last = step.alive or step.send, given
        for index, alive in enumerate(self._file.keep_alive):
            if not alive.send:
                self._alive_at[index] = now + alive.every
        return self._frames(step.send, given)

    def _frames(
        self, names: tuple[str, ...], given: Mapping[str, bytes], *, again: bool = False
    ) -> list[bytes]:
        return [self._frame(name, given, again=again) for name in names]

    def _frame(self, name: str, given: Mapping[str, bytes], *, again: bool) -> bytes:
        template = self._description.templates[name]
        used: dict[str, int] = {}
        for slot in template.names():
            field = self._file.fields.get(slot)
            if isinstance(field, CounterField):
                if again and field.on == "change":
                    used[slot] = self._sent_before[slot]
                else:
                    used[slot] = self._counters[slot]
                    self._sent_before[slot] = used[slot]
                    self._counters[slot] = counted_on(field, used[slot])
        return self._description.encode(name, given, used)

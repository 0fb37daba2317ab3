"""A description that was proved: its frames as templates, and what each of its parts sends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct

from massager_ctl.drivers.described.encoding import unwrap, wrap
from massager_ctl.drivers.described.schema import (
    CounterField,
    DeviceFile,
    KeepAlive,
    Level,
)
from massager_ctl.drivers.described.template import Decoded, Template, parse_bytes

OFF: Final = 0


class Description(Struct, frozen=True):
    """The file, and its frames ready for use."""

    file: DeviceFile
    templates: dict[str, Template]
    before: bytes
    after: bytes

    def __deepcopy__(self, memo: dict[int, Any]) -> Description:
        """Itself: it is never changed, and what a stop would send is asked of a copy of the dialect at each level."""
        return self

    @property
    def sure(self) -> bool:
        """Whether nothing in it is marked as unproved."""
        return not self.file.unsure

    def encode(self, name: str, given: Mapping[str, bytes], counters: Mapping[str, int]) -> bytes:
        """The bytes on the wire of one frame."""
        content = self.templates[name].encode(given, counters)
        return wrap(content, self.file.border.encoding, self.before, self.after)

    def decode(self, name: str, frame: bytes) -> Decoded | None:
        """What the bytes say if they are that frame, else None."""
        content = unwrap(frame, self.file.border.encoding, self.before, self.after)
        return None if content is None else self.templates[name].decode(content)

    def level(self, number: int) -> Level:
        """The step of that number. LookupError for one that the file does not list."""
        for level in self.file.levels:
            if level.level == number:
                return level
        raise LookupError(f"level {number} is not in the description")

    def level_of_state(self, frame: bytes) -> int | None:
        """The level that a frame from the device reports, or None."""
        state = self.file.state
        if state is None:
            return None
        found = self.decode(state.frame, frame)
        if found is None:
            return None
        value = found.given.get("level")
        for entry in state.levels:
            if parse_bytes(entry.value) == value:
                return entry.level
        return None

    def first_counters(self) -> dict[str, int]:
        """What every counter starts at."""
        return {
            name: field.first
            for name, field in self.file.fields.items()
            if isinstance(field, CounterField)
        }


def counted_on(field: CounterField, value: int) -> int:
    """The value after `value`."""
    following = value + field.step
    span = field.high - field.low + 1
    return following if following <= field.high else field.low + (following - field.low) % span


def value_bytes(value: str | None) -> bytes | None:
    """The bytes of a value of the file that was proved."""
    return None if value is None else parse_bytes(value)


def sent_while(alive: KeepAlive, level: int) -> bool:
    """Whether a keep-alive is due at this level."""
    return alive.when == "always" or level > OFF

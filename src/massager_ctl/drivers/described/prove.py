"""A description keeps its word: every name is known, every frame reads, and the golden frames come out and go in."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from massager_ctl.drivers.described.encoding import Encoding
from massager_ctl.drivers.described.model import Description
from massager_ctl.drivers.described.places import Places
from massager_ctl.drivers.described.schema import (
    ChecksumField,
    CounterField,
    DeviceFile,
    Golden,
    Level,
    Stop,
)
from massager_ctl.drivers.described.template import (
    GIVEN,
    Anything,
    Template,
    TemplateError,
    parse,
    parse_bytes,
    show_bytes,
)
from massager_ctl.drivers.described.uuids import forbidden_target, full_uuid


def prove(file: DeviceFile, places: Places) -> Description | None:
    """The description, if nothing is wrong with it; what is wrong goes to `places`."""
    return _Prover(file, places).prove()


class _Prover:
    def __init__(self, file: DeviceFile, places: Places) -> None:
        self.file = file
        self.places = places
        self.templates: dict[str, Template] = {}

    def prove(self) -> Description | None:
        file = self.file
        self._link()
        self._find()
        self._fields()
        before = self._bytes("$.border.before", file.border.before) or b""
        after = self._bytes("$.border.after", file.border.after) or b""
        if (before or after) and file.border.encoding not in (Encoding.HEX, Encoding.HEX_LOWER):
            self.places.note("$.border", "'before' and 'after' belong to hex and hex_lower alone")
        self._frames()
        self._levels()
        self._senders()
        if self.places.problems:
            return None
        description = Description(file, self.templates, before, after)
        self._golden(description)
        return None if self.places.problems else description

    def _link(self) -> None:
        link = self.file.link
        if link.kind == "serial":
            if link.baud is None:
                self.places.note("$.link", "'baud' is missing")
            for name in ("service", "write"):
                if getattr(link, name) is not None:
                    self.places.note(f"$.link.{name}", "this belongs to a BLE link")
            if self.file.stop.confirmed_by == "response":
                self.places.note("$.stop.confirmed_by", "a serial line gives no receipt")
            return
        if link.baud is not None:
            self.places.note("$.link.baud", "this belongs to a serial link")
        service = self._uuid("$.link.service", link.service)
        write = self._uuid("$.link.write", link.write)
        for index, uuid in enumerate(link.notify):
            self._uuid(f"$.link.notify[{index}]", uuid)
        if service and write and (why := forbidden_target(service, write)):
            self.places.note(
                "$.link.write",
                f"nothing is written here: {why}",
                "name the maker's own service and characteristic",
            )
        if self.file.stop.confirmed_by == "response" and not link.response:
            self.places.note(
                "$.stop.confirmed_by", "no receipt comes without 'response: true' in the link"
            )

    def _uuid(self, path: str, text: str | None) -> str | None:
        if text is None:
            self.places.note(path, f"'{path.rsplit('.', 1)[1]}' is missing")
            return None
        uuid = full_uuid(text)
        if uuid is None:
            self.places.note(path, f"'{text}' is not a UUID", "write four digits or the long form")
        return uuid

    def _find(self) -> None:
        find = self.file.find
        if find.service is not None:
            self._uuid("$.find.service", find.service)
        if self.file.link.kind == "ble" and (find.name is None or find.name.strip("*? ") == ""):
            self.places.note(
                "$.find",
                "a service alone does not identify a device: other devices have it too",
                "add the name that it advertises",
            )
        if find.answer is not None and find.answer not in self.file.frames:
            self.places.note("$.find.answer", f"no frame is called '{find.answer}'")

    def _fields(self) -> None:
        for name, field in self.file.fields.items():
            path = f"$.fields.{name}"
            if name in GIVEN:
                self.places.note(path, f"'{name}' is given by the lists, and is not a field")
            match field:
                case CounterField():
                    self._counter(path, field)
                case ChecksumField():
                    for key in ("poly", "init", "xor_out"):
                        number = getattr(field, key)
                        value = int(number, 16) if isinstance(number, str) else number
                        if value >> field.width:
                            self.places.note(
                                f"{path}.{key}", f"{number} has more than {field.width} bits"
                            )
                    if field.algorithm == "crc" and field.poly in (0, "0x0"):
                        self.places.note(path, "a CRC needs its 'poly'")

    def _counter(self, path: str, field: CounterField) -> None:
        if not field.low < field.high or field.first > field.high:
            self.places.note(path, "'low' must be below 'high', and 'first' not above it")
        room = 256**field.size if field.shift == 0 else 16
        if field.text == "decimal" and field.digits:
            room = 10**field.digits
        elif field.text != "binary":
            room = 16**field.digits if field.digits else 1 << 32
        if field.high >= room:
            self.places.note(path, f"'high' is {field.high}, and {room - 1} is the most")

    def _bytes(self, path: str, text: str | None) -> bytes | None:
        found: bytes | None = None
        if text is not None:
            try:
                found = parse_bytes(text)
            except TemplateError as error:
                self.places.note(path, str(error))
        return found

    def _frames(self) -> None:
        file = self.file
        levels = [level.value for level in file.levels] + [file.stop.value]
        levels += [entry.value for entry in file.state.levels] if file.state else []
        times = [step.value for step in file.timer.steps] if file.timer else []
        values = {"level": self._values(levels), "timer": self._values(times)}
        for name, text in file.frames.items():
            path = f"$.frames.{name}"
            try:
                parts = parse(text)
            except TemplateError as error:
                self.places.note(path, f"{error} (letter {error.column + 1})")
                continue
            template = Template(parts, file.fields, values)
            for slot in template.names():
                if slot not in file.fields and slot not in GIVEN:
                    known = ", ".join((*GIVEN, *file.fields))
                    self.places.note(path, f"no field is called '{slot}'", f"known are {known}")
            if len(set(template.names())) != len(template.names()):
                self.places.note(path, "a field stands here twice")
            self.templates[name] = template

    def _values(self, texts: Iterable[str | None]) -> tuple[bytes, ...]:
        found: set[bytes] = set()
        for text in texts:
            with suppress(TemplateError):  # reported where it stands
                found.add(parse_bytes(text) if text is not None else b"")
        found.discard(b"")
        return tuple(sorted(found, key=lambda value: (-len(value), value)))

    def _levels(self) -> None:
        seen: dict[int, float] = {}
        for index, level in enumerate(self.file.levels):
            path = f"$.levels[{index}]"
            if level.level in seen:
                self.places.note(path, f"level {level.level} stands here a second time")
            if seen and level.percent <= max(seen.values()):
                self.places.note(path, "'percent' must rise from level to level")
            seen[level.level] = level.percent
            self._sender(path, level, "level")
        self._sender("$.stop", self.file.stop, "level")

    def _sender(self, path: str, sender: Level | Stop, slot: str) -> None:
        """The frames of a level or the stop are there, and have a value where they need one."""
        value = self._bytes(f"{path}.value", sender.value)
        needs = self._sends(f"{path}.send", sender.send, slot)
        needs = self._sends(f"{path}.alive", sender.alive, slot) or needs
        if needs and sender.value is None:
            self.places.note(path, f"'value' is missing: its frame has {{{slot}}}")
        readable = all(name in self.templates for name in (*sender.send, *sender.alive))
        if value is not None and not needs and readable:
            self.places.note(f"{path}.value", f"no frame of it has {{{slot}}}")

    def _sends(self, path: str, names: tuple[str, ...], slot: str = "") -> bool:
        """Whether one of these frames has the slot; each must be there and be one that can be sent."""
        needs = False
        for name in names:
            template = self.templates.get(name)
            if template is None:
                if name not in self.file.frames:
                    self.places.note(path, f"no frame is called '{name}'")
                continue
            if any(isinstance(part, Anything) for part in template.parts):
                self.places.note(path, f"frame '{name}' has ??, and so can only be read")
            for given in GIVEN:
                if given in template.names() and given != slot:
                    self.places.note(
                        path, f"frame '{name}' has {{{given}}}, which nothing fills here"
                    )
            needs = needs or slot in template.names()
        if not names and path.endswith(".send") and not path.startswith("$.keep_alive"):
            self.places.note(path, "it sends nothing")
        return needs

    def _senders(self) -> None:
        file = self.file
        if file.start is not None:
            self._sends("$.start.send", file.start.send)
        if file.wake is not None:
            self._sends("$.wake.send", file.wake.send)
        for index, alive in enumerate(file.keep_alive):
            self._sends(f"$.keep_alive[{index}].send", alive.send)
        if file.timer is not None:
            self._sends("$.timer.send", file.timer.send, "timer")
        if file.find.probe is not None:
            self._sends("$.find.probe", (file.find.probe,))
        self._state()
        self._absolute_stop()

    def _state(self) -> None:
        state = self.file.state
        if state is None:
            if self.file.stop.confirmed_by == "state":
                self.places.note("$.stop.confirmed_by", "there is no 'state' to read back")
            return
        template = self.templates.get(state.frame)
        if template is None:
            if state.frame not in self.file.frames:
                self.places.note("$.state.frame", f"no frame is called '{state.frame}'")
        elif "level" not in template.names():
            self.places.note("$.state.frame", f"frame '{state.frame}' has no {{level}}")
        seen: dict[bytes | None, int] = {}
        for index, entry in enumerate(state.levels):
            value = self._bytes(f"$.state.levels[{index}].value", entry.value)
            if seen.setdefault(value, entry.level) != entry.level:
                self.places.note(f"$.state.levels[{index}]", "another level has the same value")
        if self.file.stop.confirmed_by == "state" and 0 not in seen.values():
            self.places.note("$.state.levels", "level 0 is missing, which confirms a stop")

    def _absolute_stop(self) -> None:
        """A stop that equals what sets a level would be a toggle (R25)."""
        stop = self.file.stop
        for index, level in enumerate(self.file.levels):
            if level.send == stop.send and level.value == stop.value:
                self.places.note(
                    f"$.levels[{index}]",
                    "it sends the same as the stop: a toggle is not a stop (R25)",
                )

    def _golden(self, description: Description) -> None:
        covered: set[str] = set()
        for index, golden in enumerate(self.file.golden):
            path = f"$.golden[{index}]"
            if golden.is_ not in self.templates:
                self.places.note(f"{path}.is", f"no frame is called '{golden.is_}'")
                continue
            covered.add(golden.is_)
            self._golden_frame(path, golden, description)
        for name in self._sent():
            if name not in covered:
                self.places.note(
                    f"$.frames.{name}", "no golden frame shows it", "add one as it was seen"
                )

    def _sent(self) -> tuple[str, ...]:
        """The names of all frames that may be sent."""
        file = self.file
        groups = [level.send for level in file.levels] + [file.stop.send]
        groups += [file.start.send] if file.start else []
        groups += [file.wake.send] if file.wake else []
        groups += [alive.send for alive in file.keep_alive]
        groups += [level.alive for level in file.levels] + [file.stop.alive]
        groups += [file.timer.send] if file.timer else []
        return tuple(sorted({name for group in groups for name in group}))

    def _golden_frame(self, path: str, golden: Golden, description: Description) -> None:
        frame = self._bytes(f"{path}.bytes", golden.bytes)
        given = {
            name: value
            for name, text in (("level", golden.value), ("timer", golden.timer))
            if (value := self._bytes(f"{path}.{'value' if name == 'level' else name}", text))
            is not None
        }
        if frame is None:
            return
        template = self.templates[golden.is_]
        found = description.decode(golden.is_, frame)
        if found is None:
            self.places.note(f"{path}.bytes", f"this does not read as frame '{golden.is_}'")
            return
        if found.given != given or found.counters != golden.counters:
            values = {name: show_bytes(value) for name, value in found.given.items()}
            self.places.note(path, f"it reads as {values | found.counters}")
        elif not any(isinstance(part, Anything) for part in template.parts):
            made = description.encode(golden.is_, given, found.counters)
            if made != frame:
                self.places.note(
                    f"{path}.bytes", f"frame '{golden.is_}' comes out as {show_bytes(made)}"
                )

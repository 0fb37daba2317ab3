"""A frame as text, `AA 01 "x" {level} {sum}`, and both ways between it and bytes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from msgspec import Struct

from massager_ctl.drivers.described.checksum import Checksum
from massager_ctl.drivers.described.schema import ChecksumField, CounterField, Field

_TOKEN: Final = re.compile(
    r"""\s*(?:(?P<hex>(?:[0-9A-Fa-f]{2})+)(?=\s|$|["{?])|"(?P<text>[^"]*)"|(?P<any>\?\?)"""
    r"""|\{(?P<name>[a-z][a-z0-9_]*)(?:\|(?P<base>[0-9A-Fa-f]{2}))?\})"""
)

GIVEN: Final = ("level", "timer")
"""The slots whose values the description lists."""


class TemplateError(ValueError):
    """A template that cannot be read; says what and, by `column`, where in the text."""

    def __init__(self, what: str, column: int) -> None:
        super().__init__(what)
        self.column = column


class Literal(Struct, frozen=True):
    """Bytes that never change."""

    data: bytes


class Slot(Struct, frozen=True):
    """A named field; `base` holds the other bits of its byte."""

    name: str
    base: int = 0


class Anything(Struct, frozen=True):
    """One byte of any value, which only a frame from the device may have."""


Part = Literal | Slot | Anything


def parse_bytes(text: str) -> bytes:
    """The bytes of `AA 01 "x"`. Raises TemplateError."""
    out = b""
    for part in parse(text):
        if not isinstance(part, Literal):
            raise TemplateError("only bytes and quoted text can stand here", 0)
        out += part.data
    return out


def parse(text: str) -> tuple[Part, ...]:
    """The parts of a template. Raises TemplateError."""
    parts: list[Part] = []
    at = 0
    end = len(text.rstrip())
    while at < end:
        found = _TOKEN.match(text, at)
        if found is None:
            rest = text[at:].strip()[:12]
            raise TemplateError(
                f"cannot read '{rest}': write pairs of hexadecimal digits, \"text\", {{field}} or ??",
                at,
            )
        if (digits := found["hex"]) is not None:
            parts.append(Literal(bytes.fromhex(digits)))
        elif (words := found["text"]) is not None:
            if not words.isascii():
                raise TemplateError("quoted text must be ASCII", at)
            parts.append(Literal(words.encode("ascii")))
        elif found["any"]:
            parts.append(Anything())
        else:
            parts.append(Slot(found["name"], int(found["base"] or "0", 16)))
        at = found.end()
    return tuple(_joined(parts))


def _joined(parts: list[Part]) -> Iterator[Part]:
    run = b""
    for part in parts:
        if isinstance(part, Literal):
            run += part.data
            continue
        if run:
            yield Literal(run)
            run = b""
        yield part
    if run:
        yield Literal(run)


def show_bytes(data: bytes) -> str:
    """Bytes as a template writes them: text where all of it is plain, else hexadecimal pairs."""
    out: list[str] = []
    for run in re.findall(rb"[ !#-~]{3,}|[^ !#-~]+|[ !#-~]{1,2}", data):
        if len(run) >= 3 and run.isascii() and run.decode("ascii").isprintable():
            out.append(f'"{run.decode("ascii")}"')
        else:
            out.append(run.hex(" ").upper())
    return " ".join(out)


def algorithm(field: ChecksumField) -> Checksum:
    """The checksum that a field names."""
    return Checksum(
        field.algorithm,
        field.width,
        _number(field.poly),
        _number(field.init),
        field.reflect_in,
        field.reflect_out,
        field.negate,
        _number(field.xor_out),
    )


def _number(value: int | str) -> int:
    return int(value, 16) if isinstance(value, str) else value


class Template(Struct, frozen=True):
    """A frame's parts with the fields that they name; `values` are the possible bytes of `level` and `timer`."""

    parts: tuple[Part, ...]
    fields: dict[str, Field]
    values: dict[str, tuple[bytes, ...]]

    def names(self) -> tuple[str, ...]:
        """The slots, in their order."""
        return tuple(part.name for part in self.parts if isinstance(part, Slot))

    def encode(self, given: Mapping[str, bytes], counters: Mapping[str, int]) -> bytes:
        """The content with these values; each checksum is worked out in the order of the fields' definition."""
        out = bytearray()
        places: dict[str, int] = {}
        for part in self.parts:
            match part:
                case Literal(data=data):
                    out += data
                case Slot(name=name, base=base):
                    match self.fields.get(name):
                        case CounterField() as field:
                            out += count_bytes(field, counters[name], base)
                        case ChecksumField() as field:
                            places[name] = len(out)
                            out += bytes(_checksum_size(field))
                        case None:
                            out += given[name]
                case Anything():
                    raise ValueError("a frame with ?? is only read")
        self._fill(out, places)
        return bytes(out)

    def _fill(self, out: bytearray, places: Mapping[str, int]) -> None:
        for name, field in self.fields.items():
            if name in places and isinstance(field, ChecksumField):
                at = places[name]
                value = checksum_bytes(field, bytes(out), at)
                out[at : at + len(value)] = value

    def decode(self, content: bytes) -> Decoded | None:
        """What the frame says; None if it is another one or its checksum is wrong."""
        for found in self._matches(content, 0, 0, Decoded({}, {}, {})):
            if all(self._sound(content, name, at) for name, at in found.checksums.items()):
                return found
        return None

    def _sound(self, content: bytes, name: str, at: int) -> bool:
        field = self.fields[name]
        assert isinstance(field, ChecksumField)
        return content[at : at + _checksum_size(field)] == checksum_bytes(field, content, at)

    def _matches(self, content: bytes, index: int, at: int, so_far: Decoded) -> Iterator[Decoded]:
        if index == len(self.parts):
            if at == len(content):
                yield so_far
            return
        match self.parts[index]:
            case Literal(data=data):
                if content.startswith(data, at):
                    yield from self._matches(content, index + 1, at + len(data), so_far)
            case Anything():
                if at < len(content):
                    yield from self._matches(content, index + 1, at + 1, so_far)
            case Slot(name=name, base=base):
                for size, found in self._slot(content, at, name, base, so_far):
                    yield from self._matches(content, index + 1, at + size, found)

    def _slot(
        self, content: bytes, at: int, name: str, base: int, so_far: Decoded
    ) -> Iterator[tuple[int, Decoded]]:
        match self.fields.get(name):
            case CounterField() as field:
                for size, value in _count_readings(field, content, at, base):
                    if so_far.counters.get(name, value) == value:
                        yield (
                            size,
                            Decoded(
                                so_far.given, so_far.counters | {name: value}, so_far.checksums
                            ),
                        )
            case ChecksumField() as field:
                size = _checksum_size(field)
                if at + size <= len(content):
                    yield (
                        size,
                        Decoded(so_far.given, so_far.counters, so_far.checksums | {name: at}),
                    )
            case None:
                for value in self.values.get(name, ()):
                    if content.startswith(value, at) and so_far.given.get(name, value) == value:
                        yield (
                            len(value),
                            Decoded(
                                so_far.given | {name: value}, so_far.counters, so_far.checksums
                            ),
                        )


class Decoded(Struct, frozen=True):
    """The values in a frame: bytes of `level` and `timer`, counters, and where checksums stand."""

    given: dict[str, bytes]
    counters: dict[str, int]
    checksums: dict[str, int]


def count_bytes(field: CounterField, value: int, base: int = 0) -> bytes:
    """A counter's value as it stands in a frame."""
    match field.text:
        case "binary":
            return (value << field.shift | base).to_bytes(field.size, field.order)
        case "hex":
            return f"{value:0{field.digits}X}".encode()
        case "hex_lower":
            return f"{value:0{field.digits}x}".encode()
        case "decimal":
            return f"{value:0{field.digits}d}".encode()


def _count_readings(
    field: CounterField, content: bytes, at: int, base: int
) -> Iterator[tuple[int, int]]:
    """Every (length, value) that a counter could have here."""
    if field.text == "binary":
        sizes: tuple[int, ...] = (field.size,)
    else:
        sizes = (field.digits,) if field.digits else tuple(range(1, 11))
    for size in sizes:
        piece = content[at : at + size]
        if len(piece) < size:
            return
        value = _count_value(field, piece, base)
        if (
            value is not None
            and 0 <= value <= field.high
            and count_bytes(field, value, base) == piece
        ):
            yield size, value


def _count_value(field: CounterField, piece: bytes, base: int) -> int | None:
    if field.text == "binary":
        return (int.from_bytes(piece, field.order) ^ base) >> field.shift
    try:
        return int(piece.decode("ascii"), 10 if field.text == "decimal" else 16)
    except (ValueError, UnicodeDecodeError):
        return None


def _checksum_size(field: ChecksumField) -> int:
    return field.width // 8 * (1 if field.text == "binary" else 2)


def checksum_bytes(field: ChecksumField, content: bytes, at: int) -> bytes:
    """The checksum of `content`, whose own bytes stand at `at` and count for nothing."""
    size = _checksum_size(field)
    if field.until == "itself":
        covered = content[field.skip : max(at - field.short, field.skip)]
    else:
        end = len(content) - field.short
        covered = content[field.skip : at] + content[max(at + size, field.skip) : end]
    value = algorithm(field)(covered)
    match field.text:
        case "binary":
            return value.to_bytes(field.width // 8, field.order)
        case "hex":
            return f"{value:0{size}X}".encode()
        case "hex_lower":
            return f"{value:0{size}x}".encode()

"""The description of a studied device as YAML text, with what is not sure marked, and without anything personal."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from massager_ctl.drivers.described.schema import (
    Field,
    Find,
    Golden,
    KeepAlive,
    Level,
    Link,
    Source,
    Start,
    State,
    StateLevel,
    Stop,
    Unsure,
)
from massager_ctl.drivers.described.template import Anything, Literal, Part, Slot, show_bytes
from massager_ctl.drivers.described.uuids import short_uuid
from massager_ctl.learn.description_yaml import to_yaml
from massager_ctl.learn.fields import Symbol, parts_of
from massager_ctl.learn.study import Study
from massager_ctl.learn.views import View

_PERSONAL_TAIL: Final = re.compile(r"(?i)[ _:-]*(?:[0-9a-f]{2}[:_-]?){2,}$|\d{3,}$")
_OWNER: Final = re.compile(r"^.{1,30}?['’]s\s+|\s+(?:of|von|de)\s+\S+$", re.IGNORECASE)
_GOLDEN_A_FRAME: Final = 3


class Proposal(msgspec.Struct, frozen=True):
    """The text of a description, and how many of its golden frames were captured."""

    text: str
    golden: int


def propose(
    study: Study, *, ident: str, title: str, zones: Sequence[str], of: int | None
) -> Proposal:
    """The description. `of` is the number of the device's greatest level, where the person knows it."""
    return _Writer(study, ident, title, zones, of).proposal()


def public_name(name: str | None) -> str | None:
    """The part of a device's name that its siblings share: no serial number, no owner."""
    if not name:
        return None
    if "*" in name:
        return name
    stem = _OWNER.sub("", name)
    stem = _PERSONAL_TAIL.sub("", stem).strip()
    if not stem:
        return None
    return stem if stem == name else f"{'*' if not name.startswith(stem) else ''}{stem}*"


class _Writer:
    def __init__(
        self, study: Study, ident: str, title: str, zones: Sequence[str], of: int | None
    ) -> None:
        self.study = study
        self.model = study.model
        self.ident, self.title, self.zones = ident, title, zones
        self.most = max([of or 0, *self.model.levels], default=1)
        self.frames: dict[str, str] = {}
        self.names: dict[Symbol, str] = {}
        self.slots: dict[Symbol, bytes] = {}
        self.unsure = [
            Unsure(part=doubt.part, why=doubt.why) for doubt in study.doubts if doubt.stands
        ]
        self.remarks = [*study.remarks] + [
            f"Not sure about the {doubt.part}: {doubt.why}."
            for doubt in study.doubts
            if not doubt.stands
        ]

    def proposal(self) -> Proposal:
        model = self.model
        self._slot_levels()
        levels = [self._level(number) for number in sorted(model.levels)]
        stop = self._stop()
        start = tuple(self._name(model.symbols[index], "start") for index in model.timeline.start)
        wake = tuple(self._name(symbol, "wake") for symbol in model.wake)
        keep = self._keep_alive()
        state = self._state()
        golden = self._golden()
        document: dict[str, Any] = {
            "description": 1,
            "id": self.ident,
            "title": self.title,
            "find": self._find(),
            "link": self._link(),
        }
        if model.view != View():
            document["border"] = {
                "encoding": model.view.encoding.value,
                **({"before": show_bytes(model.view.before)} if model.view.before else {}),
                **({"after": show_bytes(model.view.after)} if model.view.after else {}),
            }
        if fields := self._fields():
            document["fields"] = fields
        document["frames"] = self.frames
        document["levels"] = levels
        document["stop"] = stop
        if start:
            document["start"] = Start(send=start)
        if wake:
            document["wake"] = Start(send=wake)
        if keep:
            document["keep_alive"] = keep
        if state is not None:
            document["state"] = state
        document |= {
            "zones": list(self.zones),
            "golden": golden,
            "sources": [Source(what="a capture of the app", sure="from capture")],
            "bench_only": True,
        }
        if self.unsure:
            document["unsure"] = self.unsure
        if self.remarks:
            document["remarks"] = self.remarks
        return Proposal(to_yaml(document), len(golden))

    def _find(self) -> Find:
        name = public_name(self.study.connection.name)
        service = self.study.place.service
        if self.study.connection.serial:
            return Find()
        if name is None:
            name = "name not in the capture"
        return Find(name=name, service=None if service is None else short_uuid(service))

    def _link(self) -> Link:
        study = self.study
        if study.connection.serial:
            self.unsure.append(
                Unsure(
                    part="baud", why="a capture does not show it: check link.baud, then remove this"
                )
            )
            return Link(kind="serial", baud=9600)
        place = study.place
        return Link(
            kind="ble",
            service=_uuid(place.service),
            write=_uuid(place.uuid),
            response=study.response,
            notify=tuple(short_uuid(one.uuid) for one in study.notify if one.uuid is not None),
            bonded=study.connection.bonded,
        )

    def _slot_levels(self) -> None:
        """Where the frames of the levels differ in one run of bytes alone, that is the `{level}`."""
        groups = [*self.model.levels.values(), *([self.model.stop] if self.model.stop else [])]
        if len(groups) < 2 or any(len(group) != 1 for group in groups):
            groups = [group for group in self.model.levels.values() if len(group) == 1]
        else:
            single = [group[0] for group in groups]
            if self._slotted(single):
                return
            groups = groups[: len(self.model.levels)]
        if len(groups) == len(self.model.levels) > 1:
            self._slotted([group[0] for group in groups])

    def _slotted(self, symbols: Sequence[Symbol]) -> bool:
        shapes = {tuple(len(p) if isinstance(p, bytes) else p for p in s) for s in symbols}
        if len(shapes) != 1 or len(set(symbols)) != len(symbols):
            return False
        apart = [index for index in range(len(symbols[0])) if len({s[index] for s in symbols}) > 1]
        if len(apart) != 1:
            return False
        index = apart[0]
        pieces = [piece for s in symbols if isinstance(piece := s[index], bytes)]
        size = len(pieces[0])
        changing = [at for at in range(size) if len({piece[at] for piece in pieces}) > 1]
        first, last = changing[0], changing[-1] + 1
        shape = list(parts_of(symbols[0][:index]))
        if first:
            shape.append(Literal(pieces[0][:first]))
        shape.append(Slot("level"))
        if last < size:
            shape.append(Literal(pieces[0][last:]))
        shape += parts_of(symbols[0][index + 1 :])
        self.frames["set"] = show_parts(shape)
        for symbol, piece in zip(symbols, pieces, strict=True):
            self.names[symbol] = "set"
            self.slots[symbol] = piece[first:last]
        return True

    def _name(self, symbol: Symbol, stem: str) -> str:
        """The name of a frame, made where it has none."""
        if symbol not in self.names:
            name, number = stem, 1
            while name in self.frames:
                number += 1
                name = f"{stem}_{number}"
            self.names[symbol] = name
            self.frames[name] = show_parts(parts_of(symbol))
        return self.names[symbol]

    def _fixed(self, symbol: Symbol, stem: str) -> str:
        """The name of a frame in which nothing stands for the level."""
        if symbol not in self.slots:
            return self._name(symbol, stem)
        name = stem
        number = 1
        while name in self.frames:
            number += 1
            name = f"{stem}_{number}"
        self.frames[name] = show_parts(parts_of(symbol))
        return name

    def _level(self, number: int) -> Level:
        sent = self.model.levels[number]
        value = self.slots.get(sent[0]) if len(sent) == 1 else None
        return Level(
            level=number,
            percent=round(100 * number / self.most, 1),
            send=tuple(self._name(symbol, f"level_{number}") for symbol in sent),
            value=None if value is None else show_bytes(value),
            alive=self._alive(number),
        )

    def _alive(self, number: int) -> tuple[str, ...]:
        return tuple(
            self._fixed(symbol, f"alive_{number}")
            for symbol in self.model.timeline.alive.get(number, ())
        )

    def _stop(self) -> Stop:
        sent = self.model.stop
        state = self.study.state
        if state is not None and state.after_stop:
            confirmed = "state"
        else:
            confirmed = "response" if self.study.response else "nothing"
        value = self.slots.get(sent[0]) if len(sent) == 1 else None
        return Stop(
            send=tuple(self._name(symbol, "stop") for symbol in sent),
            value=None if value is None else show_bytes(value),
            confirmed_by=confirmed,
            alive=self._alive(0),
        )

    def _keep_alive(self) -> list[KeepAlive]:
        timeline = self.model.timeline
        out = [
            KeepAlive(
                every=_rounded(beat.every),
                send=(self._fixed(beat.symbol, "alive"),),
                when="always" if beat.always else "running",
            )
            for beat in timeline.beats
        ]
        if timeline.resend is not None or timeline.alive:
            every = timeline.resend or timeline.alive_every
            off = timeline.resend_off or 0 in timeline.alive
            out.append(KeepAlive(every=_rounded(every), when="always" if off else "running"))
        return out

    def _state(self) -> State | None:
        form = self.study.state
        if form is None:
            return None
        self.frames["state"] = show_parts(_joined(form.parts))
        return State(
            frame="state",
            levels=tuple(
                StateLevel(level=level, value=show_bytes(value))
                for level, value in form.levels.items()
            ),
        )

    def _fields(self) -> dict[str, Field]:
        fields = dict(self.model.fields)
        used = " ".join(self.frames.values())
        return {name: field for name, field in fields.items() if f"{{{name}" in used}

    def _golden(self) -> list[Golden]:
        model = self.model
        view = model.view
        out: list[Golden] = []
        count: dict[tuple[str, bytes | None], int] = {}
        for content, symbol in zip(model.contents, model.symbols, strict=True):
            name = self.names.get(symbol)
            if name is None:
                continue
            value = self.slots.get(symbol)
            key = (name, value)
            counters = model.cutter.counters(content)
            if count.get(key, 0) >= (_GOLDEN_A_FRAME if counters else 1):
                continue
            count[key] = count.get(key, 0) + 1
            out.append(
                Golden(
                    bytes=show_bytes(_wire(content, view)),
                    is_=name,
                    value=None if value is None else show_bytes(value),
                    counters=counters,
                )
            )
        # A frame with a level in it that is also sent as it stands has a second name.
        for name in self.frames:
            if name not in {golden.is_ for golden in out} and name.startswith("alive"):
                out += self._golden_of(name)
        return out + self._golden_states()

    def _golden_states(self) -> list[Golden]:
        form = self.study.state
        if form is None:
            return []
        return [
            Golden(
                bytes=show_bytes(_wire(one.frame, self.model.view)),
                is_="state",
                value=show_bytes(_state_value(form.parts, one.frame)),
            )
            for one in form.example
        ]

    def _golden_of(self, name: str) -> list[Golden]:
        for content, symbol in zip(self.model.contents, self.model.symbols, strict=True):
            if show_parts(parts_of(symbol)) == self.frames[name]:
                return [
                    Golden(
                        bytes=show_bytes(_wire(content, self.model.view)),
                        is_=name,
                        counters=self.model.cutter.counters(content),
                    )
                ]
        return []


def _wire(content: bytes, view: View) -> bytes:
    from massager_ctl.drivers.described.encoding import wrap

    return wrap(content, view.encoding, view.before, view.after)


def _state_value(parts: Sequence[Part], frame: bytes) -> bytes:
    at = 0
    after = 0
    seen = False
    for part in parts:
        size = len(part.data) if isinstance(part, Literal) else 1
        if isinstance(part, Slot):
            seen = True
            continue
        if seen:
            after += size
        else:
            at += size
    return frame[at : len(frame) - after]


def _joined(parts: Sequence[Part]) -> list[Part]:
    out: list[Part] = []
    for part in parts:
        if isinstance(part, Literal) and out and isinstance(last := out[-1], Literal):
            out[-1] = Literal(last.data + part.data)
        else:
            out.append(part)
    return out


def show_parts(parts: Sequence[Part]) -> str:
    """A template's text."""
    words: list[str] = []
    for part in parts:
        match part:
            case Literal(data=data):
                words.append(show_bytes(data))
            case Slot(name=name, base=base):
                words.append(f"{{{name}|{base:02X}}}" if base else f"{{{name}}}")
            case Anything():
                words.append("??")
    return " ".join(words)


def _uuid(text: str | None) -> str | None:
    return None if text is None else short_uuid(text)


def _rounded(seconds: float) -> float:
    return round(min(max(seconds, 0.02), 60.0), 3)

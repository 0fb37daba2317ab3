"""The best hypothesis as a model, with every doubt that is left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from massager_ctl.drivers.described.encoding import Encoding, wrap
from massager_ctl.drivers.described.model import counted_on
from massager_ctl.drivers.described.schema import CounterField, Field
from massager_ctl.drivers.described.template import Template
from massager_ctl.learn.counters import find_counters
from massager_ctl.learn.cutters import COUNT, SUM_SPOTS, is_last, loose_bytes
from massager_ctl.learn.fields import (
    CountAt,
    Cutter,
    SumAt,
    Symbol,
    distinct,
    parts_of,
)
from massager_ctl.learn.hypothesis import Doubt, Model, Trial, gathered, only_from_off
from massager_ctl.learn.labels import Action, Label
from massager_ctl.learn.sums import family, find_sums
from massager_ctl.learn.views import View

_MOST_TRIES: Final = 512
_COUNTING_STEP: Final = 2
_ONWARD: Final = 300
"""Frames that are looked ahead: more than a byte counts."""


class Reading:
    """The best trial, and what may be said of it."""

    def __init__(self, trial: Trial, labels: Sequence[Label]) -> None:
        self.trial = trial
        self.labels = labels
        self.doubts: list[Doubt] = []
        self.remarks: list[str] = []
        self.levels, self.wake, self.bad = gathered(trial.symbols, trial.timeline)

    def rivals(self, trials: Sequence[Trial]) -> None:
        """Whatever explains the capture as well must also send the same from here on."""
        if not self.trial.cutter.counts:
            return
        ours = _onward(self.trial)
        # Frames between flags, in which no flag ever stands, are escaped: they are not read as plain bytes.
        flagged = self.trial.view.encoding in (Encoding.SLIP, Encoding.HDLC)
        others = [
            other
            for other in trials
            if other.cutter.counts and not (flagged and other.view == View())
        ]
        if any(_onward(other) != ours for other in others):
            self._doubt("frames", "two ways to read them fit, and they differ for what comes next")

    def model(self) -> Model:
        """Look at each part once, and note what is not proved."""
        trial = self.trial
        self._acts()
        if trial.cutter.counts:
            for _, count in trial.cutter.counts:
                self._counter(count)
            self._sum()
        else:
            self._still()
            self._plain_sum()
        self._loose()
        alive = self.trial.timeline.alive
        lacking = [n for n in self.levels if n and alive and n not in alive]
        if lacking:
            words = ", ".join(str(number) for number in lacking)
            self._doubt("keep-alive", f"level {words} was on too short to see what repeats")
        levels = {number: sent for number, sent in self.levels.items() if number}
        return Model(
            trial.view,
            trial.cutter,
            tuple(trial.contents),
            tuple(trial.symbols),
            trial.timeline,
            levels,
            self.levels.get(0, ()),
            self.wake,
            tuple(self.doubts),
            tuple(self.remarks),
        )

    def _doubt(self, part: str, why: str) -> None:
        self.doubts.append(Doubt(part, why))

    def _acts(self) -> None:
        for label in self.trial.timeline.missing:
            self._doubt(
                f"{label} at {label.time:.1f} s", "nothing was sent near this label that is its own"
            )
        if 0 not in self.levels:
            self._doubt("stop", "no stop was labelled, or nothing was sent with it")
        if not any(self.levels):
            self._doubt("levels", "no level was labelled, or nothing was sent with it")
        if self.bad:
            self._doubt("levels", "the same label went with different frames")
        for number, sent in only_from_off(self.trial.symbols, self.trial.timeline).items():
            if self.wake and sent[: len(self.wake)] == self.wake:
                continue
            self._doubt(
                f"level {number}",
                "it was set only while the device was off, with more frames than other levels, some of which may "
                "switch on: begin with another level the second time",
            )
        by_frames: dict[tuple[Symbol, ...], int] = {}
        for number, sent in sorted(self.levels.items()):
            other = by_frames.setdefault(sent, number)
            if other == 0 and number:
                self._doubt(
                    f"level {number}",
                    "it is sent as the stop is: a key that toggles cannot be driven (R25)",
                )
            elif other != number:
                self._doubt(
                    f"level {number}",
                    f"it is sent as level {other} is: the level is relative, or not in the frame",
                )

    def _counter(self, count: CountAt) -> None:
        field = count.field
        values = [count.read(content) for content in self.trial.contents if count.has(content)]
        # Whatever was counted may also stand still elsewhere: the frames of the levels must have it, or none.
        if not count.wrapped and len({v >> 4 for v in values}) == 1 and field.text != "decimal":
            self._doubt(
                "counter",
                f"it was not seen above {max(values) | 0x0F}, which may be its end: use the app for longer",
            )
        elif not count.wrapped and self._beside_nought(count):
            self._doubt("counter", "the byte beside it is always 00, and may be its upper half")
        elif not count.wrapped:
            self.remarks.append(
                f"The counter was seen from {min(values)} to {max(values)}, not starting over."
            )

    def _beside_nought(self, count: CountAt) -> bool:
        """Whether a wider counter is just as likely, for a binary one of a byte."""
        if count.field.text != "binary" or count.field.size != 1 or count.field.high != 0xFF:
            return False
        inside = [content for content in self.trial.contents if count.has(content)]
        for beside in (-1, 1):
            found: set[int] = set()
            for content in inside:
                start, _ = count.spot.find(content) or (0, 0)
                at = start + beside
                found.add(content[at] if 0 <= at < len(content) else -1)
            if found == {0}:
                return True
        return False

    def _sum(self) -> None:
        """The checksums that fit must agree on every frame that may be sent."""
        trial = self.trial
        if not trial.cutter.sums:
            self._unexplained()
            return
        counted = distinct([c for c in trial.contents if trial.cutter.counts[0][1].has(c)])
        for name, at in trial.cutter.sums:
            rivals = find_sums(counted, at.spot)
            families = self._outcomes(name, rivals)
            if len(families) > 1:
                self._doubt(
                    "checksum",
                    f"it fits {', '.join(sorted(families))}, which differ for frames that were not seen",
                )
        self._unexplained()

    def _outcomes(self, name: str, rivals: Sequence[SumAt]) -> set[str]:
        """The families of those that would send something else than the chosen one, with the chosen one."""
        trial = self.trial
        symbols = list(dict.fromkeys(s for s in trial.symbols if name in s))
        base = dict(trial.cutter.sums)
        fields: dict[str, Field] = {n: c.field for n, c in trial.cutter.counts}
        outcomes: dict[tuple[bytes, ...], set[str]] = {}
        for rival in rivals:
            sums: dict[str, Field] = {n: (rival if n == name else a).field for n, a in base.items()}
            frames = tuple(_foreseen(symbols, fields | sums))
            outcomes.setdefault(frames, set()).add(_described(rival))
        if len(outcomes) < 2:
            return set()
        return {sorted(names)[0] for names in outcomes.values()}

    def _unexplained(self) -> None:
        """Frames that differ only where nothing counts and nothing sums."""
        trial = self.trial
        seen = len(set(trial.symbols))
        counted = sum(trial.cutter.counts[0][1].has(content) for content in trial.contents)
        if counted >= 8 and seen > max(0.5 * len(trial.symbols), 2 * len(self.levels) + 6):
            self._doubt("frames", "some of their bytes change, and nothing explains how")

    def _still(self) -> None:
        """No counter was found: is there none, or was too little seen?"""
        trial, timeline = self.trial, self.trial.timeline
        acts = [act for act in timeline.acts if act.label.action in (Action.LEVEL, Action.STOP)]
        sent = [tuple(trial.symbols[i] for i in act.writes) for act in acts]
        if len(sent) != len(set(sent)) or trial.timeline.resend is not None:
            return
        frames = [trial.contents[i] for act in acts for i in act.writes]
        if len(acts) < 3:
            self._doubt("frames", "too few were seen to know what changes: take each level twice")
        elif at := self._may_count(frames):
            self._doubt("frames", f"{at} goes up and may be a counter: take each level twice")
        elif loose_bytes([trial.contents[act.writes[-1]] for act in acts]) > 2:
            self._doubt(
                "frames", "several bytes change and no level was taken twice: take each level twice"
            )

    def _may_count(self, frames: Sequence[bytes]) -> str:
        """Where a counter cannot be ruled out, in words; a level that goes up on its own is none."""
        trial = self.trial
        levels = [i for act in trial.timeline.acts if act.label.level for i in act.writes]
        for sequence in (trial.contents, frames, [trial.contents[i] for i in levels]):
            for count in find_counters(sequence, 2):
                # A counter is in every one of them; only part of them is what a level looks like.
                if count.length or count.head_at >= 0 or count.field.step > _COUNTING_STEP:
                    continue
                cutter = Cutter(((COUNT, count),))
                symbols = [cutter.symbol(content) for content in trial.contents]
                apart = {tuple(symbols[i] for i in act.writes) for act in trial.timeline.acts}
                inside = distinct([frame for frame in sequence if count.has(frame)])
                if len(apart) < len({act.label.level for act in trial.timeline.acts}):
                    continue  # without it the levels are all the same: it is the level
                if is_last(count.spot, inside) and find_sums(inside, count.spot, 16):
                    continue  # it goes up as what it is the checksum of does
                at = count.spot.at
                return f"byte {at + 1}" if at >= 0 else f"byte {-at} from the end"
        return ""

    def _plain_sum(self) -> None:
        """Frames are sent as they were seen, so an unknown checksum does no harm; it is reported all the same."""
        contents = distinct(self.trial.contents)
        if len(contents) < 4:
            return
        for spot in SUM_SPOTS:
            if any(spot.find(content) is None for content in contents):
                continue
            fits = find_sums(contents, spot)
            if not fits:
                continue
            families = sorted({family(at.field) for at in fits})
            if len(families) > 1:
                self.remarks.append(
                    f"Not sure which checksum it is: {' and '.join(families)} fit."
                    " Frames are sent as they were seen, so that nothing depends on it."
                )
            else:
                self.remarks.append(
                    f"The checksum is {_described(fits[0])}; frames are sent as seen."
                )
            return

    def _loose(self) -> None:
        timeline = self.trial.timeline
        if timeline.unclear:
            self._doubt(
                "keep-alive",
                "commands are sent again, in no clear rhythm: stay on each level longer",
            )
        if not timeline.unlabelled:
            return
        kinds = {self.trial.symbols[i] for i in timeline.unlabelled}
        text = f"{len(timeline.unlabelled)} writes of {len(kinds)} kinds have no label and are never sent"
        # A few strange ones are another key of the app; many are a rhythm that was not understood.
        if len(timeline.unlabelled) > max(3, len(timeline.acts) // 2):
            self._doubt("unlabelled writes", text)
        else:
            self.remarks.append(f"{text}.")


def _onward(trial: Trial) -> list[tuple[bytes, ...]]:
    """What each action would send at the next values of the counters."""
    fields: dict[str, Field] = {n: c.field for n, c in trial.cutter.counts}
    fields |= {n: a.field for n, a in trial.cutter.sums}
    levels, _, _ = gathered(trial.symbols, trial.timeline)
    out: list[tuple[bytes, ...]] = []
    for number in sorted(levels):
        for symbol in levels[number]:
            template = Template(parts_of(symbol), fields, {})
            counters = {
                n: [c.read(f) for f in trial.contents if c.has(f)][-1]
                for n, c in trial.cutter.counts
            }
            frames: list[bytes] = []
            for _ in range(_ONWARD):
                content = template.encode({}, counters)
                view = trial.view
                frames.append(wrap(content, view.encoding, view.before, view.after))
                counters = {n: counted_on(c.field, counters[n]) for n, c in trial.cutter.counts}
            out.append(tuple(frames))
    return out


def _described(at: SumAt) -> str:
    field = at.field
    poly = f" with polynomial {field.poly}" if field.algorithm == "crc" else ""
    return f"{family(field)}{poly} from byte {field.skip + 1}"


def _foreseen(symbols: Sequence[Symbol], fields: Mapping[str, Field]) -> list[bytes]:
    """Every frame that these would send, for as many values of the counter as matter."""
    out: list[bytes] = []
    counters = {name: f for name, f in fields.items() if isinstance(f, CounterField)}
    still = {name: field.low for name, field in counters.items()}
    tries = max(16, _MOST_TRIES // max(len(symbols), 1))
    for symbol in symbols[:64]:
        template = Template(parts_of(symbol), dict(fields), {})
        for name, field in counters.items():
            span = field.high - field.low + 1
            jump = max(1, span // tries)
            value = field.low
            for _ in range(min(tries, span)):
                out.append(template.encode({}, still | {name: value}))
                value = counted_on(
                    CounterField(low=field.low, high=field.high, step=min(jump, 255)), value
                )
    return out

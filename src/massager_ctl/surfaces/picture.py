"""What `run` shows, as lines of styled text: pure, so that it can be tested without a terminal."""

from __future__ import annotations

import textwrap
import unicodedata
from typing import Final

from msgspec import Struct

from massager_ctl.safety.attention import ASK_S
from massager_ctl.safety.governor import Held
from massager_ctl.status import LinkState, Phase, Status
from massager_ctl.units import ZONES, Zone

Span = tuple[str, str]
"""A style and its text."""

Line = list[Span]

STYLES: Final[dict[str, str]] = {
    "plain": "",
    "dim": "2",
    "bold": "1",
    "bar": "36",
    "full": "32",
    "mark": "1;37",
    "ask": "1;33",
    "warn": "33",
    "alarm": "1;31",
}
"""Style names and their terminal codes."""

HEIGHT: Final = 18
"""Rows of the whole picture; it fits 80 columns by 24 rows with room for the prompt."""

_NAME_WIDTH: Final = 15
_NUMBER_WIDTH: Final = 13


class Glyphs(Struct, frozen=True):
    """The letters of which bars are made."""

    full: str
    half: str
    track: str
    target: str
    arrow: str
    none: str
    prompt: str
    dot: str


LINES: Final = Glyphs("━", "╸", "─", "│", "→", "–", "▸", "·")
ASCII: Final = Glyphs("=", "", "-", "|", ">", "-", ">", "|")


def picture(
    status: Status,
    width: int = 80,
    height: int = 24,
    glyphs: Glyphs = LINES,
    *,
    keys: bool = True,
) -> list[Line]:
    """The whole picture for a terminal of that size; no line is wider, and it is never taller.

    `keys`: whether the last row says which keys do what.
    """
    width = max(20, width - 1)
    rows = [
        _title(status, width, glyphs),
        [],
        _progress(status, width, glyphs),
        _phase(status, width, glyphs),
        [],
        _sides(width),
        *(_lane(status, zone, width, glyphs) for zone in ZONES if zone.is_left),
        [],
        *_guidance(status, width, glyphs),
        [],
        *_reasons(status, width),
        _device(status, glyphs),
        [],
        _keys(status) if keys else [],
    ]
    if len(rows) > height - 1:
        rows = [row for row in rows if row]
    if len(rows) > height - 1:
        rows = [*rows[: max(0, height - 2)], rows[-1]]
    return [cropped(row, width) for row in rows]


def _title(status: Status, width: int, glyphs: Glyphs) -> Line:
    where = status.address
    if status.info is not None:
        where += f" {glyphs.dot} {status.info.serial}"
        if status.info.simulated:
            where += " (simulated)"
    return _between([("bold", status.title or "massager-ctl")], [("dim", where)], width)


def _progress(status: Status, width: int, glyphs: Glyphs) -> Line:
    share = status.elapsed_s / status.duration_s if status.duration_s else 0.0
    clock = f"  {played(status.elapsed_s)} of {minutes(status.duration_s)}"
    style = "warn" if status.phase in (Phase.PAUSED, Phase.FADING, Phase.STOPPING) else "full"
    return [*bar(share, None, width - len(clock), style, glyphs), ("plain", clock)]


_PHASES: Final[dict[Phase, tuple[str, str]]] = {
    Phase.IDLE: ("dim", "nothing is running"),
    Phase.ARMING: ("dim", "getting ready"),
    Phase.PAUSED: ("ask", "paused, p to go on"),
    Phase.FADING: ("warn", "fading out"),
    Phase.STOPPING: ("warn", "stopping"),
    Phase.ENDED: ("bold", "over"),
}


def _phase(status: Status, width: int, glyphs: Glyphs) -> Line:
    style, text = _PHASES.get(status.phase, ("plain", status.step))
    if status.link is LinkState.LOST:
        style, text = "alarm", "the link to the device is lost"
    left: Line = [(style, text)]
    if status.phase is Phase.RUNNING:
        motion = _motion(status)
        if motion:
            left.append(("dim", f" {glyphs.dot} {motion}"))
    remaining = f"{minutes(status.remaining_s)} left" if status.phase.in_session else ""
    return _between(left, [("bold", remaining)], width)


def _motion(status: Status) -> str:
    """The motion of the strongest zone, in words."""
    levels = status.sent.levels
    strongest = max(ZONES, key=lambda zone: levels[zone.index])
    if levels[strongest.index] <= 0:
        return ""
    pattern = status.sent.patterns[strongest.index]
    way = "" if pattern.direction == "none" else f" {pattern.direction}"
    return f"{pattern.motion}{way}"


def _half(width: int) -> int:
    return max(8, (width - _NAME_WIDTH) // 2)


def _sides(width: int) -> Line:
    half = _half(width)
    return [("dim", " " * _NAME_WIDTH + "left".ljust(half) + "right")]


def _lane(status: Status, left: Zone, width: int, glyphs: Glyphs) -> Line:
    name = left.value.removesuffix("_left")
    line: Line = [("plain", f"  {name}".ljust(_NAME_WIDTH)[:_NAME_WIDTH])]
    scale = max(10.0, *status.caps)
    room = _half(width)
    for zone in (left, left.mirror):
        actual, target = status.actual[zone.index], status.target[zone.index]
        numbers = _numbers(actual, target, glyphs)
        cells = room - len(numbers) - 2
        if cells >= 4:
            mark = target / scale if _held_back(actual, target) else None
            line += bar(actual / scale, mark, cells, "bar", glyphs)
        line.append(("plain" if actual or target else "dim", f" {numbers} "))
    return line


def _numbers(actual: float, target: float, glyphs: Glyphs) -> str:
    if not actual and not target:
        return glyphs.none.rjust(5).ljust(_NUMBER_WIDTH)
    aim = f"{glyphs.arrow} {target:.1f}" if _held_back(actual, target) else ""
    return f"{actual:5.1f} {aim}".ljust(_NUMBER_WIDTH)


def _held_back(actual: float, target: float) -> bool:
    """A climb keeps a tenth below its target all the time; only more than that is worth a mark."""
    return abs(target - actual) >= 0.5


def bar(share: float, mark: float | None, cells: int, style: str, glyphs: Glyphs) -> Line:
    """A bar of that many cells, filled to `share` (0 to 1), with a mark where it is heading."""
    cells = max(1, cells)
    share = min(1.0, max(0.0, share))
    halves = round(share * cells * (2 if glyphs.half else 1)) / (2 if glyphs.half else 1)
    whole = int(halves)
    filled = glyphs.full * whole + (glyphs.half if halves > whole else "")
    track = glyphs.track * (cells - len(filled))
    if mark is None or mark <= 0 or mark <= share:
        return [(style, filled), ("dim", track)]
    at = min(cells - 1, int(mark * cells))
    if at < len(filled):
        return [(style, filled), ("dim", track)]
    before = at - len(filled)
    return [
        (style, filled),
        ("dim", track[:before]),
        ("mark", glyphs.target),
        ("dim", track[before + 1 :]),
    ]


def _guidance(status: Status, width: int, glyphs: Glyphs) -> list[Line]:
    """Two rows: what the person is asked to do, and for how long."""
    if (
        status.attention_in_s is not None
        and status.attention_in_s <= ASK_S
        and status.phase.in_session
    ):
        wait = minutes(status.attention_in_s)
        return [[("ask", f"{glyphs.prompt} Are you all right? Press any key ({wait}).")], []]
    if status.guided is None:
        return [[], []]
    whole_session = status.guided.remaining_s >= status.remaining_s - 1.0
    left = "" if whole_session else minutes(status.guided.remaining_s)
    text = " ".join(f"{status.guided.text} {status.guided.cue}".split())
    first, *more = textwrap.wrap(text, max(10, width - 10)) or [""]
    below: Line = [("bold", "  " + " ".join(more))]
    if not more and status.guided.following:
        following = " ".join(status.guided.following.split())
        below = [("dim", textwrap.shorten(f"  then: {following}", max(10, width - 2)))]
    return [_between([("bold", f"{glyphs.prompt} {first}")], [("ask", left)], width), below]


def _reasons(status: Status, width: int) -> list[Line]:
    """One row for what holds a zone back, one for what else there is to know."""
    reason = why_held(status.held)
    notes = list(status.notes)
    if status.eased:
        notes.insert(0, f"eased by {status.eased:g} points")
    if status.message and not status.phase.in_session:
        notes.insert(0, status.message.splitlines()[0])
    style = "warn" if reason else "plain"
    return [[(style, reason)], [("dim", "; ".join(notes)[: width * 2])]]


def why_held(held: tuple[Held, ...]) -> str:
    """The longest wait of all, in one line; empty where nothing is held back."""
    if not held:
        return ""
    return str(max(held, key=lambda one: (one.ready_in_s or 0.0, one.wanted - one.allowed)))


def _device(status: Status, glyphs: Glyphs) -> Line:
    telemetry = status.telemetry
    if telemetry is None:
        return [("dim", f"link {status.link}")]
    parts: Line = []
    if telemetry.battery is not None:
        style = "warn" if telemetry.battery < 20 else "dim"
        parts.append((style, f"battery {telemetry.battery} %"))
    else:
        parts.append(("dim", "mains"))
    if telemetry.pad_c is not None:
        parts.append(
            ("warn" if telemetry.pad_c >= 39.5 else "dim", f"pad {telemetry.pad_c:.0f} °C")
        )
    if telemetry.motor_c is not None:
        style = "warn" if telemetry.motor_c >= 60 else "dim"
        parts.append((style, f"motor {telemetry.motor_c:.0f} °C"))
    parts.append(("alarm" if status.link is LinkState.LOST else "dim", f"link {status.link}"))
    if status.dose_left_s is not None:
        parts.append(("dim", f"{minutes(status.dose_left_s)} left today"))
    joined: Line = []
    for part in parts:
        joined += [part] if not joined else [("dim", f"  {glyphs.dot}  "), part]
    return joined


def _keys(status: Status) -> Line:
    if not status.phase.in_session:
        return []
    line: Line = []
    pause = "go on" if status.phase is Phase.PAUSED else "pause"
    for key, does in (
        ("space", "stop"),
        ("p", pause),
        ("-", "ease"),
        ("+", "undo ease"),
        ("q", "fade out"),
        ("!", "it hurts"),
    ):
        line += [("bold", key), ("dim", f" {does}   ")]
    return line


def minutes(seconds: float) -> str:
    """A time as `m:ss`, rounded up, so that nothing shows 0:00 while it goes on."""
    whole = max(0, -int(-seconds // 1))
    return f"{whole // 60}:{whole % 60:02d}"


def played(seconds: float) -> str:
    """A time that has passed as `m:ss`, rounded down."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def cells(text: str) -> int:
    """Columns that a text takes in a terminal."""
    return sum(
        0
        if unicodedata.combining(letter)
        else 2
        if unicodedata.east_asian_width(letter) in "WF"
        else 1
        for letter in text
    )


def cropped(line: Line, width: int) -> Line:
    """The line cut to `width` columns, without control characters: no file can steer the terminal."""
    kept: Line = []
    for style, text in line:
        clean = "".join(letter if letter.isprintable() else " " for letter in text)
        while clean and cells(clean) > width:
            clean = clean[:-1]
        if clean:
            kept.append((style, clean))
        width -= cells(clean)
    return kept


def _between(left: Line, right: Line, width: int) -> Line:
    """`left` and `right` at the two ends; where both do not fit, `left` gives way."""
    tail = sum(cells(text) for _, text in right)
    head = cropped(left, max(0, width - tail - 1))
    gap = width - tail - sum(cells(text) for _, text in head)
    return [*head, ("plain", " " * max(1, gap)), *right]


def in_ascii(text: str) -> str:
    """The text for a terminal that knows ASCII alone: no degree signs, and `?` for what has no other letter."""
    return text.translate(_IN_ASCII).encode("ascii", "replace").decode()


_IN_ASCII: Final = str.maketrans({"°": "", "–": "-", "…": "...", "→": ">", "’": "'", "·": "|"})


def painted(line: Line, *, colour: bool) -> str:
    """The line as text for a terminal, or bare."""
    if not colour:
        return "".join(text for _, text in line).rstrip()
    return "".join(
        f"\x1b[{STYLES[style]}m{text}\x1b[0m" if STYLES[style] and text.strip() else text
        for style, text in line
    ).rstrip()

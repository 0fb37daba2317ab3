"""Builds the terminal view of a session, for `run` and `manual`; pure, so that every size and message can be tested."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from massager_ctl.frontends import words
from massager_ctl.frontends.terminal import zone_meter
from massager_ctl.frontends.terminal.bindings import View, other_keys, vital_keys
from massager_ctl.frontends.terminal.layout import (
    LINES,
    VITAL,
    Block,
    Glyphs,
    Line,
    bar,
    beside,
    ends,
    fitted,
    wrapped,
)
from massager_ctl.frontends.terminal.manual_input import ManualInput
from massager_ctl.model.status import LinkState, Phase, Status
from massager_ctl.model.units import ZONES
from massager_ctl.safety.presence import ASK_S

_GAP: Final = 0
_DEVICE: Final = 1
_NOTES: Final = 2
_TITLE: Final = 3
_KEYS: Final = 4
_PROGRESS: Final = 5
_HELD: Final = 6
_ZONES: Final = 7
_PHASE: Final = 8


def view(  # noqa: PLR0913
    status: Status,
    width: int = 80,
    height: int = 24,
    glyphs: Glyphs = LINES,
    *,
    hand: ManualInput | None = None,
    said: Sequence[str] = (),
    keys: bool = True,
    t: float = 0.0,
) -> list[Line]:
    """The session in at most `height` rows of at most `width` columns.

    `hand`: the input of manual control, in `manual`. `said`: the last message. `keys`: whether keys can be pressed.
    `t`: seconds, monotonic; a text that is longer than the screen is shown in pages.
    """
    width = max(1, width - 1)  # a character in the last column would wrap
    which = View.PROFILE if hand is None else View.MANUAL
    gap = Block(_GAP, [[]])
    news = [row for text in said for row in wrapped(words.plain(text), width, "alarm")]
    todo = guidance(status, width, glyphs, which)
    held, notes = _held(status, width), _notes(status, width)
    return fitted(
        [
            Block(_TITLE, _title(status, width, glyphs)),
            gap,
            Block(_PROGRESS, _progress(status, width, glyphs, which)),
            Block(_PHASE, _phase(status, width, glyphs)),
            gap,
            Block(_ZONES, zone_meter.meters(status, hand, width, glyphs)),
            gap,
            Block(VITAL, news),
            Block(VITAL, todo),
            # If there is room, the rows below do not jump when a line comes or goes.
            *[gap] * (1 + max(0, 2 - len(news) - len(todo))),
            Block(_HELD, held or [[]] if status.phase.in_session else held),
            Block(_NOTES, notes),
            *[gap] * (not notes),
            Block(_DEVICE, _device(status, width, glyphs)),
            gap,
            Block(VITAL, beside(vital_keys(status), width, 3) if keys else []),
            Block(_KEYS, beside(other_keys(status, which), width, 3) if keys else []),
        ],
        height,
        t,
    )


def page(text: str, width: int, height: int, t: float) -> list[Line]:
    """A text that fills the screen: a question, or help."""
    width = max(1, width - 1)
    rows: list[Line] = []
    for line in text.splitlines():
        if len(line) <= width:
            rows.append([("plain", line)] if line else [])
            continue
        lead = line[: len(line) - len(line.lstrip())]
        first, *more = wrapped(line, width - len(lead), "plain", "   " if lead else "")
        rows += (
            [[("plain", lead), *row] for row in (first, *more)]
            if width > 20
            else wrapped(line, width)
        )
    return fitted([Block(VITAL, rows)], height, t)


def _title(status: Status, width: int, glyphs: Glyphs) -> list[Line]:
    where = status.address
    if status.info is not None:
        where += f" {glyphs.dot} {status.info.serial}"
        if status.info.simulated:
            where += " (simulated)"
    return ends([("bold", status.title or "massager-ctl")], [("dim", where)], width)


def _progress(status: Status, width: int, glyphs: Glyphs, which: View) -> list[Line]:
    if which is View.MANUAL or not status.duration_s:
        return []
    share = status.elapsed_s / status.duration_s
    clock = f"{words.passed(status.elapsed_s)} of {words.lasting(status.duration_s)}"
    style = "warn" if status.phase in (Phase.PAUSED, Phase.FADING, Phase.STOPPING) else "full"
    room = width - len(clock) - 2
    if room < 10:
        return wrapped(clock, width)
    return [[*bar(share, None, room, style, glyphs), ("plain", f"  {clock}")]]


_PHASES: Final[dict[Phase, tuple[str, str]]] = {
    Phase.IDLE: ("dim", "nothing is running"),
    Phase.ARMING: ("dim", "getting ready"),
    Phase.PAUSED: ("ask", "paused"),
    Phase.FADING: ("warn", "fading out"),
    Phase.STOPPING: ("warn", "stopping"),
    Phase.ENDED: ("bold", "over"),
}


def _phase(status: Status, width: int, glyphs: Glyphs) -> list[Line]:
    style, text = _PHASES.get(status.phase, ("plain", status.step or "running"))
    left: Line = [(style, text)]
    if status.phase is Phase.RUNNING and (motion := _motion(status)):
        left.append(("dim", f" {glyphs.dot} {motion}"))
    if not status.phase.in_session:
        return ends(left, [], width)
    return ends(left, [("bold", f"{words.lasting(status.remaining_s)} left")], width)


def _motion(status: Status) -> str:
    """The motion of the strongest zone, in words."""
    levels = status.sent.levels
    strongest = max(ZONES, key=lambda zone: levels[zone.index])
    if levels[strongest.index] <= 0:
        return ""
    return words.motion(status.sent.patterns[strongest.index])


def guidance(status: Status, width: int, glyphs: Glyphs, which: View) -> list[Line]:
    """What you must know or do now; all of it, in as many rows as needed."""
    prompt = f"{glyphs.prompt} "
    if status.link is LinkState.LOST:
        text = (
            "The device is not connected. Check its power and its cable."
            if status.info is None
            else "The link to the device is lost; it stops on its own. If it still runs, unplug it."
        )
        return wrapped(f"{prompt}{text}", width, "alarm", "  ")
    if not status.phase.in_session:
        return _over(status, width, which)
    rows: list[Line] = []
    if asks(status):
        rest = words.lasting(status.presence_due_in_s or 0.0)
        text = f"{prompt}Are you all right? Press any key within {rest}."
        rows += wrapped(text, width, "ask", "  ")
    if status.motors_in_s is not None:
        rows += wrapped(f"{prompt}{announcement(status)}", width, "ask", "  ")
    if status.phase is Phase.PAUSED:
        if status.motors_in_s is None:
            rows += wrapped(f"{prompt}{pause_text(status)}", width, "ask", "  ")
    elif status.guided is not None:
        rows += _guided(status, width, prompt)
    elif which is View.MANUAL and status.phase is Phase.RUNNING and not any(status.target):
        rows += wrapped("Up and down choose a place, right and left set how strong.", width)
    return rows


def pause_text(status: Status) -> str:
    """What a pause waits for, and when it ends the session (R8)."""
    left = (
        ""
        if status.pause_left_s is None
        else f" In {words.lasting(status.pause_left_s)} it ends the session."
    )
    return f"Paused, everything at zero. p goes on, gently.{left}"


def announcement(status: Status) -> str:
    """The announcement of motors after hands-only time: when, and what to do."""
    if status.motors_in_s:
        wait = words.lasting(status.motors_in_s)
        return f"Put the massager back behind your neck; it starts gently in {wait}."
    left = (
        ""
        if status.pause_left_s is None
        else f" In {words.lasting(status.pause_left_s)} the session ends."
    )
    return f"Put the massager back behind your neck, then press any key: it starts gently.{left}"


def _guided(status: Status, width: int, prompt: str) -> list[Line]:
    step = status.guided
    assert step is not None
    whole_session = step.remaining_s >= status.remaining_s - 1.0
    left = "" if whole_session else f" ({words.lasting(step.remaining_s)})"
    text = " ".join(f"{step.text} {step.cue}".split())
    rows = wrapped(f"{prompt}{text}{left}", width, "bold", "  ")
    if step.following:
        rows += wrapped(f"  then: {' '.join(step.following.split())}", width, "dim", "  ")
    return rows


def _over(status: Status, width: int, which: View) -> list[Line]:
    if status.phase is Phase.ENDED and status.message:
        return wrapped(f"Over: {words.plain(status.message)}.", width, "bold")
    if which is View.MANUAL:
        return wrapped("Nothing is running. Enter starts, with every level at zero.", width)
    return []


def asks(status: Status) -> bool:
    """Whether the person is asked to show presence (R23)."""
    return (
        status.presence_due_in_s is not None
        and status.presence_due_in_s <= ASK_S
        and status.phase.in_session
    )


def _held(status: Status, width: int) -> list[Line]:
    reason = words.longest_held(status.held)
    return wrapped(reason, width, "warn", "  ") if reason else []


def _notes(status: Status, width: int) -> list[Line]:
    notes = [words.plain(note) for note in status.notes]
    if status.eased:
        notes.insert(0, f"eased by {status.eased:g} points")
    return wrapped("; ".join(notes), width, "dim", "  ") if notes else []


def _device(status: Status, width: int, glyphs: Glyphs) -> list[Line]:
    report = status.telemetry
    parts: list[Line] = []
    if report is not None:
        if report.battery is None:
            parts.append([("dim", "mains")])
        elif report.battery < 20:
            parts.append([("warn", f"battery low, {report.battery} %")])
        else:
            parts.append([("dim", f"battery {report.battery} %")])
        if report.pad_c is not None:
            warm = report.pad_c >= 39.5
            text = f"pad {'too warm, ' if warm else ''}{report.pad_c:.0f} °C"
            parts.append([("warn" if warm else "dim", text)])
        if report.heat_on:
            parts.append([("plain", "heat is on")])
        if report.motor_c is not None:
            hot = report.motor_c >= 60
            text = f"motor {'hot, ' if hot else ''}{report.motor_c:.0f} °C"
            parts.append([("warn" if hot else "dim", text)])
    parts.append([("alarm" if status.link is LinkState.LOST else "dim", f"link {status.link}")])
    if status.dose_left_s is not None:
        parts.append([("dim", f"{words.lasting(status.dose_left_s)} left today")])
    separate = [parts[0], *([("dim", f"{glyphs.dot} "), *part] for part in parts[1:])]
    return beside(separate, width)

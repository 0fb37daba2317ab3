"""What manual control shows, as lines of text: pure, in colour or without, in Unicode or plain letters."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from massager_ctl.safety.attention import ASK_S
from massager_ctl.status import LinkState, Phase, Status
from massager_ctl.surfaces.manual.hand import Hand, Link
from massager_ctl.units import ZONES, Zone

SCALE: Final = 70.0
"""Percent at the right end of a lane: no cap is higher (R1)."""

LEFT: Final = 17
"""Columns before a lane's bar."""

RIGHT: Final = 22
"""Columns after it."""


class Marks(Struct, frozen=True):
    """The letters of a lane."""

    actual: str
    free: str
    closed: str
    target: str
    cap: str
    chosen: str
    mirror: str


UNICODE: Final = Marks("█", "░", "·", "◆", "┃", "▶", "▷")
PLAIN: Final = Marks("#", "-", ".", "O", "|", ">", ")")


def bar_width(width: int) -> int:
    """Columns of a lane's bar on a screen of `width` columns."""
    return max(10, width - LEFT - RIGHT)


def percent_at(column: int, width: int) -> float | None:
    """The level under a column of a lane, for the mouse; None outside the bar."""
    place = column - LEFT
    if not 0 <= place < bar_width(width):
        return None
    return round(place / (bar_width(width) - 1) * SCALE)


def lane(status: Status, hand: Hand, zone: Zone, width: int, marks: Marks) -> str:
    """One zone: name, what it is at, what is allowed now, its cap, and what was asked for."""
    i = zone.index
    columns = bar_width(width)
    actual, allowed, cap = status.actual[i], status.allowed[i], status.caps[i]
    target = hand.asked[i]

    def column(percent: float) -> int:
        return min(columns - 1, round(percent / SCALE * (columns - 1)))

    cells = [marks.closed] * columns
    if allowed > 0:
        for place in range(column(allowed) + 1):
            cells[place] = marks.free
    if actual > 0:
        for place in range(column(actual) + 1):
            cells[place] = marks.actual
    if cap > 0:
        cells[column(cap)] = marks.cap
    if target > 0:
        cells[column(target)] = marks.target
    pointer = " "
    if zone is hand.zone:
        pointer = marks.chosen
    elif zone in hand.zones:
        pointer = marks.mirror
    muscle, _, side = zone.rpartition("_")
    name = f"{pointer} {muscle:<12} {side[0].upper()} "
    return f"{name}{''.join(cells)}  {actual:4.1f} of {target:4.1f}  cap {cap:2.0f}"


def head(status: Status, width: int) -> str:
    """The device and how it is: battery, warmth, link, time left."""
    name = status.info.serial if status.info else status.address
    parts = [name]
    report = status.telemetry
    if report is not None:
        parts.append("mains" if report.battery is None else f"battery {report.battery} %")
        if report.pad_c is not None:
            parts.append(f"pad {report.pad_c:.1f} °C")
        if report.rejected:
            parts.append(f"{report.rejected} frames lost")
    parts.append(f"link {status.link}")
    if status.dose_left_s is not None:
        parts.append(f"{status.dose_left_s / 60:.0f} min left today")
    left = "  ".join(parts)
    if not status.phase.in_session:
        return left[:width]
    minutes, seconds = divmod(round(status.remaining_s), 60)
    clock = f"off in {minutes}:{seconds:02d}"
    return f"{left[: width - len(clock) - 1]:<{width - len(clock)}}{clock}"


def moving(hand: Hand) -> str:
    """Motion, direction, heat, and whether the sides are linked."""
    heat = "off" if hand.heat is None else f"{hand.heat:.0f} °C"
    sides = "left and right together" if hand.link is Link.LINKED else "one side alone"
    return f"motion {hand.motion} {hand.direction}   heat {heat}   {sides}"


_WORDS: Final = {
    Phase.IDLE: "Nothing runs. Enter starts, every level at zero.",
    Phase.ARMING: "Starting ...",
    Phase.PAUSED: "Paused, five minutes at most. p goes on, climbing from zero.",
    Phase.FADING: "Fading out ...",
    Phase.STOPPING: "Stopping ...",
}


def word(status: Status, hand: Hand) -> str:
    """The one line that matters now: what to do next, or why something is held back."""
    if status.link is LinkState.LOST:
        return "The link is gone; the device stops by itself. Trying to reach it again ..."
    if status.phase is Phase.ENDED:
        return f"At zero: {status.message}. Enter starts again, q leaves."
    if status.phase in _WORDS:
        return _WORDS[status.phase]
    if status.attention_in_s is not None and status.attention_in_s <= ASK_S:
        return f"Are you all right? Press any key within {status.attention_in_s:.0f} s."
    for held in status.held:
        if held.zone in hand.zones:
            return f"Climbing slowly: {held}."
    if status.eased:
        return f"Eased by {status.eased:g} points; + takes one ease back."
    if not any(hand.asked):
        return "Up and down choose a place, right and left set how strong. Space stops."
    return ""


HELP: Final = """\
up, down      another place        space, s  STOP, at once
tab           the next muscle      -         ease: 5 points less
right, left   1 point more, less   +         take an ease back
page up/down  5 points more, less  p         pause, go on
0 to 9        a level: 2 5 is 25   f         fade out and end
l             link, unlink sides   !         it hurts: stop first
m, d          motion, direction    h         heat: off, 36, 38, 39 °C
enter         start, at zero       q         stop and leave

By mouse: click in a lane to set it, or on STOP.
A level falls at once and climbs slowly; nothing makes it climb faster.
Any key closes this page."""


def screen(status: Status, hand: Hand, width: int, marks: Marks = UNICODE) -> list[str]:
    """The lanes with their head and the line that matters."""
    rows = [head(status, width), ""]
    rows += [lane(status, hand, zone, width, marks) for zone in ZONES]
    return [*rows, "", moving(hand), word(status, hand)]

"""A session as lines of text, one for each change: for pipes, logs and screen readers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from massager_ctl.frontends import words
from massager_ctl.frontends.terminal.layout import printable
from massager_ctl.frontends.terminal.session_view import announcement, asks, pause_text
from massager_ctl.frontends.terminal.writer import Writer
from massager_ctl.frontends.terminal.zone_meter import aimed, held_back
from massager_ctl.model.status import Phase, Status
from massager_ctl.model.units import ZONES

REPORT_S: Final = 60.0
"""Seconds of the session between two progress lines."""


class NewsLines:
    """Writes a line to a descriptor whenever something changes."""

    def __init__(self, descriptor: int, on_broken: Callable[[], None] | None = None) -> None:
        self._writer = Writer(descriptor, on_broken)
        self._last: Status | None = None
        self._reported_s = 0.0
        self._held = ""

    def update(self, status: Status) -> None:
        """Write what has changed in this status."""
        last, self._last = self._last, status
        for text in self._news(last, status):
            self.say(text, status.elapsed_s)

    def say(self, text: str, at_s: float) -> None:
        """Write a line with the session's time."""
        line = f"{words.passed(at_s):>12}  {printable(words.plain(text))[:500]}\n"
        self._writer.put(lambda: line)

    def close(self) -> None:
        """Write what is waiting."""
        self._writer.close()

    def _news(self, last: Status | None, status: Status) -> list[str]:
        news: list[str] = []
        if not status.phase.in_session:
            return news
        began = last is None or not last.phase.in_session
        if began or last is None:
            news.append(f"{status.title}, {words.lasting(status.duration_s)}, on {status.address}")
            last = Status()
        if status.notes and status.notes != last.notes:
            news += status.notes
        news += _phase(last, status)
        if status.step != last.step and status.step:
            news.append(status.step)
        if status.guided and (last.guided is None or last.guided.text != status.guided.text):
            whole = status.guided.total_s >= status.duration_s - 1.0
            timed = "" if whole else f" ({words.lasting(status.guided.total_s)})"
            news.append(status.guided.text + timed)
        if status.motors_in_s is not None and last.motors_in_s is None:
            news.append(announcement(status))
        if status.eased != last.eased:
            news.append(f"eased by {status.eased:g} points")
        if asks(status) and not asks(last):
            news.append("Are you all right? Press any key.")
        if status.elapsed_s - self._reported_s >= REPORT_S:
            self._reported_s = status.elapsed_s
            news.append(self._report(status))
        return news

    def _report(self, status: Status) -> str:
        levels = "; ".join(
            f"{words.place(zone)} {_level(status.actual[zone.index], aimed(status, zone))}"
            for zone in ZONES
            if status.actual[zone.index] or status.target[zone.index]
        )
        reason = words.longest_held(status.held)
        new = f"; {reason}" if reason and reason.split(":")[0] != self._held else ""
        self._held = reason.split(":")[0] if reason else ""
        return f"{words.lasting(status.remaining_s)} left; {levels or 'all at zero'}{new}"


def _phase(last: Status, status: Status) -> list[str]:
    """A new phase in words."""
    if status.phase is last.phase:
        return []
    if status.phase is Phase.PAUSED:
        return [pause_text(status) if status.motors_in_s is None else announcement(status)]
    if status.phase is Phase.FADING:
        return ["fading out"]
    return ["going on"] if last.phase is Phase.PAUSED else []


def _level(actual: float, aim: float) -> str:
    """`16` or, while it is held back, `16 of 25`."""
    return f"{actual:.0f} of {aim:.0f} %" if held_back(actual, aim) else f"{actual:.0f} %"

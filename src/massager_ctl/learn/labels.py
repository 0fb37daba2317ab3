"""What the person did and when: `12.5 level 2`, one a line, or asked one by one."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Final, NamedTuple

from massager_ctl.errors import CaptureError

MAX_LABELS: Final = 2000
_LEVEL: Final = re.compile(r"(?:level\s*)?(\d{1,3})")
_CLOCK: Final = re.compile(r"(\d{1,2}):(\d{2}):(\d{2}(?:\.\d+)?)")
_STOP: Final = frozenset({"stop", "off", "0", "level 0"})
_ON: Final = frozenset({"on", "power on", "start"})
_OTHER: Final = frozenset({"other", "nothing", "ignore", "connect"})
_DAY_S: Final = 86_400


class Action(StrEnum):
    """What a person did with the app."""

    LEVEL = "level"
    STOP = "stop"
    ON = "on"
    """Switched on, without a level yet."""
    OTHER = "other"


class Label(NamedTuple):
    """One action: seconds since the capture's start; the level is 0 for a stop."""

    time: float
    action: Action
    level: int = 0

    def __str__(self) -> str:
        return f"level {self.level}" if self.action is Action.LEVEL else self.action.value


def parse_action(text: str) -> tuple[Action, int]:
    """`level 3` or `3`, `stop` or `off`, `on`, `other`. CaptureError for anything else."""
    words = " ".join(text.lower().split())
    if words in _STOP:
        return Action.STOP, 0
    if words in _ON:
        return Action.ON, 0
    if words in _OTHER:
        return Action.OTHER, 0
    found = _LEVEL.fullmatch(words)
    if found and 1 <= int(found[1]) <= 100:
        return Action.LEVEL, int(found[1])
    raise CaptureError(
        f"'{text}' is not a label", "Write 'level 1' to 'level 100', 'stop', 'on', or 'other'."
    )


def read_labels(path: Path, started: float) -> tuple[Label, ...]:
    """The labels in a file; `started` is the capture's first moment, for times of the clock."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "no UTF-8 text"
        raise CaptureError(
            f"cannot read {path}: {reason}", "Check the path and its permissions."
        ) from None
    return parse_labels(text.splitlines(), started)


def parse_labels(lines: Iterable[str], started: float) -> tuple[Label, ...]:
    """The labels in lines `TIME DEED`, by time. CaptureError names the line that cannot be read."""
    labels: list[Label] = []
    for number, whole in enumerate(lines, 1):
        line = whole.split("#")[0].strip()
        if not line:
            continue
        time, _, action = re.sub(r"[,;\t]+", " ", line).partition(" ")
        try:
            labels.append(Label(_seconds(time, started), *parse_action(action)))
        except CaptureError as error:
            raise CaptureError(
                f"line {number} of the labels: {error.message}", error.remedy
            ) from None
    if len(labels) > MAX_LABELS:
        raise CaptureError(
            f"{len(labels)} labels, and {MAX_LABELS} are the most", "Leave some out."
        )
    return tuple(sorted(labels))


def _seconds(text: str, started: float) -> float:
    """Seconds since the capture's start, from such, from seconds since 1970, or from a time of the clock."""
    if found := _CLOCK.fullmatch(text):
        clock = int(found[1]) * 3600 + int(found[2]) * 60 + float(found[3])
        first = datetime.fromtimestamp(started).astimezone()
        offset = clock - (first.hour * 3600 + first.minute * 60 + first.second) - started % 1
        return offset + _DAY_S if offset < -_DAY_S / 2 else offset
    try:
        value = float(text)
    except ValueError:
        value = math.nan
        if "T" in text:
            try:
                value = datetime.fromisoformat(text).timestamp()
            except ValueError:
                value = math.nan
    if not math.isfinite(value):
        raise CaptureError(
            f"'{text}' is not a time",
            "Write seconds since the capture's start, or a time such as 20:15:03 or 2026-01-31T20:15:03.",
        )
    return value - started if value > 1e8 else value

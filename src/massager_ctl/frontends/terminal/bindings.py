"""The table of keys: what each does in `run` and `manual`, its label, and which are always shown."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from msgspec import Struct

from massager_ctl.frontends.terminal.layout import Line
from massager_ctl.model.status import Phase, Status


class Action(StrEnum):
    """What a key does."""

    STOP = "stop"
    PAIN = "pain"
    PAUSE = "pause"
    EASE = "ease"
    UNDO = "undo"
    FADE = "fade"
    QUIT = "quit"
    HELP = "help"
    START = "start"
    LINK = "link"
    MOTION = "motion"
    DIRECTION = "direction"
    HEAT = "heat"


class View(StrEnum):
    """What the screen is for: a profile, or manual control."""

    PROFILE = "profile"
    MANUAL = "manual"


class Binding(Struct, frozen=True):
    """The keys of one action. `label` is for the row of keys, `help` for the help page."""

    action: Action
    keys: tuple[str, ...]
    shown: str
    label: str
    help: str
    views: frozenset[View] = frozenset(View)


_MANUAL: Final = frozenset({View.MANUAL})

BINDINGS: Final = (
    Binding(Action.STOP, ("space", "s", "S"), "space", "stop", "stop, at once (s does the same)"),
    Binding(Action.PAIN, ("!",), "!", "it hurts", "it hurts: stop, then say what it was"),
    Binding(Action.PAUSE, ("p", "P"), "p", "pause", "pause, resume"),
    Binding(Action.EASE, ("-", "_"), "-", "ease", "ease: 5 points less everywhere"),
    Binding(Action.UNDO, ("+", "="), "+", "undo ease", "undo the last ease"),
    Binding(Action.QUIT, ("q", "Q"), "q", "fade out and quit", "fade out, then leave"),
    Binding(Action.HELP, ("?",), "?", "help", "this page"),
    Binding(Action.FADE, ("f", "F"), "f", "", "fade out and stay", _MANUAL),
    Binding(Action.START, ("enter",), "enter", "", "start, with every level at zero", _MANUAL),
    Binding(
        Action.LINK, ("l", "L"), "l", "", "left and right together, or one side alone", _MANUAL
    ),
    Binding(Action.MOTION, ("m", "M"), "m", "", "the next motion", _MANUAL),
    Binding(Action.DIRECTION, ("d", "D"), "d", "", "the next direction", _MANUAL),
    Binding(Action.HEAT, ("h", "H"), "h", "", "heat: off, 36, 38, 39 °C", _MANUAL),
)

_BY_KEY: Final = {
    (view, key): binding.action
    for binding in BINDINGS
    for view in binding.views
    for key in binding.keys
}

STOP_KEYS: Final = frozenset(BINDINGS[0].keys)
PAIN_KEYS: Final = frozenset(BINDINGS[1].keys)
"""In every view."""

LEVELS: Final = (
    ("up, down", "another place"),
    ("tab", "the next muscle"),
    ("right, left", "1 point more, less"),
    ("page up, down", "5 points more, less"),
    ("0 to 9", "a level: 2 5 is 25"),
)
"""Keys of manual control that set levels (`ManualInput`)."""


def action(key: str, view: View) -> Action | None:
    """What a key does in that view; None for a key that only shows presence (R23)."""
    return _BY_KEY.get((view, key))


def vital_keys(status: Status) -> list[Line]:
    """The keys that every screen shows while a session runs: stop and pain."""
    return (
        [_shown(binding, binding.label) for binding in BINDINGS[:2]]
        if status.phase.in_session
        else []
    )


def other_keys(status: Status, view: View) -> list[Line]:
    """The other keys that you may need now."""
    if not status.phase.in_session:
        return (
            [[("bold", "enter"), ("dim", " start")], [("bold", "q"), ("dim", " leave")]]
            if view is View.MANUAL
            else []
        )
    return [
        _shown(
            binding,
            "go on"
            if binding.action is Action.PAUSE and status.phase is Phase.PAUSED
            else binding.label,
        )
        for binding in BINDINGS[2:]
        if binding.label
    ]


def _shown(binding: Binding, label: str) -> Line:
    return [("bold", binding.shown), ("dim", f" {label}")]


def help_text(view: View) -> str:
    """The help page, one row per key."""
    rows = [(binding.shown, binding.help) for binding in BINDINGS if view in binding.views]
    if view is View.MANUAL:
        rows += [*LEVELS, ("mouse", "click in a zone's bar to set it, or on STOP")]
    lines = [f"{shown:<14}{does}" for shown, does in rows]
    note = "A level falls at once and climbs slowly; nothing makes it climb faster."
    return "\n".join([*lines, "", note, "Any key closes this page; space stops here too."])

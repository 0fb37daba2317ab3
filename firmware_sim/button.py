"""The button acts on its first edge; bounce, a stuck key or an open cable can only keep it pressed (R7).

A cable that opens and closes again is no hand: it clears nothing and pairs nothing.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

RELEASE_S: Final = 0.05
"""The contact must be open this long before the button counts as released."""
CLEAR_HOLD_S: Final = 2.0
PAIR_HOLD_S: Final = 5.0


class Edge(Enum):
    """What the firmware has to act on."""

    NONE = 0
    PRESSED = 1
    OPENED = 2


class Button:
    """One key with its cable; times in seconds of the device's clock."""

    __slots__ = (
        "_by_hand",
        "_contact",
        "_open",
        "_pressed_at",
        "_quiet_since",
        "hold_s",
        "pressed",
    )

    def __init__(self) -> None:
        self._contact = False
        self._open = False
        self._by_hand = False
        self._pressed_at = 0.0
        self._quiet_since: float | None = None
        self.pressed = False
        """Debounced: pressed, stuck or its cable open."""
        self.hold_s = 0.0
        """How long a hand held it the last time; 0 where its cable was open in that time."""

    @property
    def open(self) -> bool:
        """The cable is open."""
        return self._open

    def contact(self, closed: bool, now: float) -> Edge:
        """The key's contact closes or opens."""
        self._contact = closed
        return self._sense(Edge.PRESSED, now)

    def cable(self, is_open: bool, now: float) -> Edge:
        """The cable breaks or is mended; an open one reads as pressed."""
        self._open = is_open
        return self._sense(Edge.OPENED, now)

    def _sense(self, edge: Edge, now: float) -> Edge:
        if not (self._contact or self._open):
            self._quiet_since = now
            return Edge.NONE
        self._quiet_since = None
        if self.pressed:
            self._by_hand = self._by_hand and not self._open
            return Edge.NONE
        self.pressed = True
        self._by_hand = not self._open
        self._pressed_at = now
        return edge

    def settle(self, now: float) -> bool:
        """True once, when the button has come to rest after a press; `hold_s` is then its length."""
        quiet = self._quiet_since
        if quiet is None or now - quiet < RELEASE_S:
            return False
        self._quiet_since = None
        self.pressed = False
        self.hold_s = quiet - self._pressed_at if self._by_hand else 0.0
        return True

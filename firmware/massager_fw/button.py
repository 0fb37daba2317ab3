"""The button acts on its first edge; bounce, a stuck key or an open cable can only keep it pressed (R7).

A cable that opens and closes again is not a hand: it clears nothing and pairs nothing.
"""

from __future__ import annotations

from massager_fw.board import CABLE_OPEN, RELEASED

RELEASE_MS = 50
"""The contact must be open this long before the button counts as released."""
CLEAR_HOLD_MS = 2_000
PAIR_HOLD_MS = 5_000
_NOT_QUIET = -1


class Edge:
    """What the firmware has to act on."""

    NONE = 0
    PRESSED = 1
    OPENED = 2


class Button:
    """One key with its cable; times in milliseconds of the device's clock."""

    __slots__ = ("_by_hand", "_pressed_at", "_quiet_since", "_state", "hold_ms", "pressed")

    def __init__(self) -> None:
        self._state = RELEASED
        self._by_hand = False
        self._pressed_at = 0
        self._quiet_since = _NOT_QUIET
        self.pressed = False
        """Debounced: pressed, stuck or its cable open."""
        self.hold_ms = 0
        """How long a hand held it the last time; 0 if its cable was open in that time."""

    @property
    def open(self) -> bool:
        """The cable is open."""
        return self._state == CABLE_OPEN

    def sense(self, state: int, now: int) -> int:
        """What the board reads now, at each change or each tick: the `Edge` that it is."""
        if state == self._state:
            return Edge.NONE
        self._state = state
        if state == RELEASED:
            self._quiet_since = now
            return Edge.NONE
        self._quiet_since = _NOT_QUIET
        by_hand = state != CABLE_OPEN
        if self.pressed:
            self._by_hand = self._by_hand and by_hand
            return Edge.NONE
        self.pressed = True
        self._by_hand = by_hand
        self._pressed_at = now
        return Edge.PRESSED if by_hand else Edge.OPENED

    def settle(self, now: int) -> bool:
        """True once, when the button has come to rest after a press; `hold_ms` is then its length."""
        quiet = self._quiet_since
        if quiet == _NOT_QUIET or now - quiet < RELEASE_MS:
            return False
        self._quiet_since = _NOT_QUIET
        self.pressed = False
        self.hold_ms = quiet - self._pressed_at if self._by_hand else 0
        return True
